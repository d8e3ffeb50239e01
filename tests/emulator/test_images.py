"""Which image runs what."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from flytekitplugins_smfs.emulator.images import (
    SCRIPT_MODE,
    XGBOOST,
    ImageTableError,
    Program,
    builtin_algorithm,
    program,
)


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
    assert command(request(specification=own), table) == ["a", "b"]
    assert command(request(HyperParameters={"sagemaker_program": "fit.py"}), table) == SCRIPT_MODE
    assert command(request(), table) == XGBOOST.command == [sys.executable, *XGBOOST.command[1:]]
    assert command(request(specification={"TrainingImage": "mine:3"}), table) == ["run", "me", "train"]
    assert program(request(specification={"TrainingImage": "other:3"}), table) is None
    assert program(request(specification={"TrainingImage": "mine:3"}), tmp_path / "none.json") is None


def command(asked: dict[str, Any], table: Path) -> list[str]:
    found = program(asked, table)
    assert found is not None
    return found.command


def test_an_image_of_ones_own_may_name_packages_and_places(tmp_path: Path) -> None:
    table = tmp_path / "images.json"
    entry = {"command": ["/usr/bin/env", "x"], "requirements": ["a==1"], "readable": ["/data"]}
    table.write_text(json.dumps({"mine:*": entry}))
    mine = {"TrainingImage": "mine:3"}
    assert program(request(specification=mine), table) == Program(
        ["/usr/bin/env", "x", "train"], ("a==1",), ("/data", "/usr/bin/env")
    )
    scripted = program(request(specification=mine, HyperParameters={"sagemaker_program": "fit.py"}), table)
    assert scripted == Program(SCRIPT_MODE, ("a==1",), ("/data", "/usr/bin/env"))


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ('{"mine:*": ["run"', "cannot be read"),
        ("\xff", "cannot be read"),
        ("[]", "is no JSON object"),
        ('{"mine:*": "run me"}', "'mine:*' is neither a command"),
        ('{"mine:*": [1]}', "command is no list of texts"),
        ('{"mine:*": []}', "has no command"),
        ('{"mine:*": {"command": ["run"], "packages": []}}', "is neither a command"),
        ('{"mine:*": {"command": ["run"], "requirements": "numpy"}}', "requirements is no list"),
    ],
)
def test_a_damaged_table_is_named(tmp_path: Path, text: str, wrong: str) -> None:
    table = tmp_path / "images.json"
    table.write_bytes(text.encode("latin-1"))
    with pytest.raises(ImageTableError, match=re.escape(wrong)) as raised:
        program(request(specification={"TrainingImage": "mine:3"}), table)
    assert str(table) in str(raised.value)
