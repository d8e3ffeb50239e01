"""What goes wrong on the way: clients that lie or leave, requests that are none, kills, damage, older states."""

import http.client
import json
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from flytekitplugins_smfs.emulator.objects import ObjectStore, S3Error, StoreDamaged
from flytekitplugins_smfs.emulator.objects.adoption import adopt
from tests.emulator.objects.conftest import KEY, Served, refused, signed
from tests.emulator.odd_files import ODD


def exchanged(served: Served, data: bytes) -> bytes:
    """How the server answers these bytes: status line and headers at least."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=30) as connection:
        connection.sendall(data)
        answer = b""
        while b"\r\n\r\n" not in answer and (piece := connection.recv(65536)):
            answer += piece
        return answer


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\0\0\0\0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nA" + b"a" * 100_000 + b": b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=lambda data: ascii(data)[:30],
)  # fmt: skip
def test_what_is_no_http_gets_a_4xx(served: Served, data: bytes) -> None:
    answer = exchanged(served, data)
    assert answer[:10] in (b"HTTP/1.1 4", b"HTTP/1.0 4"), answer[:200]
    assert b"Traceback" not in answer


def test_a_body_that_ends_early_stores_nothing(served: Served, s3: Any, bucket: str) -> None:
    files = served.state / "objects" / "files"
    before = {path.name for path in files.rglob("*") if path.is_file()}
    for size in (1000, 1 << 20):
        host = f"127.0.0.1:{served.port}"
        headers = signed("PUT", f"http://{host}/{bucket}/k", {"Host": host}, "us-east-1", "UNSIGNED-PAYLOAD")
        lines = [f"PUT /{bucket}/k HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        head = "\r\n".join([*lines, f"Content-Length: {size}", "", ""]).encode()
        with socket.create_connection(("127.0.0.1", served.port), timeout=20) as connection:
            connection.sendall(head + b"x" * (size // 2))
    assert refused(s3.get_object, Bucket=bucket, Key="k") == (404, "NoSuchKey")
    deadline = time.monotonic() + 10
    while (
        after := {path.name for path in files.rglob("*") if path.is_file()}
    ) - before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not after - before


def test_a_client_that_waits_before_an_empty_body_is_told_to_go_on(s3: Any, bucket: str) -> None:
    for number, body in enumerate((b"", b"after", b"", b"again")):  # over one connection
        s3.put_object(Bucket=bucket, Key=str(number), Body=body)
        assert s3.get_object(Bucket=bucket, Key=str(number))["Body"].read() == body


def test_lengths_that_are_missing_or_too_much(served: Served, bucket: str) -> None:
    host = f"127.0.0.1:{served.port}"
    headers = signed("PUT", f"http://{host}/{bucket}/k", {"Host": host}, "us-east-1", "UNSIGNED-PAYLOAD")
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    assert b"411" in exchanged(served, f"PUT /{bucket}/k HTTP/1.1\r\n{head}\r\n".encode()).partition(b"\r\n")[0]
    chunked = f"PUT /{bucket}/k HTTP/1.1\r\n{head}Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n".encode()
    assert b"501" in exchanged(served, chunked).partition(b"\r\n")[0]
    huge = served.raw("PUT", f"/{bucket}/k", {"Content-Length": str(6 << 30), "Expect": "100-continue"})
    assert (huge.status, huge.code) == (400, "EntityTooLarge")


def test_continue_comes_only_when_nothing_speaks_against_it(served: Served, bucket: str) -> None:
    host = f"127.0.0.1:{served.port}"

    def first_line(target: str) -> tuple[bytes, socket.socket]:
        headers = signed("PUT", f"http://{host}{target}", {"Host": host}, "us-east-1", "UNSIGNED-PAYLOAD")
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        connection = socket.create_connection(("127.0.0.1", served.port), timeout=20)
        asked = f"PUT {target} HTTP/1.1\r\n{lines}Content-Length: 3\r\nExpect: 100-continue\r\n\r\n"
        connection.sendall(asked.encode())
        return connection.recv(65536), connection

    line, connection = first_line(f"/{bucket}/k")
    assert line == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.sendall(b"abc")
    assert connection.recv(65536).startswith(b"HTTP/1.1 200")
    connection.close()
    line, connection = first_line("/no-such-bucket/k")
    assert line.startswith(b"HTTP/1.1 404")
    connection.close()


def test_ten_writers_lose_nothing_to_kills(own_served: Served) -> None:
    """What was acknowledged is there, whole, after each kill; what was deleted stays away; no file is left over."""
    own_served.start().client().create_bucket(Bucket="kept")
    promised: dict[str, bytes | None] = {}
    stopping = threading.Event()

    def write(writer: int) -> None:
        number = 0
        while not stopping.is_set():
            key, number = f"{writer}/{number % 40}", number + 1
            body = os.urandom(3000 if number % 7 else 300_000)
            promised.pop(key, None)
            try:
                if number % 5 == 0:
                    client(own_served).delete_object(Bucket="kept", Key=key)
                    promised[key] = None
                else:
                    client(own_served).put_object(Bucket="kept", Key=key, Body=body)
                    promised[key] = body
            except (ClientError, BotoCoreError):
                continue

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(10)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(4):
            reached, deadline = len(promised) + 20, time.monotonic() + 30
            while len(promised) < min(reached, 200) and time.monotonic() < deadline:
                time.sleep(0.02)
            time.sleep(0.3)
            own_served.kill()
            own_served.start()
    finally:
        stopping.set()
        for thread in threads:
            thread.join()
    s3 = own_served.client()
    for key, body in promised.items():
        if body is None:
            assert refused(s3.get_object, Bucket="kept", Key=key) == (404, "NoSuchKey")
        else:
            assert s3.get_object(Bucket="kept", Key=key)["Body"].read() == body, key
    own_served.stop()
    store = ObjectStore(own_served.state / "objects")
    store.sweep().join()
    named = {item.file for item in store.listing.every("kept")}
    assert set(store.files.names()) == named


def client(served: Served) -> Any:
    """A thread's client; it retries nothing."""
    made = threading.local()
    if not hasattr(made, "client"):
        made.client = boto3.session.Session().client(
            "s3", endpoint_url=served.url, region_name="us-east-1", aws_access_key_id=KEY.id,
            aws_secret_access_key=KEY.secret, config=Config(retries={"max_attempts": 0}),
        )  # fmt: skip
    return made.client


