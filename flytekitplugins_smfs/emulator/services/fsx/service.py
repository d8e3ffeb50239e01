"""The FSx service that the modules of this package add their operations to."""

from ...declarations import Errors, Misfortune
from ...faults import AwsError
from ...registry import Service
from ...tokens import Tokens
from .settings import FsxSettings

_LIFECYCLES = {"lifecycle": ("FAILED", "MISCONFIGURED")}
"""What a resource that is being made becomes; its ``message`` is the failure detail."""


def _differs(member: str) -> AwsError:
    text = "A request with the same client request token but different parameters was made before."
    return AwsError("IncompatibleParameterError", text, Parameter=member)


tokens = Tokens("fsx", "ClientRequestToken", 600.0, _differs)
"""FSx forgets tokens after minutes; the API reference does not say how many."""

service = Service(
    "fsx",
    settings=(FsxSettings,),
    errors=Errors(validation="BadRequest"),
    misfortunes=(
        Misfortune("resource", "file-system", _LIFECYCLES, ("message",)),
        Misfortune("resource", "association", _LIFECYCLES, ("message",)),
    ),
    tokens=tokens,
)
