"""``python -m flytekitplugins_smfs.emulator.algorithms.xgboost train``: what the image's entry point does."""

import sys
import traceback
from typing import Any, cast

from ..environment import TrainingEnvironment
from ..errors import AlgorithmError, UserError

_COSTLY = ("sklearn", "pandas", "pyarrow")
"""XGBoost imports these when it finds them, which takes a second; nothing here needs them."""


def main() -> int:
    """Train; leave the failure file and exit with 1 if that does not work."""
    if sys.argv[1:] != ["train"]:
        print(f"expected the argument 'train', got {sys.argv[1:]}", file=sys.stderr)
        return 2
    cast(dict[str, Any], sys.modules).update(dict.fromkeys(_COSTLY))
    environment = TrainingEnvironment.load()
    from .training import train

    try:
        train(environment)
    except (UserError, AlgorithmError) as error:
        prefix = "ClientError" if isinstance(error, UserError) else "AlgorithmError"
        print(f"ERROR:sagemaker_algorithm_toolkit:{error}", file=sys.stderr, flush=True)
        environment.fail(f"{prefix}: {error}")
        return 1
    except Exception:  # noqa: BLE001 - as the container does, whatever went wrong becomes the failure reason
        trace = traceback.format_exc()
        print(trace, file=sys.stderr, flush=True)
        environment.fail(f"AlgorithmError: framework error: \n{trace}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
