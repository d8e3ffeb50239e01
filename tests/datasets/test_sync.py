"""A prefix comes to hold what a directory holds, and nothing is sent twice. C20."""

from __future__ import annotations

import os
import random
import re
import shutil
import tempfile
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.datasets.sync import SyncProgress, sync
from flytekitplugins_smfs.emulator.objects import ObjectStore
from flytekitplugins_smfs.values.dataset import Dataset
from flytekitplugins_smfs.values.errors import Denied, InvalidSpec, Missing, SmfsError, Throttled, Transient
from tests.conftest import Emulator
from tests.datasets.between import Between, error
from tests.datasets.conftest import COUNT, contents


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A directory of three files."""
    root = tmp_path / "source"
    for part in ("train", "validation"):
        (root / part).mkdir(parents=True)
        (root / part / "part.csv").write_text(f"1,2,{part}\n")
    (root / "empty").write_bytes(b"")
    return root


def counts(done: Dataset) -> tuple[int, int, int]:
    return done.uploaded, done.skipped, done.deleted


def test_the_prefix_holds_the_directory(emulator: Emulator, aws: Aws, bucket: str, source: Path) -> None:
    done = sync(aws, source, f"s3://{bucket}/data/")
    assert done.uri == f"s3://{bucket}/data"
    assert (done.files, done.size_bytes) == (3, 25)
    assert counts(done) == (3, 0, 0)
    assert contents(emulator, bucket, "data") == {
        "train/part.csv": b"1,2,train\n",
        "validation/part.csv": b"1,2,validation\n",
        "empty": b"",
    }


def test_a_second_run_sends_nothing(between: Between, bucket: str, source: Path) -> None:
    # C20
    first = sync(between.aws, source, f"s3://{bucket}/data")
    sent = between.count("PUT")
    assert sent == 3
    shutil.copytree(source, source.with_name("copy"))  # other time stamps, the same content
    for path in source.rglob("*"):
        os.utime(path, (0, 0))
    again = sync(between.aws, source, f"s3://{bucket}/data")
    copied = sync(between.aws, source.with_name("copy"), f"s3://{bucket}/data")
    assert counts(again) == counts(copied) == (0, 3, 0)
    assert between.count("PUT") == sent
    assert first.digest == again.digest == copied.digest


def test_changed_content_of_the_same_size_and_time_is_sent(
    emulator: Emulator, aws: Aws, bucket: str, source: Path
) -> None:
    # C20
    file = source / "train" / "part.csv"
    first = sync(aws, source, f"s3://{bucket}/data")
    before = file.stat()
    file.write_text("9,9,train\n")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    again = sync(aws, source, f"s3://{bucket}/data")
    assert counts(again) == (1, 2, 0)
    assert contents(emulator, bucket, "data")["train/part.csv"] == b"9,9,train\n"
    assert again.digest != first.digest


def test_what_somebody_else_changed_in_s3_is_set_right(emulator: Emulator, aws: Aws, bucket: str, source: Path) -> None:
    sync(aws, source, f"s3://{bucket}/data")
    emulator.client("s3").put_object(Bucket=bucket, Key="data/train/part.csv", Body=b"8,8,train\n")
    assert counts(sync(aws, source, f"s3://{bucket}/data")) == (1, 2, 0)
    assert contents(emulator, bucket, "data")["train/part.csv"] == b"1,2,train\n"


def test_what_others_uploaded_is_known_by_its_content(emulator: Emulator, aws: Aws, bucket: str, source: Path) -> None:
    emulator.client("s3").upload_file(str(source / "train/part.csv"), bucket, "data/train/part.csv")
    assert counts(sync(aws, source, f"s3://{bucket}/data")) == (2, 1, 0)


def test_only_delete_removes_and_only_under_the_prefix(emulator: Emulator, aws: Aws, bucket: str, source: Path) -> None:
    s3 = emulator.client("s3")
    for key in ("data/old/part.csv", "data/stale", "data-2/other", "database"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"old")
    assert counts(sync(aws, source, f"s3://{bucket}/data")) == (3, 0, 0)
    assert contents(emulator, bucket, "data")["stale"] == b"old"
    (source / "empty").unlink()
    assert counts(sync(aws, source, f"s3://{bucket}/data", delete=True)) == (0, 2, 3)
    assert sorted(contents(emulator, bucket)) == [
        "data-2/other",
        "data/train/part.csv",
        "data/validation/part.csv",
        "database",
    ]


def test_delete_goes_through_every_page(emulator: Emulator, aws: Aws, bucket: str, source: Path) -> None:
    store = ObjectStore(emulator.state / "objects")
    for at in range(1_050):
        store.put_bytes(bucket, f"data/old-{at}", b"")
    store.close()
    assert sync(aws, source, f"s3://{bucket}/data", delete=True).deleted == 1_050
    assert len(contents(emulator, bucket, "data")) == 3


def test_the_markers_of_folders_that_the_console_makes_are_left_alone(
    between: Between, bucket: str, source: Path
) -> None:
    keys = ["data/", "data/train/", "data/folder/", "data/stale"]
    items = "".join(
        f"<Contents><Key>{key}</Key><Size>0</Size><ETag>x</ETag><LastModified>2026-05-04T09:30:00.000Z</LastModified></Contents>"
        for key in keys
    )
    listing = f"<ListBucketResult><IsTruncated>false</IsTruncated>{items}</ListBucketResult>"
    between.instead = lambda method, path: (200, listing) if method == "GET" else None
    done = sync(between.aws, source, f"s3://{bucket}/data", delete=True)
    assert counts(done) == (3, 0, 2)
    assert re.findall(r"<Key>(.*?)</Key>", between.bodies[0]) == ["data/folder", "data/stale"]


def test_delete_wants_a_prefix(emulator: Emulator, aws: Aws, bucket: str, source: Path) -> None:
    emulator.client("s3").put_object(Bucket=bucket, Key="precious", Body=b"1")
    for whole in (f"s3://{bucket}", f"s3://{bucket}/"):
        with pytest.raises(InvalidSpec, match="would lose everything else in the bucket"):
            sync(aws, source, whole, delete=True)
        assert sync(aws, source, whole).uri == f"s3://{bucket}"
    assert "precious" in contents(emulator, bucket)


def test_a_large_file_goes_in_parts_and_only_once(
    emulator: Emulator, between: Between, bucket: str, tmp_path: Path
) -> None:
    # C20
    source = tmp_path / "large"
    source.mkdir()
    content = random.Random(1).randbytes(20 << 20)
    (source / "model.bin").write_bytes(content)
    done = sync(between.aws, source, f"s3://{bucket}/large")
    assert counts(done) == (1, 0, 0)
    assert len([path for method, path in between.seen if method == "PUT" and "partNumber" in path]) == 3
    assert contents(emulator, bucket, "large") == {"model.bin": content}
    assert counts(sync(between.aws, source, f"s3://{bucket}/large")) == (0, 1, 0)
    (source / "model.bin").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    changed = sync(between.aws, source, f"s3://{bucket}/large")
    assert counts(changed) == (1, 0, 0)
    assert changed.digest != done.digest
    assert contents(emulator, bucket, "large")["model.bin"][-1] == content[-1] ^ 1


def test_a_link_is_sent_as_what_it_leads_to(emulator: Emulator, aws: Aws, bucket: str, source: Path) -> None:
    (source / "link.csv").symlink_to(source / "train/part.csv")
    (source / "loop").symlink_to(source)
    assert sync(aws, source, f"s3://{bucket}/data").files == 4
    assert contents(emulator, bucket, "data")["link.csv"] == b"1,2,train\n"


# What is wrong


def test_what_cannot_be_sent_is_told_before_any_call(between: Between, bucket: str, source: Path) -> None:
    (source / "broken").symlink_to("nowhere")
    with pytest.raises(InvalidSpec, match="broken: is a link to something that does not exist"):
        sync(between.aws, source, f"s3://{bucket}/data")
    with pytest.raises(InvalidSpec, match="does not exist"):
        sync(between.aws, source / "none", f"s3://{bucket}/data")
    assert between.seen == []


@pytest.mark.parametrize(
    ("destination", "said"),
    [
        ("", "is not a prefix"),
        ("/", "is not a prefix"),
        ("a//b", "is not a prefix"),
        ("a/../b", "is not a prefix"),
        ("./a", "is not a prefix"),
        ("a\nb", "is not a prefix"),
        ("s3:/bucket/a", "is not a prefix"),
        ("s3:bucket/a", "is not a prefix"),
        ("s3://", "must begin with 's3://' and a bucket"),
        ("gs://bucket/a", "must begin with 's3://' and a bucket"),
        ("https://bucket.s3.amazonaws.com/a", "must begin with 's3://' and a bucket"),
        ("s3://Bucket/a", "is not a bucket name"),
        ("s3://ab/a", "is not a bucket name"),
        ("s3:///a", "is not a bucket name"),
        ("s3://bucket//a", "is not a prefix"),
        ("s3://bucket/a/../b", "is not a prefix"),
        ("s3://bucket/" + "a" * 1025, "more than 1024 bytes"),
        ("é" * 513, "more than 1024 bytes"),
    ],
)
def test_a_bad_destination_is_told_before_any_call(
    between: Between, emulator: Emulator, source: Path, destination: str, said: str
) -> None:
    before = emulator.last_call()
    with pytest.raises(InvalidSpec, match=re.escape(said)) as caught:
        sync(between.aws, source, destination)
    assert "destination: " in str(caught.value) or "uri: " in str(caught.value)
    assert between.seen == []
    assert [call for call in emulator.calls(before) if call["service"] in ("s3", "sts")] == []


def test_prefix_and_path_together_must_fit_a_key(between: Between, bucket: str, source: Path) -> None:
    with pytest.raises(InvalidSpec, match=r"source/validation/part\.csv: has a path of more than 14 bytes") as caught:
        sync(between.aws, source, f"s3://{bucket}/{'p' * 1009}")
    assert "train" not in str(caught.value)
    assert between.seen == []


def test_a_missing_bucket_is_named_and_not_made(emulator: Emulator, aws: Aws, source: Path) -> None:
    with pytest.raises(Missing, match=r"NoSuchBucket.* Create the bucket there-is-none, or name another\.") as caught:
        sync(aws, source, "s3://there-is-none/data")
    assert caught.value.doing == "listing s3://there-is-none/data"
    names = [one["Name"] for one in emulator.client("s3").list_buckets()["Buckets"]]
    assert "there-is-none" not in names


def test_a_prefix_goes_to_the_default_bucket_which_is_made(emulator: Emulator, aws: Aws, source: Path) -> None:
    there = aws.at("eu-west-1")
    done = sync(there, source, "digits/some")
    assert done.uri == "s3://sagemaker-eu-west-1-123456789012/digits/some"
    assert len(contents(emulator, "sagemaker-eu-west-1-123456789012", "digits/some")) == 3
    assert counts(sync(there, source, "/digits/some/")) == (0, 3, 0)


def test_a_prefix_goes_under_the_output_location_of_the_settings(
    emulator: Emulator, aws: Aws, bucket: str, source: Path
) -> None:
    chosen = Aws(aws.settings.model_copy(update={"output_uri": f"s3://{bucket}/team"}))
    assert sync(chosen, source, "digits").uri == f"s3://{bucket}/team/digits"
    gone = Aws(aws.settings.model_copy(update={"output_uri": "s3://there-is-none/team"}))
    with pytest.raises(Missing, match="there-is-none"):
        sync(gone, source, "digits")


def test_throttling_and_failures_that_pass_are_waited_out(between: Between, bucket: str, source: Path) -> None:
    between.fail("PUT", 3, 503, "SlowDown", "Please reduce your request rate.")
    assert counts(sync(between.aws, source, f"s3://{bucket}/data")) == (3, 0, 0)
    assert between.count("PUT") == 6
    between.fail("GET", 2, 500, "InternalError", "We encountered an internal error.")
    assert counts(sync(between.aws, source, f"s3://{bucket}/data")) == (0, 3, 0)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [(403, "AccessDenied", Denied), (503, "SlowDown", Throttled), (500, "InternalError", Transient)],
)
def test_what_does_not_pass_says_which_file_and_why(
    between: Between, bucket: str, source: Path, status: int, code: str, kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flytekitplugins_smfs.datasets import bucket as module

    monkeypatch.setitem(module.RETRIES, "max_retries", 1)
    refusal = error(status, code, "Not now.")
    between.instead = lambda method, path: refusal if method == "PUT" and "train" in path else None
    with pytest.raises(kind) as caught:
        sync(between.aws, source, f"s3://{bucket}/data")
    fault = caught.value
    assert (fault.code, fault.text, fault.operation) == (code, "Not now.", "PutObject")
    assert fault.doing == f"uploading {source}/train/part.csv to s3://{bucket}/data/train/part.csv"
    between.instead = lambda method, path: None
    assert sync(between.aws, source, f"s3://{bucket}/data").uploaded >= 1


def test_nothing_that_answers_is_a_passing_fault(aws: Aws, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flytekitplugins_smfs.datasets import bucket as module

    monkeypatch.setitem(module.RETRIES, "max_retries", 0)
    monkeypatch.setattr(aws, "endpoint", replace(aws.endpoint, s3_url="http://127.0.0.1:9"))
    with pytest.raises(Transient, match="While listing s3://some-bucket/data"):
        sync(aws, source, "s3://some-bucket/data")


def test_a_file_that_goes_while_it_is_sent_is_named(
    aws: Aws, bucket: str, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flytekitplugins_smfs.datasets import sync as module

    found = module.scan(source)
    (source / "train/part.csv").unlink()
    monkeypatch.setattr(module, "scan", lambda *arguments: found)
    with pytest.raises(FileNotFoundError, match=r"train/part\.csv"):
        sync(aws, source, f"s3://{bucket}/data")


# Progress


def test_progress_is_told_in_the_callers_thread_and_adds_up(aws: Aws, bucket: str, source: Path) -> None:
    told: list[tuple[SyncProgress, int]] = []
    sync(aws, source, f"s3://{bucket}/data", progress=lambda state: told.append((state, threading.get_ident())))
    (source / "train/part.csv").write_text("new")
    sync(aws, source, f"s3://{bucket}/data", progress=lambda state: told.append((state, threading.get_ident())))
    assert {thread for _, thread in told} == {threading.get_ident()}
    states = [state for state, _ in told]
    assert [state.done_files for state in states] == [1, 2, 3, 1, 2, 3]
    assert all(state.uploaded + state.skipped == state.done_files for state in states)
    assert states[2] == SyncProgress(files=3, size_bytes=25, done_files=3, done_bytes=25, uploaded=3, skipped=0)
    assert (states[-1].uploaded, states[-1].skipped, states[-1].done_bytes) == (1, 2, 18)


def test_an_error_in_progress_ends_the_sync(between: Between, bucket: str, tmp_path: Path) -> None:
    for at in range(200):
        (tmp_path / f"part-{at}").write_text(str(at))

    def stop(state: SyncProgress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sync(between.aws, tmp_path, f"s3://{bucket}/data", progress=stop, in_flight=4)
    sent = between.count("PUT")
    assert sent < 200
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("smfs-sync")]


def huge(path: Path) -> Path:
    """A file of so many parts that not all are under way at once; it takes no room on the disk."""
    with path.open("wb") as stream:
        stream.truncate(160 << 20)
    return path


def test_ctrl_c_stops_a_large_file_after_a_part(
    emulator: Emulator, between: Between, bucket: str, tmp_path: Path
) -> None:
    huge(tmp_path / "huge")
    (tmp_path / "small").write_text("1")
    begun, stopped = threading.Event(), threading.Event()

    def hold(method: str, path: str) -> None:
        if "partNumber" in path:
            begun.set()
            stopped.wait(20)

    def stop(state: SyncProgress) -> None:
        assert begun.wait(20)
        stopped.set()
        raise KeyboardInterrupt

    between.instead = hold
    with pytest.raises(KeyboardInterrupt):
        sync(between.aws, tmp_path, f"s3://{bucket}/data", progress=stop)
    assert contents(emulator, bucket, "data") == {"small": b"1"}
    assert len([path for method, path in between.seen if method == "DELETE" and "uploadId" in path]) == 1


def test_a_file_that_changes_while_it_is_sent_leaves_what_was_there(
    emulator: Emulator, between: Between, bucket: str, tmp_path: Path
) -> None:
    file = tmp_path / "huge"
    file.write_text("as it was")
    sync(between.aws, tmp_path, f"s3://{bucket}/data")
    huge(file)

    def write(method: str, path: str) -> None:
        if "partNumber" in path:
            with file.open("r+b") as stream:
                stream.seek(-1, os.SEEK_END)
                stream.write(b"x")

    between.instead = write
    with pytest.raises(SmfsError, match="huge changed while it was uploaded"):
        sync(between.aws, tmp_path, f"s3://{bucket}/data")
    assert contents(emulator, bucket, "data") == {"huge": b"as it was"}


# Any tree

NAMES = st.text(
    st.one_of(st.sampled_from(" %#?&+=~*'\"<>[]{}()@:;,.\\|^`$!-_éß漢字🙂"), st.characters(codec="utf-8")),
    min_size=1,
    max_size=12,
).filter(lambda name: "/" not in name and name not in (".", "..") and not re.search(r"[\x00-\x1f\x7f]", name))
TREES = st.recursive(
    st.binary(max_size=200),
    lambda inner: st.dictionaries(NAMES, inner, min_size=1, max_size=4),
    max_leaves=8,
).filter(lambda tree: isinstance(tree, dict))


def plant(tree: Any, root: Path) -> dict[str, bytes]:
    """Write a tree and give its files by key."""
    root.mkdir()
    files: dict[str, bytes] = {}
    for name, inner in tree.items():
        if isinstance(inner, bytes):
            (root / name).write_bytes(inner)
            files[name] = inner
        else:
            files |= {f"{name}/{key}": content for key, content in plant(inner, root / name).items()}
    return files


def folders(files: dict[str, bytes]) -> set[str]:
    return {key[:at] for key in files for at, letter in enumerate(key) if letter == "/"}


@settings(max_examples=40, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=TREES, second=TREES)
def test_any_tree_arrives_whole(emulator: Emulator, aws: Aws, bucket: str, first: Any, second: Any) -> None:
    # C20
    with tempfile.TemporaryDirectory() as directory:
        prefix = f"tree-{next(COUNT)}"
        roots = {name: Path(directory) / name for name in ("first", "second")}
        trees = {name: plant(tree, roots[name]) for name, tree in (("first", first), ("second", second))}
        # Where objects are files, as in the emulator, none can have the name of another's folder.
        assume(not folders(trees["first"]) & trees["second"].keys())
        assume(not folders(trees["second"]) & trees["first"].keys())
        for name, files in trees.items():
            done = sync(aws, roots[name], f"s3://{bucket}/{prefix}", delete=True)
            assert done.files == len(files)
            assert contents(emulator, bucket, prefix) == files
            again = sync(aws, roots[name], f"s3://{bucket}/{prefix}", delete=True)
            assert counts(again) == (0, len(files), 0)
            assert again.digest == done.digest
