"""Whatever happens between any two steps, there is one resource, and what others had there is there again. N2, C4"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest

from flytekitplugins_smfs.aws.door import Aws, Halted
from flytekitplugins_smfs.operations.owning import Changing, Difference, Making, change, own, put_back
from flytekitplugins_smfs.values.errors import (
    AwsFault,
    Capacity,
    Conflict,
    Denied,
    FingerprintMismatch,
    Invalid,
    InvalidSpec,
    Missing,
    Problem,
    Throttled,
    Transient,
)
from flytekitplugins_smfs.values.plain import Record
from flytekitplugins_smfs.values.settings import Settings

AWS = Aws(Settings(endpoint="aws", region="us-east-1"))
DEAD = "DELETING"
GONE = "GONE"


class Died(BaseException):
    """Nothing catches it, as nothing catches a SIGKILL."""


def fault(kind: type[AwsFault], code: str = "Code", text: str = "so it is") -> AwsFault:
    return kind(doing="creating", service="fake", operation="Create", code=code, text=text)


@dataclass
class Dying:
    """Counts calls, and dies before or after the one that it is told."""

    calls: list[str] = field(default_factory=list)
    dies_at: float = float("inf")
    """Two for each call: before it and after it, from 0."""
    _moment: int = 0

    def begins(self, call: str) -> None:
        self.calls.append(call)
        self._tick()

    def ends(self) -> None:
        self._tick()

    def _tick(self) -> None:
        self._moment += 1
        if self._moment > self.dies_at:
            raise Died

    def lives_until(self, moment: float) -> None:
        self.dies_at, self._moment = moment, 0


@dataclass
class Cloud(Dying):
    """AWS with one kind of thing and its memory of tokens."""

    things: list[dict[str, Any]] = field(default_factory=list)
    tokens: dict[str, tuple[dict[str, Any], str]] = field(default_factory=dict)
    unlisted: set[str] = field(default_factory=set)
    lost: list[AwsFault] = field(default_factory=list)
    """The next creates are carried out, and answered so."""
    refused: list[AwsFault] = field(default_factory=list)
    """The next creates are not carried out."""
    unlistable: list[Exception | None] = field(default_factory=list)
    between: list[Callable[[], Any]] = field(default_factory=list)
    """What others do right before the next creates."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def list(self, name: str) -> list[dict[str, Any]]:
        self.begins("list")
        error = self.unlistable.pop(0) if self.unlistable else None
        if error:
            raise error
        found = [one for one in self.things if one["name"] == name and one["state"] != GONE]
        self.ends()
        return [dict(one) for one in found if one["id"] not in self.unlisted]

    def create(self, token: str, request: dict[str, Any]) -> dict[str, Any]:
        self.begins("create")
        if self.between:
            self.between.pop(0)()
        if self.refused:
            raise self.refused.pop(0)
        with self._lock:
            made = self._made(token, request)
        self.ends()
        if self.lost:
            raise self.lost.pop(0)
        return dict(made)

    def _made(self, token: str, request: dict[str, Any]) -> dict[str, Any]:
        if token not in self.tokens:
            self.tokens[token] = (request, self.add(**request))
        known, id = self.tokens[token]
        if known != request:
            raise fault(Conflict, "IncompatibleParameterError", "the token stands for other parameters")
        made = next(one for one in self.things if one["id"] == id)
        if made["state"] == GONE:
            raise fault(Missing, "FileSystemNotFound", f"{id} does not exist")
        return made

    def add(self, name: str, size: int = 1, state: str = "AVAILABLE", owner: str = "another") -> str:
        id = f"thing-{len(self.things)}"
        self.things.append({"id": id, "name": name, "size": size, "state": state, "owner": owner})
        return id

    @property
    def living(self) -> list[str]:
        return [one["id"] for one in self.things if one["state"] == "AVAILABLE"]


