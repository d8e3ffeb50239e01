"""Requests that are open, and the door that can be shut before them."""

import threading

import pytest

from flytekitplugins_smfs.emulator.requests import Requests


def test_those_outside_wait_until_it_opens() -> None:
    requests, passed, asks = Requests(lambda: None), threading.Event(), threading.Event()

    def ask() -> None:
        asks.set()
        with requests.one():
            passed.set()

    with requests.shut_out(1):
        thread = threading.Thread(target=ask)
        thread.start()
        assert asks.wait(5)
        assert not passed.wait(0.05)
    assert passed.wait(5)
    thread.join()


def test_it_is_shut_when_those_inside_are_gone() -> None:
    ended: list[int] = []
    requests = Requests(lambda: ended.append(1))
    inside, leave, shut = threading.Event(), threading.Event(), threading.Event()

    def ask() -> None:
        with requests.one():
            inside.set()
            leave.wait(5)

    def shut_out() -> None:
        with requests.shut_out(5):
            shut.set()

    asking, shutting = threading.Thread(target=ask), threading.Thread(target=shut_out)
    asking.start()
    assert inside.wait(5)
    shutting.start()
    assert not shut.wait(0.05)
    leave.set()
    assert shut.wait(5)
    asking.join()
    shutting.join()
    assert ended == [1]


def test_if_some_do_not_leave_it_says_so_and_is_open_again() -> None:
    requests = Requests(lambda: None)
    with requests.one():
        with pytest.raises(TimeoutError, match="1 requests are not over"), requests.shut_out(0.01):
            raise AssertionError("it was shut")
        with requests.one():
            assert requests.open == 2


def test_one_shuts_it_at_a_time() -> None:
    requests = Requests(lambda: None)
    with requests.shut_out(1), pytest.raises(TimeoutError, match="somebody else"), requests.shut_out(0.01):
        raise AssertionError("it was shut twice")
