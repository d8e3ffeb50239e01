"""The table of keys: several processes, its mode, what ends."""

import sqlite3
import stat
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from flytekitplugins_smfs.emulator.signatures import Keys

from .conftest import SESSION, USER

ADD = """
import sys
from pathlib import Path
from flytekitplugins_smfs.emulator.signatures import Key, Keys
Keys(Path(sys.argv[1])).add(Key(sys.argv[2], "secret", None, "arn", "1"))
"""


def test_what_another_process_adds_is_found(tmp_path: Path) -> None:
    table = Keys(tmp_path / "keys.db")
    assert table.find("AKIAOTHER") is None
    subprocess.run([sys.executable, "-c", ADD, str(tmp_path / "keys.db"), "AKIAOTHER"], check=True, timeout=60)
    found = table.find("AKIAOTHER")
    assert found is not None
    assert (found.secret, found.active, found.expires) == ("secret", True, None)
    table.close()


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    table = Keys(tmp_path / "keys.db")
    table.add(USER)
    files = sorted(tmp_path.iterdir())
    assert len(files) == 3
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    table.close()


def test_keys_are_replaced_switched_off_and_removed(table: Keys) -> None:
    table.add(USER)
    table.add(replace(USER, secret="new"))
    assert table.find(USER.id) == replace(USER, secret="new")
    table.set_active(USER.id, False)
    assert table.find(USER.id) == replace(USER, secret="new", active=False)
    assert [key.id for key in table.of(USER.arn)] == [USER.id]
    assert table.of(USER.arn, "sts") == []
    table.remove(USER.id)
    assert table.find(USER.id) is None


def test_sessions_that_ended_long_ago_go(table: Keys) -> None:
    ended = replace(SESSION, expires=time.time() - 25 * 3600)
    just = replace(SESSION, id="ASIAJUST", expires=time.time() - 3600)
    table.add(ended)
    table.add(just)
    assert table.find(ended.id) is None
    assert table.find(just.id) == just


def test_secrets_are_not_shown() -> None:
    assert USER.secret not in repr(USER)
    assert SESSION.token is not None
    assert SESSION.token not in repr(SESSION)


def test_a_file_that_is_no_table_is_said(tmp_path: Path) -> None:
    (tmp_path / "keys.db").write_bytes(b"nonsense" * 1000)
    with pytest.raises(sqlite3.DatabaseError):
        Keys(tmp_path / "keys.db")
