"""A decision has a time of its own, and said again with every change of its customer it is told once."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from connectors.connector import Decision
from mappings.records import ABSENT, NOTHING_SAID, Change, Consent
from worker.engine.subjects import Facet, SubjectRecord
from worker.sync.facets import EXISTS, facets_of
from worker.sync.kinds import KINDS
from worker.sync.news import after_telling, kept, news, superseded, untold

DAY = datetime(2026, 3, 1, tzinfo=timezone.utc)
ARRIVED = int(DAY.timestamp() * 1_000_000) + 86_400_000_000
CUSTOMERS = KINDS["customer"]


def said(arrival: int, decision: str, decided: int | None, note: str | None = None) -> dict[str, Facet]:
    """Give the facets of the arrival-th change, of a customer who decided at that second of the day."""
    time = None if decided is None else DAY + timedelta(seconds=decided)
    consent = Consent(decision=decision, time=time, origin="form")
    return change(arrival, email_consent=consent, note=ABSENT if note is None else note)


def change(arrival: int, *, deleted: bool = False, **fields: object) -> dict[str, Facet]:
    """Give the facets of the arrival-th change."""
    one = Change(
        id="1",
        time=DAY + timedelta(seconds=10 * arrival),
        rank=1,
        deleted=deleted,
        final=False,
        customer=NOTHING_SAID.model_copy(update=fields),
        notes=(),
    )
    return facets_of(one, ARRIVED + arrival)


def told(record: SubjectRecord, facets: Mapping[str, Facet]) -> SubjectRecord:
    """Give the record after a destination was told, if there was anything to tell."""
    found = news(CUSTOMERS, record, [facets])
    if found is None:
        return superseded(CUSTOMERS, record, [facets])
    return after_telling(CUSTOMERS, record, found, {})


def new_facets(record: SubjectRecord, *pending: Mapping[str, Facet]) -> set[str]:
    """Name what is to be told."""
    found = news(CUSTOMERS, record, pending)
    return set() if found is None else set(found.facets)


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_decision_that_is_said_again_is_told_once(times: int) -> None:
    record = SubjectRecord()
    for arrival in range(times):
        record = told(record, said(arrival, "granted", 5, note=str(arrival)))

    assert {EXISTS, "note"} == new_facets(record, said(9, "granted", 5, note="new"))


def test_a_decision_alone_that_is_said_again_is_no_news() -> None:
    record = told(SubjectRecord(), said(1, "granted", 5))

    assert set() == new_facets(record, said(2, "granted", 5))
    assert set() == new_facets(told(record, said(2, "granted", 5)), said(3, "granted", 5))


@pytest.mark.parametrize("again", [("granted", 6), ("denied", 5)])
def test_a_decision_of_another_time_or_kind_is_news(again: tuple[str, int]) -> None:
    record = told(SubjectRecord(), said(1, "granted", 5))

    assert "email_consent" in new_facets(record, said(2, *again))


def test_a_decision_without_a_time_is_news_each_time() -> None:
    record = told(SubjectRecord(), said(1, "granted", None))

    assert "email_consent" in new_facets(record, said(2, "granted", None))


def test_a_decision_that_waits_is_news_after_another_of_the_same_moment() -> None:
    record = told(SubjectRecord(), said(1, "denied", 5))
    found = news(CUSTOMERS, record, [said(2, "granted", 5)])
    assert found is not None
    waiting = kept(record, found)

    assert "email_consent" in new_facets(waiting)
    assert "email_consent" in new_facets(waiting, said(3, "granted", 5))


def test_a_decision_that_could_not_be_told_is_news_when_it_is_said_again() -> None:
    found = news(CUSTOMERS, SubjectRecord(), [said(1, "granted", 5)])
    assert found is not None
    buried = SubjectRecord(consents=found.consents)

    assert "email_consent" in new_facets(buried, said(2, "granted", 5))


def test_a_late_change_is_told_without_the_older_decision_in_it() -> None:
    record = told(SubjectRecord(), said(2, "granted", 10))

    assert {"note"} == new_facets(record, said(1, "denied", 5, note="late"))


def test_decisions_carry_their_time() -> None:
    found = news(CUSTOMERS, SubjectRecord(), [said(1, "denied", 7)])
    assert found is not None

    assert {"email": Decision(granted=False, time=DAY + timedelta(seconds=7))} == found.decisions()
    assert {} == replace(found, consents={}).decisions()


def test_a_grant_of_a_refused_letter_ends_though_the_deletion_comes_after_the_return() -> None:
    grant = said(0, "granted", 5)
    refused = news(CUSTOMERS, SubjectRecord(), [grant])
    assert refused is not None
    # Its customer was created by the next change, as one who had granted.
    record = told(untold(SubjectRecord(), refused.consents, refused.gone), change(2, note="back"))

    found = news(CUSTOMERS, record, [change(1, deleted=True)])

    assert found is not None
    assert not found.deleted
    assert not found.decisions()["email"].granted
    assert not found.facets["email_consent"][0][0]


def waiting(record: SubjectRecord, *pending: Mapping[str, Facet]) -> SubjectRecord:
    """Give the record while changes wait for an identifier."""
    found = news(CUSTOMERS, record, pending)
    assert found is not None
    return kept(record, found)


def test_a_grant_that_only_waited_needs_no_denial_when_its_customer_is_deleted_and_back() -> None:
    record = waiting(SubjectRecord(), said(0, "granted", 5))

    assert {EXISTS, "note"} == new_facets(record, change(1, deleted=True), change(2, note="back"))
    assert {EXISTS} == new_facets(waiting(record, change(1, deleted=True), change(2)))


def test_a_grant_that_waited_and_was_refused_later_may_be_there_and_ends() -> None:
    record = waiting(SubjectRecord(), said(0, "granted", 5))
    refused = news(CUSTOMERS, record, [change(1, email="a@example.com")])
    assert refused is not None
    # Given up: one of the calls without an answer may have told it.
    record = untold(record, refused.consents, refused.gone)

    assert {"email_consent", EXISTS} == new_facets(record, change(2, deleted=True), change(3))


@pytest.mark.parametrize("newest", ["granted", "denied"])
def test_a_grant_that_a_dead_worker_may_have_told_ends_though_it_waits_since(newest: str) -> None:
    record = waiting(SubjectRecord(doubt=True), said(0, "granted", 0), said(1, newest, 5))
    record = replace(record, doubt=False)  # as the settlement leaves it

    assert {"email_consent", EXISTS} == new_facets(record, change(2, deleted=True), change(3))


def test_a_grant_before_a_denial_that_was_refused_too_ends_with_a_deletion() -> None:
    refused = news(CUSTOMERS, SubjectRecord(), [said(0, "granted", 0), said(1, "denied", 5)])
    assert refused is not None
    record = untold(SubjectRecord(), refused.consents, refused.gone)

    assert {"email_consent", EXISTS} == new_facets(record, change(2, deleted=True), change(3))


@pytest.mark.parametrize("times", [1, 2])
def test_a_denial_that_ends_a_grant_is_told_after_it_waited(times: int) -> None:
    record = told(SubjectRecord(), said(0, "granted", 5))
    for arrival in range(times):
        record = waiting(record, change(1, deleted=True), change(2 + arrival))

    found = news(CUSTOMERS, record, [change(9, email="a@example.com")])

    assert found is not None
    assert not found.facets["email_consent"][0][0]
    assert {"email": Decision(granted=False, time=DAY + timedelta(seconds=10))} == found.decisions()
    # Nobody said no: it ends with the telling.
    assert {} == replace(found, ended=frozenset()).decisions()
    assert set() == new_facets(after_telling(CUSTOMERS, record, found, {}))
