"""STS: who a key is, sessions and their ends, and what is refused."""

import base64
import json
import re
import time
import uuid
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from flytekitplugins_smfs.emulator.signatures import Keys
from tests.conftest import Emulator

ROLE = "arn:aws:iam::123456789012:role/service-role/AmazonSageMaker-ExecutionRole"


def refused(call: Any, **request: Any) -> tuple[str, int]:
    with pytest.raises(ClientError) as caught:
        call(**request)
    response = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def client_of(emulator: Emulator, credentials: dict[str, Any], service: str = "sts") -> Any:
    """A client with the credentials of a session or an access key."""
    return boto3.client(
        service,
        endpoint_url=emulator.env["AWS_ENDPOINT_URL"],
        region_name=emulator.env["AWS_REGION"],
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials.get("SessionToken"),
        config=Config(retries={"max_attempts": 0}),
    )


@pytest.fixture
def sts(emulator: Emulator) -> Any:
    return emulator.client("sts")


@pytest.fixture
def anonymous(emulator: Emulator) -> Any:
    config = Config(signature_version=UNSIGNED, retries={"max_attempts": 0})
    return boto3.client("sts", endpoint_url=emulator.env["AWS_ENDPOINT_URL"], region_name="us-east-1", config=config)


def test_the_emulators_own_key_is_a_user_of_iam(emulator: Emulator, sts: Any) -> None:
    who = sts.get_caller_identity()
    user = emulator.client("iam").get_user()["User"]  # the name is implied by the key
    assert who["Arn"] == user["Arn"] == "arn:aws:iam::123456789012:user/emulator"
    assert who["UserId"] == user["UserId"]
    assert re.fullmatch("AIDA[A-Z2-7]{17}", user["UserId"])
    assert who["Account"] == "123456789012"


def test_access_keys_of_iam_sign_until_they_are_off_or_gone(emulator: Emulator) -> None:
    iam, name = emulator.client("iam"), f"user-{uuid.uuid4().hex[:8]}"
    iam.create_user(UserName=name, Path="/team/")
    key = iam.create_access_key(UserName=name)["AccessKey"]
    theirs = client_of(emulator, key)
    assert theirs.get_caller_identity()["Arn"] == f"arn:aws:iam::123456789012:user/team/{name}"
    assert client_of(emulator, key, "iam").get_user()["User"]["UserName"] == name
    assert theirs.get_access_key_info(AccessKeyId=key["AccessKeyId"])["Account"] == "123456789012"
    iam.update_access_key(UserName=name, AccessKeyId=key["AccessKeyId"], Status="Inactive")
    assert refused(theirs.get_caller_identity) == ("InvalidClientTokenId", 403)
    iam.update_access_key(UserName=name, AccessKeyId=key["AccessKeyId"], Status="Active")
    theirs.get_caller_identity()
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    assert refused(theirs.get_caller_identity) == ("InvalidClientTokenId", 403)


@pytest.mark.parametrize("role", [ROLE, "arn:aws:iam::210987654321:role/path/Other"])
def test_assumed_roles_of_this_account_and_another(emulator: Emulator, sts: Any, role: str) -> None:
    answer = sts.assume_role(RoleArn=role, RoleSessionName="me", DurationSeconds=900, SourceIdentity="who")
    account, name = role.split(":")[4], role.rpartition("/")[2]
    arn = f"arn:aws:sts::{account}:assumed-role/{name}/me"
    assert answer["AssumedRoleUser"]["Arn"] == arn
    assert answer["SourceIdentity"] == "who"
    assert 890 < answer["Credentials"]["Expiration"].timestamp() - time.time() < 910
    session = client_of(emulator, answer["Credentials"])
    who = session.get_caller_identity()
    assert (who["Arn"], who["Account"]) == (arn, account)
    assert who["UserId"] == answer["AssumedRoleUser"]["AssumedRoleId"]
    assert who["UserId"].startswith("AROA")
    assert who["UserId"].endswith(":me")
    again = session.assume_role(RoleArn=role, RoleSessionName="me")["AssumedRoleUser"]["AssumedRoleId"]
    assert again == who["UserId"]
    chained = refused(session.assume_role, RoleArn=role, RoleSessionName="me", DurationSeconds=3601)
    assert chained == ("ValidationError", 400)
    assert refused(session.get_session_token) == ("AccessDenied", 403)
    assert refused(session.get_federation_token, Name="name") == ("AccessDenied", 403)
    client_of(emulator, answer["Credentials"], "fsx").describe_file_systems()


def test_what_assume_role_refuses(emulator: Emulator, sts: Any) -> None:
    def call(**changes: Any) -> tuple[str, int]:
        return refused(sts.assume_role, **{"RoleArn": ROLE, "RoleSessionName": "me", **changes})

    assert call(RoleArn="arn:aws:iam::123456789012:role/not-there") == ("AccessDenied", 403)
    assert call(RoleArn="arn:aws:iam::123456789012:user/not-a-role") == ("ValidationError", 400)
    assert call(DurationSeconds=43_201) == ("ValidationError", 400)
    assert call(DurationSeconds=3601) == ("ValidationError", 400)  # the role's MaxSessionDuration
    assert call(RoleSessionName="with space") == ("ValidationError", 400)
    assert call(Policy="no policy") == ("MalformedPolicyDocument", 400)
    assert refused(sts.decode_authorization_message, EncodedMessage="x")[0] == "InvalidAuthorizationMessageException"
    assert refused(sts.assume_root, TargetPrincipal="210987654321", TaskPolicyArn={"arn": "arn:aws:iam::aws:policy/x"})[
        0
    ].startswith("NotImplemented")


