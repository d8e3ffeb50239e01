"""Operations of widgets."""

from typing import Any

from ....faults import AwsError
from ....registry import Context
from ..service import DELAY, KIND, Delays, service, tokens


@service.operation("MakeWidget")
def make_widget(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Keep what was asked for."""
    made = tokens.earlier(ctx, "MakeWidget", request) or request["Name"]
    ctx.store.put(KIND, made, {**request, "Data": list(request.get("Data", b"")), "State": "MAKING"})
    tokens.remember(ctx, "MakeWidget", request, made)
    ctx.scheduler.after(getattr(ctx.settings.of(Delays), DELAY), KIND, made)
    return {"Name": made}


@service.operation("GetWidget")
def get_widget(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Show it as it was asked for."""
    found = ctx.store.get(KIND, request["Name"])
    if found is None:
        raise AwsError("NoSuchWidget", f"There is no widget {request['Name']}.", 404)
    return {**found, "Data": bytes(found["Data"]), "Detail": request.get("Detail")}
