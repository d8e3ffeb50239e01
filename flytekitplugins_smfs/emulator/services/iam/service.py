"""The IAM service that the modules of this package add their operations to; all others of IAM are moto's."""

from ...declarations import Errors
from ...registry import Service

service = Service("iam", errors=Errors(validation="ValidationError"), shared=True)
"""``SimulateCustomPolicy`` and ``SimulatePrincipalPolicy`` are here; users, roles and policies are kept by moto."""
