"""Client request tokens: the same request twice makes one thing."""

from typing import Any

from ...faults import AwsError
from ...registry import Context

_TOKENS = "fsx.token"
_TOKEN_SECONDS = 600.0


def earlier_answer(ctx: Context, operation: str, request: dict[str, Any]) -> str | None:
    """The id that this client token made before.

    Raises IncompatibleParameterError if the same token came with other parameters. FSx forgets tokens after minutes.
    """
    token = request.get("ClientRequestToken")
    known = ctx.store.get(_TOKENS, f"{operation}/{ctx.region}/{token}") if token else None
    if known is None or known["time"] < ctx.now() - _TOKEN_SECONDS:
        return None
    changed = [
        name for name in sorted({*known["request"], *request}) if known["request"].get(name) != request.get(name)
    ]
    if changed:
        raise AwsError(
            "IncompatibleParameterError",
            "A request with the same client request token but different parameters was made before.",
            Parameter=changed[0],
        )
    return str(known["made"])


def remember(ctx: Context, operation: str, request: dict[str, Any], made: str) -> None:
    """Keep what a client token made."""
    if token := request.get("ClientRequestToken"):
        document = {"request": request, "made": made, "time": ctx.now()}
        ctx.store.put(_TOKENS, f"{operation}/{ctx.region}/{token}", document)
