"""Container images of built-in algorithms."""

import importlib.util
import json
import os
import subprocess
import sys

import pytest

from flytekitplugins_smfs.operations.sagemaker.images import algorithms, image_uri
from flytekitplugins_smfs.values.errors import InvalidSpec


@pytest.mark.parametrize(
    ("name", "version", "region", "uri"),
    [
        ("xgboost", "1.7-1", "us-east-1", "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"),
        (
            "xgboost",
            "1.0-1",
            "eu-west-1",
            "141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-xgboost:1.0-1-cpu-py3",
        ),
        ("xgboost", "1", "us-west-2", "433757028032.dkr.ecr.us-west-2.amazonaws.com/xgboost:1"),
        ("linear-learner", "1", "cn-north-1", "390948362332.dkr.ecr.cn-north-1.amazonaws.com.cn/linear-learner:1"),
    ],
)
def test_known_images(name: str, version: str, region: str, uri: str) -> None:
    # C25
    assert image_uri(name, version, region) == uri


@pytest.mark.parametrize(
    ("synonym", "name"), [("random-cut-forest", "randomcutforest"), ("deepar", "forecasting-deepar")]
)
def test_documented_synonyms(synonym: str, name: str) -> None:
    assert image_uri(synonym, "1", "us-east-1") == image_uri(name, "1", "us-east-1")


@pytest.mark.parametrize(
    ("name", "version", "region", "field", "allowed"),
    [
        ("xgbost", "1.7-1", "us-east-1", "algorithm.name", "linear-learner"),
        ("xgboost", "9.9", "us-east-1", "algorithm.version", "1.7-1"),
        ("lda", "1", "af-south-1", "algorithm.region", "us-east-1"),
    ],
)
def test_what_is_unknown_is_refused_with_what_is_allowed(
    name: str, version: str, region: str, field: str, allowed: str
) -> None:
    with pytest.raises(InvalidSpec) as refused:
        image_uri(name, version, region)
    assert [problem.field for problem in refused.value.problems] == [field]
    assert allowed in str(refused.value)


COMPARE = """
import json, sys
from sagemaker import image_uris
print(json.dumps([image_uris.retrieve(n, r, version=v) for n, v, r in json.load(sys.stdin)]))
"""


@pytest.mark.skipif(importlib.util.find_spec("sagemaker") is None, reason="the SageMaker SDK is not installed")
def test_same_answers_as_the_sagemaker_sdk() -> None:
    # C25. In a process of its own: importing the SDK takes seconds and 200 MB.
    regions = ("us-east-1", "eu-central-1", "us-gov-west-1", "cn-northwest-1", "us-iso-east-1", "us-isob-east-1")
    asked = []
    for name, versions in algorithms().items():
        for version in versions:
            for region in regions:
                try:
                    asked.append((name, version, region, image_uri(name, version, region)))
                except InvalidSpec:
                    continue
    run = subprocess.run(
        [sys.executable, "-c", COMPARE],
        input=json.dumps([row[:3] for row in asked]),
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
        env={**os.environ, "AWS_DEFAULT_REGION": "us-east-1"},
    )
    assert len(asked) > 100
    assert json.loads(run.stdout.splitlines()[-1]) == [row[3] for row in asked]
