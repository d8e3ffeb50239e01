"""Listing against a model: what S3 documents of prefixes, delimiters and markers, said over a sorted list of keys."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flytekitplugins_smfs.emulator.objects import ObjectStore
from flytekitplugins_smfs.emulator.objects.listing import Wanted
from flytekitplugins_smfs.emulator.objects.records import About, Content

ALPHABET = st.sampled_from(["a", "b", "/", "//", ":", "\0", "\x7f", "é", "\uffff", "😀", "..", " ", "%"])
KEYS = st.lists(ALPHABET, min_size=1, max_size=5).map("".join)
SHORT = st.lists(ALPHABET, max_size=2).map("".join)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ObjectStore:
    return ObjectStore(tmp_path_factory.mktemp("objects"))


def fill(store: ObjectStore, bucket: str, keys: set[str]) -> None:
    """Rows without files: listing reads none."""
    store.buckets.ensure(bucket, "us-east-1")
    with store.database.transaction():
        for there in list(store.listing.every(bucket)):
            store.contents.delete(bucket, there.key)
        for key in keys:
            store.contents.put(bucket, key, Content("0" * 32, 1, "etag"), About())


def model(keys: set[str], wanted: Wanted) -> list[tuple[str, bool]]:
    """Every entry that is listed at or after the marker, in order: a key, or a common prefix."""
    shown: list[tuple[str, bool]] = []
    for key in sorted(keys, key=str.encode):
        if not key.startswith(wanted.prefix):
            continue
        place = key.find(wanted.delimiter, len(wanted.prefix)) if wanted.delimiter else -1
        entry = (key, False) if place < 0 else (key[: place + len(wanted.delimiter)], True)
        if entry[0].encode() > wanted.after.encode() and entry not in shown:
            shown.append(entry)
    return sorted(shown, key=lambda entry: entry[0].encode())


@settings(max_examples=300)
@given(keys=st.sets(KEYS, max_size=30), prefix=SHORT, delimiter=SHORT, after=SHORT, limit=st.integers(1, 12))
def test_a_page_is_what_the_model_says(
    store: ObjectStore, keys: set[str], prefix: str, delimiter: str, after: str, limit: int
) -> None:
    fill(store, "modelled", keys)
    wanted = Wanted(prefix, delimiter, after, limit)
    page = store.listing.page("modelled", wanted)
    expected = model(keys, wanted)
    assert [item.key for item in page.items] == [name for name, folded in expected[:limit] if not folded]
    assert page.prefixes == [name for name, folded in expected[:limit] if folded]
    assert page.truncated == (len(expected) > limit)
    assert page.last == (expected[:limit][-1][0] if expected else "")


@settings(max_examples=100)
@given(keys=st.sets(KEYS, max_size=40), delimiter=SHORT, limit=st.integers(1, 7))
def test_pages_together_are_the_whole(store: ObjectStore, keys: set[str], delimiter: str, limit: int) -> None:
    fill(store, "paged", keys)
    seen: list[str] = []
    page = store.listing.page("paged", Wanted(delimiter=delimiter, limit=limit))
    seen += sorted([item.key for item in page.items] + page.prefixes, key=str.encode)
    while page.truncated:
        page = store.listing.page("paged", Wanted(delimiter=delimiter, after=page.last, limit=limit))
        seen += sorted([item.key for item in page.items] + page.prefixes, key=str.encode)
    assert seen == [name for name, _ in model(keys, Wanted(delimiter=delimiter))]


def test_a_common_prefix_costs_one_look_up_whatever_it_folds(store: ObjectStore) -> None:
    fill(store, "folded", {f"{folder}/{number:04}" for folder in "abc" for number in range(3000)})
    looked = 0
    fetch = store.database.all

    def counting(sql: str, *values: object) -> list[tuple[object, ...]]:
        nonlocal looked
        looked += "FROM objects" in sql
        return fetch(sql, *values)

    store.database.all = counting  # type: ignore[method-assign]
    try:
        assert store.listing.page("folded", Wanted(delimiter="/")).prefixes == ["a/", "b/", "c/"]
    finally:
        del store.database.all
    assert looked <= 4


def test_a_limit_of_nothing_is_an_empty_page_that_ends(store: ObjectStore) -> None:
    fill(store, "nothing", {"a"})
    page = store.listing.page("nothing", Wanted(limit=0))
    assert (page.items, page.prefixes, page.truncated) == ([], [], False)


def test_a_store_is_seen_by_another_that_opens_it(tmp_path: Path) -> None:
    one, other = ObjectStore(tmp_path), ObjectStore(tmp_path)
    one.buckets.ensure("shared", "us-east-1")
    one.put_bytes("shared", "k", b"from one")
    assert other.read("shared", "k") == b"from one"
