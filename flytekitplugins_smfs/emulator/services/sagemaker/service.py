"""The SageMaker service that the modules of this package add their operations to."""

from ...declarations import Misfortune
from ...registry import Service
from .settings import SageMakerSettings

service = Service(
    "sagemaker",
    settings=(SageMakerSettings,),
    misfortunes=(
        Misfortune("job", "capacity", optional=("name",)),  # when it starts
        Misfortune("job", "interruption", optional=("name",)),  # while it runs
    ),
    metrics=("/aws/sagemaker/TrainingJobs",),
)
