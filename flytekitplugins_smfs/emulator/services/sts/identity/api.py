"""GetCallerIdentity, GetAccessKeyInfo and DecodeAuthorizationMessage."""

import base64
import binascii
from typing import Any

from ....faults import AwsError
from ....registry import Context
from ..service import service


@service.operation("GetCallerIdentity")
def get_caller_identity(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The user or assumed role whose key signed."""
    caller = ctx.signer()
    return {"UserId": caller.unique_id, "Account": caller.account, "Arn": caller.arn}


@service.operation("GetAccessKeyInfo")
def get_access_key_info(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The account of a key: of one made here as the table has it, of others as it is written in the id itself."""
    id = request["AccessKeyId"]
    known = ctx.keys.find(id)
    return {"Account": known.account if known else _written_account(id)}


@service.operation("DecodeAuthorizationMessage")
def decode_authorization_message(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Nothing here answers with an encoded message, so that none is valid."""
    raise AwsError("InvalidAuthorizationMessageException", "Message is not valid.")


def _written_account(id: str) -> str:
    """The account number in a key id: bits 1 to 40 of what follows its four letters, in base 32.

    AWS does not document the form; it is how published tools read it.
    """
    try:
        number = int.from_bytes(base64.b32decode(id[4:20])[:6], "big")
    except (binascii.Error, ValueError):
        raise AwsError("ValidationError", f"{id} is not a valid access key id.") from None
    return f"{(number & 0x7FFFFFFFFF80) >> 7:012}"