def test_sessions_of_users_and_of_names(emulator: Emulator, sts: Any) -> None:
    user = sts.get_caller_identity()
    session = sts.get_session_token(DurationSeconds=900)["Credentials"]
    assert client_of(emulator, session).get_caller_identity()["Arn"] == user["Arn"]
    answer = sts.get_federation_token(Name="bob")
    who = client_of(emulator, answer["Credentials"]).get_caller_identity()
    assert who["Arn"] == answer["FederatedUser"]["Arn"] == "arn:aws:sts::123456789012:federated-user/bob"
    assert who["UserId"] == answer["FederatedUser"]["FederatedUserId"] == "123456789012:bob"


def test_a_session_without_its_token_with_another_or_past_its_end(emulator: Emulator, sts: Any) -> None:
    session = sts.get_session_token()["Credentials"]
    for token in (None, "x"):
        other = client_of(emulator, {**session, "SessionToken": token})
        assert refused(other.get_caller_identity) == ("InvalidClientTokenId", 403)
    table = Keys(emulator.state / "keys.db")
    key = table.find(session["AccessKeyId"])
    assert key is not None
    table.add(replace(key, expires=time.time() - 1))
    table.close()
    assert refused(client_of(emulator, session).get_caller_identity) == ("ExpiredToken", 403)
    assert refused(client_of(emulator, session, "fsx").describe_file_systems) == ("ExpiredTokenException", 400)


def test_sessions_outlive_a_kill(own_emulator: Emulator) -> None:
    own_emulator.start()
    session = own_emulator.client("sts").get_session_token()["Credentials"]
    key, env = own_emulator.client("iam").create_access_key(UserName="emulator")["AccessKey"], dict(own_emulator.env)
    own_emulator.stop()
    own_emulator.start()
    assert own_emulator.env["AWS_ACCESS_KEY_ID"] == env["AWS_ACCESS_KEY_ID"]
    client_of(own_emulator, session).get_caller_identity()
    client_of(own_emulator, key).get_caller_identity()
    own_emulator.admin("POST", "reset")
    own_emulator.client("sts").get_caller_identity()  # its own key stays
    assert refused(client_of(own_emulator, session).get_caller_identity)[0] == "InvalidClientTokenId"
    assert refused(client_of(own_emulator, key).get_caller_identity)[0] == "InvalidClientTokenId"
    assert own_emulator.client("iam").get_user()["User"]["UserName"] == "emulator"


def jwt(**claims: Any) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({}, claims)]
    return ".".join([*parts, "signature"])


def test_web_identities_need_no_signature(emulator: Emulator, anonymous: Any) -> None:
    request = {"RoleArn": ROLE, "RoleSessionName": "pod"}
    token = jwt(iss="https://idp.example", sub="system:me", aud=["sts"], exp=time.time() + 60)
    answer = anonymous.assume_role_with_web_identity(**request, WebIdentityToken=token)
    assert answer["SubjectFromWebIdentityToken"] == "system:me"
    assert (answer["Provider"], answer["Audience"]) == ("https://idp.example", "sts")
    who = client_of(emulator, answer["Credentials"]).get_caller_identity()
    assert who["Arn"].endswith(":assumed-role/AmazonSageMaker-ExecutionRole/pod")
    anonymous.assume_role_with_web_identity(**request, WebIdentityToken="opaque", ProviderId="www.amazon.com")
    late = jwt(iss="i", sub="s", aud="a", exp=1)
    invalid = "InvalidIdentityToken"
    for wrong, code in (("nonsense", invalid), (jwt(iss="i"), invalid), (late, "ExpiredTokenException")):
        assert refused(anonymous.assume_role_with_web_identity, **request, WebIdentityToken=wrong)[0] == code
    assert refused(anonymous.get_caller_identity) == ("MissingAuthenticationToken", 403)
    assert refused(anonymous.get_session_token) == ("MissingAuthenticationToken", 403)


SAML = """<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"
 xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"><saml:Issuer>https://idp.example</saml:Issuer><saml:Assertion>
<saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">me</saml:NameID></saml:Subject>
<saml:Conditions><saml:AudienceRestriction><saml:Audience>https://signin.aws.amazon.com/saml</saml:Audience>
</saml:AudienceRestriction></saml:Conditions><saml:AttributeStatement>
<saml:Attribute Name="https://aws.amazon.com/SAML/Attributes/RoleSessionName">
<saml:AttributeValue>me@example</saml:AttributeValue></saml:Attribute>
<saml:Attribute Name="https://aws.amazon.com/SAML/Attributes/Role"><saml:AttributeValue>{role},{provider}
</saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion></samlp:Response>"""


def test_saml_assertions_need_no_signature(emulator: Emulator, anonymous: Any) -> None:
    provider = "arn:aws:iam::123456789012:saml-provider/idp"
    text = SAML.format(role=ROLE, provider=provider)
    request = {"RoleArn": ROLE, "PrincipalArn": provider}

    def call(document: str) -> Any:
        encoded = base64.b64encode(document.encode()).decode()
        return anonymous.assume_role_with_saml(**request, SAMLAssertion=encoded)

    answer = call(text)
    assert (answer["Subject"], answer["SubjectType"], answer["Issuer"]) == ("me", "persistent", "https://idp.example")
    assert client_of(emulator, answer["Credentials"]).get_caller_identity()["Arn"].endswith("/me@example")
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa">]>' + text
    for wrong in ("<a/>", "nonsense", bomb, text.replace("/idp", "/other")):
        with pytest.raises(ClientError, match="InvalidIdentityToken"):
            call(wrong)
