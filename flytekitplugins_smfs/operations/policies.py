"""IAM policies for what is registered: which actions, on which resources, under which conditions.

What AWS can narrow, and by what, is from its Service Authorization Reference:
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonfsx.html, list_amazonsagemaker.html,
list_amazonec2.html, list_amazonelasticfilesystem.html and list_amazoncloudwatchlogs.html there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from flytekitplugins_smfs.aws.names import EXECUTION_TAG, FINGERPRINT_TAG, REMOVING_TAG, slug
from flytekitplugins_smfs.operations import catalog
from flytekitplugins_smfs.operations.sagemaker import NETWORK
from flytekitplugins_smfs.values.plain import Json

VERSION = "2012-10-17"
FREE = frozenset({"sts:GetCallerIdentity"})
"""Needs no permission: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html"""
SWEEPING = ("fsx:DescribeFileSystems", "fsx:DescribeDataRepositoryAssociations")
"""Every connector looks for removals that were begun."""
SUFFIX = 11
"""A job's name ends so: a hyphen and ten characters of the owner (`aws.names.job_name`)."""
LIMITS = {"training": 63, "tuning": 32}
"""The longest names of jobs."""


@dataclass(frozen=True)
class Registered:
    """One task as it is registered, as far as policies go by it."""

    operation: str
    name: str = "*"
    """The name that its jobs are called after; `*` where only a call will say it."""
    role: str | None = None
    """The execution role that its declaration gives its jobs."""
    mounts: bool = False
    """Whether AWS is asked for the network of file systems that it reads."""
    vpc: bool = False
    """Whether its jobs may be in a VPC."""
    deck: bool = False


