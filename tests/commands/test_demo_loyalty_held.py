"""What the sandboxes hold of loyalty is compared with the demo's truth, and every difference is seen."""

import copy
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.commands.loyalty_states import MEMBERS, state_of
from worker.commands.demo_loyalty import DESTINATIONS, MOMENTS, Look
from worker.commands.demo_loyalty_held import Held, Voucherify, different, different_order
from worker.commands.demo_loyalty_story import Member

looks = pytest.mark.parametrize("vendor", DESTINATIONS)


def wrong(told: list[Member], moment: str, there: Held) -> list[Any]:
    look = Look(moment=moment, held={"there": there})
    found: list[Any] = [different(look.of(one), there.standing(one.person.our_id)) for one in told]
    for one in told:
        pairs = zip(one.orders, look.of(one).did, strict=True)
        found += [different_order(did, there.did(order.our_id)) for order, did in pairs]
    news = Counter(line for one in told for line in one.news)
    return [one for one in found if one] + ([] if there.news == news else ["news"])


@looks
@pytest.mark.parametrize("moment", MOMENTS)
def test_what_is_as_it_must_be_is_found_so(vendor: str, moment: str) -> None:
    assert wrong(MEMBERS, moment, DESTINATIONS[vendor](state_of(vendor, moment))) == []


@looks
@pytest.mark.parametrize("moment", MOMENTS)
def test_any_one_change_at_a_destination_is_seen(vendor: str, moment: str) -> None:
    state = state_of(vendor, moment)
    unseen = []
    for path in list(leaves(state)):
        changed = copy.deepcopy(state)
        *way, last = path
        inner = changed
        for key in way:
            inner = inner[key]
        inner[last] = inner[last] + 1 if isinstance(inner[last], int | float) else f"9{inner[last]}"
        if not wrong(MEMBERS, moment, DESTINATIONS[vendor](changed)):
            unseen.append(path)

    assert unseen == []


def leaves(value: Any) -> Iterator[Any]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in pairs:
        if isinstance(part, dict | list):
            for path in leaves(part):
                yield (key, *path)
        else:
            yield (key,)


@looks
def test_news_that_comes_twice_or_never_is_seen(vendor: str) -> None:
    twice, never = state_of(vendor, MOMENTS[1]), state_of(vendor, MOMENTS[1])
    twice["events"].append(twice["events"][0])
    del never["events"][-1]

    for state in (twice, never):
        assert wrong(MEMBERS, MOMENTS[1], DESTINATIONS[vendor](state)) == ["news"]


@looks
def test_who_and_what_is_not_there_is_missing(vendor: str) -> None:
    state: Any = {name: [] for name in state_of(vendor, MOMENTS[0])}
    there = DESTINATIONS[vendor](state)

    assert different(MEMBERS[0].before, there.standing("shopify-7101")) == ["missing"]
    assert different_order(MEMBERS[0].before.did[0], there.did("shopify-5001")) == ["missing"]


def test_card_beside_the_right_one_is_seen() -> None:
    state = state_of("voucherify", MOMENTS[0])
    state["cards"].append({"holder_id": "cust_7101", "loyalty_card": {"balance": 0}, "transactions": []})

    assert different(MEMBERS[0].before, Voucherify(state).standing("shopify-7101")) == ["cards"]
