"""`commerce-sync demo --all`: every platform to every destination, customers and orders, compared with a truth."""

import json
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Final

from worker.commands import matrix_custom, matrix_magento, matrix_shopify, matrix_woocommerce
from worker.commands.failures import FAILED
from worker.commands.matrix_held import Brevo, Custobar, Held, Voucherify
from worker.commands.matrix_story import ACCOUNTS, GUESTS, LIVES, Json, Purchase, Shop, Shopper, Told, purchase, shopper
from worker.commands.reporting import print_json, rows, say, stdout
from worker.commands.scenario import Posting
from worker.commands.stage import Stage
from worker.engine.figures import Figures, LaneFigures
from worker.engine.lanes import MAP
from worker.logs import configure
from worker.routes import build_lanes

SHOPS: Final = (matrix_shopify.SHOP, matrix_woocommerce.SHOP, matrix_magento.SHOP, matrix_custom.SHOP)
DESTINATIONS: Final[Mapping[str, Callable[[Json], Held]]] = {
    "brevo": Brevo,
    "custobar": Custobar,
    "voucherify": Voucherify,
}
PURCHASES: Final = len(LIVES) + 3
WAVES: Final = 8  # of each half: as many as the longest history has deliveries, and one that is repeated
IDLE_WITHIN: Final = 60.0

_CONFIGURATION: Final = """\
sources:
  shopify: {{secrets: ["{secret}"]}}
  woocommerce: {{secrets: ["{secret}"]}}
  magento: {{secrets: ["{secret}"]}}
  custom: {{secrets: ["{secret}"]}}
destinations:
  brevo: {{api_key: "sandbox", base_url: "{brevo}/v3", limits: off}}
  custobar: {{api_key: "sandbox", base_url: "{custobar}/api", limits: off, company: ACME}}
  voucherify: {{app_id: "sandbox", api_key: "sandbox", base_url: "{voucherify}", limits: off,
                loyalty_campaign: Loyalty}}
skills:
  customer-sync: {{enabled: true, options: {{delete_behavior: hard, list_id: 5}}, log_level: error}}
  order-sync: {{enabled: true, options: {{events: true, products: true}}}}
  loyalty: {{enabled: true}}
engine: {{data_dir: {folder}, poll_first: 0.3, poll_cap: 1}}
"""