@dataclass(frozen=True)
class Scope:
    """Where it runs; what is not known is `*`."""

    partition: str = "aws"
    region: str = "*"
    account: str = "*"
    role: str | None = None
    """The execution role of jobs whose declaration gives none."""
    store: tuple[str, ...] = ()
    """S3 prefixes of Flyte's own: metadata, outputs and raw data."""
    data: tuple[str, ...] = ()
    """S3 prefixes of data sets, channels and outputs of jobs."""
    first_use: bool = False
    """Whether FSx may make its role for the account, which it does with the first file system."""

    def arn(self, service: str, rest: str) -> str:
        """The ARN of a regional resource."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{rest}"

    def iam(self, rest: str) -> str:
        """The ARN of a resource of IAM."""
        return f"arn:{self.partition}:iam::{self.account}:{rest}"


@dataclass(frozen=True)
class Rule:
    """What one action is allowed on, and when.

    Resources are as `Scope.arn` takes them: `service rest`. In them `{training}` and `{tuning}` stand for the names of
    the jobs of the tasks that need the action; `{roles}` for the roles that those are given.
    """

    resources: tuple[str, ...] = ("*",)
    when: Json = field(default_factory=dict)


def _present(key: str) -> Json:
    return {"Null": {key: "false"}}


ANY = (Rule(),)
"""What AWS narrows by no resource: lists, and descriptions of all there is."""
MADE = _present(f"aws:RequestTag/{EXECUTION_TAG}")
OURS = _present(f"aws:ResourceTag/{EXECUTION_TAG}")
TAGS = {"ForAllValues:StringEquals": {"aws:TagKeys": [REMOVING_TAG]}}
MARKS = {"ForAllValues:StringEquals": {"aws:TagKeys": [FINGERPRINT_TAG]}}
SYSTEMS, LINKS, IMPORTS = "fsx file-system/*", "fsx association/*", "fsx task/*"
TRAININGS, TUNINGS = "sagemaker training-job/{training}", "sagemaker hyper-parameter-tuning-job/{tuning}"
TRIALS = "sagemaker training-job/{tuning}"
"""The jobs that a tuning job makes, which are called after it."""
LOG = "logs log-group:/aws/sagemaker/TrainingJobs"
ONCE_A_LINK = "iam role/aws-service-role/s3.data-source.lustre.fsx.amazonaws.com/*"

RULES: dict[str, tuple[Rule, ...]] = {
    "ec2:DescribeNetworkInterfaces": ANY,
    "ec2:DescribeSubnets": ANY,
    "elasticfilesystem:DescribeMountTargets": (Rule(("elasticfilesystem file-system/*",)),),
    "fsx:CreateFileSystem": (Rule((SYSTEMS,), MADE),),
    # The file system is authorised, too, and one that was there before has no tag of ours.
    "fsx:CreateDataRepositoryAssociation": (Rule((LINKS,), MADE), Rule((SYSTEMS,))),
    "fsx:CreateDataRepositoryTask": (Rule((IMPORTS,), MADE), Rule((SYSTEMS,))),
    "fsx:CancelDataRepositoryTask": (Rule((IMPORTS,), OURS),),
    "fsx:DeleteFileSystem": (Rule((SYSTEMS,), OURS),),
    "fsx:DeleteDataRepositoryAssociation": (Rule((LINKS,), OURS),),
    "fsx:DescribeFileSystems": ANY,
    "fsx:DescribeDataRepositoryAssociations": ANY,
    "fsx:DescribeDataRepositoryTasks": ANY,
    # With a creation, and to mark for removal. FSx has no key that tells the two apart, as SageMaker has.
    "fsx:TagResource": (Rule((SYSTEMS, LINKS, IMPORTS), MADE), Rule((SYSTEMS, LINKS), {**OURS, **TAGS})),
    "fsx:UntagResource": (Rule((SYSTEMS, LINKS), {**OURS, **MARKS}),),
    "iam:PassRole": (Rule(("{roles}",), {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}),),
    "logs:DescribeLogStreams": (Rule((LOG, f"{LOG}:*")),),
    "logs:GetLogEvents": (Rule((f"{LOG}:log-stream:{{training}}",)),),
    "sagemaker:AddTags": (
        Rule((TRAININGS,), {"StringEquals": {"sagemaker:TaggingAction": "CreateTrainingJob"}}),
        Rule((TUNINGS,), {"StringEquals": {"sagemaker:TaggingAction": "CreateHyperParameterTuningJob"}}),
    ),
    "sagemaker:CreateTrainingJob": (Rule((TRAININGS,), MADE),),
    "sagemaker:CreateHyperParameterTuningJob": (Rule((TUNINGS,), MADE),),
    "sagemaker:DescribeTrainingJob": (Rule((TRAININGS, TRIALS)),),
    "sagemaker:DescribeHyperParameterTuningJob": (Rule((TUNINGS,)),),
    "sagemaker:ListHyperParameterTuningJobs": ANY,
    "sagemaker:ListTags": (Rule((TRAININGS, TUNINGS)),),
    "sagemaker:ListTrainingJobs": ANY,
    "sagemaker:ListTrainingJobsForHyperParameterTuningJob": (Rule((TUNINGS,)),),
    "sagemaker:Search": ANY,
    "sagemaker:StopTrainingJob": (Rule((TRAININGS,)),),
    "sagemaker:StopHyperParameterTuningJob": (Rule((TUNINGS,)),),
}
"""Every action that an operation declares, except the free ones."""


def actions(tasks: Iterable[Registered]) -> frozenset[str]:
    """The IAM actions of AWS calls that a connector makes for these tasks, and those that AWS asks for with them."""
    return frozenset({*SWEEPING, *(call for task in tasks for call in _calls(task))} - FREE)


def connector(tasks: Sequence[Registered], scope: Scope) -> Json:
    """The policy of the connector's role: the actions of these tasks, and Flyte's store where it writes there."""
    statements = [*_merged(_allowed(tasks, scope))]
    operations = {task.operation for task in tasks}
    if operations & set(LIMITS) or any(task.deck for task in tasks):  # what waits for its turn, and decks
        statements += _objects(scope, scope.store, ("GetObject", "PutObject", "DeleteObject", "AbortMultipartUpload"))
    if operations & {"repository-link", "lustre-provision"}:  # FSx makes a role for each file system that is linked
        roles = ("iam:CreateServiceLinkedRole", "iam:AttachRolePolicy", "iam:PutRolePolicy")
        statements.append(_statement(roles, (_resource(scope, ONCE_A_LINK),)))
    if scope.first_use and operations & {"lustre-create", "lustre-provision"}:
        role = scope.iam("role/aws-service-role/fsx.amazonaws.com/*")
        only = {"StringEquals": {"iam:AWSServiceName": "fsx.amazonaws.com"}}
        statements.append(_statement(("iam:CreateServiceLinkedRole",), (role,), only))
    return document(statements)


def pods(scope: Scope) -> Json:
    """The policy of Python tasks' pods: data sets, and Flyte's store."""
    verbs = ("GetObject", "PutObject", "DeleteObject", "AbortMultipartUpload")
    return document(_objects(scope, (*scope.store, *scope.data), verbs))


def job(tasks: Sequence[Registered], scope: Scope) -> Json:
    """The policy of the jobs' execution role, as
    https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html has it for CreateTrainingJob."""
    images = ("BatchCheckLayerAvailability", "GetDownloadUrlForLayer", "BatchGetImage")
    logs = ("CreateLogGroup", "CreateLogStream", "PutLogEvents", "DescribeLogStreams")
    group = [_resource(scope, LOG), _resource(scope, f"{LOG}:*")]
    statements = [
        _statement(tuple(f"logs:{verb}" for verb in logs), group),
        _statement(("cloudwatch:PutMetricData", "ecr:GetAuthorizationToken"), ("*",)),
        # Built-in algorithms are in accounts of AWS's own.
        _statement([f"ecr:{verb}" for verb in images], [f"arn:{scope.partition}:ecr:{scope.region}:*:repository/*"]),
        *_objects(scope, scope.data, ("GetObject", "PutObject")),
    ]
    if any(task.vpc for task in tasks):
        changing = ("NetworkInterface", "NetworkInterfacePermission")
        seen = ("NetworkInterfaces", "Vpcs", "DhcpOptions", "Subnets", "SecurityGroups")
        verbs = [f"ec2:{verb}{kind}" for kind in changing for verb in ("Create", "Delete")]
        statements.append(_statement((*verbs, *(f"ec2:Describe{kind}" for kind in seen)), ("*",)))
    return document(statements)


def document(statements: Sequence[Json]) -> Json:
    """A policy of these statements."""
    return {"Version": VERSION, "Statement": list(statements)}


def jobs_of(tasks: Iterable[Registered], operation: str) -> tuple[str, ...]:
    """Patterns of the names of the jobs of an operation's tasks. ARNs of SageMaker have names in lower case, too."""
    names = [task.name for task in tasks if task.operation == operation]
    if "*" in names:
        return ("*",)
    short = {slug(name, LIMITS[operation] - SUFFIX) for name in names}
    return tuple(sorted({f"{form}-*" for name in short for form in (name, name.lower())}))


