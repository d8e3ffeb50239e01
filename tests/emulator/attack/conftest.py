"""An emulator whose state directory lies among decoys: on each level above it is something to read and to spoil."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import Emulator
from tests.emulator.attack.seeds import Seeds
from tests.emulator.attack.speaking import Speaker
from tests.emulator.odd_files import listing

QUICK = {
    "fsx_creating_seconds": 0,
    "fsx_updating_seconds": 0,
    "fsx_deleting_seconds": 0,
    "fsx_increase_pause_seconds": 0,
    "association_creating_seconds": 0,
    "association_deleting_seconds": 0,
    "association_scan_seconds": 0.1,
    "repository_task_seconds": 0,
    "training_starting_seconds": 0,
    "training_stop_grace_seconds": 0.5,
    "max_processes": 4,
}


@dataclass
class House:
    """The emulator, its neighbourhood, and how that was at first."""

    root: Path
    emulator: Emulator
    before: dict[str, str]

    @property
    def outside(self) -> Path:
        """A directory of decoys, a few levels above the state directory."""
        return self.root / "outside"

    def around(self) -> dict[str, str]:
        """All that is there but the state itself, with hashes, and the names at the root of the system."""
        state = str(self.emulator.state.relative_to(self.root))
        found = listing(self.root, without=self.emulator.state)
        assert not any(name.startswith(f"{state}/") for name in found)
        return found | {f"/{name}": "" for name in os.listdir("/")}

    def unchanged(self) -> None:
        """Fail if anything outside the state directory is not as it was."""
        assert self.around() == self.before


def built(root: Path) -> House:
    """A state directory among decoys, not yet started."""
    state = root / "street/house/floor/state"
    for level in (state.parent, *state.parent.parents):
        decoy = level / "outside"
        (decoy / "folder").mkdir(parents=True)
        (decoy / "secret").write_text("not yours")
        (decoy / "folder/part").write_text("not yours either")
        if level == root:
            break
    for sibling in ("state-old", "statement", "state.d"):
        (state.parent / sibling).mkdir()
        (state.parent / sibling / "objects").write_text("of somebody else")
    state.mkdir()
    (state / "images.json").write_text(json.dumps({"*mine*": ["echo", "loss=1"]}))
    house = House(root, Emulator(state), {})
    house.before = house.around()
    return house


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A running emulator among decoys, for a module; the decoys are looked at once more after its end."""
    made = built(tmp_path_factory.mktemp("house"))
    try:
        made.emulator.start(*(word for name, value in QUICK.items() for word in ("--set", f"{name}={value}")))
        yield made
    finally:
        made.emulator.stop()
    made.unchanged()


@pytest.fixture(scope="module")
def speaker(house: House) -> Iterator[Speaker]:
    speaks = Speaker(house.emulator)
    yield speaks
    speaks.hang_up()


@pytest.fixture(scope="module")
def seeds(house: House, speaker: Speaker) -> Seeds:
    return Seeds(house.emulator, speaker)
