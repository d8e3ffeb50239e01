"""A module for `pyflyte serve connector --modules`: the connector of the fake operation. See `fakes`."""

import os
from pathlib import Path

from flytekit.extend.backend.base_connector import ConnectorRegistry

from flytekitplugins_smfs.flyte.connector import OperationConnector
from flytekitplugins_smfs.operations import catalog
from tests.flyte.fakes import FileOperation

FAKE = FileOperation(Path(os.environ["FAKE_STATE"]))
load = catalog.load


def load_with_fake(name: str) -> object:
    return FAKE if name == "fake" else load(name)


catalog.load = load_with_fake  # type: ignore[assignment]
ConnectorRegistry.register(OperationConnector("fake"))
