"""Names derive from the owner, and fit AWS's rules."""

import re

from hypothesis import given
from hypothesis import strategies as st

from flytekitplugins_smfs.aws.names import client_token, job_name, owner_tags, slug
from flytekitplugins_smfs.aws.pacing import TokenBucket, full_jitter, rate_of
from flytekitplugins_smfs.values.operation import Owner

owners = st.builds(
    Owner,
    execution=st.text(min_size=1, max_size=200),
    step=st.text(min_size=1, max_size=50),
    attempt=st.integers(0, 9),
)


@given(task=st.text(max_size=200), owner=owners)
def test_job_names_fit_sagemakers_pattern(task: str, owner: Owner) -> None:  # N7
    assert re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", job_name(task, owner, 63))
    assert re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}", job_name(task, owner, 32))  # C46
    assert re.fullmatch(r"[A-Za-z0-9_.-]{1,63}", client_token("lustre", owner.key, "f"))


@given(owner=owners)
def test_same_owner_same_name_next_attempt_another(owner: Owner) -> None:  # N2
    again = Owner.model_validate_json(owner.model_dump_json())
    retry = owner.model_copy(update={"attempt": owner.attempt + 1})
    assert job_name("t", again, 63) == job_name("t", owner, 63) != job_name("t", retry, 63)
    assert retry.key == owner.key


def test_a_token_says_what_is_made_and_which_earlier_ones_are_dead() -> None:  # N2
    assert client_token("lustre", "o", "f") == client_token("lustre", "o", "f")
    assert len({client_token(*parts) for parts in (("a", "b"), ("ab", ""), ("a", "b", "fs-1"))}) == 3


@given(owner=owners)
def test_tags_fit(owner: Owner) -> None:
    for key, value in owner_tags(owner, "f" * 16, {"team": "ml"}).items():
        assert re.fullmatch(r"[\w .:/=+\-@]{1,128}", key)
        assert re.fullmatch(r"[\w .:/=+\-@]{0,256}", value)


def test_slug_is_never_empty() -> None:
    assert slug("äöü", 10) == "smfs"
    assert slug("digits.train", 63) == "digits-train"


def test_a_bucket_lets_a_burst_through_and_then_its_rate() -> None:
    clock = [0.0]
    bucket = TokenBucket(2.0, lambda: clock[0])
    waits = [bucket.reserve() for _ in range(6)]
    assert waits == [0, 0, 0.5, 1.0, 1.5, 2.0]
    assert bucket.reserve(longest=2.4) is None  # and takes nothing
    assert bucket.reserve(longest=2.5) == 2.5
    clock[0] = 10.0
    assert bucket.reserve() == 0


def test_rates_are_bounded_by_the_settings() -> None:
    assert rate_of("sagemaker", "CreateTrainingJob", None) == 0.95  # exactly at it, what is early is refused
    assert rate_of("sagemaker", "DescribeTrainingJob", 0.5) == 0.5


@given(st.integers(1, 60))
def test_jitter_is_bounded(attempt: int) -> None:
    assert 0 <= full_jitter(attempt) <= 20
