"""`loyalty adjust`: points by hand are booked once, with their reason and author, and nothing else is."""

import getpass
import io
from collections.abc import Callable
from typing import Any

import pytest

from worker.engine.lanes import MAP


class Terminal(io.StringIO):
    """Somebody who answers."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def member(club: Any, woken: list[str]) -> Any:
    """Give a club whose customer 9 holds 120 points."""
    club.buy(1, "100")
    club.work()
    return club


def adjusted(cli: Callable[..., Any], *arguments: str, customer: str = "custom-9") -> Any:
    return cli("loyalty", "adjust", customer, *arguments, "--reason", "a late parcel", "--yes")


def entries(cli: Callable[..., Any]) -> list[Any]:
    found = cli("loyalty", "explain", "custom-9", "--json").json["entries"]
    return [one for one in found if one["cause"] == "adjustment"]


@pytest.mark.parametrize("points", ["50", "-50", "+7"])
def test_points_are_given_and_taken(member: Any, cli: Callable[..., Any], woken: list[str], points: str) -> None:
    done = adjusted(cli, points, "--author", "Ann")

    assert (done.code, woken) == (0, [MAP])
    assert len(done.out.strip()) == 32
    member.work()
    (one,) = entries(cli)
    assert (one["points"], one["balance"]) == (int(points), 120 + int(points))
    assert one["of"].endswith(" by Ann")
    assert one["arithmetic"] == "by hand: a late parcel"


def test_the_author_is_whoever_is_logged_in(member: Any, cli: Callable[..., Any]) -> None:
    adjusted(cli, "5")
    member.work()

    assert entries(cli)[0]["of"].endswith(f" by {getpass.getuser()}")


def test_a_login_without_a_name_has_to_be_told(
    member: Any, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody() -> str:
        raise KeyError

    monkeypatch.setattr(getpass, "getuser", nobody)

    done = adjusted(cli, "5")

    assert (done.code, done.out) == (1, "")
    assert "--author" in done.err


def test_they_count_towards_the_tier_where_that_is_said(member: Any, cli: Callable[..., Any]) -> None:
    adjusted(cli, "200")
    member.work()
    assert cli("loyalty", "show", "custom-9", "--json").json["tier"] == "Bronze"

    adjusted(cli, "200", "--counts")
    member.work()

    assert cli("loyalty", "show", "custom-9", "--json").json["tier"] == "Silver"
    assert "counts towards the tier" in entries(cli)[1]["arithmetic"]


def test_one_id_is_booked_once_before_and_after_it_was_booked(member: Any, cli: Callable[..., Any]) -> None:
    first, again = (adjusted(cli, "5", "--id", "ticket-7") for _ in range(2))
    member.work()
    later = adjusted(cli, "5", "--id", "ticket-7")
    member.work()

    assert first.out == again.out == later.out
    assert "booked already" in later.err
    assert [one["points"] for one in entries(cli)] == [5]


def test_another_adjustment_of_one_id_is_refused(member: Any, cli: Callable[..., Any]) -> None:
    adjusted(cli, "5", "--id", "ticket-7")
    member.work()

    done = adjusted(cli, "6", "--id", "ticket-7")

    assert (done.code, done.out) == (1, "")
    assert "another adjustment has this --id" in done.err


@pytest.mark.parametrize(("second", "buried"), [("5", []), ("6", ["loyalty"])])
def test_two_of_one_id_that_wait_together_are_booked_once(
    member: Any, cli: Callable[..., Any], second: str, buried: list[str]
) -> None:
    adjusted(cli, "5", "--id", "ticket-7", "--author", "Ann")
    adjusted(cli, second, "--id", "ticket-7", "--author", "Bob")
    member.work()

    assert len(entries(cli)) == 1
    # Who asked for other points was told that they are booked: they do not go unseen.
    assert [one["reason"] for one in cli("dead-letters", "list", "--json").json] == buried


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("0", "--reason", "r", "--yes"), "0 points change nothing"),
        (("x", "--reason", "r", "--yes"), "valid integer"),
        (("-1000000001", "--reason", "r", "--yes"), "at most 1000000000 points"),
        (("5", "--reason", " ", "--yes"), "printable characters"),
        (("5", "--reason", "r" * 201, "--yes"), "1 to 200"),
        (("5", "--reason", "r", "--id", "a\nb", "--yes"), "printable characters"),
        (("5", "--reason", "r", "--author", "", "--yes"), "printable characters"),
        (("5", "--yes"), "Missing option '--reason'"),
        (("5", "--reason", "r", "--yess"), "unexpected extra argument"),
    ],
)
def test_what_cannot_be_booked_is_refused(
    member: Any, cli: Callable[..., Any], woken: list[str], arguments: tuple[str, ...], said: str
) -> None:
    done = cli("loyalty", "adjust", "custom-9", *arguments)

    assert (done.code, done.out, woken) == (2, "", [])
    assert said in done.err


def test_nobody_is_adjusted_unasked(member: Any, cli: Callable[..., Any], woken: list[str]) -> None:
    done = cli("loyalty", "adjust", "custom-9", "5", "--reason", "r")

    assert (done.code, done.out, woken) == (1, "", [])
    assert "+5 points for custom-9 would be booked: say so with --yes" in done.err


@pytest.mark.parametrize(("answer", "booked"), [("y\n", 1), ("n\n", 0)])
def test_a_person_is_asked(
    member: Any, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, answer: str, booked: int
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(answer))

    cli("loyalty", "adjust", "custom-9", "5", "--reason", "r")
    member.work()

    assert len(entries(cli)) == booked


def test_an_unknown_customer_is_refused(member: Any, cli: Callable[..., Any]) -> None:
    done = adjusted(cli, "5", customer="custom-10")

    assert (done.code, done.out) == (1, "")
    assert "no such account" in done.err
