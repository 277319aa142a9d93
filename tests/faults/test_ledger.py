"""The ledger checker itself: what it must find, it finds."""

import pytest

from tests.faults.ledger import Answer, Counts, Journal, count, differences


def answer(subject: str, version: int = 0, status: int = 202, seconds: float = 0.1) -> Answer:
    return Answer(subject=subject, version=version, status=status, began=0.0, seconds=seconds)


def test_what_was_accepted_and_is_there_is_well() -> None:
    answers = [answer("a", 0), answer("a", 1), answer("b", 0)]

    assert count(answers, {"a": [1], "b": [0]}) == Counts()
    assert count(answers, {"a": [1], "b": [0]}).is_clean


def test_accepted_subject_that_is_nowhere_is_lost() -> None:
    assert count([answer("a"), answer("b")], {"b": [0]}) == Counts(lost=1)


def test_accepted_version_is_lost_when_only_an_older_one_is_there() -> None:
    assert count([answer("a", 0), answer("a", 1), answer("a", 2)], {"a": [0]}) == Counts(lost=2)


def test_older_version_is_not_lost_when_a_newer_one_is_there() -> None:
    assert count([answer("a", 0), answer("a", 3)], {"a": [3]}) == Counts()


@pytest.mark.parametrize("status", [0, 401, 429, 500, 503])
def test_what_was_not_accepted_may_be_missing(status: int) -> None:
    assert count([answer("a", status=status)], {}) == Counts()


@pytest.mark.parametrize("status", [0, 503])
def test_what_is_there_though_nobody_was_told_so_is_recovered_and_no_harm(status: int) -> None:
    found = count([answer("a", status=status)], {"a": [0]})

    assert (found, found.is_clean) == (Counts(recovered=1), True)


def test_repeat_that_was_accepted_in_the_end_is_not_recovered() -> None:
    assert count([answer("a", status=503), answer("a")], {"a": [0]}) == Counts()


def test_subject_or_version_that_nobody_sent_is_unexpected() -> None:
    found = count([answer("a", 1)], {"a": [2], "ghost": [0]})

    assert (found, found.is_clean) == (Counts(unexpected=2), False)


def test_value_that_is_no_version_is_lost_and_unexpected() -> None:
    assert count([answer("a")], {"a": [-1]}) == Counts(lost=1, unexpected=1)


def test_subject_that_is_there_twice_is_duplicated() -> None:
    found = count([answer("a", 0), answer("a", 1)], {"a": [1, 1, 0]})

    assert (found, found.is_clean) == (Counts(duplicated=2), False)


@pytest.mark.parametrize("name", ["lost", "unexpected", "duplicated"])
def test_no_harm_hides_behind_another_count(name: str) -> None:
    assert not (Counts(**{name: 1}) + Counts(recovered=5)).is_clean


def test_counts_add_up_by_name() -> None:
    total = Counts(lost=1, recovered=2) + Counts(lost=3, unexpected=4, duplicated=5, recovered=6)

    assert total.row() == {"lost": 4, "unexpected": 4, "duplicated": 5, "recovered": 8}


def test_states_equal_to_the_truth_are_well() -> None:
    assert differences({"a": {"name": "x"}, "gone": None}, {"a": [{"name": "x"}], "gone": []}) == Counts()


def test_state_that_differs_or_is_missing_is_lost() -> None:
    assert differences({"a": 1, "b": 2}, {"a": [3]}) == Counts(lost=2)


def test_state_that_must_not_be_there_is_unexpected() -> None:
    assert differences({"gone": None}, {"gone": [1], "ghost": [2]}) == Counts(unexpected=2)


def test_state_that_is_there_twice_is_duplicated() -> None:
    assert differences({"a": 1}, {"a": [1, 1]}) == Counts(duplicated=1)


def test_journal_counts_statuses_and_knows_the_slowest() -> None:
    journal = Journal()
    for status, seconds in ((202, 0.1), (202, 0.7), (503, 0.2)):
        journal.note(answer("a", status=status, seconds=seconds))

    assert journal.statuses() == {202: 2, 503: 1}
    assert (journal.slowest(), len(journal.answers)) == (0.7, 3)


def test_empty_journal_has_no_slowest() -> None:
    assert Journal().slowest() == 0.0
