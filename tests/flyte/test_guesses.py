"""Values are known to flytekit wherever they meet it: by import, by name, in whatever order. C107"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from flytekit.core.type_engine import TypeEngine
from flytekit.models.types import LiteralType
from mashumaro.codecs.json import JSONEncoder
from mashumaro.exceptions import UnserializableField
from pydantic import BaseModel, RootModel

import flytekitplugins_smfs
from flytekitplugins_smfs.flyte import guesses, literals

VALUES = sorted(
    name
    for name in flytekitplugins_smfs.__all__
    if isinstance(kind := getattr(flytekitplugins_smfs, name), type) and issubclass(kind, BaseModel)
)
guesses.register()
literals.register()


def interface(kind: type) -> LiteralType:
    """A type as it comes back from a cluster."""
    return LiteralType.from_flyte_idl(TypeEngine.to_literal_type(kind).to_flyte_idl())


@pytest.mark.parametrize("name", VALUES)
def test_every_value_is_known_by_its_interface(name: str) -> None:
    kind = getattr(flytekitplugins_smfs, name)
    assert TypeEngine.guess_python_type(interface(kind)) is kind
    assert TypeEngine.guess_python_type(interface(list[kind])).__args__ == (kind,)


class Trial(BaseModel):
    """A user's own, of the same name as one of ours."""

    subject: str
    dose: float


class Ranges(RootModel[dict[str, int]]):
    """Another, without fields."""


class Patient(BaseModel):
    name: str


@pytest.mark.parametrize("kind", [Trial, Patient])
def test_what_is_a_users_own_is_left_to_flytekit(kind: type) -> None:
    guessed = TypeEngine.guess_python_type(interface(kind))
    assert guessed.__module__ != flytekitplugins_smfs.__name__
    assert not issubclass(guessed, BaseModel)


@pytest.mark.parametrize("change", ["more", "fewer"])
def test_another_release_may_know_more_fields_or_fewer(change: str) -> None:
    kind = flytekitplugins_smfs.LustreSpec
    known = interface(kind)
    fields = known.metadata["properties"]
    if change == "more":
        fields["colour"] = {"type": "string"}
    else:
        del fields["tags"]
    assert TypeEngine.guess_python_type(known) is kind


@pytest.mark.parametrize("given", ["text", "value"])
def test_a_default_is_encoded_whether_it_is_a_text_of_json_or_a_value(given: str) -> None:
    """What `pyflyte run remote-launchplan` does with the defaults of a plan."""
    spec = flytekitplugins_smfs.LustreSpec(capacity_gib=2400)
    encoded = JSONEncoder(type(spec)).encode(spec.model_dump_json() if given == "text" else spec)
    assert type(spec).model_validate_json(encoded) == spec


def test_a_users_own_model_is_encoded_no_better_than_before() -> None:
    with pytest.raises(UnserializableField):
        JSONEncoder(Patient)


def in_process(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("name", ["LustreSpec", "Hyperparameters", "Ranges", "TrainingResult"])
def test_a_process_that_imported_nothing_of_ours_knows_a_value(name: str, tmp_path: Path) -> None:
    kept = tmp_path / "type.pb"
    kept.write_bytes(interface(getattr(flytekitplugins_smfs, name)).to_flyte_idl().SerializeToString())
    code = f"""
import sys
import flytekit
from flyteidl.core.types_pb2 import LiteralType
from flytekit.core.type_engine import TypeEngine
from flytekit.models.types import LiteralType as Model
assert "pydantic" not in sys.modules or "flytekitplugins_smfs.values.base" not in sys.modules
kind = TypeEngine.guess_python_type(Model.from_flyte_idl(LiteralType.FromString(open({str(kept)!r}, "rb").read())))
print(kind.__module__, kind.__name__, TypeEngine.get_transformer(kind).name)
"""
    home, found, transformer = in_process(code).split(" ", 2)
    assert (home.rpartition(".")[0].partition(".")[0], found) == ("flytekitplugins_smfs", name)
    assert transformer == "SMFS value"


@pytest.mark.parametrize(
    "imports",
    [
        "import flytekit; from flytekitplugins_smfs import LustreSpec",
        "from flytekitplugins_smfs import LustreSpec; import flytekit",
        "from flytekitplugins_smfs.values.lustre.file_system import LustreSpec; import flytekit",
    ],
)
def test_importing_a_value_is_enough(imports: str) -> None:
    code = f"{imports}\nfrom flytekit.core.type_engine import TypeEngine as Engine"
    code += "\nprint(Engine.get_transformer(LustreSpec).name)"
    assert in_process(code) == "SMFS value"


def test_nothing_is_made_of_the_stand_in() -> None:
    transformer = guesses.Guesser()
    with pytest.raises(TypeError, match="Named only stands for"):
        transformer.get_literal_type(guesses.Named)
