"""A shop on a virtual clock whose worker dies, stalls and meets others: histories are told to it and booked by it."""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from typing import Any, Final
from unittest import mock

import redis
import yaml

from mappings.custom_envelope import event_time
from mappings.platform import DELETE, Delivery, Platform
from mappings.reading import Node
from mappings.records import NO_ORDER_SAID, Change, OrderChange
from tests.loyalty.histories import ADJUST, History, body
from tests.loyalty.orders import DAY, SECOND, Told
from worker import wiring
from worker.engine.events import Event, event_id
from worker.engine.figures import Figures
from worker.engine.keeping import keep_now
from worker.engine.lanes import MAP, Finish, Lanes, Mapped
from worker.loyalty import booking
from worker.loyalty.turns import turn_accounts, turn_of
from worker.settings.reading import read
from worker.sync.map_drain import MapDrain
from worker.wiring import Chances, Program, build_program

PREFIX: Final = "{commerce-sync}"
TRICKS: Final = ("dies before", "dies after", "store fails", "lease lost", "another worker", "another worker")
SECRET: Final = "0" * 64
LEASE: Final = 4_000
MOST_DRAINS: Final = 60
MOST_LATE: Final = 30 * DAY


class DiedError(Exception):
    """The worker is gone."""


class TrickyLanes(Lanes):
    """Lanes on which something happens right where a mapped event is settled."""

    trick = ""
    meanwhile: Callable[[], None] = staticmethod(lambda: None)

    def finish_map(self, mapped: Sequence[Mapped]) -> tuple[list[Finish], list[tuple[str, str]]]:
        trick, self.trick = self.trick, ""
        if trick == "dies before":
            raise DiedError
        if trick == "store fails":
            raise redis.ConnectionError("gone")
        if trick in {"lease lost", "another worker"}:
            self.meanwhile()
        answer = super().finish_map(mapped)
        if trick == "dies after":
            raise DiedError
        return answer


@dataclass
class Worked:
    """A program, its drain of the lane `map` and the lanes that drain works on."""

    program: Program
    drain: MapDrain
    lanes: TrickyLanes


def _deleted(delivery: Delivery, body: Node) -> list[Change | OrderChange]:
    """Map order_deleted, which a merchant's own system does not tell, but others do."""
    change = OrderChange(
        id=body["data"]["orderId"].id(),
        time=event_time(delivery, body),
        rank=DELETE,
        deleted=True,
        final=False,
        order=NO_ORDER_SAID,
        notes=(),
    )
    return [change]


def _together(told: Sequence[Told]) -> list[Told]:
    """Give those that come in one batch, which comes when the last does: late enough accounts are closed before it."""
    until = told[0].arrives + MOST_LATE
    return list(takewhile(lambda one: one.arrives < until, told))


