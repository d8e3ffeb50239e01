"""Widgets: everything that a service can declare. Its name and protocol are those of the model beside it."""

import json
from dataclasses import make_dataclass
from pathlib import Path

from ...declarations import Errors, Misfortune
from ...faults import AwsError
from ...registry import Service
from ...tokens import Tokens

HERE = Path(__file__).parent
NAME = str(json.loads((HERE / "model.json").read_text())["metadata"]["endpointPrefix"])
KIND = f"{NAME}.widget"
DELAY = f"{HERE.name}_making_seconds"
Delays = make_dataclass("Delays", [(DELAY, float, 60.0)])


def _differs(member: str) -> AwsError:
    return AwsError("TokenUsed", f"The token came with another {member}.")


tokens = Tokens(NAME, "Token", 300.0, _differs)
service = Service(
    NAME,
    settings=(Delays,),
    errors=Errors(validation="BadWidget", throttling="SlowDown", throttling_status=429),
    misfortunes=(Misfortune("widget", "breaks", optional=("name",)),),
    tokens=tokens,
    directory=HERE,
)
