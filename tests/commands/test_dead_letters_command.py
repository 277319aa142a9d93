"""`dead-letters`: what is shown names nobody, a retry is forced, and nothing is dropped unasked."""

import io
import sys
from collections.abc import Callable
from typing import Any

import pytest

from worker.commands.dead_letters import Choice
from worker.engine.dead_letters import DeadLetters
from worker.engine.lanes import MAP, Item
from worker.sync.facets import unpack

LANE = "brevo.contacts"
HIDDEN = ("canary", "Canary")


def left(house: Any) -> list[str]:
    with house.look() as deployment:
        return [letter.id for letter in DeadLetters(deployment.lanes).each()]


def bury_three(house: Any) -> list[str]:
    return [
        house.dead("customer:shopify:1", reason="invalid_parameter"),
        house.dead("customer:shopify:2", reason="identity"),
        house.dead("e" * 32, reason="malformed", lane=MAP),
    ]


def test_without_letters_the_list_is_empty(running: Any, cli: Callable[..., Any]) -> None:
    assert cli("dead-letters", "list", "--json").json == []
    assert cli("dead-letters", "list").err == "no dead letters\n"


def test_the_list_tells_what_died_and_nothing_of_whom(running: Any, cli: Callable[..., Any]) -> None:
    letter = running.dead("customer:shopify:1", detail="refused canary.bird@example.com \x1b[2J")

    done = cli("dead-letters", "list", "--json")

    (seen,) = done.json
    assert seen.pop("at").endswith("+00:00")
    assert seen == {
        "id": letter,
        "lane": LANE,
        "subject": "customer:shopify:1",
        "reason": "invalid_parameter",
        "field": "",
        "detail": "refused [email]  [2J",
        "items": 1,
    }
    shown = cli("dead-letters", "list")
    assert "customer:shopify:1" in shown.out
    assert [word for word in (*HIDDEN, "\x1b") if word in done.out + shown.out] == []


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], [0, 1, 2]),
        (["--destination", "brevo"], [0, 1]),
        (["--destination", "map"], [2]),
        (["--reason", "identity"], [1]),
        (["--destination", "brevo", "--reason", "malformed"], []),
        (["--since", "1h"], [0, 1, 2]),
    ],
)
def test_the_list_can_be_narrowed(
    running: Any, cli: Callable[..., Any], options: list[str], expected: list[int]
) -> None:
    letters = bury_three(running)

    found = [one["id"] for one in cli("dead-letters", "list", "--json", *options).json]

    assert found == [letters[number] for number in expected]


def test_one_letter_is_shown_with_the_names_of_its_facets(running: Any, cli: Callable[..., Any]) -> None:
    letter = running.dead("customer:shopify:1", detail="the field SMS")

    done = cli("dead-letters", "show", letter, "--json")
    shown = cli("dead-letters", "show", letter)

    assert done.json["facets"] == ["email", "first_name"]
    assert done.json["detail"] == "the field SMS"
    for part in ("customer:shopify:1", "email, first_name", "invalid_parameter"):
        assert part in shown.out
    assert [word for word in HIDDEN if word in done.out + shown.out] == []


def test_an_event_that_could_not_be_mapped_has_no_facets(running: Any, cli: Callable[..., Any]) -> None:
    letter = running.dead("e" * 32, reason="malformed", lane=MAP)

    assert cli("dead-letters", "show", letter, "--json").json["facets"] == []


@pytest.mark.parametrize("command", [["show"], ["retry"], ["discard", "--yes"]])
def test_an_id_that_is_not_there_fails(running: Any, cli: Callable[..., Any], command: list[str]) -> None:
    done = cli("dead-letters", command[0], "999", *command[1:])

    assert done.code == 1
    assert "999" in done.err


def test_a_retry_puts_the_items_back_as_forced_and_wakes_each_lane_once(
    running: Any, cli: Callable[..., Any], woken: list[str]
) -> None:
    bury_three(running)

    done = cli("dead-letters", "retry", "--all")

    assert (done.code, done.out) == (0, "retried: 3\n")
    assert sorted(woken) == [LANE, MAP]
    assert left(running) == []
    with running.look() as deployment:
        for number in (1, 2):
            (item,) = deployment.lanes.pending(LANE, f"customer:shopify:{number}", 10)
            facets, forced = unpack(item.body)
            assert (sorted(facets), forced) == (["email", "first_name"], True)
        (item,) = deployment.lanes.pending(MAP, "e" * 32, 10)
        assert item.body == b""
        for lane in (LANE, MAP):
            figures = deployment.figures.lane(lane)
            assert figures.conserved
            assert figures.outcomes["dead"] == 0


def test_only_the_letters_named_are_retried(running: Any, cli: Callable[..., Any], woken: list[str]) -> None:
    first, second, third = bury_three(running)

    done = cli("dead-letters", "retry", third, first, first, "--json")

    assert done.json == {"dry_run": False, "retried": [third, first], "missing": [], "not_configured": []}
    assert left(running) == [second]


