"""One history from its seed to its end: the world runs, faults stop, and what is left is judged."""

import logging
import tempfile
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cache, partial
from pathlib import Path
from typing import Any
from unittest import mock

import redis
import structlog

from connectors.sandbox import brevo_contacts
from tests.simulation.invariants import conserved, judge
from tests.simulation.plan import Plan
from tests.simulation.shop import Shop
from tests.simulation.store import Server
from tests.simulation.timeline import START
from tests.simulation.truth import Said
from tests.simulation.vendors import Vendors
from tests.simulation.world import Process, World
from worker.engine.keeping import keep_now
from worker.routes import build_lanes
from worker.settings.models import Settings
from worker.settings.reading import read

SECRET = "0" * 64
CALM_SECONDS = 4 * 86_400.0  # within which everything must have ended once nothing goes wrong any more
MOST_STEPS = 2_000_000
LOOKS = 20  # at the counts, while things go on
# When anybody's next sweep finds anything to do; milliseconds, '' for never. ARGV: now, then per lane: lane, slots.
HORIZON = """
local now, horizon = tonumber(ARGV[1]), nil
local prefix = KEYS[1]
local function at(when)
  when = tonumber(when)
  if when and (not horizon or when < horizon) then horizon = when end
end
for i = 2, #ARGV, 2 do
  local lane = prefix .. ':lane:' .. ARGV[i] .. ':'
  at(redis.call('ZRANGE', lane .. 'leased', 0, 0, 'WITHSCORES')[2])
  at(redis.call('ZRANGE', lane .. 'held', 0, 0, 'WITHSCORES')[2])
  local due = redis.call('ZRANGE', lane .. 'due', 0, 0, 'WITHSCORES')[2]
  if due then
    local from = tonumber(due)
    for _, scope in ipairs({ ARGV[i], string.match(ARGV[i], '^([^.]+)%.') }) do
      local till = redis.call('HGET', prefix .. ':pause:' .. scope, 'until')
      if till then from = math.max(from, tonumber(till)) end
    end
    if from <= now then
      local slots = redis.call('ZRANGEBYSCORE', lane .. 'slots', '(' .. now, '+inf', 'WITHSCORES')
      if #slots / 2 >= tonumber(ARGV[i + 1]) then from = tonumber(slots[2]) end
    end
    at(from)
  end
  for _, key in ipairs(redis.call('SMEMBERS', lane .. 'long')) do
    local busy = redis.call('ZSCORE', lane .. 'leased', key) or redis.call('ZSCORE', lane .. 'held', key)
    if not busy then at(now) end
  end
end
return horizon and string.format('%.0f', horizon) or ''
"""


@dataclass
class Report:
    """What one history gave."""

    seed: int
    hours: float
    trace: str
    violations: list[str]
    fired: Mapping[str, int]
    calls: int = 0
    letters: int = 0


