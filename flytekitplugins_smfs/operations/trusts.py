"""Who may take on the roles that `operations.policies` writes policies for."""

from __future__ import annotations

from flytekitplugins_smfs.operations.policies import VERSION
from flytekitplugins_smfs.values.errors import SmfsError
from flytekitplugins_smfs.values.plain import Json

PROVIDER = ":oidc-provider/"


def of_account(provider: str | None, namespace: str, service_account: str) -> Json:
    """A service account of Kubernetes; `*` in its names stands for any.

    `provider` is the ARN of the cluster's OpenID Connect provider
    (https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html). Without one:
    whatever EKS Pod Identity was told to give the role to (https://docs.aws.amazon.com/eks/latest/userguide/pod-id-role.html).
    """
    if provider is None:
        principal = {"Service": "pods.eks.amazonaws.com"}
        return _trust(principal, ["sts:AssumeRole", "sts:TagSession"], {})
    if PROVIDER not in provider:
        raise SmfsError(f"{provider!r} is no ARN of an OpenID Connect provider: arn:aws:iam::ACCOUNT{PROVIDER}....")
    issuer = provider.partition(PROVIDER)[2]
    subject = f"system:serviceaccount:{namespace}:{service_account}"
    audience = {f"{issuer}:aud": "sts.amazonaws.com"}
    if "*" in subject:
        when: Json = {"StringEquals": audience, "StringLike": {f"{issuer}:sub": subject}}
    else:
        when = {"StringEquals": {**audience, f"{issuer}:sub": subject}}
    return _trust({"Federated": provider}, ["sts:AssumeRoleWithWebIdentity"], when)


def of_jobs(account: str) -> Json:
    """SageMaker, on behalf of this account alone if it is known.

    https://docs.aws.amazon.com/sagemaker/latest/dg/security-confused-deputy-prevention.html
    """
    when = {} if account == "*" else {"StringEquals": {"aws:SourceAccount": account}}
    return _trust({"Service": "sagemaker.amazonaws.com"}, ["sts:AssumeRole"], when)


def _trust(principal: Json, actions: list[str], when: Json) -> Json:
    said: Json = {"Effect": "Allow", "Principal": principal, "Action": actions}
    return {"Version": VERSION, "Statement": [{**said, "Condition": when} if when else said]}