class ThingMaking(Making):
    """A thing of a name and a size."""

    def __init__(self, cloud: Cloud, size: int = 1, owner: str = "me", name: str = "mine") -> None:
        self.cloud, self.size, self.owner, self.name = cloud, size, owner, name
        self.what = f"Thing {name}"
        self.renewal = f"attempt of {owner}"
        self.checked: list[Sequence[Record]] = []
        self.problems: list[Problem] = []
        self.tells_differences = True

    def find(self, aws: Aws) -> Sequence[Record]:
        return self.cloud.list(self.name)

    def differences(self, aws: Aws, record: Record) -> Iterable[Difference] | None:
        if record["size"] == self.size:
            return ()
        return self._differences(record) if self.tells_differences else None

    def _differences(self, record: Record) -> Iterator[Difference]:
        yield Difference("size", record["size"], self.size, changeable=True)
        yield Difference("shape", "round", "square")

    def create(self, aws: Aws, token: str) -> Record:
        return self.cloud.create(token, {"name": self.name, "size": self.size, "owner": self.owner})

    def id(self, record: Record) -> str:
        return str(record["id"])

    def identity(self) -> tuple[str, ...]:
        return ("thing", self.name, str(self.size))

    def dead(self, record: Record) -> bool:
        return bool(record["state"] == DEAD)

    def check(self, there: Sequence[Record]) -> None:
        self.checked.append(there)
        if self.problems:
            raise InvalidSpec(self.what, self.problems)


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


@pytest.fixture
def making(cloud: Cloud) -> ThingMaking:
    return ThingMaking(cloud)


def owned(making: Making) -> str:
    found = own(AWS, making)
    assert found is not None
    return making.id(found)


# --- find, adopt, make ------------------------------------------------------------------------------------------------


def test_it_is_made_once_and_found_ever_after(cloud: Cloud, making: ThingMaking) -> None:  # C4
    first = owned(making)
    assert [owned(making), owned(ThingMaking(cloud))] == [first, first]
    assert cloud.calls == ["list", "create", "list", "list"]


def test_what_others_made_and_is_what_is_asked_for_is_adopted(cloud: Cloud, making: ThingMaking) -> None:  # N2
    theirs = cloud.add("mine", owner="somebody")
    cloud.add("mine", owner="somebody")
    cloud.add("other")
    assert owned(making) == theirs  # the oldest
    assert cloud.calls == ["list"]


def test_what_is_different_is_refused_and_the_fields_are_named(cloud: Cloud, making: ThingMaking) -> None:  # N2
    cloud.add("mine", size=2)
    with pytest.raises(FingerprintMismatch) as refused:
        own(AWS, making)
    assert refused.value.differences == (
        "size is 2, wanted 1, which AWS can change in place",
        "shape is round, wanted square",
    )
    assert "Thing mine already exists but was made from another specification: size is 2" in str(refused.value)
    assert cloud.calls == ["list"]


def test_what_tells_no_fields_is_refused_without_them(cloud: Cloud, making: ThingMaking) -> None:
    cloud.add("mine", size=2)
    making.tells_differences = False
    with pytest.raises(FingerprintMismatch, match="its recorded fingerprint differs") as refused:
        own(AWS, making)
    assert refused.value.differences == ()


def test_what_aws_would_refuse_because_of_what_is_there_is_not_asked_of_it(cloud: Cloud, making: ThingMaking) -> None:
    cloud.add("mine", state=DEAD)
    making.problems = [Problem("path", "it overlaps /another.")]
    with pytest.raises(InvalidSpec, match="overlaps"):
        own(AWS, making)
    assert cloud.calls == ["list"]
    assert [[record["id"] for record in there] for there in making.checked] == [["thing-0"]]


def test_what_is_there_already_needs_no_check(cloud: Cloud, making: ThingMaking) -> None:
    theirs = cloud.add("mine")
    making.problems = [Problem("path", "it overlaps /another.")]
    assert owned(making) == theirs