def test_a_damaged_index_is_named_and_nothing_hangs(tmp_path: Path) -> None:
    (tmp_path / "index.db").write_bytes(b"this is no database" * 1000)
    store = ObjectStore(tmp_path)
    for asked in (store.buckets.all, store.clear, lambda: store.put_bytes("bbb", "k", b"x")):
        with pytest.raises(StoreDamaged, match=r"index\.db"):
            asked()


def test_an_index_that_is_damaged_while_it_is_served(own_served: Served) -> None:
    s3 = own_served.start().client()
    s3.create_bucket(Bucket="damaged")
    for number in range(200):
        s3.put_object(Bucket="damaged", Key=str(number))
    own_served.stop()
    index = own_served.state / "objects" / "index.db"
    with index.open("r+b") as stream:
        stream.seek(8192)
        stream.write(os.urandom(index.stat().st_size - 8192))
    answer = own_served.start().raw("GET", "/damaged?list-type=2")
    assert (answer.status, answer.code) == (503, "ServiceUnavailable")
    assert "index.db" in answer.element("Message")


def test_a_missing_file_is_said_of_its_object_alone(own_served: Served) -> None:
    s3 = own_served.start().client()
    s3.create_bucket(Bucket="holed")
    s3.put_object(Bucket="holed", Key="gone", Body=b"x")
    for path in (own_served.state / "objects" / "files").rglob("*"):
        if path.is_file():
            path.unlink()
    s3.put_object(Bucket="holed", Key="here", Body=b"y")
    assert refused(s3.get_object, Bucket="holed", Key="gone") == (500, "InternalError")
    assert s3.get_object(Bucket="holed", Key="here")["Body"].read() == b"y"
    s3.delete_object(Bucket="holed", Key="gone")


