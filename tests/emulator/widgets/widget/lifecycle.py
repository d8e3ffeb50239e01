"""A widget's turn."""

from ....registry import Context
from ..service import KIND, service


@service.lifecycle(KIND)
def take_turn(ctx: Context, id: str) -> float | None:
    """It is made, unless something bad was ordered."""
    if ctx.injections.misfortune("widget", "breaks", id):
        raise OSError("broken")
    ctx.store.update(KIND, id, State="MADE")
    return None


@service.failure(KIND)
def fail(ctx: Context, id: str, error: Exception) -> None:
    """It is broken."""
    ctx.store.update(KIND, id, State=f"BROKEN: {error}")