# --- lost answers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Transient, Throttled])
def test_an_answer_that_was_lost_is_looked_up(cloud: Cloud, making: ThingMaking, kind: type[AwsFault]) -> None:  # N2
    cloud.lost = [fault(kind)]
    assert owned(making) == "thing-0"
    assert owned(making) == "thing-0"
    assert cloud.calls == ["list", "create", "list", "list"]


@pytest.mark.parametrize("kind", [Transient, Throttled, Conflict, Invalid])
def test_what_was_not_made_is_not_taken_for_made(cloud: Cloud, making: ThingMaking, kind: type[AwsFault]) -> None:  # N2
    cloud.refused = [fault(kind, "AsItWas")]
    with pytest.raises(kind, match="AsItWas"):
        own(AWS, making)
    assert cloud.things == []
    assert owned(making) == "thing-0"


@pytest.mark.parametrize("kind", [Denied, Capacity])
def test_what_was_refused_for_good_is_not_looked_up(cloud: Cloud, making: ThingMaking, kind: type[AwsFault]) -> None:
    cloud.refused = [fault(kind)]
    with pytest.raises(kind):
        own(AWS, making)
    assert cloud.calls == ["list", "create"]


@pytest.mark.parametrize("error", [fault(Transient, "Other"), fault(Throttled, "Other"), Halted()])
def test_where_it_cannot_be_looked_up_the_creates_own_fault_is_told(
    cloud: Cloud, making: ThingMaking, error: Exception
) -> None:
    cloud.lost, cloud.unlistable = [fault(Transient, "AsItWas")], [None, error]
    with pytest.raises(Transient, match="AsItWas"):
        own(AWS, making)
    assert owned(making) == "thing-0"  # the next start finds out
    assert cloud.living == ["thing-0"]


def test_what_is_looked_up_is_looked_up_even_if_the_caller_was_asked_to_stop(
    cloud: Cloud, making: ThingMaking, monkeypatch: pytest.MonkeyPatch
) -> None:  # N1
    """Otherwise nobody would know what there is to be cancelled."""
    doors: list[Aws] = []
    monkeypatch.setattr(making, "find", lambda aws: doors.append(aws) or cloud.list("mine"))
    cloud.lost = [fault(Transient)]
    halt = threading.Event()
    own(AWS.until(halt), making)
    assert [door._halt for door in doors] == [halt, None]


def test_what_has_its_name_before_may_be_left_to_the_first_state(cloud: Cloud, making: ThingMaking) -> None:
    making.named_before = True
    cloud.refused = [fault(Transient)]
    assert own(AWS, making) is None
    cloud.refused = [fault(Throttled)]
    with pytest.raises(Throttled):  # and so it was not asked for
        own(AWS, making)
    cloud.lost = [fault(Transient)]
    assert owned(making) == "thing-0"


def test_a_lost_answer_to_a_request_of_others_is_no_reason_to_take_what_is_different(
    cloud: Cloud, making: ThingMaking
) -> None:
    cloud.between = [lambda: cloud.add("mine", size=2)]
    cloud.refused = [fault(Transient)]
    with pytest.raises(FingerprintMismatch, match="size is 2"):
        own(AWS, making)


# --- races ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Conflict, Invalid])
def test_what_another_start_made_meanwhile_is_adopted(
    cloud: Cloud, making: ThingMaking, kind: type[AwsFault]
) -> None:  # N2
    cloud.between, cloud.refused = [lambda: cloud.add("mine")], [fault(kind, "AlreadyExists")]
    assert owned(making) == "thing-0"
    assert cloud.living == ["thing-0"]


def test_what_another_start_made_otherwise_meanwhile_is_refused(cloud: Cloud, making: ThingMaking) -> None:  # N2
    cloud.between, cloud.refused = [lambda: cloud.add("mine", size=2)], [fault(Conflict, "AlreadyExists")]
    with pytest.raises(FingerprintMismatch, match="size is 2"):
        own(AWS, making)


