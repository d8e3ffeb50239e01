"""Workflows with Python tasks: of one, of what it makes up, of a workflow within, of one way or another."""

import os

from flytekit import conditional, dynamic, task, workflow
from flytekit.exceptions.user import FlyteRecoverableException
from pydantic import BaseModel

from flows.steps import IMAGE
from flytekitplugins_smfs import TrainingResult, TrainingTask
from flytekitplugins_smfs.values.sagemaker.training import ImageAlgorithm

numbered = TrainingTask("pods.numbered", ImageAlgorithm(IMAGE, entrypoint=("true",)), {}, hyperparameters={"n": 1})


class Place(BaseModel):
    where: str
    user: int


@task(retries=1)
def where() -> Place:
    """The second attempt tells where it is."""
    if os.environ["FLYTE_ATTEMPT_NUMBER"] == "0":
        raise FlyteRecoverableException("not yet")
    return Place(where=os.getcwd(), user=os.getuid())


@task
def breaks(text: str) -> str:
    if text:
        raise ValueError(f"{text} is of no use")
    return text


@dynamic
def several(count: int) -> list[TrainingResult]:
    return [numbered() for _ in range(count)]


@workflow
def inner() -> TrainingResult:
    return numbered()


@workflow
def nested(count: int) -> tuple[list[TrainingResult], TrainingResult]:
    return several(count=count), inner()


@workflow
def either(text: str) -> TrainingResult:
    return conditional("way").if_(text == "a").then(numbered()).else_().then(inner())


@workflow
def attempts() -> str:
    return breaks(text=where().where)
