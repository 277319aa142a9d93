"""`loyalty simulate`: other rules on the same orders, told in tables and a picture, and nothing is changed."""

import json
import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml
from rich.console import Console

from tests.commands.club import PREFIX, RULES, TIERS
from worker.commands.loyalty_picture import bars, svg
from worker.commands.loyalty_simulation import Compared, Held
from worker.commands.loyalty_tally import MOST_CHANGED, Bin, Tally


@pytest.fixture
def members(club: Any) -> Any:
    """Give a club of three: one order each, of 100, 250 and 400, and one of 100 by the first a year before."""
    club.buy(9, "100", customer="1", days=300)
    for number, total in enumerate(("100", "250", "400"), 1):
        club.buy(number, total, customer=str(number), days=10)
    club.work()
    return club


def tried(members: Any, cli: Callable[..., Any], rules: Any, *more: str, since: str = "2020-01-01") -> Any:
    path = members.house.folder / "other.yaml"
    path.write_text(yaml.safe_dump(json.loads(json.dumps(rules))))
    return cli("loyalty", "simulate", "--rules", str(path), "--since", since, *more)


@pytest.mark.parametrize("since", ["2020-01-01", "30d", "1h"])
def test_the_same_rules_make_no_difference(members: Any, cli: Callable[..., Any], since: str) -> None:
    seen = tried(members, cli, RULES, "--json", since=since).json

    assert (seen["accounts"], seen["gain"], seen["lose"], seen["same"], seen["tier_changes"]) == (3, 0, 0, 3, 0)
    assert seen["points"] == {"before": 220 + 270 + 470, "after": 220 + 270 + 470, "difference": 0}
    assert seen["most_changed"] == []


def test_who_gains_loses_and_changes_tier_is_told(members: Any, cli: Callable[..., Any]) -> None:
    other = {"points_per_unit": 2, "tiers": TIERS, "bonuses": {}}

    seen = tried(members, cli, other, "--json").json

    # 200 + 200 + 50; 500 + 50; 800 + 50: no first purchase any more, and Silver from 300 on.
    assert [one["after"] for one in seen["most_changed"]] == [850, 550, 450]
    assert (seen["gain"], seen["lose"], seen["orders"]) == (3, 0, 4)
    tiers = {(one["before"], one["after"]): one["accounts"] for one in seen["tiers"]}
    assert tiers == {("Bronze", "Silver"): 2, ("Silver", "Silver"): 1}
    assert [one for one in seen["histogram"] if one["accounts"]] == [{"from": 200, "to": 499, "accounts": 3}]


def test_orders_before_the_moment_keep_what_they_earned(members: Any, cli: Callable[..., Any]) -> None:
    seen = tried(members, cli, {**RULES, "points_per_unit": 2}, "--json", since="30d").json

    first = next(one for one in seen["most_changed"] if one["customer"] == "custom-1")
    assert (first["before"], first["after"]) == (220, 100 + 20 + 200 + 50)
    assert (seen["orders"], seen["earlier"]) == (3, 1)
    assert "1 order keeps" in tried(members, cli, RULES, since="30d").err


def test_an_account_that_is_damaged_is_left_out_and_told(members: Any, cli: Callable[..., Any]) -> None:
    members.store.hset(f"{PREFIX}:loyalty:account:customer:custom:1", "head", "[")

    assert tried(members, cli, RULES, "--json").json["unreadable"] == 1
    done = tried(members, cli, RULES)
    assert done.code == 0
    assert "2 accounts, " in done.out
    assert "1 account left out, damaged in the store" in done.err


@pytest.mark.parametrize("since", ["2020-01-01", "30d", "1h"])
def test_tiers_by_spending_count_all_orders(members: Any, cli: Callable[..., Any], since: str) -> None:
    tiers = {"by": "spending", "levels": [{"name": "Member", "threshold": 0}, {"name": "VIP", "threshold": 210}]}

    seen = tried(members, cli, {**RULES, "tiers": tiers}, "--json", since=since).json

    # The first spent 200, and earned 220 points.
    moved = {(one["before"], one["after"]): one["accounts"] for one in seen["tiers"]}
    assert moved == {("Bronze", "Member"): 1, ("Bronze", "VIP"): 1, ("Silver", "VIP"): 1}


def test_who_has_time_left_to_stay_in_a_tier_keeps_it(club: Any, cli: Callable[..., Any]) -> None:
    rules = {**RULES, "tiers": {**TIERS, "period": "rolling_year", "grace_days": 30}}
    club.rules(rules)
    club.buy(1, "400", days=370)
    club.work()

    seen = tried(club, cli, rules, "--json", since="1h").json

    assert [(one["before"], one["after"]) for one in seen["tiers"]] == [("Silver", "Silver")]


def test_higher_thresholds_lower_at_once(members: Any, cli: Callable[..., Any]) -> None:
    tiers = {"levels": [{"name": "Bronze", "threshold": 0}, {"name": "Silver", "threshold": 1000}]}

    seen = tried(members, cli, {**RULES, "tiers": tiers}, "--json", since="1h").json

    assert {one["after"] for one in seen["tiers"]} == {"Bronze"}
    assert seen["points"]["difference"] == 0


