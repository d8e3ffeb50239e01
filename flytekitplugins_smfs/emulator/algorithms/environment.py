"""Where a training container finds its inputs and leaves its outputs.

The paths are those of the container contract (``/opt/ml/...``) unless ``SM_*`` variables say otherwise, which they do
where the system cannot give a job its own ``/opt/ml``.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class TrainingEnvironment:
    """The container contract as paths and parsed configuration files."""

    input: Path
    model: Path
    output: Path
    hyperparameters: dict[str, str]
    channels: dict[str, dict[str, Any]]
    hosts: list[str]
    current_host: str
    checkpoints: Path | None

    @classmethod
    def load(cls) -> "TrainingEnvironment":
        """Read the configuration files of the job this process runs in."""
        inputs = Path(os.environ.get("SM_INPUT_DIR", "/opt/ml/input"))
        config = inputs / "config"
        resources = _read(config / "resourceconfig.json")
        checkpoint_config = _read(config / "checkpointconfig.json")
        return cls(
            input=inputs,
            model=Path(os.environ.get("SM_MODEL_DIR", "/opt/ml/model")),
            output=Path(os.environ.get("SM_OUTPUT_DIR", "/opt/ml/output")),
            hyperparameters=_read(config / "hyperparameters.json"),
            channels=_read(config / "inputdataconfig.json"),
            hosts=resources.get("hosts", ["algo-1"]),
            current_host=resources.get("current_host", "algo-1"),
            checkpoints=Path(checkpoint_config["LocalPath"]) if checkpoint_config else None,
        )

    def channel(self, name: str) -> Path:
        """The directory of an input channel."""
        return self.input / "data" / name

    def fail(self, message: str) -> None:
        """Leave the failure file, whose text becomes the job's FailureReason."""
        self.output.mkdir(parents=True, exist_ok=True)
        (self.output / "failure").write_text(message)


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return content