@cache
def settings_of(configuration: str) -> Settings:
    """Read a configuration."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "commerce-sync.yaml"
        path.write_text(configuration)
        return read(path, {})


class History:
    """Runs one history."""

    def __init__(self, seed: int, server: Server) -> None:
        self.plan = Plan(seed)
        self.shop = Shop(self.plan)
        self.server = server
        server.ask("FLUSHDB")
        server.ask("SET", "{commerce-sync}:secret", SECRET)
        self.vendors = Vendors(self.shop, self.plan.destinations)
        self.world = World(self.plan, server, settings_of(self.plan.configuration), self.vendors)
        self.vendors.world = self.world
        self.timeline = self.world.timeline
        self._horizon: tuple[int, float | None] = (-1, None)

    def run(self) -> Report:
        """Run it to its end."""
        with mock.patch.object(brevo_contacts, "wall_clock", self._wall_clock), heard_logs(self.world):
            self._run()
            self.world.fired.update(dict.fromkeys(self.shop.features, 1))
            letters = judge(self)
        return Report(
            seed=self.plan.seed,
            hours=(self.timeline.now - START) / 3600,
            trace=self.world.trace,
            violations=self.world.violations,
            fired=self.world.fired,
            calls=self.vendors.calls,
            letters=letters,
        )

    def _run(self) -> None:
        for _ in range(self.plan.processes):
            self.world.start_process()
        program = self.world.processes[0].program
        self.slots = [part for name in program.drains for part in (name, 8)]
        self._learn_budgets()
        endpoint = Process(self.world, -1, mortal=False)
        for said in self.shop.webhooks:
            self.timeline.at(said.arrival, partial(self._arrive, endpoint, said))
        for _ in range(LOOKS):  # a moment after something arrives there is something to see
            said = self.world.random.choice(self.shop.webhooks)
            when = said.arrival + self.world.random.choice((0.1, 10.0)) * self.world.random.random()
            self.timeline.at(when, partial(conserved, self, at_end=False))
        self._go(until=max(self.shop.last, START + self.plan.hours * 3600) + 600.0)
        self._calm()
        if not self._go(until=self.timeline.now + CALM_SECONDS):
            self.world.violation("not idle long after the last fault")
        self.timeline.clear()

    def _arrive(self, endpoint: Process, said: Said) -> None:
        self.timeline.spawn(endpoint, lambda: self._keep(endpoint, said))

    def _keep(self, endpoint: Process, said: Said) -> None:
        """Keep an event as the endpoint and its spool do: as often as it takes."""
        while True:
            try:
                slot = keep_now(endpoint.program.lanes, said.event())
            except redis.exceptions.RedisError:
                self.timeline.wait(endpoint, 1.0)
            else:
                break
        if slot:
            self.world.wake("map", slot)

    def _calm(self) -> None:
        self.world.calm = True
        for process in self.world.living():
            process.frozen_until = 0.0

    def _learn_budgets(self) -> None:
        for lane in build_lanes(self.world.settings) if self.plan.limited else ():
            for budget in lane.budgets.values():
                self.vendors.windows[f"{lane.destination} {budget.name}"] = budget.windows

    def _go(self, *, until: float) -> bool:
        """Let time pass until then, or until nothing is left to do (True)."""
        for _ in range(MOST_STEPS):
            coming = self.timeline.next()
            beating = self._beating(coming)
            if beating is None and coming is None:
                return True
            when = beating[0] if beating else coming
            if when is not None and when > until:
                self.timeline.now = until
                return False
            if beating:
                self.timeline.now = max(self.timeline.now, beating[0])
                beating[1].beat()
            else:
                self.timeline.step()
        self.world.violation("too many steps")
        return False

    def _beating(self, coming: float | None) -> tuple[float, Process] | None:
        """Give the next beat that has anything to do, when it comes before all else; the others are skipped."""
        while True:
            beats = [(process.next_beat(), process.number, process) for process in self.world.living()]
            beats = [one for one in beats if not one[2].beating]
            if not beats:
                return None
            when, _, process = min(beats)
            if coming is not None and coming <= when:
                return None
            pulse = process.program.pulse
            sweeps = pulse.next_sweep - pulse.clock.monotonic() + self.timeline.now
            if sweeps > when + 1e-5:
                return when, process
            horizon = self._next_due()
            if horizon is not None and horizon <= when:
                return when, process
            goal = min((one for one in (horizon, coming) if one is not None), default=None)
            if goal is None:
                return None
            pulse.next_sweep += max(1, int(goal - when)) * pulse.every

    def _next_due(self) -> float | None:
        version, horizon = self._horizon
        if version != self.server.version:
            name = self.server.plain_script(HORIZON)
            found = self.server.ask("EVALSHA", name, 1, "{commerce-sync}", int(self.timeline.now * 1000), *self.slots)
            horizon = int(found) / 1000 + 0.001 if found else None
            self._horizon = (self.server.version, horizon)
        return horizon

    def _wall_clock(self) -> str:
        moment = datetime.fromtimestamp(self.timeline.now, timezone.utc)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


# What the log must never say, and what it may say of the store only.
FAULTS_OF_OURS = frozenset({"delivery failed", "preparation failed", "mapping failed", "unknown lane"})
OF_THE_STORE = frozenset({"beat missed", "leases not renewed", "fault not noted"})


@contextmanager
def heard_logs(world: World) -> Iterator[None]:
    """Hear the log instead of writing it: some of its lines must not be."""
    before = structlog.get_config()

    def hear(_: object, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        what, error = line["event"], line.get("error", "").partition(":")[0]  # a hint may follow
        if what in FAULTS_OF_OURS or (what in OF_THE_STORE and not hasattr(redis.exceptions, error)):
            world.violation(f"the log says: {what} {error} {line.get('lane', '')}")
        raise structlog.DropEvent

    structlog.configure(
        processors=[hear],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.ReturnLoggerFactory(),
        cache_logger_on_first_use=False,
    )
    try:
        yield
    finally:
        structlog.configure(**before)