def _calls(task: Registered) -> set[str]:
    calls = set(catalog.OPERATIONS[task.operation][1].calls)
    return calls if task.mounts or task.operation not in LIMITS else calls - set(NETWORK)


def _allowed(tasks: Sequence[Registered], scope: Scope) -> Iterator[tuple[str, tuple[str, ...], Json]]:
    for action in sorted(actions(tasks)):
        having = [task for task in tasks if action in _calls(task)]
        found = [(sorted({*_filled(rule, having, scope)}), rule.when) for rule in RULES[action]]
        if not any(resources for resources, _ in found):
            # A release alone: jobs of other packages' tasks, which the same execution made.
            texts = [text.format(training="*", tuning="*") for rule in RULES[action] for text in rule.resources]
            found = [([_resource(scope, text) for text in texts], OURS)]
        yield from ((action, tuple(resources), when) for resources, when in found if resources)


def _filled(rule: Rule, tasks: Sequence[Registered], scope: Scope) -> Iterator[str]:
    names = {operation: jobs_of(tasks, operation) for operation in LIMITS}
    for text in rule.resources:
        operation = next((one for one in LIMITS if f"{{{one}}}" in text), None)
        if text == "{roles}":
            roles = {task.role or scope.role or "" for task in tasks}
            yield from roles if all(roles) else {scope.iam("role/*")}
        elif operation is None:
            yield _resource(scope, text)
        else:
            yield from (_resource(scope, text.format(**{operation: name})) for name in names[operation])


def _resource(scope: Scope, text: str) -> str:
    service, _, rest = text.partition(" ")
    if not rest:
        return text
    return scope.iam(rest) if service == "iam" else scope.arn(service, rest)


def _merged(allowed: Iterable[tuple[str, tuple[str, ...], Json]]) -> Iterator[Json]:
    """One statement for all actions that have resources and condition in common."""
    groups: dict[str, tuple[list[str], tuple[str, ...], Json]] = {}
    for action, resources, when in allowed:
        groups.setdefault(repr((resources, when)), ([], resources, when))[0].append(action)
    for together, resources, when in groups.values():
        yield _statement(together, resources, when)


def _objects(scope: Scope, places: Sequence[str], verbs: Sequence[str]) -> list[Json]:
    """Objects under S3 prefixes; and the list of their buckets, without which what is missing is called forbidden."""
    if not places:
        return []
    arn = f"arn:{scope.partition}:s3:::"
    paths = [place.removeprefix("s3://").rstrip("/") for place in places]
    buckets = sorted({path.partition("/")[0] for path in paths})
    return [
        _statement([f"s3:{verb}" for verb in verbs], sorted({f"{arn}{path}/*" for path in paths})),
        _statement(["s3:ListBucket"], [f"{arn}{bucket}" for bucket in buckets]),
    ]


def _statement(actions: Sequence[str], resources: Sequence[str], when: Json | None = None) -> Json:
    said: Json = {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
    return {**said, "Condition": when} if when else said