def test_a_retry_that_was_interrupted_goes_on_where_it_was(
    running: Any, cli: Callable[..., Any], woken: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    letters = bury_three(running)
    whole = DeadLetters.retry

    def interrupted(self: DeadLetters, letter: Any, renew: Any) -> str | None:
        if letter.id == letters[1]:
            raise KeyboardInterrupt
        return whole(self, letter, renew)

    with monkeypatch.context() as patch:
        patch.setattr(DeadLetters, "retry", interrupted)
        stopped = cli("dead-letters", "retry", "--all")
    assert stopped.code != 0
    assert left(running) == letters[1:]
    assert woken == [LANE]

    assert cli("dead-letters", "retry", "--all", "--json").json["retried"] == letters[1:]


def test_letters_of_a_lane_that_is_not_configured_stay(running: Any, cli: Callable[..., Any], woken: list[str]) -> None:
    letter = running.dead("customer:shopify:1", lane="custobar.contacts")

    done = cli("dead-letters", "retry", "--destination", "custobar", "--json")

    assert (done.code, done.json["not_configured"]) == (1, [letter])
    assert "not configured" in done.err
    assert (left(running), woken) == ([letter], [])


@pytest.mark.parametrize("command", [["retry"], ["discard"], ["discard", "--yes"]])
def test_a_dry_run_changes_nothing(running: Any, cli: Callable[..., Any], woken: list[str], command: list[str]) -> None:
    letters = bury_three(running)

    done = cli("dead-letters", command[0], "--destination", "brevo", "--dry-run", *command[1:])

    assert done.code == 0
    assert done.out.startswith("would be ")
    assert done.out.endswith(": 2\n")
    assert (left(running), woken) == (letters, [])


@pytest.mark.parametrize("command", ["retry", "discard"])
@pytest.mark.parametrize(
    "options", [[], ["1", "--all"], ["1", "--reason", "x"], ["--since", "yesterday"], ["--since", "2999-01-01"]]
)
def test_what_leaves_open_which_letters_are_meant_is_wrong_usage(
    running: Any, cli: Callable[..., Any], command: str, options: list[str]
) -> None:
    letters = bury_three(running)

    done = cli("dead-letters", command, *options)

    assert done.code == 2
    assert left(running) == letters


def test_discarding_needs_a_yes_where_nobody_can_be_asked(
    running: Any, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    letters = bury_three(running)
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))

    done = cli("dead-letters", "discard", "--all")

    assert (done.code, done.out) == (1, "")
    assert "--yes" in done.err
    assert left(running) == letters


@pytest.mark.parametrize(("answer", "code", "kept"), [("y\n", 0, 1), ("n\n", 1, 3), ("\n", 1, 3)])
def test_a_person_is_asked_before_anything_is_dropped(
    running: Any,
    cli: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    *,
    answer: str,
    code: int,
    kept: int,
) -> None:
    bury_three(running)
    keyboard = io.StringIO(answer)
    monkeypatch.setattr(keyboard, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", keyboard)

    done = cli("dead-letters", "discard", "--destination", "brevo")

    assert done.code == code
    assert "Drop 2 dead letters" in done.err
    assert len(left(running)) == kept


def test_discarded_items_are_counted(running: Any, cli: Callable[..., Any]) -> None:
    bury_three(running)

    done = cli("dead-letters", "discard", "--reason", "identity", "--yes")

    assert (done.code, done.out) == (0, "discarded: 1\n")
    with running.look() as deployment:
        figures = deployment.figures.lane(LANE)
    assert (figures.outcomes["discarded"], figures.outcomes["dead"]) == (1, 1)
    assert figures.conserved


def test_discarding_nothing_drops_nothing(running: Any, cli: Callable[..., Any]) -> None:
    letters = bury_three(running)

    assert cli("dead-letters", "discard", "--reason", "no such reason", "--yes").out == "discarded: 0\n"
    assert left(running) == letters


def test_a_letter_buried_after_the_question_is_not_dropped(
    running: Any, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    bury_three(running)
    monkeypatch.setattr("worker.commands.dead_letters._ask", lambda _number: running.dead("customer:shopify:9"))

    cli("dead-letters", "discard", "--all")

    assert len(left(running)) == 1


def test_progress_is_told(
    running: Any, cli: Callable[..., Any], woken: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.commands.dead_letters.PROGRESS", 2)
    bury_three(running)

    assert "2 of 3\n" in cli("dead-letters", "retry", "--all").err


def test_ids_alone_say_what_is_meant() -> None:
    Choice(ids=("1",)).check()


def test_what_a_newer_release_wrote_is_listed_and_goes_back_as_it_is(running: Any, cli: Callable[..., Any]) -> None:
    letter = running.dead("customer:shopify:1", reason="unknown_version")
    item = Item(event="e" * 32, received_us=1, body=b'{"v":2}')
    with running.look() as deployment:
        deployment.scripts.store.lset(f"{deployment.scripts.prefix}:dead:{letter}:items", 0, item.pack())

    assert cli("dead-letters", "show", letter, "--json").json["facets"] == []
    assert cli("dead-letters", "retry", letter, "--json").json["retried"] == [letter]
    with running.look() as deployment:
        assert [item] == deployment.lanes.pending(LANE, "customer:shopify:1", 2)
