"""`demo --all`: the story that it tells, and what it makes of what it found."""

import json
from collections import Counter, defaultdict
from typing import Any

import pytest

from mappings.registry import PLATFORMS
from worker.commands import matrix
from worker.commands.matrix import SHOPS, Report, Story, story
from worker.commands.matrix_story import Purchase, Shopper
from worker.engine.figures import OUTCOMES, LaneFigures
from worker.engine.figures import STATES as LANE_STATES
from worker.engine.lanes import MAP


@pytest.fixture(scope="module")
def told() -> Story:
    return story()


def test_every_platform_tells_of_customers_and_orders(told: Story) -> None:
    shops = {name for name, platform in PLATFORMS.items() if not platform.about_ours}

    assert {shop.name for shop in SHOPS} == shops
    assert {person.source for person in told.shoppers} == {order.source for order in told.purchases} == shops


@pytest.mark.parametrize("shop", SHOPS, ids=lambda shop: shop.name)
def test_every_step_that_a_platform_can_tell_of_is_lived(told: Story, shop: Any) -> None:
    lived = {step for order in told.purchases if order.source == shop.name for step in order.life}

    steps = {"created", "paid", "shipped", "delivered", "refunded in part", "refunded", "cancelled"}
    assert lived == steps - shop.untold
    assert any(not order.buyer.number for order in told.purchases if order.source == shop.name), "a guest buys too"


@pytest.mark.parametrize("shop", SHOPS, ids=lambda shop: shop.name)
def test_where_a_platform_asks_some_agree_and_some_do_not(told: Story, shop: Any) -> None:
    answers = {person.granted for person in told.shoppers if person.source == shop.name}

    assert answers == ({True, False, None} if shop.asks_consent else {None})


@pytest.mark.parametrize("shop", SHOPS, ids=lambda shop: shop.name)
def test_every_topic_is_one_of_its_platform(told: Story, shop: Any) -> None:
    sent = {one.topic for half in told.halves for wave in half for one in wave if one.source == shop.name}

    assert sent <= set(PLATFORMS[shop.name].topics)
    assert len(sent) >= 6


def test_some_deliveries_come_twice(told: Story) -> None:
    ids = Counter(one.delivery_id for half in told.halves for wave in half for one in wave)

    assert {1, 2} == set(ids.values())


def test_bodies_without_a_time_of_their_own_are_sent_in_order(told: Story) -> None:
    seen: defaultdict[int, list[str]] = defaultdict(list)
    for wave in (*told.halves[0], *told.halves[1]):
        of_wave = [json.loads(one.body) for one in wave if one.source == "woocommerce"]
        assert len({body["id"] for body in of_wave}) == len(of_wave), "no two of one record are on their way at once"
        for body in of_wave:
            seen[body["id"]] += [body["date_modified_gmt"]] if "date_modified_gmt" in body else []

    assert len(seen) > 10
    assert all(times == sorted(times) for times in seen.values())


def test_bodies_with_a_time_of_their_own_are_sent_in_disorder(told: Story) -> None:
    times = [
        json.loads(one.body)["timestamp"]
        for half in told.halves
        for wave in half
        for one in wave
        if one.source == "custom"
    ]

    assert times != sorted(times)


def test_story_is_the_same_every_time_but_for_its_day() -> None:
    first, second = ([[one.delivery_id for one in wave] for half in story().halves for wave in half] for _ in range(2))

    assert first == second


class There:
    """A destination at which all is as it must be, but for what is named."""

    def __init__(self, told: Story, *, wrong: str = "nobody", more: int = 0) -> None:
        self.wrong = wrong
        self.shoppers = sum(not person.deleted for person in told.shoppers)
        self.purchases = len(told.purchases) + more

    def shopper(self, person: Shopper) -> list[str]:
        return ["granted"] if person.our_id == self.wrong else []

    def purchase(self, order: Purchase) -> list[str]:
        return ["total", "events"] if order.our_id == self.wrong else []


class Dead:
    """The dead letters there are."""

    def __init__(self, **letters: int) -> None:
        self.letters = letters

    def dead(self) -> dict[str, int]:
        return self.letters


def lane(**counts: int) -> LaneFigures:
    """Give the figures of a lane in which `counts` are all there are."""
    outcomes = {name: counts.get(name, 0) for name in OUTCOMES}
    states = {name: counts.get(name, 0) for name in LANE_STATES}
    pushed = counts.get("pushed", sum(counts.values()))
    rest = {"oldest_seconds": 0.0, "average_ms": 0.0, "p95_ms": 0.0, "recent": 0, "paused": "", "paused_seconds": 0.0}
    return LaneFigures(lane=MAP, pushed=pushed, outcomes=outcomes, states=states, **rest)  # type: ignore[arg-type]


def reported(
    told: Story, *, there: There | None = None, dead: Dead | None = None, figures: Any = None, answers: Any = (202,)
) -> tuple[Report, list[str]]:
    held: Any = {"brevo": There(told), "custobar": there or There(told)}
    lanes = {MAP: lane(delivered=3), **(figures or {})}
    return matrix._reported(told, held, dead or Dead(), lanes, list(answers), 0.0)  # type: ignore[arg-type]


def test_all_is_well_when_everything_is_as_it_must_be(told: Story) -> None:
    report, faults = reported(told)

    assert (report.ok, faults) == (True, [])
    assert all(cell.right == cell.expected > 5 for cell in report.cells)
    assert len(report.cells) == 4 * 2 * 2


@pytest.mark.parametrize(
    ("wrong", "records", "fault"),
    [
        ("magento-7101", "customers", "custobar: customer magento-7101: granted"),
        ("custom-5003", "orders", "custobar: order custom-5003: total, events"),
    ],
)
def test_one_record_that_differs_is_one_less_in_its_cell(told: Story, wrong: str, records: str, fault: str) -> None:
    report, faults = reported(told, there=There(told, wrong=wrong))

    (cell,) = [cell for cell in report.cells if cell.right != cell.expected]
    assert (cell.platform, cell.records, cell.destination) == (wrong.split("-", maxsplit=1)[0], records, "custobar")
    assert cell.expected - cell.right == 1
    assert (report.ok, faults) == (False, [fault])


@pytest.mark.parametrize(
    "trouble",
    [
        {"dead": Dead(gone=1)},
        {"answers": (202, 503)},
        {"figures": {"brevo.orders": lane(delivered=1, waiting=1)}},
        {"figures": {"brevo.orders": lane(delivered=1, pushed=2)}},
        {"figures": {MAP: lane()}},
    ],
    ids=["dead letter", "refused webhook", "still waiting", "lost count", "nothing taken"],
)
def test_all_is_not_well_with(told: Story, trouble: Any) -> None:
    assert not reported(told, **trouble)[0].ok


def test_orders_that_should_not_be_there_are_counted(told: Story) -> None:
    report, faults = reported(told, there=There(told, more=2))

    assert (report.ok, faults) == (False, ["custobar: 2 orders too many"])