def test_two_executions_that_ask_for_the_same_by_name_get_the_same(cloud: Cloud, making: ThingMaking) -> None:  # N2
    """The token is the same, the owner's tags are not: AWS calls that incompatible parameters."""
    cloud.between = [lambda: own(AWS, ThingMaking(cloud, owner="another"))]
    assert owned(making) == "thing-0"
    assert cloud.things[0]["owner"] == "another"
    assert cloud.living == ["thing-0"]


@pytest.mark.parametrize("owners", [["me"] * 8, [f"execution {number}" for number in range(8)]])
def test_starts_that_come_at_once_make_one(cloud: Cloud, owners: list[str]) -> None:  # N12
    together = threading.Barrier(len(owners))
    cloud.between = [together.wait] * len(owners)
    with ThreadPoolExecutor(len(owners)) as pool:
        found = list(pool.map(lambda owner: owned(ThingMaking(cloud, owner=owner)), owners))
    assert set(found) == {"thing-0"}
    assert cloud.living == ["thing-0"]


# --- dead ones and what AWS remembers of them -------------------------------------------------------------------------


def test_a_dead_one_is_neither_used_nor_adopted(cloud: Cloud, making: ThingMaking) -> None:  # C4
    cloud.add("mine", state=DEAD)
    assert owned(making) == "thing-1"
    assert owned(making) == "thing-1"


def test_one_that_died_is_made_anew_each_time(cloud: Cloud, making: ThingMaking) -> None:  # C4
    for number in range(4):
        assert owned(making) == f"thing-{number}"
        cloud.things[number]["state"] = DEAD
    assert len(cloud.tokens) == 4


def test_a_living_one_is_found_among_dead_ones(cloud: Cloud, making: ThingMaking) -> None:
    cloud.add("mine", state=DEAD)
    living = cloud.add("mine")
    cloud.add("mine", state=DEAD)
    assert owned(making) == living


def test_a_token_whose_resource_died_and_is_not_listed_gives_another(cloud: Cloud, making: ThingMaking) -> None:
    owned(making)
    cloud.things[0]["state"], cloud.unlisted = DEAD, {"thing-0"}
    assert owned(making) == "thing-1"
    cloud.things[1]["state"], cloud.unlisted = DEAD, {"thing-0", "thing-1"}
    assert owned(making) == "thing-2"


def test_a_token_whose_resource_is_gone_is_renewed(cloud: Cloud, making: ThingMaking) -> None:  # C4
    owned(making)
    cloud.things[0]["state"] = GONE
    assert owned(making) == "thing-1"
    assert owned(making) == "thing-1"
    assert cloud.living == ["thing-1"]


def test_a_token_that_stands_for_other_parameters_of_one_that_is_gone_is_renewed(cloud: Cloud) -> None:
    own(AWS, ThingMaking(cloud, owner="another"))
    cloud.things[0]["state"] = GONE
    assert owned(ThingMaking(cloud)) == "thing-1"


def test_a_token_that_stands_for_other_parameters_without_renewal_is_a_mismatch(
    cloud: Cloud, making: ThingMaking
) -> None:
    own(AWS, ThingMaking(cloud, owner="another"))
    cloud.things[0]["state"] = GONE
    making.renewal = ""
    with pytest.raises(FingerprintMismatch, match="the token stands for other parameters"):
        own(AWS, making)


def test_a_token_is_renewed_once(cloud: Cloud, making: ThingMaking) -> None:
    """What is missing may be a subnet."""
    cloud.refused = [fault(Missing, "InvalidSubnetID.NotFound") for _ in range(9)]
    with pytest.raises(Missing, match="InvalidSubnetID"):
        own(AWS, making)
    assert cloud.calls.count("create") == 2
    cloud.refused = [fault(Conflict, "IncompatibleParameterError", "so it stays") for _ in range(9)]
    with pytest.raises(FingerprintMismatch, match="so it stays"):
        own(AWS, making)


