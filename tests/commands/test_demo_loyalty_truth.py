"""The truth of the demo's loyalty act adds up, and its webhooks tell of it."""

from collections import Counter
from datetime import datetime, timezone
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest

from mappings.registry import PLATFORMS
from worker.commands.demo_loyalty import DESTINATIONS
from worker.commands.demo_loyalty_members import members
from worker.commands.demo_loyalty_story import LISTS, Member, Moment, configuration, halves
from worker.settings.reading import read

NOW = datetime(2026, 11, 22, 7, 30, tzinfo=timezone.utc)
ADA, BRUNO, CHIARA, DMITRI = members(NOW)
everybody = pytest.mark.parametrize("member", [ADA, BRUNO, CHIARA, DMITRI], ids=lambda one: one.person.first_name)
thresholds = {"Bronze": 0, "Silver": 500, "Gold": 1000}


def moments(member: Member) -> tuple[Moment, Moment]:
    return member.before, member.after


def half_up(points: Decimal) -> int:
    return int(points.quantize(Decimal(1), ROUND_HALF_UP))


@everybody
def test_points_are_the_sum_of_what_the_orders_did(member: Member) -> None:
    for moment in moments(member):
        balance = 0
        for did in moment.did:
            balance += did.earned + did.bonus - did.taken
            assert did.balance == balance
        assert (moment.points, moment.tier) == (balance, moment.did[-1].tier)


@everybody
def test_tiers_are_those_of_the_points_without_the_bonus_for_reaching_one(member: Member) -> None:
    for moment in moments(member):
        counted = 0
        for did in moment.did:
            counted += did.earned - did.taken
            assert did.tier == [tier for tier, least in thresholds.items() if counted >= least][-1]
        above = [least - counted for least in thresholds.values() if least > counted]
        assert moment.missing == (above[0] if above else None)


@everybody
def test_spending_is_what_was_paid_less_what_went_back(member: Member) -> None:
    cancelled = [order for order in member.orders if "cancelled" in order.life]
    kept = [order for order in member.orders if order not in cancelled and order.net > 0]

    assert member.before.spent == sum(order.total for order in member.orders)
    assert member.after.spent == sum(order.net for order in kept)
    assert (member.before.orders, member.after.orders) == (len(member.orders), len(kept))


def test_points_are_those_of_the_prices() -> None:
    totals = [order.total for member in (ADA, BRUNO, CHIARA, DMITRI) for order in member.orders]
    assert [str(total) for total in totals] == [
        *("309.97", "352.97", "352.97", "100.00"),
        "299.99",
        *("49.99", "299.99"),
        *("499.50", "49.99"),
    ]
    assert [did.earned for did in ADA.before.did] == [310, 353, 353, half_up(Decimal("1.2") * 100)]
    assert CHIARA.before.did[0].earned == half_up(2 * Decimal("44.04") + Decimal("5.95"))
    assert CHIARA.before.did[1].earned == half_up(2 * Decimal("299.99"))
    assert CHIARA.after.did[1].taken == 600 - half_up(2 * Decimal("180.99"))
    assert ADA.after.did[1].taken == 353 - half_up(Decimal("352.97") - Decimal("119.00"))
    assert DMITRI.before.did[0].earned == half_up(Decimal("499.50")) == 500


def test_configuration_is_one_and_says_the_rules_of_the_screen(tmp_path: Path) -> None:
    path = tmp_path / "commerce-sync.yaml"
    urls = dict.fromkeys(DESTINATIONS, "http://127.0.0.1:1")
    path.write_text(configuration(NOW).format(secret="a", folder=tmp_path, **urls))
    skill = read(path, {}).skills.loyalty

    assert skill is not None
    assert {level.name: level.threshold for level in skill.rules.tiers.levels} == thresholds
    assert {level.name: level.list_id for level in skill.rules.tiers.levels} == LISTS
    (campaign,) = skill.rules.campaigns
    assert campaign.first_day == campaign.last_day == CHIARA.orders[1].placed.date()
    in_it = [
        order
        for one in (ADA, BRUNO, CHIARA, DMITRI)
        for order in one.orders
        if order.placed.date() == campaign.first_day
    ]
    assert in_it == [CHIARA.orders[1]]


def test_both_platforms_tell_of_payments_and_of_what_goes_back() -> None:
    first, later = halves(members(NOW))

    sent = {(one.source, one.topic) for wave in first for one in wave}
    assert sent >= {("shopify", "orders/paid"), ("woocommerce", "order.updated"), ("woocommerce", "order.deleted")}
    assert {(one.source, one.topic) for wave in later for one in wave} == {
        ("shopify", "refunds/create"),
        ("shopify", "orders/updated"),
        ("woocommerce", "order.updated"),
    }
    assert all(one.topic in PLATFORMS[one.source].topics for wave in (*first, *later) for one in wave)


def test_every_delivery_comes_twice_and_of_one_customer_no_two_are_on_their_way_at_once() -> None:
    first, later = halves(members(NOW))

    for wave in (*first, *later):
        ids = Counter(one.delivery_id for one in wave)
        assert set(ids.values()) == {2}
        assert len({name.rpartition("-")[0] for name in ids}) == len(ids)
    names = [one.delivery_id for wave in (*first, *later) for one in wave]
    assert set(Counter(names).values()) == {2}
