"""The service that the modules of this package add their operations to."""

from ...declarations import Errors
from ...registry import Service

BAD = "InvalidParameterException"

service = Service("resourcegroupstaggingapi", errors=Errors(validation=BAD))