# --- kills ------------------------------------------------------------------------------------------------------------


def nothing(cloud: Cloud) -> None:
    return


def dead(cloud: Cloud) -> None:
    cloud.add("mine", state=DEAD)


def died(cloud: Cloud) -> None:
    own(AWS, ThingMaking(cloud))
    cloud.things[0]["state"] = DEAD


def died_unlisted(cloud: Cloud) -> None:
    died(cloud)
    cloud.unlisted = {"thing-0"}


def gone(cloud: Cloud) -> None:
    own(AWS, ThingMaking(cloud))
    cloud.things[0]["state"] = GONE


def gone_of_another(cloud: Cloud) -> None:
    own(AWS, ThingMaking(cloud, owner="another"))
    cloud.things[0]["state"] = GONE


def lost(cloud: Cloud) -> None:
    cloud.lost = [fault(Transient)]


BEFORE = pytest.mark.parametrize("before", [nothing, dead, died, died_unlisted, gone, gone_of_another, lost])


@BEFORE
def test_killed_between_any_two_steps_and_started_again_there_is_one(before: Callable[[Cloud], None]) -> None:  # N2
    for moment in itertools.count():
        cloud = Cloud()
        before(cloud)
        cloud.lives_until(moment)
        try:
            first = owned(ThingMaking(cloud))
        except Died:
            first = None
        cloud.lives_until(float("inf"))
        again = owned(ThingMaking(cloud))
        assert cloud.living == [again]
        if first is not None:
            assert first == again
            break
    assert moment >= 4


@BEFORE
def test_killed_at_every_step_one_after_the_other_there_is_one(before: Callable[[Cloud], None]) -> None:  # N2
    cloud = Cloud()
    before(cloud)
    for moment in itertools.count():
        cloud.lives_until(moment)
        try:
            found = owned(ThingMaking(cloud))
        except Died:
            assert len(cloud.living) <= 1
            continue
        assert cloud.living == [found]
        return


# --- change, and put back ---------------------------------------------------------------------------------------------


@dataclass
class House(Dying):
    """Somebody else's settings, and the place where a record of them outlives a process."""

    settings: dict[str, str] = field(default_factory=lambda: {"rule": "theirs", "other": "theirs"})
    note: dict[str, str] | None = None
    noted: list[dict[str, str]] = field(default_factory=list)
    """Everything that was ever recorded."""


class RuleChanging(Changing):
    """`rule` is to be ours, and `more` is to be there, for a while."""

    wanted = {"rule": "ours", "more": "ours"}  # noqa: RUF012

    def __init__(self, house: House) -> None:
        self.house = house

    def recorded(self, aws: Aws) -> Record | None:
        return self._at("recorded", lambda: self.house.note)

    def record(self, aws: Aws, before: Record | None) -> None:
        def put() -> None:
            self.house.note = None if before is None else dict(before)
            if before is not None:
                self.house.noted.append(dict(before))

        self._at("record", put)

    def read(self, aws: Aws) -> Record:
        return self._at("read", lambda: dict(self.house.settings))

    def merged(self, current: Record) -> Record:
        return {**current, **self.wanted}

    def without(self, current: Record, before: Record) -> Record:
        ours = {name for name, value in self.wanted.items() if current.get(name) == value}
        kept = {name: value for name, value in current.items() if name not in ours}
        return kept | {name: before[name] for name in ours if name in before}

    def write(self, aws: Aws, settings: Record) -> None:
        self._at("write", lambda: setattr(self.house, "settings", dict(settings)))

    def _at(self, call: str, work: Callable[[], Any]) -> Any:
        self.house.begins(call)
        done = work()
        self.house.ends()
        return done


THEIRS = {"rule": "theirs", "other": "theirs"}
CHANGED = {"rule": "ours", "other": "theirs", "more": "ours"}


