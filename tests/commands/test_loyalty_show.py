"""`loyalty show` and `loyalty explain`: who is meant, where they stand, and how that came about."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import yaml
from msgspec.structs import replace

from tests.commands.club import PREFIX, RULES
from worker.commands.loyalty_desk import opened_desk
from worker.loyalty.account import OPENING_ITEM, Ledger, Opening
from worker.loyalty.history import history
from worker.loyalty.ledger import Posting
from worker.loyalty.programme import NEVER
from worker.loyalty.rules import OPENING


def refused(done: Any, *parts: str) -> None:
    assert (done.code, done.out) == (1, "")
    assert [part for part in parts if part not in done.err] == []
    assert "@" not in done.err


def test_balance_tier_and_progress_are_shown(club: Any, cli: Callable[..., Any]) -> None:
    club.buy(1, "310", days=2)
    club.work()

    seen = cli("loyalty", "show", "custom-9", "--json").json

    assert (seen["customer"], seen["account"]) == ("custom-9", "custom-9")
    assert (seen["balance"], seen["tier"], seen["next_tier"]) == (310 + 20 + 50, "Silver", "Gold")
    assert (seen["progress"], seen["to_next_tier"]) == (int(30 * 100 / 1700), 1670)
    assert seen["earned_this_year"] - seen["redeemed_this_year"] == 380
    assert (seen["purchases"]["orders"], seen["purchases"]["spent"]) == (1, "310")
    assert seen["notes"] == []


def test_a_person_gets_a_table_with_a_bar(club: Any, cli: Callable[..., Any]) -> None:
    club.buy(1, "450", days=2)
    club.work()

    done = cli("loyalty", "show", "custom-9")

    assert done.code == 0
    assert [part for part in ("520 points", "Silver", "█░░░░░░░░░ 10 %", "to Gold") if part not in done.out] == []


def test_what_expires_is_shown_with_its_last_day(club: Any, cli: Callable[..., Any]) -> None:
    club.rules({"expiry": {"after_months": 1}})
    placed = club.now - timedelta(days=3)
    club.buy(1, "100", days=3)
    club.buy(2, "50", days=2)
    club.work()

    seen = cli("loyalty", "show", "custom-9", "--json").json

    assert [one["points"] for one in seen["expires"]] == [100, 50]
    assert seen["expires"][0]["after"] > placed.date().isoformat()
    assert seen["next_change"]["what"] in {"points expire", "a new year begins: what counts by the year starts at 0"}


@pytest.mark.parametrize(
    "tiers", [{"period": "rolling_year"}, {"period": "rolling_year", "grace_days": 30}, {"period": "calendar_year"}]
)
def test_what_time_alone_will_change_is_told(club: Any, cli: Callable[..., Any], tiers: Any) -> None:
    club.rules({"tiers": {**RULES["tiers"], **tiers}})
    club.buy(1, "400", days=370 if tiers.get("grace_days") else 2)
    club.work()

    what = cli("loyalty", "show", "custom-9", "--json").json["next_change"]["what"]

    expected = "the tier falls to Bronze" if tiers.get("grace_days") else "count"
    assert expected in what


def test_the_highest_tier_has_no_next(club: Any, cli: Callable[..., Any]) -> None:
    club.buy(1, "2000", days=2)
    club.work()

    assert cli("loyalty", "show", "custom-9", "--json").json["next_tier"] is None
    assert "the highest tier" in cli("loyalty", "show", "custom-9").out


@pytest.mark.parametrize("name", ["custom-9", "9", "customer:custom:9", "customer9@example.com", "CLUB-custom-9"])
def test_a_customer_is_found_by_each_name(club: Any, cli: Callable[..., Any], name: str) -> None:
    club.rules({**RULES, "account_id": "CLUB-{id}"})
    club.start_sandboxes()
    club.rules({**RULES, "account_id": "CLUB-{id}"})
    club.customer()
    club.buy(1, "10")
    club.work(tell=True)

    assert cli("loyalty", "show", name, "--json").json["customer"] == "custom-9"


def test_a_guest_is_found_by_e_mail_without_a_word_of_it(club: Any, cli: Callable[..., Any]) -> None:
    club.buy(1, "10", customer="", email="guest@example.com")
    club.work()

    done = cli("loyalty", "show", "Guest@example.com")

    assert done.code == 0
    assert "custom-guest-" in done.out
    assert "@" not in done.out + done.err


def test_an_e_mail_of_customers_with_ids_asks_for_the_id(club: Any, cli: Callable[..., Any]) -> None:
    club.buy(1, "10")
    club.work()

    refused(cli("loyalty", "show", "customer9@example.com"), "accounts are kept by the customer's id", "shopify-123")


def test_an_id_of_two_sources_is_not_guessed(club: Any, cli: Callable[..., Any]) -> None:
    club.buy(1, "10")
    club.buy(2, "10", source="outlet")
    club.work()

    refused(cli("loyalty", "show", "9"), "name one of custom-9, outlet-9")


@pytest.mark.parametrize("name", ["custom-10", "10", "customer:custom:10", "customer:", ""])
def test_an_unknown_customer_is_told_in_a_sentence(club: Any, cli: Callable[..., Any], name: str) -> None:
    club.buy(1, "10")
    club.work()

    refused(cli("loyalty", "show", name), "no such account")


@pytest.mark.parametrize(
    "command",
    [
        ("show", "custom-9"),
        ("explain", "custom-9"),
        ("simulate", "--rules", "rules.yaml", "--since", "7d"),
        ("adjust", "custom-9", "5", "--reason", "sorry", "--yes"),
        ("verify",),
        ("recompute", "--all"),
    ],
)
def test_without_the_skill_each_command_says_so(
    running: Any, cli: Callable[..., Any], command: tuple[str, ...]
) -> None:
    (running.folder / "rules.yaml").write_text("{}")

    refused(cli("loyalty", *command), "loyalty is not enabled: write it under `skills`")


@pytest.mark.parametrize(
    "command",
    [
        ("explain", "custom-9"),
        ("simulate", "--rules", "rules.yaml", "--since", "7d"),
        ("adjust", "custom-9", "5", "--reason", "sorry", "--yes"),
    ],
)
def test_points_of_a_vendor_are_not_counted_here(club: Any, cli: Callable[..., Any], command: tuple[str, ...]) -> None:
    (club.house.folder / "rules.yaml").write_text("{}")
    club.buy(1, "10")
    club.start_sandboxes()
    club.own("voucherify")
    club.work()

    refused(cli("loyalty", *command), "voucherify owns the balance")
    assert "counted by voucherify" in cli("loyalty", "show", "custom-9").out


def test_entries_are_explained_up_to_the_balance(club: Any, cli: Callable[..., Any]) -> None:
    club.buy(1, "100", days=3)
    club.buy(2, "259.50", days=2)
    club.work()
    club.keep("order_refunded", {**club.order(2, "259.50", days=2), "refunds": [{"id": "r", "amount": "100"}]})
    club.work()

    seen = cli("loyalty", "explain", "custom-9", "--json").json

    assert (seen["sum"], seen["balance"], seen["adds_up"]) == (280, 280, True)
    told = [(one["of"], one["cause"], one["points"], one["balance"], one["correction"]) for one in seen["entries"]]
    assert told == [
        ("custom-O1", "purchase", 100, 100, False),
        ("custom-O1", "first_purchase", 20, 120, False),
        ("custom-O2", "purchase", 260, 380, False),
        ("custom-O2", "upgrade", 50, 430, False),
        ("custom-O2", "purchase", -100, 330, True),
        ("custom-O2", "upgrade", -50, 280, True),
    ]
    assert "159.5 EUR = 159.5, rounded 160, instead of 260" in seen["entries"][4]["arithmetic"]


def test_a_person_gets_the_entries_and_their_sum(club: Any, cli: Callable[..., Any]) -> None:
    club.buy(1, "100")
    club.work()

    done = cli("loyalty", "explain", "custom-9")

    assert done.code == 0
    assert "100 EUR = 100, rounded 100" in done.out
    assert "2 entries add up to the balance: 120 points" in done.out


def test_an_account_without_entries_says_so(club: Any, cli: Callable[..., Any]) -> None:
    club.customer()
    club.work()

    done = cli("loyalty", "explain", "custom-9")

    assert (done.code, done.err) == (0, "no entries\n")
    assert "0 points" in done.out


def test_entries_that_do_not_add_up_fail(club: Any, cli: Callable[..., Any]) -> None:
    club.buy(1, "100")
    club.work()
    club.store.rpop(f"{PREFIX}:loyalty:entries:customer:custom:9")

    done = cli("loyalty", "explain", "custom-9")

    assert done.code == 1
    assert "the entries add up to 100 points, the account to 120" in done.err


def test_a_referral_names_the_customer_who_was_sent(club: Any, cli: Callable[..., Any]) -> None:
    club.rules({"bonuses": {"referral": {"referrer": 30, "buyer": 10}}})
    club.customer("1")
    club.buy(1, "100", customer="2", discountCodes=["REF-1"])
    club.work()

    entries = cli("loyalty", "explain", "custom-1", "--json").json["entries"]

    assert [(one["of"], one["cause"], one["points"]) for one in entries] == [("customer custom-2", "referral", 30)]


def test_an_account_that_a_newer_release_wrote_is_told_in_a_sentence(club: Any, cli: Callable[..., Any]) -> None:
    club.buy(1, "10")
    club.work()
    key = f"{PREFIX}:loyalty:account:customer:custom:9"
    club.store.hset(key, "head", club.store.hget(key, "head").replace(b"[1,", b"[99,", 1))

    refused(cli("loyalty", "show", "custom-9"), "a newer release", "version 99")


def test_older_orders_stand_as_one_sum(club: Any, cli: Callable[..., Any], woken: list[str]) -> None:
    club.buy(1, "100")
    club.work()
    close(club, 400)
    cli("loyalty", "verify", "--repair")
    club.work()

    seen = cli("loyalty", "explain", "custom-9", "--json").json
    shown = cli("loyalty", "show", "custom-9")

    assert [one["points"] for one in seen["entries"] if one["of"] == "older orders"] == [400]
    # Silver from the start: 1.5 times 100, and the first purchase.
    assert (seen["balance"], seen["adds_up"]) == (400 + 150 + 20, True)
    assert shown.err == "note: older orders are kept as one sum\n"


def test_a_simulation_leaves_older_orders_as_they_are(club: Any, cli: Callable[..., Any], woken: list[str]) -> None:
    club.buy(1, "100")
    club.work()
    close(club, 400)
    cli("loyalty", "verify", "--repair")
    club.work()
    (club.house.folder / "other.yaml").write_text(
        yaml.safe_dump(json.loads(json.dumps({**RULES, "points_per_unit": 2})))
    )

    arguments = ("loyalty", "simulate", "--rules", str(club.house.folder / "other.yaml"), "--since", "2020-01-01")
    seen, done = cli(*arguments, "--json").json, cli(*arguments)

    assert seen["points"] == {"before": 570, "after": 720, "difference": 150}
    assert "1 account keeps older orders as one sum, which is left as it was earned" in done.err


def close(club: Any, points: int) -> None:
    """Put older orders into the account of customer 9, as its opening."""
    account = "customer:custom:9"
    with opened_desk() as desk:
        standing = [str(points), 1, 0, NEVER, NEVER, []]
        empty = history(desk.programme, Ledger(), 1).account
        opening = Opening(points, (1, "o:O0"), standing, empty.lots.pack(), empty.bought.pack(), (), ("Silver",))
        ledger = replace(desk.ledger(account), opening=opening, opened=(("", OPENING, points),), waypoints=())
    club.store.hset(f"{PREFIX}:loyalty:account:{account}", "head", ledger.head())
    line = Posting(1, 1, OPENING_ITEM, "", OPENING, points, 1, "orders before the window")
    club.store.rpush(f"{PREFIX}:loyalty:entries:{account}", line.pack())
