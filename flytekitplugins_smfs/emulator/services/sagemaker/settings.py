"""What can be set about SageMaker."""

from dataclasses import dataclass

from ...registry import Context


@dataclass
class SageMakerSettings:
    """How long jobs take to start and stop, how often they are looked at, and quotas."""

    training_starting_seconds: float = 0.2
    training_poll_seconds: float = 0.05
    training_stop_grace_seconds: float = 5.0
    training_threads: int = 1
    training_spot_price: float = 0.3
    training_isolation: bool = True
    training_private_network: bool = True
    """Whether the hosts of a job share a network of their own, if there are several and the system allows it."""
    training_memory_share: float = 0.9
    """Of this machine's memory, for one host at most, whatever its instance has: more is everybody's loss."""
    training_processes: int = 4096
    training_open_files: int = 65536
    simulated_seconds: float = 60.0
    """How long a job of the image ``simulated`` trains, unless its hyperparameter ``seconds`` says otherwise."""
    tuning_poll_seconds: float = 0.1
    tuning_quota_jobs: int = 750
    tuning_quota_parallel_jobs: int = 10


def settings(ctx: Context) -> SageMakerSettings:
    """The settings as they are now."""
    return ctx.settings.of(SageMakerSettings)
