"""A hand-made ``/opt/ml``, in which XGBoost's container runs as a program, and small data for it."""

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from flytekitplugins_smfs.emulator.images import XGBOOST

BINARY = {"num_round": "5", "objective": "binary:logistic", "eval_metric": "logloss"}


@dataclass
class Container:
    """The directories of the container contract, outside of a container."""

    root: Path

    def write(self, hyperparameters: dict[str, str], content_type: str | None = "text/csv", **channels: str) -> None:
        config = self.root / "input/config"
        config.mkdir(parents=True)
        for name, text in channels.items():
            folder = self.root / "input/data" / name
            folder.mkdir(parents=True)
            if text:
                (folder / "part-0").write_text(text)
        kind = {"ContentType": content_type} if content_type else {}
        (config / "hyperparameters.json").write_text(json.dumps(hyperparameters))
        (config / "inputdataconfig.json").write_text(json.dumps(dict.fromkeys(channels, kind)))
        (config / "resourceconfig.json").write_text('{"hosts": ["algo-1"], "current_host": "algo-1"}')

    def put(self, channel: str, name: str, content: bytes) -> Path:
        """Add a file to a channel."""
        path = self.root / "input/data" / channel / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def start(self) -> "subprocess.Popen[str]":
        paths = {f"SM_{name.upper()}_DIR": str(self.root / name) for name in ("input", "model", "output")}
        return subprocess.Popen(XGBOOST.command, env={**os.environ, **paths}, stdout=subprocess.PIPE, text=True)

    def run(self) -> tuple[int, str]:
        process = self.start()
        output, _ = process.communicate(timeout=60)
        return process.returncode, output

    @property
    def failure(self) -> str:
        return (self.root / "output/failure").read_text()

    def accuracy(self, features: "np.ndarray", labels: "np.ndarray") -> float:  # type: ignore[type-arg]
        import xgboost

        booster = xgboost.Booster()
        booster.load_model(bytearray((self.root / "model/xgboost-model").read_bytes()))
        return float(np.mean((booster.predict(xgboost.DMatrix(features)) > 0.5) == labels))


rng = np.random.default_rng(7)
FEATURES = rng.normal(size=(200, 4)).astype(np.float32)
LABELS = (FEATURES[:, 0] + FEATURES[:, 1] > 0).astype(int)


def as_csv(weights: bool = False) -> str:
    columns = [LABELS, *([np.ones(200)] if weights else []), *FEATURES.T]
    return "\n".join(",".join(map(str, row)) for row in zip(*columns, strict=True))


def as_libsvm() -> str:
    rows = zip(LABELS, FEATURES, strict=True)
    return "\n".join(f"{label} " + " ".join(f"{i}:{value}" for i, value in enumerate(row)) for label, row in rows)


def metrics(output: str, name: str) -> list[float]:
    """The values that the documented regex finds in the log as CloudWatch shows it."""
    [regex] = [item["Regex"] for item in XGBOOST.metric_definitions if item["Name"] == name]
    lines = output.replace("\t", "#011").splitlines()
    return [float(found[1]) for line in lines if (found := re.search(regex, line))]