@dataclass(kw_only=True, slots=True)
class Story:
    """All shoppers and purchases, and the two halves in which their webhooks go out, wave after wave."""

    shoppers: list[Shopper] = field(default_factory=list)
    purchases: list[Purchase] = field(default_factory=list)
    halves: tuple[list[list[Posting]], list[list[Posting]]] = ([], [])


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """How many records of one platform are as they must be at one destination."""

    platform: str
    records: str
    destination: str
    expected: int
    right: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What the demo found."""

    cells: list[Cell]
    sent: int
    accepted: int
    dead: dict[str, int]
    waiting: dict[str, int]
    seconds: float
    ok: bool


def run(*, as_json: bool) -> int:
    """Run the demo; give 0 only when every record is as it must be everywhere, and nothing besides."""
    configure("error")
    with tempfile.TemporaryDirectory(prefix="commerce-sync-demo-") as folder:
        report, faults = _played(Path(folder), story())
    if as_json:
        print_json(asdict(report))
    else:
        _show(report)
    for fault in faults:
        say(fault)
    return 0 if report.ok else FAILED


def story(seed: int = 11) -> Story:
    """Write the whole story: repeats and, where bodies tell their own time, disorder included."""
    dice = random.Random(seed)  # noqa: S311 - a story, no secret
    start = datetime.now(timezone.utc).replace(microsecond=0) - timedelta(days=1)
    found = Story(halves=([[] for _ in range(WAVES)], [[] for _ in range(WAVES)]))
    for shop in SHOPS:
        people = [shopper(shop, index, start) for index in range(ACCOUNTS + GUESTS)]
        buyers = [person for person, _ in people if not person.deleted]
        orders = [purchase(shop, index, buyers[index % len(buyers)], start) for index in range(PURCHASES)]
        found.shoppers += [person for person, _ in people]
        found.purchases += orders
        for order in orders:
            order.buyer.points += order.points
        of_shoppers = [list(shop.tells_shopper(person, versions)) for person, versions in people if person.number]
        of_orders = [
            [told for n in range(len(order.life)) for told in shop.tells_purchase(order, order.life[: n + 1])]
            for order in orders
        ]
        if shop.by_arrival:
            _deal(found.halves[0], [_posted(shop, told, dice) for told in of_shoppers])
            _deal(found.halves[1], [_posted(shop, told, dice) for told in of_orders])
        else:
            shuffled = [posting for told in (*of_shoppers, *of_orders) for posting in _posted(shop, told, dice)]
            dice.shuffle(shuffled)
            _deal([*found.halves[0], *found.halves[1]], [[posting] for posting in shuffled])
    return found


def _posted(shop: Shop, history: Sequence[Told], dice: random.Random) -> list[Posting]:
    """Give the deliveries of one shopper or purchase, oldest first; of every second history one comes twice."""
    found: list[Posting] = []
    twice = dice.randrange(2 * len(history))
    for number, (topic, body) in enumerate(history):
        posting = Posting(
            source=shop.name,
            topic=topic,
            delivery_id=f"{shop.name}-{dice.getrandbits(64):x}",
            body=json.dumps(body).encode(),
        )
        found += [posting] * (2 if number == twice else 1)
    return found


def _deal(waves: Sequence[list[Posting]], histories: Sequence[Sequence[Posting]]) -> None:
    """Deal histories over the waves, each in its order, and of each no two deliveries into one wave."""
    for number, history in enumerate(histories):
        first = number % (len(waves) - len(history) + 1)
        for at, posting in enumerate(history):
            waves[first + at].append(posting)


def _played(folder: Path, told: Story) -> tuple[Report, list[str]]:
    """Start everything, send, wait, compare."""
    started = time.monotonic()
    sandboxes = dict.fromkeys(DESTINATIONS, ("--no-limits", "--no-journal"))
    stage = Stage(folder, _CONFIGURATION, sandboxes, say)
    say("starting: embedded store, sandboxes of Brevo, Custobar and Voucherify, web, worker, beat")
    say("without limits: at the real ones, a hundred calls a minute at Voucherify, this would take minutes")
    told_by = build_lanes(stage.settings)
    # Those of processes last: what is held for one of them stands in its own lane until then.
    lanes = [*(lane.name for lane in told_by), *(lane.processes for lane in told_by if lane.is_polled)]
    answers: list[int] = []
    figures: dict[str, LaneFigures] = {}
    with stage.running() as read:
        for half in told.halves:
            answers += stage.send(half)
            say("waiting until everything is delivered")
            figures = stage.await_idle(read, lanes, IDLE_WITHIN)
        held = {vendor: look(stage.ask(vendor, "state")) for vendor, look in DESTINATIONS.items()}
        return _reported(told, held, read, figures, answers, started)


def _reported(  # noqa: PLR0913, PLR0917 - all that was seen
    told: Story,
    held: Mapping[str, Held],
    read: Figures,
    figures: Mapping[str, LaneFigures],
    answers: list[int],
    started: float,
) -> tuple[Report, list[str]]:
    cells: list[Cell] = []
    faults: list[str] = []
    for shop in SHOPS:
        people = [person for person in told.shoppers if person.source == shop.name]
        orders = [order for order in told.purchases if order.source == shop.name]
        for vendor, there in held.items():
            wrong_people = _wrong(vendor, ((_named(person), there.shopper(person)) for person in people))
            wrong_orders = _wrong(vendor, ((f"order {order.our_id}", there.purchase(order)) for order in orders))
            faults += [*wrong_people, *wrong_orders]
            for records, expected, wrong in (("customers", people, wrong_people), ("orders", orders, wrong_orders)):
                cells.append(
                    Cell(
                        platform=shop.name,
                        records=records,
                        destination=vendor,
                        expected=len(expected),
                        right=len(expected) - len(wrong),
                    )
                )
    faults += _strangers(told, held)
    faults += [f"{name} lost count" for name, lane in figures.items() if not lane.conserved]
    waiting = {name: sum(lane.states.values()) for name, lane in figures.items() if any(lane.states.values())}
    report = Report(
        cells=cells,
        sent=sum(len(wave) for half in told.halves for wave in half),
        accepted=answers.count(202),
        dead=read.dead(),
        waiting=waiting,
        seconds=round(time.monotonic() - started, 1),
        ok=not (faults or waiting or read.dead()) and answers.count(202) == len(answers) and figures[MAP].pushed > 0,
    )
    return report, faults


def _wrong(vendor: str, compared: Iterator[tuple[str, list[str]]]) -> list[str]:
    return [f"{vendor}: {name}: {', '.join(different)}" for name, different in compared if different]


def _named(person: Shopper) -> str:
    # By number, and a guest by the shop: no person's data, invented or not.
    return f"customer {person.our_id}" if person.number else f"a guest of {person.source}"


def _strangers(told: Story, held: Mapping[str, Held]) -> Iterator[str]:
    people = sum(not person.deleted for person in told.shoppers)
    for vendor, there in held.items():
        if there.shoppers > people:
            yield f"{vendor}: {there.shoppers - people} customers too many"
        if there.purchases > len(told.purchases):
            yield f"{vendor}: {there.purchases - len(told.purchases)} orders too many"


def _show(report: Report) -> None:
    from rich.text import Text  # noqa: PLC0415 - not for --json

    table = rows("as they must be", ("", *DESTINATIONS), (), numbers=True)
    for platform, records in dict.fromkeys((cell.platform, cell.records) for cell in report.cells):
        cells = [cell for cell in report.cells if (cell.platform, cell.records) == (platform, records)]
        table.add_row(
            f"{platform} {records}",
            *(
                Text(f"{cell.right}/{cell.expected}", "green" if cell.right == cell.expected else "red")
                for cell in cells
            ),
        )
    console = stdout()
    console.print(table)
    console.print(f"{report.accepted} of {report.sent} signed deliveries were taken; {report.seconds} seconds in all.")
    if report.waiting:
        console.print(f"Still waiting: {', '.join(report.waiting)}.", style="red")
    dead = ", ".join(f"{number} {name}" for name, number in report.dead.items())
    console.print(f"Dead letters: {dead or 'none, on no lane'}.", style="red" if dead else "green")