def test_an_older_states_buckets_are_taken_in_once(tmp_path: Path) -> None:
    tree = tmp_path / "buckets"
    (tree / "old" / "a" / "b").mkdir(parents=True)
    (tree / "old" / "a" / "b" / "c.txt").write_bytes(b"kept")
    (tree / "old" / "top").write_bytes(b"")
    (tree / "old" / ".rclone_temp_put_x").write_bytes(b"half")
    (tree / "empty").mkdir()
    (tree / "old" / "link").symlink_to("/etc/passwd")
    os.mkfifo(tree / "old" / "pipe")
    os.utime(tree / "old" / "top", (1_000_000_000, 1_000_000_000))
    store = ObjectStore(tmp_path / "objects")
    assert sorted(adopt(store, tree, "us-east-1")) == ["old/link", "old/pipe"]
    assert [bucket.name for bucket in store.buckets.all()] == ["empty", "old"]
    assert [item.key for item in store.listing.every("old")] == ["a/b/c.txt", "top"]
    assert store.read("old", "a/b/c.txt") == b"kept"
    assert store.contents.get("old", "top").modified == 1_000_000_000
    assert sorted(path.name for path in tree.rglob("*")) == ["link", "old", "pipe"]
    assert adopt(store, tmp_path / "none", "us-east-1") == []


def test_changes_are_followed_by_number(tmp_path: Path) -> None:
    store = ObjectStore(tmp_path)
    store.buckets.ensure("bbb", "us-east-1")
    start = store.changes("bbb", "", 0).number
    store.put_bytes("bbb", "in/a", b"1")
    store.put_bytes("bbb", "in/b", b"2")
    store.put_bytes("bbb", "out", b"3")
    store.contents.delete("bbb", "in/b")
    changes = store.changes("bbb", "in/", start)
    assert ([item.key for item in changes.written], changes.deleted, changes.complete) == (["in/a"], ["in/b"], True)
    later = store.changes("bbb", "in/", changes.number)
    assert (later.written, later.deleted) == ([], [])
    store.put_bytes("bbb", "in/b", b"again")
    assert [item.key for item in store.changes("bbb", "in/", changes.number).written] == ["in/b"]
    for key in ("in/a", "in/b", "out"):
        store.contents.delete("bbb", key)
    store.buckets.delete("bbb")
    store.buckets.ensure("bbb", "us-east-1")
    assert not store.changes("bbb", "in/", changes.number).complete


def test_a_link_is_not_followed_into_the_store(tmp_path: Path) -> None:
    store = ObjectStore(tmp_path / "objects")
    store.buckets.ensure("bbb", "us-east-1")
    (tmp_path / "link").symlink_to("/etc/hostname")
    with pytest.raises(OSError, match="link"):
        store.put_file("bbb", "k", tmp_path / "link")
    with pytest.raises(S3Error, match="NoSuchKey"):
        store.read("bbb", "k")


def test_answers_are_json_free(served: Served) -> None:
    """An error document is XML whatever the client accepts."""
    answer = served.raw("GET", "/no-such-bucket", {"Accept": "application/json"})
    with pytest.raises(ValueError):
        json.loads(answer.body)
    assert answer.body.startswith(b"<?xml")


def test_connections_are_kept_over_refusals(served: Served, bucket: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
    for _ in range(3):
        assert served.raw("PUT", f"/{bucket}/k?legal-hold", {}, b"<X/>" * 100, connection=connection).status == 501
        assert served.raw("PUT", f"/{bucket}/k", {}, b"x", connection=connection).status == 200
    connection.close()


@pytest.mark.point("attack matrix, links in S3's state")
@pytest.mark.parametrize("make", [make for make in ODD if make.__name__ != "hard"])
def test_what_lies_in_the_place_of_an_objects_file(tmp_path: Path, make: Callable[[Path, Path], None]) -> None:
    secret = tmp_path / "secret"
    secret.write_text("not yours")
    store = ObjectStore(tmp_path / "objects")
    store.buckets.create("mine-alone", "us-east-1")
    file = Path(store.files.path(store.put_bytes("mine-alone", "k", b"own bytes").file))
    file.unlink()
    make(file, secret)
    with pytest.raises(S3Error, match="missing on the disk"):
        store.read("mine-alone", "k")
    store.put_bytes("mine-alone", "k", b"new")
    assert store.read("mine-alone", "k") == b"new"
    assert not os.path.lexists(file)
    assert secret.read_text() == "not yours"
    store.close()


@pytest.mark.point("attack matrix, links in S3's state")
def test_a_link_in_the_place_of_a_folder_of_files_is_not_swept(tmp_path: Path) -> None:
    store = ObjectStore(tmp_path / "objects")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("not yours")
    (tmp_path / "objects/files/ab").rmdir()
    (tmp_path / "objects/files/ab").symlink_to(outside)
    store.sweep().join()
    assert (outside / "precious").read_text() == "not yours"
    store.close()