class Bench:
    """Runs histories one after the other on one store, which it empties each time."""

    def __init__(self, store: redis.Redis, folder: Path) -> None:
        self.store = store
        self.folder = folder
        self.now = 0
        self.numbers = 0
        self.happened: dict[str, int] = {}
        self.steps: list[str] = []
        self._known: dict[str, Worked] = {}
        self._batches: list[list[Told]] = []

    def worked(self, rules: Mapping[str, Any]) -> Worked:
        """Give the program of some rules."""
        name = json.dumps(rules, sort_keys=True)
        if name not in self._known:
            self._known[name] = self._build(rules)
        return self._known[name]

    def _build(self, rules: Mapping[str, Any]) -> Worked:
        path = self.folder / "commerce-sync.yaml"
        settings = {
            "sources": {"custom": {"secrets": ["secret"]}},
            "destinations": {
                "brevo": {"api_key": "k"},
                "voucherify": {"app_id": "a", "api_key": "k", "loyalty_campaign": "club"},
            },
            "skills": {"customer-sync": {}, "order-sync": {}, "loyalty": {"rules": json.loads(json.dumps(rules))}},
        }
        path.write_text(yaml.safe_dump(settings))
        self.store.set(f"{PREFIX}:secret", SECRET)  # guests have one name, whichever program is built when
        with mock.patch.object(wiring, "client", return_value=self.store):
            program = build_program(
                read(path, {}),
                "",
                wake=lambda _lane, _slot: None,
                running=lambda: True,
                chances=Chances(store_ms=lambda: self.now),
            )
        drain: MapDrain = program.drains[MAP].__self__  # type: ignore[attr-defined]
        lanes = TrickyLanes(program.lanes.scripts, program.lanes.times)
        mapper = drain.mapper
        platform: Platform = mapper.platforms["custom"]
        with_deletions = replace(platform, topics={**platform.topics, "order_deleted": _deleted})
        mapper = replace(mapper, platforms={**mapper.platforms, "custom": with_deletions})
        return Worked(program, replace(drain, lanes=lanes, mapper=mapper), lanes)

    def run(
        self,
        history: History,
        rules: Mapping[str, Any],
        draw: random.Random,
        *,
        calm: bool = False,
        first_rules: Mapping[str, Any] | None = None,
    ) -> Worked:
        """Tell a history from the first to the last, in batches of what arrives together."""
        self.store.flushall()
        self.numbers, self.steps = 0, []
        self.now, left = history.told[0].arrives, list(history.told)
        people = [one for one in left if one.event.startswith("customer") and one.at == left[0].at]
        self._batches = [people]  # nobody gives points by hand to an account that is not there
        left = [one for one in left if one not in people]
        while left:
            batch = _together(left[: draw.choice((1, 1, 2, 3, 5))])
            self._batches.append(batch)
            left = left[len(batch) :]
        changes = len(self._batches) // 2 if first_rules else 0
        worked = self.worked(first_rules or rules)
        while self._batches:
            if changes and len(self._batches) <= changes:
                worked, changes = self.worked(rules), 0
            trick = "" if calm or self._batches[0] is people or draw.random() > 0.25 else draw.choice(TRICKS)
            self.steps.append(f"{trick or 'calmly'}: {', '.join(one.event for one in self._batches[0])}")
            self.step(worked, trick)
        worked = self.worked(rules)
        self.go_on(worked, history.end)
        if first_rules:
            self._touch_all(worked)
        return worked

    def go_on(self, worked: Worked, until: int) -> None:
        """Let time go on with nothing but what time brings."""
        self.now = max(self.now, until)
        self._turn(worked)
        self.rest(worked)

    def step(self, worked: Worked, trick: str) -> None:
        """Keep what arrives next, and book it, while something happens to the worker."""
        self._keep_next(worked)
        self.step_with(worked, trick)

    def step_with(self, worked: Worked, trick: str) -> None:
        """Book what waits, while something happens to the worker."""
        if trick:
            self.happened[trick] = self.happened.get(trick, 0) + 1
            worked.lanes.trick = trick
            worked.lanes.meanwhile = lambda: self._meanwhile(worked, trick)
            try:
                self.drain_once(worked)
            except DiedError:
                self.now += LEASE
            except redis.ConnectionError:
                worked.drain.leases.beat()
            worked.lanes.trick = ""
        self.rest(worked)

    def _meanwhile(self, worked: Worked, trick: str) -> None:
        """Let another worker book: the same events once the lease is lost, else those that arrive next."""
        if trick == "lease lost":
            self.now += LEASE
            worked.lanes.sweep({MAP: 2})
        elif self._batches and all(one.arrives - self.now < DAY for one in self._batches[0]):
            self._keep_next(worked)  # no worker is in the middle for longer
        self.drain_once(worked)

    def _keep_next(self, worked: Worked) -> None:
        batch = self._batches.pop(0)
        self.now = max([self.now, *(one.arrives for one in batch)])
        self._turn(worked)
        for told in batch:
            self.keep(worked, told)

    def keep(self, worked: Worked, told: Told) -> None:
        """Keep what is told: a repeat comes with the same webhook-id, or with another."""
        topic = booking.ADJUST if told.event == ADJUST else told.event
        said = told.data if told.event == ADJUST else body(told)
        packed = json.dumps(said).encode()
        self.numbers += 1
        delivery = f"{told.event} {told.at}" if told.again and self.numbers % 2 else str(self.numbers)
        name = event_id("custom", topic, delivery, packed)
        event = Event(
            id=name,
            source="custom",
            topic=topic,
            delivery_id=delivery,
            received_us=max(self.now, told.arrives) * 1000 + self.numbers % 1000,
            body=packed,
        )
        keep_now(worked.lanes, event)

    def _turn(self, worked: Worked) -> None:
        assert worked.program.accounts is not None
        turn_accounts(worked.lanes, worked.program.accounts)

    def _touch_all(self, worked: Worked) -> None:
        assert worked.program.accounts is not None
        for account in worked.program.accounts.all():
            keep_now(worked.lanes, turn_of(account, self.now, self.now))
        self.rest(worked)

    def drain_once(self, worked: Worked) -> None:
        """Work for one slice."""
        self.numbers += 1
        self.store.delete(f"{PREFIX}:lane:map:slots")
        worked.drain.run(f"own-{self.numbers}")

    def rest(self, worked: Worked) -> None:
        """Work until nothing waits."""
        for _ in range(MOST_DRAINS):
            worked.lanes.sweep({MAP: 2})
            self.drain_once(worked)
            if not self.store.exists(f"{PREFIX}:lane:map:due", f"{PREFIX}:lane:map:leased"):
                return
            self.now += SECOND
        raise AssertionError("the lane map does not come to rest")

    def conserved(self, worked: Worked) -> bool:
        """Say whether every event that was kept is accounted for, none of them dead."""
        figures = Figures(worked.lanes.scripts).lane(MAP)
        return figures.conserved and not self.store.exists(f"{PREFIX}:dead")
