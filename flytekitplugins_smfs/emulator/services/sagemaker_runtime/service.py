"""The SageMaker runtime that the modules of this package add their operations to."""

from ...declarations import Errors
from ...registry import Service

service = Service("sagemaker-runtime", errors=Errors(validation="ValidationError"))
