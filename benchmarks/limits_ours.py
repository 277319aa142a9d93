"""Ours under limits: one worker process as `up` starts it, and a webhook that comes in the middle of its work."""

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Final

import requests

from benchmarks.ground import LOOPBACK, PREFIX, BenchmarkError, Ground, wait_until
from benchmarks.limits_kinds import SPEED, Event, Kind
from benchmarks.limits_sandbox import Sandbox
from benchmarks.waiting import SOURCE, id_of, keep
from benchmarks.workers import Worker, celery_worker
from mappings.registry import PLATFORMS
from worker.engine.figures import STATES
from worker.engine.lanes import MAP
from worker.engine.scripts import prefix_key
from worker.routes import build_lanes
from worker.settings.models import Settings
from worker.settings.reading import read

POLL_SECONDS: Final = 0.02  # a fifth of a second of that clock
DONE_SECONDS: Final = 600.0
LIST: Final = 2  # Brevo imports into lists only
_ENGINE: Final = Settings.model_fields["engine"].get_default(call_default_factory=True)
_SPED_UP: Final = ("retry_base", "retry_cap", "pause_first", "pause_cap", "poll_first", "poll_cap", "hold_seconds")
_KEYS: Final[Mapping[str, Mapping[str, Any]]] = {
    "brevo": {"api_key": "sandbox", "import_list_id": LIST},
    "custobar": {"api_key": "sandbox"},
    "voucherify": {"app_id": "sandbox", "api_key": "sandbox"},
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Pass:
    """One way through waiting events, in real seconds: from a worker that is ready to the last change.

    `cpu_seconds` are those of the worker and the store, `live` is what a webhook took that came in the middle.
    """

    seconds: float
    cpu_seconds: float
    sandbox_cpu_seconds: float
    calls: int
    rejected: int
    live: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Ours:
    """Our program on one ground before one sandbox."""

    place: Ground
    kind: Kind
    sandbox: Sandbox

    def settings(self, *, limited: bool) -> Settings:
        """Write the configuration and read it; whatever it waits for is shorter by the speed of the clock."""
        windows = {
            name: [[calls, seconds / SPEED] for calls, seconds in many] for name, many in self.sandbox.windows.items()
        }
        account: dict[str, Any] = {**_KEYS[self.kind.vendor], "base_url": self.sandbox.base_url}
        # Of an order the record alone is measured: the events of its life are another lane, and another kind of call.
        skills: dict[str, Any] = {"customer-sync": {"enabled": True, "log_level": "warning"}}
        if not self.kind.tells_customers:
            skills["order-sync"] = {"enabled": True, "options": {"events": False}}
        content: dict[str, Any] = {
            "sources": {SOURCE: {"secrets": [self.place.secret]}},
            "identity": {"bare_ids": SOURCE},
            "destinations": {self.kind.vendor: {**account, "limits": windows if limited else False}},
            "skills": skills,
            "engine": {
                "data_dir": str(self.place.folder),
                **{name: getattr(_ENGINE, name) / SPEED for name in _SPED_UP},
            },
        }
        path = self.place.folder / "commerce-sync.yaml"
        path.write_text(json.dumps(content), encoding="utf-8")
        return read(path, {"REDIS_URL": self.place.url})

    def run(self, events: Sequence[Event], *, limited: bool) -> Pass:
        """Let events wait, start a worker, and measure until the last of them is delivered.

        Raises: BenchmarkError when they do not get through, or what the destination holds is not what they say.
        """
        return self._run(events, limited=limited, live=None, middle=0.0)

    def run_with_live(self, events: Sequence[Event], live: Event, *, middle: float) -> Pass:
        """Do the same under the vendor's limits, with a webhook `middle` seconds after the worker was ready."""
        return self._run(events, limited=True, live=live, middle=middle)

    def _run(self, events: Sequence[Event], *, limited: bool, live: Event | None, middle: float) -> Pass:
        settings = self.settings(limited=limited)
        lanes = [MAP, *(lane.name for lane in build_lanes(settings))]
        self.sandbox.limit(limited=limited)
        keep(self.place, self.kind.topic, events)
        expected = self._counts(MAP)["pushed"] + (live is not None)
        store, sandbox, before = self._store_cpu(), self.sandbox.cpu_seconds(), self.sandbox.counts()
        with self._web(wanted=live is not None) as port, self._worker() as worker:
            waited = 0.0 if live is None else self._deliver_live(port, live, worker.ready + middle)
            wait_until(
                lambda: self._is_done(lanes, expected),
                f"{self.kind.destination_lane} did not get through",
                seconds=DONE_SECONDS,
                every=POLL_SECONDS,
            )
            after = self.sandbox.counts()
            found = Pass(
                seconds=after.done - worker.ready,
                cpu_seconds=worker.cpu_seconds() + self._store_cpu() - store,
                sandbox_cpu_seconds=self.sandbox.cpu_seconds() - sandbox,
                calls=after.calls - before.calls,
                rejected=after.rejected - before.rejected,
                live=waited,
            )
        self.sandbox.check([*events, *([] if live is None else [live])])
        return found

    def _worker(self) -> AbstractContextManager[Worker]:
        return celery_worker(self.place, "worker", "--without-mingle", "--without-gossip", **self._environ())

    def _web(self, *, wanted: bool) -> AbstractContextManager[int]:
        if not wanted:
            return nullcontext(0)
        return self.place.server("--factory", "worker.web:create", **self._environ())

    def _environ(self) -> dict[str, str]:
        return {"COMMERCE_SYNC_CONFIG": str(self.place.folder / "commerce-sync.yaml")}

    def _deliver_live(self, port: int, live: Event, at: float) -> float:
        """Send a webhook at its time; give the seconds until the store says that the destination has it."""
        time.sleep(max(0.0, at - time.time()))
        topic, body = self.kind.topic, live.body()
        signed = PLATFORMS[SOURCE].sign(topic, body, self.place.secret, live.delivery_id, datetime.now(timezone.utc))
        sent = time.monotonic()
        answer = requests.post(
            f"http://{LOOPBACK}:{port}/webhooks/{SOURCE}", data=body, headers=dict(signed), timeout=5
        )
        if answer.status_code != 202:
            raise BenchmarkError(f"a webhook was answered {answer.status_code}")
        name, result = f"{prefix_key(PREFIX)}:event:{id_of(topic, live)}", f"result:{self.kind.destination_lane}"
        wait_until(
            lambda: self.place.store.hexists(name, result),
            "a live event was not delivered",
            seconds=DONE_SECONDS,
            every=POLL_SECONDS,
        )
        waited, became = time.monotonic() - sent, self.place.store.hget(name, result)
        if became != b"delivered":
            raise BenchmarkError(f"a live event became {became!r}")
        return waited

    def _is_done(self, lanes: Sequence[str], expected: int) -> bool:
        # In this order: what leaves the one is on the next at once.
        counts = [self._counts(lane) for lane in lanes]
        if dead := sum(one["dead"] for one in counts):
            raise BenchmarkError(f"{dead} events became dead letters")
        return counts[0]["pushed"] == expected and not any(one[state] for one in counts for state in STATES)

    def _counts(self, lane: str) -> Counter[str]:
        # A part of what the worker's own figures read, so that looking often costs the store little.
        found: dict[Any, Any] = self.place.store.hgetall(f"{prefix_key(PREFIX)}:lane:{lane}:counts")
        return Counter({name.decode(): int(number) for name, number in found.items()})

    def _store_cpu(self) -> float:
        used = self.place.store.info("cpu")
        return float(used["used_cpu_user"]) + float(used["used_cpu_sys"])
