"""A program of the worker in this process: its wake-ups in a list, a scripted destination, a store of one's choice."""

import itertools
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import redis

from connectors.connector import Budget, Call, Nothing, Response, State, Way, judge_status
from connectors.verdicts import Delivered, Follow, Verdict
from mappings.records import ABSENT
from worker import routes, wiring
from worker.engine.dead_letters import DeadLetter, DeadLetters
from worker.engine.events import Event, event_id
from worker.engine.figures import Figures, LaneFigures
from worker.engine.keeping import keep_now
from worker.engine.lanes import Item, Push
from worker.engine.subjects import Facet
from worker.settings.reading import read
from worker.sync.facets import DELETED, EXISTS, pack
from worker.wiring import Program, build_program

LANE = "brevo.contacts"
CONFIGURATION = """\
sources:
  shopify: {{secrets: [secret]}}
  custom: {{secrets: [secret]}}
destinations:
  brevo: {{api_key: key, limits: {limits}}}
skills:
  customer-sync: {{enabled: true, options: {{{options}}}}}
{skills}
engine: {{retry_base: 0.01, retry_factor: 1, retry_cap: 0.01, attempts: 3, pause_first: 0.2, pause_cap: 0.4{engine}}}
"""

Answer: TypeAlias = Response | BaseException


@dataclass
class Destination:
    """A connector and its sender in one: `answer` says what comes back, `chain` how many calls a customer takes."""

    budgets: tuple[Budget, ...] = ()
    chain: int = 1
    answer: Callable[[Call], Answer | None] = lambda _: None
    verdict: Callable[[Call, Response], Verdict | None] = lambda _call, _response: None
    before: Callable[[State], None] = lambda _: None
    ways: tuple[Way, ...] = (Way(budget=LANE),)
    together: Callable[[Call, Response], Mapping[str, Verdict]] = lambda call, _: dict.fromkeys(
        call.subjects, Delivered(known={})
    )
    process: Callable[[Mapping[str, Any]], Any] = lambda rows: dict.fromkeys(rows, Delivered())
    bulk_budget: str = LANE
    starts: bool = False
    sent: list[Call] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    name: str = "brevo"
    base_url: str = "http://brevo.test"
    lock: Any = field(default_factory=threading.Lock)

    def headers(self) -> Mapping[str, str]:
        return {}

    def image(self, state: State) -> Any:
        return {"deleted": state.deleted, "customer": state.customer.model_dump(mode="json")}

    def calls(self, states: Sequence[State], *, bulk: bool) -> Sequence[Call | Nothing]:
        """Give a call each; in bulk one that all share who have a last name."""
        alone = [self._first(state) for state in states]
        if not bulk:
            return alone
        ride = [call for state, call in zip(states, alone, strict=True) if state.customer.last_name]
        subjects = tuple(call.subjects[0] for call in ride if isinstance(call, Call))
        shared = Call(
            method="POST",
            path="/bulk",
            body=subjects,
            budget=self.bulk_budget,
            subjects=subjects,
            step="bulk",
            starts=self.starts,
        )
        return [shared if call in ride else call for call in alone]

    def poll(self, process: str) -> Call:
        return Call(method="GET", path=f"/processes/{process}", budget="other", subjects=(), step="poll")

    def ended(self, response: Response, rows: Mapping[str, Any]) -> Any:
        return self.process(rows) if response.status == 204 else judge_status(response)

    def _first(self, state: State) -> Call | Nothing:
        self.before(state)
        if not state.deleted and not state.known.get("email") and not state.customer.email:
            return Nothing(reason="no identifier", keep=True)
        return self._call(state, state.steps.get("answered", 0))

    def _call(self, state: State, step: int) -> Call:
        said = {name: value for name, value in state.customer if value is not ABSENT}
        body = {"deleted": True} if state.deleted else said
        path = f"/{state.subject}"
        return Call(
            method="PUT", path=path, body=body, budget=LANE, subjects=(state.subject,), step=str(step), memo=state
        )

    def judge(self, call: Call, response: Response) -> Mapping[str, Verdict]:
        if call.step == "bulk":
            return self.together(call, response)
        (subject,) = call.subjects
        return {subject: self.verdict(call, response) or self._judge(call, response)}

    def _judge(self, call: Call, response: Response) -> Verdict:
        if response.status != 204:
            return judge_status(response)
        answered = int(call.step) + 1
        if answered < self.chain:
            return Follow(call=self._call(call.memo, answered), step={"answered": answered})
        email = call.memo.customer.email or call.memo.known.get("email")
        return Delivered(known={} if call.memo.deleted else {"email": email})

    def allowance(self, response: Response) -> tuple[int, float] | None:
        left = response.headers.get("left")
        return (int(left), 60.0) if left else None

    def probe(self) -> Call:
        raise NotImplementedError

    def send(self, _base_url: str, _headers: Mapping[str, str], call: Call) -> Response:
        with self.lock:
            self.sent.append(call)
            self.times.append(time.monotonic())
        answer = self.answer(call)
        if isinstance(answer, BaseException):
            raise answer
        return answer or Response(status=204, headers={}, body=b"")

    def close(self) -> None:
        """Do nothing: the sender's part that a program calls when it stops."""

    @property
    def subjects(self) -> list[str]:
        return [call.subjects[0] for call in self.sent]


