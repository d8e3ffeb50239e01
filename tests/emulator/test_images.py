"""Which image runs what."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from flytekitplugins_smfs.emulator.images import XGBOOST, builtin_algorithm, program


@pytest.mark.parametrize(
    ("image", "known"),
    [
        ("683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1", True),
        ("141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-xgboost:1.5-1", True),
        ("811284229777.dkr.ecr.us-east-1.amazonaws.com/xgboost:1", True),
        ("451049120500.dkr.ecr.cn-northwest-1.amazonaws.com.cn/sagemaker-xgboost:1.7-1", True),
        ("683313688378.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-xgboost:1.7-1", False),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com/xgboost:1", False),
        ("683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1", False),
        ("python:3.12", False),
    ],
)
def test_builtin_images_are_known_by_their_registry(image: str, known: bool) -> None:  # C25
    assert (builtin_algorithm(image) is XGBOOST) is known


def request(**more: Any) -> dict[str, Any]:
    image = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
    return {"AlgorithmSpecification": {"TrainingImage": image, **more.pop("specification", {})}, **more}


def test_the_order_of_what_decides(tmp_path: Path) -> None:
    table = tmp_path / "images.json"
    table.write_text(json.dumps({"mine:*": ["run", "me"]}))
    own = {"ContainerEntrypoint": ["a"], "ContainerArguments": ["b"]}
    assert program(request(specification=own), table) == ["a", "b"]
    assert program(request(HyperParameters={"sagemaker_program": "fit.py"}), table) != XGBOOST.command
    assert program(request(), table) == XGBOOST.command == [sys.executable, *XGBOOST.command[1:]]
    assert program(request(specification={"TrainingImage": "mine:3"}), table) == ["run", "me", "train"]
    assert program(request(specification={"TrainingImage": "other:3"}), table) is None
    assert program(request(specification={"TrainingImage": "mine:3"}), tmp_path / "none.json") is None
