"""One life of a worker: the real program in a process of its own, which goes through the story until it dies."""

import gc
import json
import logging
import os
import random
import secrets
import signal
import sys
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from typing import Any, Final

import redis
import structlog

from connectors import brevo_events, brevo_import, brevo_loyalty, brevo_orders, brevo_products, voucherify_customers
from tests.steps.moments import SECOND
from tests.steps.mortal import Mortal, MortalStore
from tests.steps.story import ACTS, Act
from tests.steps.vendors import Wire
from tests.sync.order_lives import Telling
from worker import store as stores
from worker import wiring
from worker.engine.clock import Clock
from worker.engine.dead_letters import DeadLetters
from worker.engine.events import Event, event_id
from worker.engine.lanes import MAP
from worker.settings.models import Settings
from worker.wiring import Chances, Program, build_program

PATIENCE: Final = 60  # real seconds of one life
QUIET_WITHIN: Final = 3600.0
SEVERAL: Final = 3
SHORTEST: Final = 0.001


@dataclass
class Worker:
    """A program on a store, told of the story; threads are left out, what they do is done in their turn."""

    program: Program
    store: redis.Redis
    wire: Wire
    mortal: Mortal
    began_us: int
    wakes: deque[tuple[str, str]] = field(default_factory=deque)

    def live(self, answered: int) -> None:
        """Go through the rest of the story. After a restart the shop does not wait for what is left."""
        for number, act in enumerate(ACTS[answered:], answered):
            if act.person:
                self.work()
                self._act(act)
            else:
                self._keep([self._event(*one, number, index) for index, one in enumerate(act.told)])
            self.wire.ask("answered", number + 1)
            self.work()
        self.wire.line.send(("lived", self.mortal.steps))

    def work(self) -> None:
        """Do as workers do until nothing waits."""
        moments = self.mortal.moments
        end = moments.time() + QUIET_WITHIN
        while moments.time() < end:
            self.program.pulse.beat()
            while self.wakes:
                self.program.drain(*self.wakes.popleft())
            if not self._busy():
                return
            moments.sleep(max(self.program.pulse.wait(), SHORTEST))
        raise AssertionError("not idle")

    def _busy(self) -> bool:
        prefix = self.program.lanes.scripts.prefix
        with self.store.pipeline(transaction=False) as pipe:
            for lane in self.program.drains:
                pipe.hmget(f"{prefix}:lane:{lane}:counts", "waiting", "leased", "held")
            return any(int(number or 0) for numbers in pipe.execute() for number in numbers)

    def _keep(self, events: Sequence[Event]) -> None:
        """Keep events as the endpoint does: all that wait share one round trip."""
        lanes = self.program.lanes
        flat: list[str | bytes] = []
        for event in events:
            flat += (event.id, event.head(), f"{event.received_us:016d}", event.body)
        slot, *_ = lanes.scripts.run("keep", lanes.times.repeat, lanes.times.lease, *flat)
        if slot:
            self.wakes.append((MAP, slot.decode()))

    def _event(self, telling: Telling, about: int, act: int, index: int) -> Event:
        body, name = json.dumps(telling.body(about)).encode(), f"{act}-{index}"
        return Event(
            id=event_id(telling.source, telling.topic, name, body),
            source=telling.source,
            topic=telling.topic,
            delivery_id=name,
            received_us=self.began_us + act * SECOND + index,  # the same in every history
            body=body,
        )

    def _act(self, act: Act) -> None:
        letters = DeadLetters(self.program.lanes)
        if act.person == "redrive":
            self.wire.ask("take refused")
        for letter in list(letters.each()):
            if act.person == "redrive" and letter.lane != "map":
                if slot := letters.retry(letter, lambda item: item):
                    self.wakes.append((letter.lane, slot))
            elif act.person == "discard":
                letters.discard(letter)


def bear(settings: Settings, url: str, wire: Wire, mortal: Mortal, began_us: int) -> Worker:
    """Build the program on this store and this line."""
    store = MortalStore.of(stores.client(url), mortal)
    wakes: deque[tuple[str, str]] = deque()
    root: Any = wiring
    root.client, root.Sender = lambda _url: store, lambda: wire
    moments = mortal.moments
    program = build_program(
        settings,
        url,
        wake=lambda lane, slot: wakes.append((lane, slot)),
        running=lambda: True,
        chances=Chances(
            clock=Clock(now=moments.time, monotonic=moments.time, sleep=moments.sleep),
            draw=random.random,
            store_ms=moments.milliseconds,
        ),
    )
    moments.each_second = program.leases.renew
    return Worker(program=program, store=store, wire=wire, mortal=mortal, began_us=began_us, wakes=wakes)


def lower_thresholds() -> None:
    """Let three records ride in what a hundred would."""
    modules: tuple[Any, ...] = (brevo_events, brevo_import, brevo_loyalty, brevo_orders, brevo_products)
    for module in modules:
        module.BULK = replace(module.BULK, least=SEVERAL)
    voucherify_customers.LEAST_ROWS = SEVERAL  # type: ignore[misc]


def run_life(
    settings: Settings,
    url: str,
    line: Connection,
    mortal: Mortal,
    *,
    seed: int,
    answered: int,
    began_us: int,
    prepare: Callable[[Worker], None],
) -> None:
    """Live in this process, which is the worker's own, and end it."""
    signal.alarm(PATIENCE)
    gc.disable()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    random.seed(seed)
    secrets.token_hex = lambda nbytes=None: random.randbytes(nbytes or 32).hex()  # the same in every history
    lower_thresholds()
    try:
        worker = bear(settings, url, Wire(line=line, mortal=mortal), mortal, began_us)
        prepare(worker)
        worker.live(answered)
    except BaseException:  # noqa: BLE001 - nothing of the parent must run in the child
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)
