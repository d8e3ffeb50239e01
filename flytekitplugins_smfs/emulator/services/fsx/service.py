"""The FSx service that the modules of this package add their operations to."""

from ...registry import Service

service = Service("fsx")
