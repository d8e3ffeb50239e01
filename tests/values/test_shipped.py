"""Files that come with the package."""

from __future__ import annotations

from pathlib import Path

import pytest

from flytekitplugins_smfs.values.errors import SmfsError
from flytekitplugins_smfs.values.shipped import shipped

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "path", sorted(one for end in ("json", "css") for one in (ROOT / "flytekitplugins_smfs").rglob(f"*.{end}")), ids=str
)
def test_each_data_file_is_read(path: Path) -> None:
    package = ".".join(path.parent.relative_to(ROOT).parts)
    assert shipped(package, path.name) == path.read_text(encoding="utf-8")


def test_a_missing_one_is_named_with_the_cause_and_the_way_out() -> None:
    with pytest.raises(SmfsError, match=r"flyte/deck/none\.css cannot be read \(No such file.*install the package"):
        shipped("flytekitplugins_smfs.flyte.deck", "none.css")
