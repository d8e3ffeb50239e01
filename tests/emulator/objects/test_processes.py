"""The S3 server's two processes end together."""

import os
import socket
from contextlib import ExitStack

import psutil
import pytest

from tests.conftest import wait_for
from tests.emulator.objects.conftest import Served, signed

_WATCHED_SECONDS = 1.0


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="there is one process on one processor")
def test_it_lets_uploads_end_at_its_ease_when_the_other_process_is_gone(own_served: Served) -> None:
    own_served.start().client().create_bucket(Bucket="bucket")
    assert own_served.process is not None
    first = psutil.Process(own_served.process.pid)
    host = f"127.0.0.1:{own_served.port}"
    headers = signed("PUT", f"http://{host}/bucket/k", {"Host": host}, "us-east-1", "UNSIGNED-PAYLOAD")
    lines = ["PUT /bucket/k HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    head = "\r\n".join([*lines, "Content-Length: 10", "Expect: 100-continue", "", ""]).encode()
    with ExitStack() as uploads:
        for _ in range(20):  # some of them with each process
            made = uploads.enter_context(socket.create_connection(("127.0.0.1", own_served.port), timeout=20))
            made.sendall(head)
            assert b" 100 " in made.recv(100)
        assert len({each.pid for each in first.children()}) == 1
        first.children()[0].kill()
        wait_for(lambda: first.net_connections("tcp") and not _listens(first))
        before = sum(first.cpu_times()[:2])
        with pytest.raises(psutil.TimeoutExpired):
            first.wait(_WATCHED_SECONDS)
        assert sum(first.cpu_times()[:2]) - before < _WATCHED_SECONDS / 4
    own_served.process.wait(20)


def _listens(process: psutil.Process) -> bool:
    return any(each.status == psutil.CONN_LISTEN for each in process.net_connections("tcp"))