def test_a_person_gets_tables_and_bars(members: Any, cli: Callable[..., Any]) -> None:
    done = tried(members, cli, {**RULES, "points_per_unit": 2})

    assert done.code == 0
    parts = (
        "3 accounts, 4 orders since 2020-01-01",
        "gain: 3, lose: 0, stay: 0",
        "tier now (rows)",
        "custom-3",
        "+200 to +499",
        "█",
    )
    assert [part for part in parts if part not in done.out] == []


def test_a_narrow_terminal_breaks_no_number_and_no_bar(
    members: Any, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.commands.loyalty_simulate.stdout", lambda: Console(width=60, highlight=False))

    lines = tried(members, cli, {**RULES, "points_per_unit": 1000}).out.splitlines()

    assert max(map(len, lines)) <= 60
    (first,) = [one for one in lines if "custom-3" in one]
    assert re.search(r"\d+ +\d{6,} +\+\d{6,}", first)
    bars = [one for one in lines if "█" in one]
    assert all(re.search(r"\d$", one.rstrip()) for one in bars)


def test_nothing_is_changed(members: Any, cli: Callable[..., Any]) -> None:
    keys = sorted(members.store.keys("*loyalty*"))
    before = [members.store.dump(key) for key in keys]

    tried(members, cli, {**RULES, "points_per_unit": 2})

    assert sorted(members.store.keys("*loyalty*")) == keys
    assert [members.store.dump(key) for key in keys] == before


def test_the_picture_is_a_file_of_bars(members: Any, cli: Callable[..., Any]) -> None:
    path = members.house.folder / "picture.svg"

    tried(members, cli, {**RULES, "points_per_unit": 2}, "--picture", str(path))

    drawn = ET.parse(path).getroot()
    texts = [one.text for one in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert "3 accounts, 4 orders since 2020-01-01" in texts
    assert "+100 to +199" in texts


def test_a_picture_that_cannot_be_written_is_told(members: Any, cli: Callable[..., Any]) -> None:
    done = tried(members, cli, RULES, "--picture", str(members.house.folder / "none" / "picture.svg"))

    assert done.code == 1
    assert "the picture cannot be written" in done.err


def test_faults_of_the_rules_are_told_with_their_lines(members: Any, cli: Callable[..., Any]) -> None:
    done = tried(members, cli, {"rounding": "sideways"})

    assert (done.code, done.out) == (3, "")
    assert "other.yaml:1: rounding: this is none of the words known here" in done.err


def test_a_moment_that_is_none_is_told(members: Any, cli: Callable[..., Any]) -> None:
    for since in ("yesterday", "9999-12-31T23:59:59-12:00"):
        done = tried(members, cli, RULES, since=since)

        assert (done.code, done.out) == (2, "")
        assert "--since" in done.err


def test_without_accounts_there_is_nothing_to_show(club: Any, cli: Callable[..., Any]) -> None:
    assert tried(club, cli, RULES, "--json").json["histogram"] == []
    assert "0 accounts, 0 orders" in tried(club, cli, RULES).out


@pytest.mark.parametrize(
    ("difference", "label"),
    [
        (0, "0"),
        (1, "+1"),
        (3, "+2 to +4"),
        (-7, "\N{MINUS SIGN}5 to \N{MINUS SIGN}9"),
        (150, "+100 to +199"),
        (7_000_000_000, "+5000000000 to"),
    ],
)
def test_bins_are_of_steps_that_a_person_reads(difference: int, label: str) -> None:
    tally = Tally(["A"], ["A"])
    tally.add(Compared("customer:custom:1", Held(0, 0), Held(difference, 0), 0, 0, closed=False))

    (found,) = [one for one in tally.histogram() if one.accounts]

    assert found.label.startswith(label)
    assert found.first <= difference <= found.last


def test_only_the_most_changed_are_kept() -> None:
    tally = Tally(["A"], ["A"])
    for number in range(100):
        tally.add(Compared(f"customer:custom:{number}", Held(0, 0), Held(number, 0), 1, 0, closed=True))

    most = tally.summary(str)["most_changed"]

    assert [one["after"] for one in most] == list(range(99, 99 - MOST_CHANGED, -1))
    assert (tally.accounts, tally.closed, len(tally.changed)) == (100, 100, MOST_CHANGED)


def test_nobody_who_is_there_goes_without_a_bar() -> None:
    found = bars([Bin(-1, -1, 1), Bin(0, 0, 0), Bin(1, 1, 1000)], 10)

    assert [bar for _, bar, _ in found] == ["▏", "", "█" * 10]


def test_what_is_written_in_a_picture_cannot_be_markup() -> None:
    ET.fromstring(svg([Bin(-1, -1, 5), Bin(0, 0, 0)], "<b>", "a & b"))
