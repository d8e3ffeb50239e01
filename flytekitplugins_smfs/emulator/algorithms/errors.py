"""What makes an algorithm end badly, and how the container says so."""


class UserError(Exception):
    """The input or the hyperparameters are wrong: SageMaker reports it as a ``ClientError``."""


class AlgorithmError(Exception):
    """Anything else: SageMaker reports it as an ``AlgorithmError``."""
