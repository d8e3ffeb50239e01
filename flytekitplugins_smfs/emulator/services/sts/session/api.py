"""The operations that open sessions."""

import base64
import hashlib
from typing import Any

from ....faults import AwsError
from ....registry import Context
from ....sessions import account_of, open_federated_session, open_role_session, open_user_session, shown
from ....signatures import Key
from ..service import service
from . import identity_tokens, rules

_HOUR = 3600
_USER_SECONDS = 12 * _HOUR


@service.operation("AssumeRole")
def assume_role(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """A session of a role, of this account or another."""
    role, seconds = request["RoleArn"], request.get("DurationSeconds", _HOUR)
    rules.session_policy(request)
    rules.role_to_assume(ctx, role, "AssumeRole")
    rules.duration(ctx, role, seconds, chained=":assumed-role/" in ctx.signer().arn)
    key = open_role_session(ctx, role, request["RoleSessionName"], seconds)
    return {**_role_session(key), **_only(SourceIdentity=request.get("SourceIdentity"))}


@service.operation("AssumeRoleWithWebIdentity")
def assume_role_with_web_identity(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """A session of a role for whoever a token names. With a ProviderId the token is an opaque one of OAuth."""
    role, seconds = request["RoleArn"], request.get("DurationSeconds", _HOUR)
    rules.session_policy(request)
    provider = request.get("ProviderId")
    claims = {} if provider else identity_tokens.claims(request["WebIdentityToken"])
    rules.role_to_assume(ctx, role, "AssumeRoleWithWebIdentity")
    rules.duration(ctx, role, seconds, chained=False)
    key = open_role_session(ctx, role, request["RoleSessionName"], seconds)
    audience = claims.get("aud")
    return {
        **_role_session(key),
        "SubjectFromWebIdentityToken": str(claims.get("sub") or _opaque(request["WebIdentityToken"])),
        "Provider": provider or str(claims["iss"]),
        **_only(Audience=str(audience[0] if isinstance(audience, list) else audience) if audience else None),
    }


@service.operation("AssumeRoleWithSAML")
def assume_role_with_saml(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """A session of a role for whoever a SAML assertion names."""
    role, seconds = request["RoleArn"], request.get("DurationSeconds", _HOUR)
    rules.session_policy(request)
    said = identity_tokens.assertion(request["SAMLAssertion"])
    if {role, request["PrincipalArn"]} not in said.roles:
        raise AwsError("InvalidIdentityToken", "Specified provider or role is not in the assertion")
    rules.role_to_assume(ctx, role, "AssumeRoleWithSAML")
    rules.duration(ctx, role, seconds, chained=False)
    key = open_role_session(ctx, role, said.session, seconds)
    provider = request["PrincipalArn"].rpartition("/")[2]
    hashed = hashlib.sha1(f"{said.issuer}{account_of(role)}/{provider}".encode()).digest()
    return {
        **_role_session(key),
        "Subject": said.subject,
        "SubjectType": said.subject_type,
        "Issuer": said.issuer,
        "Audience": said.audience,
        "NameQualifier": base64.b64encode(hashed).decode(),
    }


@service.operation("GetSessionToken")
def get_session_token(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """A session of the calling user."""
    rules.long_lived(ctx, "GetSessionToken")
    return {"Credentials": shown(open_user_session(ctx, ctx.signer(), request.get("DurationSeconds", _USER_SECONDS)))}


@service.operation("GetFederationToken")
def get_federation_token(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """A session of a name."""
    rules.long_lived(ctx, "GetFederationToken")
    rules.session_policy(request)
    seconds = request.get("DurationSeconds", _USER_SECONDS)
    key = open_federated_session(ctx, ctx.signer().account, request["Name"], seconds)
    user = {"FederatedUserId": key.unique_id, "Arn": key.arn}
    return {"Credentials": shown(key), "FederatedUser": user, "PackedPolicySize": 0}


def _role_session(key: Key) -> dict[str, Any]:
    user = {"AssumedRoleId": key.unique_id, "Arn": key.arn}
    return {"Credentials": shown(key), "AssumedRoleUser": user, "PackedPolicySize": 0}


def _only(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _opaque(token: str) -> str:
    """A subject for a token that says nothing: the same for the same token."""
    return hashlib.sha256(token.encode()).hexdigest()[:32]
