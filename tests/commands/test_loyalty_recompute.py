"""`loyalty recompute`: accounts that were booked by other rules are booked by those that hold now, and no others."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.commands.club import PREFIX, RULES
from worker.engine.lanes import MAP

DOUBLED = {**RULES, "points_per_unit": 2}


@pytest.fixture
def members(club: Any, woken: list[str]) -> Any:
    """Give a club of three who were booked by rules that hold no more; what changes nothing for one of them."""
    for number, total in enumerate(("100", "200", "0"), 1):
        club.buy(number, total, customer=str(number))
    club.work()
    club.rules(DOUBLED)
    return club


def balances(cli: Callable[..., Any]) -> list[int]:
    return [cli("loyalty", "show", f"custom-{one}", "--json").json["balance"] for one in (1, 2, 3)]


def test_a_dry_run_tells_what_would_change(members: Any, cli: Callable[..., Any], woken: list[str]) -> None:
    seen = cli("loyalty", "recompute", "--all", "--dry-run", "--json").json

    assert (seen["accounts"], seen["other_rules"], seen["differ"]) == (3, 3, 2)
    assert (seen["points"], seen["recomputed"]) == (100 + 200 + 50, 3)
    members.work()
    assert (balances(cli), woken) == ([120, 220, 20], [])


def test_all_that_were_booked_by_others_are_booked_anew(
    members: Any, cli: Callable[..., Any], woken: list[str]
) -> None:
    done = cli("loyalty", "recompute", "--all")

    assert (done.code, woken) == (0, [MAP])
    assert "3 booked by other rules: the entries of 2 change, by +350 points in all" in done.out
    assert "to be computed anew: 3" in done.out
    members.work()
    assert balances(cli) == [220, 470, 20]
    assert cli("loyalty", "recompute", "--all", "--json").json["recomputed"] == 0


def test_one_customer_is_booked_alone(members: Any, cli: Callable[..., Any]) -> None:
    assert cli("loyalty", "recompute", "custom-1", "--json").json["recomputed"] == 1

    members.work()

    assert balances(cli) == [220, 220, 20]


def test_other_rules_are_noted_where_the_account_is_shown(members: Any, cli: Callable[..., Any]) -> None:
    assert "booked by other rules" in cli("loyalty", "show", "custom-1").err


@pytest.mark.parametrize("arguments", [(), ("custom-1", "--all")])
def test_it_is_said_who_is_meant(members: Any, cli: Callable[..., Any], arguments: tuple[str, ...]) -> None:
    done = cli("loyalty", "recompute", *arguments)

    assert (done.code, done.out) == (2, "")
    assert "name a customer, or take --all" in done.err


def test_no_accounts_are_no_work(club: Any, cli: Callable[..., Any], woken: list[str]) -> None:
    seen = cli("loyalty", "recompute", "--all", "--json").json

    assert (seen["accounts"], seen["recomputed"], woken) == (0, 0, [])


def test_an_account_that_is_damaged_is_left_out_and_told(members: Any, cli: Callable[..., Any]) -> None:
    members.store.hset(f"{PREFIX}:loyalty:account:customer:custom:1", "head", "[")

    done = cli("loyalty", "recompute", "--all", "--dry-run")

    assert done.code == 0
    assert "1 account left out, damaged in the store" in done.err
    assert cli("loyalty", "recompute", "--all", "--dry-run", "--json").json["unreadable"] == 1