@pytest.fixture
def house() -> House:
    return House()


def test_it_is_changed_and_put_back(house: House) -> None:
    change(AWS, RuleChanging(house))
    assert house.settings == CHANGED
    assert house.note == THEIRS
    put_back(AWS, RuleChanging(house))
    assert house.settings == THEIRS
    assert house.note is None


def test_what_was_there_is_recorded_before_anything_is_written(house: House) -> None:
    change(AWS, RuleChanging(house))
    assert house.calls == ["read", "recorded", "record", "write"]


def test_changed_twice_it_is_recorded_and_written_once(house: House) -> None:
    change(AWS, RuleChanging(house))
    change(AWS, RuleChanging(house))
    assert house.noted == [THEIRS]
    assert house.calls.count("write") == 1


def test_what_is_as_it_is_wanted_is_not_written(house: House) -> None:
    house.settings = dict(CHANGED)
    change(AWS, RuleChanging(house))
    put_back(AWS, RuleChanging(house))
    assert house.settings == CHANGED
    assert house.calls.count("write") == 0
    assert house.note is None


def test_without_a_record_there_is_nothing_to_put_back(house: House) -> None:
    put_back(AWS, RuleChanging(house))
    assert house.calls == ["recorded"]


def killed_at(house: House, moment: float, work: Callable[[Aws, Changing], None]) -> bool:
    """Whether it was killed at that moment; if not it is done."""
    house.lives_until(moment)
    try:
        work(AWS, RuleChanging(house))
    except Died:
        return True
    finally:
        house.lives_until(float("inf"))
    return False


def others_change(house: House) -> None:
    house.settings["other"] = "changed since"
    house.settings["new"] = "since"


@pytest.mark.parametrize("others", [False, True], ids=["nobody else", "others meanwhile"])
@pytest.mark.parametrize("again", [False, True], ids=["put back at once", "changed again before"])
def test_a_change_killed_between_any_two_steps_is_put_back(again: bool, others: bool) -> None:  # N2
    for moment in itertools.count():
        house = House()
        killed = killed_at(house, moment, change)
        if others:
            others_change(house)
        expected = dict(house.settings) | {"rule": "theirs"}
        expected.pop("more", None)
        if again:
            change(AWS, RuleChanging(house))
            assert RuleChanging.wanted.items() <= house.settings.items()
        put_back(AWS, RuleChanging(house))
        assert house.settings == expected
        assert house.note is None
        assert len(house.noted) <= 1
        assert all(note["rule"] == "theirs" for note in house.noted)
        if not killed:
            break
    assert moment >= 8


@pytest.mark.parametrize("others", [False, True], ids=["nobody else", "others meanwhile"])
def test_putting_back_killed_between_any_two_steps_is_seen_through(others: bool) -> None:  # N2
    for moment in itertools.count():
        house = House()
        change(AWS, RuleChanging(house))
        killed = killed_at(house, moment, put_back)
        expected = dict(THEIRS)
        if others:
            others_change(house)
            expected |= {"other": "changed since", "new": "since"}
        put_back(AWS, RuleChanging(house))
        assert house.settings == expected
        assert house.note is None
        assert house.noted == [THEIRS]
        if not killed:
            break
    assert moment >= 8


def test_what_others_made_of_our_change_stays(house: House) -> None:
    change(AWS, RuleChanging(house))
    house.settings["rule"] = "changed since"
    put_back(AWS, RuleChanging(house))
    assert house.settings == {"rule": "changed since", "other": "theirs"}


def test_changed_and_put_back_it_can_be_changed_anew(house: House) -> None:
    change(AWS, RuleChanging(house))
    put_back(AWS, RuleChanging(house))
    others_change(house)
    before = dict(house.settings)
    change(AWS, RuleChanging(house))
    assert house.noted == [THEIRS, before]
    put_back(AWS, RuleChanging(house))
    assert house.settings == before
