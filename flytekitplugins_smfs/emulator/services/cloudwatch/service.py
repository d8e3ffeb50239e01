"""The CloudWatch service that the modules of this package add their operations to."""

from ...declarations import Errors
from ...registry import Service

service = Service(
    "cloudwatch",
    errors=Errors(
        validation="InvalidParameterValue",
        missing="MissingParameter",
        throttling="Throttling",
        internal="InternalServiceError",
    ),
    # How newer clients address it, of which the installed botocore may know the query protocol only.
    targets=("GraniteServiceVersion20100801",),
)