class Rig:
    """A store, a destination, and as many programs as a test wants."""

    def __init__(self, store: redis.Redis, folder: Path) -> None:
        self.store = store
        self.folder = folder
        self.destination = Destination()
        self.wakes: deque[tuple[str, str]] = deque()
        self.running: Callable[[], bool] = lambda: True
        self.numbers = itertools.count(1)

    def program(
        self, *, limits: str = "off", options: str = "", skills: str = "", engine: str = "", **more: Any
    ) -> Program:
        """Build a program on this store, with no thread of its own."""
        path = self.folder / "commerce-sync.yaml"
        path.write_text(
            CONFIGURATION.format(
                limits=limits, options=options, skills=skills and f"  {skills}", engine=engine and f", {engine}"
            )
        )
        built = build_program(
            read(path, {}),
            "",
            wake=lambda lane, slot: self.wakes.append((lane, slot)),
            running=lambda: self.running(),  # noqa: PLW0108 - a test may change it later
            **more,
        )
        self.figures = Figures(built.lanes.scripts)
        self.letters_of = DeadLetters(built.lanes)
        return built

    def drain(self, program: Program, lane: str = LANE) -> None:
        """Wake a lane once, whether it is due or not, as if no other drain were at work."""
        self.store.delete(f"{{commerce-sync}}:lane:{lane}:slots")
        program.drain(lane, f"own-{next(self.numbers)}")

    def run(self, program: Program, seconds: float = 60.0) -> None:
        """Do as workers do until nothing waits, at most for some seconds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            program.sweep()
            while self.wakes:
                program.drain(*self.wakes.popleft())
            lanes = ("map", LANE, f"{LANE}-processes")
            if not any(number for name in lanes for number in self.lane(name).states.values()):
                return
            time.sleep(0.01)
        raise AssertionError(f"not idle: {self.lane('map')} {self.lane()}")

    def lane(self, name: str = LANE) -> LaneFigures:
        figures = self.figures.lane(name)
        assert figures.conserved, figures
        return figures

    def letters(self) -> list[DeadLetter]:
        return list(self.letters_of.each())

    def push(self, program: Program, subject: str, minute: int = 1, *, forced: bool = False, **facets: Any) -> None:
        """Push a change of a customer, as of a minute; `deleted=True` is a deletion, `exists=False` no sign of life."""
        arrival = int(time.time() * 1e6)
        version = (1, minute * 60_000, 20, arrival)
        said: dict[str, Facet] = {name: (value, version) for name, value in facets.items() if name != EXISTS}
        if DELETED not in facets and facets.get(EXISTS, True):
            said[EXISTS] = (True, version)
        item = Item(event=f"{next(self.numbers):032x}", received_us=arrival, body=pack(said, forced=forced))
        self._wake(LANE, program.lanes.push(LANE, [Push(lane=LANE, key=subject, item=item)]))

    def keep(self, program: Program, body: Any, *, source: str = "shopify", topic: str = "customers/update") -> str:
        """Keep an event as the endpoint does; give its id."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        delivery_id = str(next(self.numbers))
        name = event_id(source, topic, delivery_id, raw)
        arrival = int(time.time() * 1e6)
        slot = keep_now(
            program.lanes,
            Event(id=name, source=source, topic=topic, delivery_id=delivery_id, received_us=arrival, body=raw),
        )
        self._wake("map", slot)
        return name

    def _wake(self, lane: str, slot: str) -> None:
        if slot:
            self.wakes.append((lane, slot))

    def record(self, subject: str) -> dict[str, str]:
        row: dict[bytes, bytes] = self.store.hgetall(f"{{commerce-sync}}:subject:brevo:{subject}")  # type: ignore[assignment]
        return {name.decode(): value.decode() for name, value in row.items()}

    def expire(self, program: Program, lane: str = LANE) -> None:
        """Let every lease of a lane run out now, as after the death of its worker, and free its keys."""
        leased: list[bytes] = self.store.zrange(f"{{commerce-sync}}:lane:{lane}:leased", 0, -1)  # type: ignore[assignment]
        for key in leased:
            self.store.zadd(f"{{commerce-sync}}:lane:{lane}:leased", {key: 1})
        program.lanes.sweep({lane: 1})


@pytest.fixture
def new_rig(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[redis.Redis], Rig]:
    def build(store: redis.Redis) -> Rig:
        rig = Rig(store, tmp_path)
        monkeypatch.setattr(wiring, "client", lambda _url: store)
        monkeypatch.setattr(routes, "build_connectors", lambda _settings: {"brevo": {"contacts": rig.destination}})
        monkeypatch.setattr(wiring, "Sender", lambda: rig.destination)
        return rig

    return build


@pytest.fixture
def rig(store: redis.Redis, new_rig: Callable[[redis.Redis], Rig]) -> Iterator[Rig]:
    """On the fake store and on the real one in turn; whatever happened, no item may be unaccounted for."""
    rig = new_rig(store)
    rig.program()
    yield rig
    rig.lane()
    rig.lane("map")


@pytest.fixture
def real_rig(real_store: redis.Redis, new_rig: Callable[[redis.Redis], Rig]) -> Iterator[Rig]:
    """On the real store, for what several threads do."""
    rig = new_rig(real_store)
    rig.program()
    yield rig
    rig.lane()


@pytest.fixture
def respond() -> Callable[..., Response]:
    def build(status: int, **headers: str) -> Response:
        return Response(status=status, headers=headers, body=b"")

    return build
