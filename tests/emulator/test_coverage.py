"""What the document says is done, passed or refused is so."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from flytekitplugins_smfs.emulator import refusals
from flytekitplugins_smfs.emulator.registry import Service
from flytekitplugins_smfs.emulator.services import load
from tests.conftest import Emulator
from tests.emulator.services.fsx.test_file_system import refused

ROOT = Path(__file__).parents[2]
SERVICES = load()


def tool() -> ModuleType:
    found = importlib.util.spec_from_file_location("make_coverage", ROOT / "tools" / "make_coverage.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_the_document_is_what_the_services_say() -> None:
    written = (ROOT / "docs" / "emulator-coverage.md").read_text()
    assert written == tool().document(), "run: python tools/make_coverage.py"


@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
def test_no_service_does_what_its_model_does_not_know(service: Service) -> None:
    assert set(service.operations) <= set(service.model.operation_names)
    assert all(refusals.own(service, name) is None for name in service.operations)


WHOLE = {name: service for name, service in SERVICES.items() if not service.shared}
"""Services of which moto does not answer the rest."""


@pytest.mark.parametrize("service", WHOLE.values(), ids=WHOLE)
def test_what_is_refused_is_refused_by_name(emulator: Emulator, service: Service) -> None:
    client = emulator.client(service.name)
    methods = {operation: method for method, operation in client.meta.method_to_api_mapping.items()}
    for name in service.model.operation_names:
        shape = service.model.operation_model(name).input_shape
        if name in service.operations or (shape is not None and shape.required_members):
            continue
        error = refused(getattr(client, methods[name]))
        assert error["Code"] == "NotImplementedByEmulator", name
        assert f"{name} of {service.name}" in error["Message"]


def test_what_moto_has_is_told_by_its_code() -> None:
    known = refusals.moto_operations("iam")
    assert known is not None
    assert {"CreateRole", "GetRole"} <= known
    assert refusals.moto_operations("sagemaker-geospatial") is None
