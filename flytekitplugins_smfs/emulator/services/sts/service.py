"""The STS service that the modules of this package add their operations to."""

from ...declarations import Errors
from ...registry import Service

service = Service("sts", errors=Errors(validation="ValidationError"))
