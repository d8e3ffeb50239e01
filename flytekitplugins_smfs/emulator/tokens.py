"""Client request tokens: the same request made twice makes one thing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .faults import AwsError

if TYPE_CHECKING:
    from .registry import Context


@dataclass(frozen=True)
class Tokens:
    """The rule of a service for its tokens.

    ``member`` of the request has the token, which is forgotten after so many ``seconds`` of the emulator's clock;
    ``differs(member)`` is the error for a token that comes again with another value of that member.
    """

    service: str
    member: str
    seconds: float
    differs: Callable[[str], AwsError]

    def earlier(self, ctx: "Context", operation: str, request: dict[str, Any]) -> str | None:
        """The id that this request made before, if it did. Raises what ``differs`` makes."""
        token = request.get(self.member)
        known = ctx.store.get(self._kind, self._id(ctx, operation, token)) if token else None
        if known is None or known["time"] < ctx.now() - self.seconds:
            return None
        before = known["request"]
        changed = [name for name in sorted({*before, *request}) if before.get(name) != request.get(name)]
        if changed:
            raise self.differs(changed[0])
        return str(known["made"])

    def remember(self, ctx: "Context", operation: str, request: dict[str, Any], made: str) -> None:
        """Keep what a request with a token made, and forget what has lapsed."""
        token = request.get(self.member)
        if not token:
            return
        with ctx.store.transaction():
            for old in ctx.store.all(self._kind):
                if old["time"] < ctx.now() - self.seconds and "id" in old:
                    ctx.store.delete(self._kind, old["id"])
            id = self._id(ctx, operation, token)
            document = {"id": id, "request": request, "made": made, "time": ctx.now()}
            ctx.store.delete(self._kind, id)
            ctx.store.put(self._kind, id, document)

    @property
    def _kind(self) -> str:
        return f"{self.service}.token"

    def _id(self, ctx: "Context", operation: str, token: str | None) -> str:
        return f"{operation}/{ctx.region}/{token}"
