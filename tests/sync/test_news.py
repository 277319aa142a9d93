"""Whatever the order in which changes arrive and however they are split into deliveries, what was told is the same."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from itertools import pairwise, permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.records import ABSENT, NOTHING_SAID, Change, Consent
from worker.engine.subjects import Facet, SubjectRecord, Version
from worker.sync.facets import CONSENTS, DELETED, EXISTS, facets_of, fold
from worker.sync.kinds import KINDS
from worker.sync.news import News, after_telling, kept, news, superseded

DAY = datetime(2026, 3, 1, tzinfo=timezone.utc)
ARRIVED = int(DAY.timestamp() * 1_000_000) + 86_400_000_000
NEVER: Version = (-1, 0, 0, 0)

CUSTOMERS = KINDS["customer"]

Facets = dict[str, Facet]


def packed(record: SubjectRecord) -> bytes:
    given = record.pack()
    return given if isinstance(given, bytes) else given.encode()


def at(seconds: int | None) -> datetime | None:
    return None if seconds is None else DAY + timedelta(seconds=seconds)


def make(
    arrival: int,
    time: int | None = 0,
    *,
    rank: int = 1,
    deleted: bool = False,
    final: bool = False,
    consent: tuple[str, int | None] | None = None,
    **fields: Any,
) -> Facets:
    """Give the facets of a change that arrived as the arrival-th."""
    decided = Consent(decision=consent[0], time=at(consent[1]), origin="form") if consent else ABSENT
    customer = NOTHING_SAID.model_copy(update={**fields, "email_consent": decided})
    change = Change(id="1", time=at(time), rank=rank, deleted=deleted, final=final, customer=customer, notes=())
    return facets_of(change, ARRIVED + arrival)


@dataclass
class Told:
    """A destination that believes what it is told, and the record of it."""

    record: SubjectRecord = field(default_factory=SubjectRecord)
    facets: Facets = field(default_factory=dict)
    deliveries: int = 0

    def deliver(self, pending: Sequence[Facets], *, keep: bool = False) -> None:
        found = news(CUSTOMERS, self.record, pending)
        if found is None:
            self._record(superseded(CUSTOMERS, self.record, pending))
            return
        if keep and not found.deleted:
            self._record(kept(self.record, found))
            return
        self.deliveries += 1
        self.facets = {} if found.deleted else {**self.facets, **found.facets}
        self._record(after_telling(CUSTOMERS, self.record, found, {}))

    def _record(self, record: SubjectRecord) -> None:
        self.record = SubjectRecord.unpack({"known": packed(record)})
        # A decision that was said again was not told again: what is there is as new as the record has it.
        for name in CONSENTS.keys() & self.facets.keys() & self.record.versions.keys():
            self.facets[name] = (self.facets[name][0], self.record.versions[name])

    @property
    def exists(self) -> bool:
        return EXISTS in self.facets

    def decisions(self) -> dict[str, bool]:
        gone = self.record.versions.get(DELETED, NEVER)
        found = News(facets={}, deleted=False, consents=self.record.consents, gone=gone)
        return {channel: decision.granted for channel, decision in found.decisions().items()}


def newest(history: Sequence[Facets], name: str) -> Version:
    return max((one[name][1] for one in history if name in one), default=NEVER)


def expected(history: Sequence[Facets]) -> tuple[bool, Facets, dict[str, bool]]:
    """Say what must be known in the end: whether the subject exists, its facets, and the decisions that hold."""
    gone, here = newest(history, DELETED), newest(history, EXISTS)
    everything = fold(history)
    facets = {name: one for name, one in everything.items() if name not in (DELETED, EXISTS) and one[1] > gone}
    decisions = {
        channel: bool(everything[name][0][0])
        for name, channel in CONSENTS.items()
        if name in everything and (not everything[name][0][0] or everything[name][1] > gone)
    }
    return here > gone, facets if here > gone else {}, decisions


@st.composite
def histories(draw: st.DrawFn) -> list[Facets]:
    """Draw what a shop may send: partial updates, consents, deletions and returns, out of order and without times."""
    history: list[Facets] = []
    for arrival in range(draw(st.integers(1, 6))):
        time = draw(st.none() | st.integers(0, 6))
        rank = draw(st.integers(0, 2))
        kind = draw(st.sampled_from(("update", "update", "update", "update", "delete", "delete for good")))
        if kind != "update":
            history.append(make(arrival, time, rank=rank, deleted=True, final=kind.endswith("good")))
            continue
        fields: dict[str, Any] = draw(
            st.dictionaries(
                st.sampled_from(("first_name", "note", "email")), st.sampled_from((None, "", "a", "b")), max_size=3
            )
        )
        # A state cannot hold a decision that was made after it; where its own time is unknown, so is the decision's.
        decided = st.none() if time is None else st.none() | st.integers(0, time)
        consent = draw(st.none() | st.tuples(st.sampled_from(("granted", "denied")), decided))
        history.append(make(arrival, time, rank=rank, consent=consent, **fields))
    return history


def play(history: Sequence[Facets], cuts: Sequence[int], keeps: Sequence[bool], *, folded: bool = False) -> Told:
    """Deliver a history in batches that end at the cuts; some are kept back, and the last is told."""
    destination = Told()
    edges = [0, *sorted(cut % (len(history) + 1) for cut in cuts), len(history)]
    for index, (start, end) in enumerate(pairwise(edges)):
        batch = list(history[start:end])
        pending = [fold(batch)] if folded and batch else batch
        destination.deliver(pending, keep=bool(keeps) and keeps[index % len(keeps)])
    destination.deliver([])
    return destination


@given(
    history=histories(),
    data=st.data(),
    cuts=st.lists(st.integers(0, 20), max_size=6),
    keeps=st.lists(st.booleans(), max_size=4),
    folded=st.booleans(),
)
@settings(max_examples=400)
def test_the_end_is_the_same_for_every_order_and_every_split(
    history: list[Facets], data: st.DataObject, cuts: list[int], keeps: list[bool], *, folded: bool
) -> None:
    repeated = data.draw(st.lists(st.sampled_from(history), max_size=3))
    order = data.draw(st.permutations([*history, *repeated]))
    exists, facets, decisions = expected(history)

    destination = play(order, cuts, keeps, folded=folded)

    gone = newest(history, DELETED)
    assert exists == destination.exists
    profile = {name: one for name, one in destination.facets.items() if name != EXISTS}
    assert facets == {name: one for name, one in profile.items() if one[1] > gone}
    assert decisions == destination.decisions()
    assert not exists or newest(history, EXISTS) == destination.record.versions[EXISTS]
    if gone == NEVER or not exists:
        assert facets == profile
    assert not destination.record.kept


@given(history=histories(), keeps=st.lists(st.booleans(), max_size=4))
@settings(max_examples=200)
def test_nothing_is_told_twice(history: list[Facets], keeps: list[bool]) -> None:
    destination = play(history, range(len(history)), keeps)
    before = destination.deliveries
    for change in history:
        destination.deliver([change])
    destination.deliver(history)

    assert before == destination.deliveries


@given(history=histories())
@settings(max_examples=200)
def test_no_consent_is_granted_that_the_newest_decision_did_not_grant(history: list[Facets]) -> None:
    _, _, decisions = expected(history)
    for cut in range(len(history)):
        destination = play(history, [cut], [])
        assert decisions.get("email", False) == destination.decisions().get("email", False)
        if destination.facets.get("email_consent", ([False], NEVER))[0][0] and newest(history, DELETED) == NEVER:
            assert decisions["email"]


def test_nothing_pending_is_no_news() -> None:
    assert news(CUSTOMERS, SubjectRecord(), []) is None


def test_existence_alone_is_news_once() -> None:
    destination = Told()
    destination.deliver([make(1, 1)])
    destination.deliver([make(2, 2)])

    assert (True, 1) == (destination.exists, destination.deliveries)


def test_a_life_sign_that_is_no_news_still_outlives_an_older_deletion() -> None:
    destination = Told()
    destination.deliver([make(1, 1, note="a")])
    destination.deliver([make(2, 20)])
    destination.deliver([make(3, 10, deleted=True)])

    assert destination.exists


def test_what_was_deleted_for_good_never_returns() -> None:
    destination = Told()
    destination.deliver([make(1, 1, deleted=True, final=True)])
    destination.deliver([make(2, 100, note="a", consent=("granted", 100))])

    assert not destination.exists
    assert {} == destination.decisions()


def test_a_deletion_of_somebody_never_seen_is_told() -> None:
    found = news(CUSTOMERS, SubjectRecord(), [make(1, 1, deleted=True)])

    assert found is not None
    assert found.deleted


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_deleted_customer_who_comes_back_brings_no_old_grant(order: tuple[int, ...]) -> None:
    history = [make(1, 5, consent=("granted", 5)), make(2, 10, deleted=True), make(3, 20, note="back")]
    destination = Told()
    for index in order:
        destination.deliver([history[index]])

    assert destination.exists
    assert {} == destination.decisions()


@pytest.mark.parametrize("split", [[(1, 2)], [(2,), (1,)]])
def test_a_grant_that_was_told_ends_though_the_deletion_comes_with_the_return_or_after_it(
    split: list[tuple[int, ...]],
) -> None:
    history = [make(1, 5, consent=("granted", 5)), make(2, 10, deleted=True), make(3, 20, note="back")]
    destination = Told()
    destination.deliver([history[0]])
    for indexes in split:
        destination.deliver([history[index] for index in indexes])

    assert not destination.facets["email_consent"][0][0]
    before = destination.deliveries
    destination.deliver(history)
    assert before == destination.deliveries


def test_a_grant_that_a_dead_worker_may_have_told_ends_with_a_deletion_before_the_return() -> None:
    history = [make(1, 5, consent=("granted", 5)), make(2, 10, deleted=True), make(3, 20, note="back")]

    found = news(CUSTOMERS, SubjectRecord(doubt=True), history)

    assert found is not None
    assert not found.decisions()["email"].granted
    assert not found.facets["email_consent"][0][0]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_denial_outlives_a_deletion(order: tuple[int, ...]) -> None:
    history = [make(1, 5, consent=("denied", 5)), make(2, 10, deleted=True), make(3, 20, note="back")]
    destination = Told()
    for index in order:
        destination.deliver([history[index]])

    assert {"email": False} == destination.decisions()


def test_a_grant_after_the_return_holds() -> None:
    destination = Told()
    destination.deliver([make(1, 10, deleted=True), make(2, 20, note="a", consent=("granted", 15))])
    destination.deliver([make(3, 30, note="b")])

    assert {"email": True} == destination.decisions()


def test_an_older_change_of_one_batch_with_a_return_is_dropped_later_too() -> None:
    destination = Told()
    destination.deliver([make(1, 10, deleted=True), make(2, 20, note="a")])
    destination.deliver([make(3, 7, first_name="Old", consent=("granted", 7))])

    assert {"note", EXISTS} == set(destination.facets)
    assert {} == destination.decisions()


def test_kept_facets_are_told_with_the_next_change() -> None:
    destination = Told()
    destination.deliver([make(1, 1, first_name="Ada")], keep=True)
    assert {} == destination.facets

    destination.deliver([make(2, 2, email="ada@example.com")])

    assert {EXISTS, "first_name", "email"} == set(destination.facets)
    assert not destination.record.kept


def test_a_deletion_ends_what_was_kept() -> None:
    destination = Told()
    destination.deliver([make(1, 1, first_name="Ada")], keep=True)
    destination.deliver([make(2, 2, deleted=True)])
    destination.deliver([make(3, 3, note="back")])

    assert {EXISTS, "note"} == set(destination.facets)


def test_a_record_stays_small_however_often_a_customer_changes() -> None:
    destination = Told()
    for number in range(300):
        consent = ("granted" if number % 2 else "denied", number)
        destination.deliver([make(number, number, note=str(number), deleted=number % 7 == 6, consent=consent)])

    assert len(destination.record.pack()) < 400
