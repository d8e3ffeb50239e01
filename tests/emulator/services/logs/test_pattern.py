"""Filter patterns: which messages they find, and which are none. Examples after the CloudWatch Logs user guide."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flytekitplugins_smfs.emulator.faults import AwsError, NotImplementedByEmulator
from flytekitplugins_smfs.emulator.services.logs.event.pattern import matcher

LINES = ["[ERROR 400] BAD REQUEST", "[ERROR 401] UNAUTHORIZED REQUEST", "[INFO 200] OK", 'say "hi" \\ twice', ""]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("", [0, 1, 2, 3, 4]),
        ("   ", [0, 1, 2, 3, 4]),
        ("ERROR", [0, 1]),
        ("error", []),
        ("REQUEST ERROR", [0, 1]),
        ("ERROR -BAD", [1]),
        ("-ERROR", [2, 3, 4]),
        ("?BAD ?OK", [0, 2]),
        ("?OK ERROR", [0, 1]),
        ("?OK -BAD", [1, 2, 3, 4]),
        ('"BAD REQUEST"', [0]),
        ('"[ERROR 401]" REQUEST', [1]),
        ('?"400]" ?"200]"', [0, 2]),
        ('-"ERROR 4" -say', [2, 4]),
        (r'"\"hi\""', [3]),
        (r'"\\ twice"', [3]),
        ('ERROR"400"', [0]),
    ],
)
def test_terms(pattern: str, found: list[int]) -> None:
    matches = matcher(pattern)
    assert [number for number, line in enumerate(LINES) if matches(line)] == found


EVENT = json.dumps(
    {
        "level": "ERROR",
        "code": 503,
        "ratio": 0.25,
        "text": "7",
        "ok": False,
        "user": None,
        "odd key": 1,
        "list": [{"id": "a*b"}, {"id": 2}],
        "deep": {"er": {"name": "algo-1"}},
    }
)


@pytest.mark.parametrize(
    "pattern",
    [
        '{ $.level = "ERROR" }',
        "{$.level=ERR*}",
        '{ $.level != "INFO" }',
        "{ $.code = 503 }",
        "{ $.code >= 503 && $.code < 504 }",
        "{ $.code > 5e2 }",
        "{ $.ratio <= 0.25 }",
        '{ $.text = "7" }',
        "{ $.text = 7 }",
        "{ $.ok IS FALSE }",
        "{ $.user IS NULL }",
        "{ $.nobody NOT EXISTS }",
        '{ $["odd key"] = 1 }',
        "{ $.list[1].id = 2 }",
        '{ $.list[0].id = "a*b" }',
        '{ $.deep.er.name = "algo-*" }',
        '{ $.code = 1 || $.code = 503 && $.level = "ERROR" }',
        '{ ($.code = 503 || $.code = 1) && ($.level = "ERROR") }',
    ],
)
def test_messages_of_json_that_are_found(pattern: str) -> None:
    assert matcher(pattern)(EVENT)


@pytest.mark.parametrize(
    "pattern",
    [
        '{ $.level = "error" }',
        '{ $.level = "ERRO?" }',
        "{ $.code != 503 }",
        "{ $.code < 503 }",
        "{ $.text > 6 }",
        "{ $.nobody != 1 }",
        "{ $.nobody IS NULL }",
        "{ $.user NOT EXISTS }",
        "{ $.ok IS TRUE }",
        "{ $.ok = false }",
        "{ $.list = 1 }",
        "{ $.list[2].id = 2 }",
        "{ $.level.name = x }",
        '{ ($.code = 1 || $.code = 503) && $.level = "INFO" }',
    ],
)
def test_messages_of_json_that_are_not_found(pattern: str) -> None:
    assert not matcher(pattern)(EVENT)


@pytest.mark.parametrize("message", ["", "plain text", "7", '"text"', "{", "[" * 100_000])
def test_other_messages_are_not_json(message: str) -> None:
    assert not matcher("{ $.a NOT EXISTS }")(message)


@pytest.mark.parametrize(
    "pattern",
    [
        '"open',
        'word "open',
        '"closed" "open',
        "-",
        "?",
        "loss=0.5",
        "a.b",
        "{ $.a = 1",
        "{ }",
        "{ a = 1 }",
        "{ $.a }",
        "{ $.a = }",
        "{ $.a < text }",
        "{ $.a IS MAYBE }",
        "{ $.a EXISTS NOT }",
        "{ $.a = 1 && }",
        "{ $.a = 1 $.b = 2 }",
        "{ ($.a = 1 }",
        "{ $.a = 1) }",
        '{ $.a = "open }',
        "{" + "(" * 500 + "$.a = 1" + ")" * 500 + "}",
    ],
)
def test_what_is_no_pattern(pattern: str) -> None:
    with pytest.raises(AwsError) as raised:
        matcher(pattern)
    assert raised.value.code == "InvalidParameterException"
    assert raised.value.message.startswith("Invalid")


@pytest.mark.parametrize("pattern", ["[ip, user, code = 4*]", "%ERROR|WARN%", "{ $.a = %x% }"])
def test_what_is_not_implemented_is_refused_by_name(pattern: str) -> None:
    with pytest.raises(NotImplementedByEmulator) as raised:
        matcher(pattern)
    assert pattern in str(raised.value)


@given(st.text(max_size=50), st.text(max_size=50))
def test_any_text_is_a_pattern_or_refused(pattern: str, message: str) -> None:
    try:
        matches = matcher(pattern)
    except AwsError:
        return
    assert matches(message) in (True, False)
