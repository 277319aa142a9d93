"""Answers of destinations that are lost or are none: F41 and F42."""

import gzip
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import psutil  # type: ignore[import-untyped]

from tests.faults.catalogue import fault
from tests.faults.destinations import ALL, counted, versions
from tests.faults.proxy import Proxy, Toxic
from tests.faults.run import Run
from tests.faults.story import SKILLS, compare, story, waves
from tests.faults.system import System
from tests.faults.traffic import Customers

LONGEST_CALL: Final = 8.0
WRITES: Final = ("POST", "PUT", "DELETE")
MB: Final = 1 << 20


class Proxies(ExitStack):
    """A proxy before each destination, made when its address is known."""

    def __init__(self, seed: int = 1, scheme: str = "http") -> None:
        super().__init__()
        self.seed, self.scheme = seed, scheme
        self.by: dict[str, Proxy] = {}

    def via(self, vendor: str, url: str) -> str:
        """Give the address of a new proxy before a destination's."""
        self.by[vendor] = self.enter_context(Proxy(url, seed=self.seed, scheme=self.scheme))
        return self.by[vendor].url


@fault("F41", "answers lost after the destination did what was asked", short=True)
def answers_lost(run: Run) -> None:
    """Swallow answers until the caller gives up, and hang up instead of others: what was asked twice is there once."""
    told = story(run.seed)
    slow, quick = run.sized(3, 1), run.sized(12, 3)
    struck: Counter[str] = Counter()
    with Proxies() as proxies, run.system(destinations=ALL, via=proxies.via, more={"skills": SKILLS}) as system:
        toxics = {vendor: _lost(slow, quick, WRITES[: run.sized(3, 1)]) for vendor in ALL}
        for vendor, some in toxics.items():
            proxies.by[vendor].set(*some)
        for wave in waves(told):
            system.burst(wave)
        system.await_idle()
        for vendor, some in toxics.items():
            struck[vendor] = sum(one.struck for one in some)
            run.expect(struck[vendor], f"no answer of {vendor} was lost")
        repeats: Counter[str] = Counter()
        counts, complaints = compare(told, system, repeats=repeats)
        run.add(counts)
        for complaint in complaints:
            run.complain(complaint)
        run.expect(not system.letters(), "dead letters")
    run.fire(struck.total())
    for vendor in ALL:
        run.figure(f"events told twice by {vendor}", repeats[vendor], f"of {struck[vendor]} answers lost")


def _lost(slow: int, quick: int, swallowed: Sequence[str]) -> list[Toxic]:
    """Lose answers to writes of every kind at once, and to some of them until the caller has waited long enough."""
    late = [Toxic(kind="swallow", method=method, times=slow, chance=0.3) for method in swallowed]
    return [*late, *(Toxic(kind="close", method=method, times=quick, chance=0.3) for method in WRITES)]


# Status and headers of an answer that a proxy or a broken server gives in the destination's place.
def answer(body: bytes, *headers: str, length: int | None = None, status: str = "200 OK") -> bytes:
    told = "\r\n".join((f"HTTP/1.1 {status}", *headers, f"content-length: {len(body) if length is None else length}"))
    return f"{told}\r\n\r\n".encode() + body


_JSON: Final = "content-type: application/json"
_PACKED: Final = "content-encoding: gzip"
ANSWERS: Final[Mapping[str, Callable[[], Mapping[str, Any]]]] = {
    "HTML": lambda: {"says": answer(b"<html><h1>It works!</h1></html>", "content-type: text/html")},
    "nothing": lambda: {"says": answer(b"", _JSON)},
    "no JSON": lambda: {"says": answer(b'{"id": 1, "run_id": "r', _JSON)},
    "JSON that nests": lambda: {"says": answer(b"[" * 100_000, _JSON)},
    "a gzip bomb": lambda: {"says": answer(gzip.compress(bytes(100 * MB)), _JSON, _PACKED)},
    "no gzip": lambda: {"says": answer(b"no gzip", _JSON, _PACKED)},
    "10 MB": lambda: {"says": answer(b'"' + b"x" * (10 * MB) + b'"', _JSON)},
    "less than its length": lambda: {"says": answer(b'{"id": 1}', _JSON, length=100), "hangs_up": True},
    "more than its length": lambda: {"says": answer(b'{"id": 1}', _JSON, length=2)},
    "no HTTP": lambda: {"says": b"SSH-2.0-OpenSSH_9.2\r\n", "hangs_up": True},
    "a header without end": lambda: {"says": b"HTTP/1.1 200 OK\r\nx: " + b"x" * (2 * MB)},
    "a drip": lambda: {"says": b"HTTP/1.1 200 OK\r\n\r\n ", "endless": 0.05},
    "dripping headers": lambda: {"says": b"HTTP/1.1 200 OK\r\nx: ", "endless": 0.05},
}
_SHORT: Final = ("HTML", "a gzip bomb", "10 MB", "a drip")


@fault("F42", "200 with HTML, nothing, bombs, 10 MB, wrong lengths, drips", short=True)
def no_answers(run: Run) -> None:
    """Answer what is none: it is read within its bounds and never believed, and everything is delivered afterwards."""
    people = Customers(run.sized(6, 2), versions=len(ANSWERS))
    longest = 0.0
    with (
        Proxies() as proxies,
        run.system(destinations=ALL, via=proxies.via) as system,
        _memory(system) as peak,
    ):
        kinds = [name for name in ANSWERS if name in _SHORT or not run.short]
        for version, name in enumerate(kinds):
            toxics = [
                (vendor, Toxic(kind="answer", way="up", times=run.sized(2, 1), **ANSWERS[name]())) for vendor in ALL
            ]
            for vendor, toxic in toxics:
                proxies.by[vendor].set(toxic)
            system.burst([people.webhook(number, version) for number in people.numbers])
            system.await_idle()
            for vendor, toxic in toxics:
                told = versions(system, vendor).values()  # what comes later would cover up that this was believed
                run.expect(all(many == [version] for many in told), f"{vendor}: {name} was believed")
                run.expect(toxic.struck, f"{vendor} never answered {name}")
                run.fire(toxic.struck)
                longest = max(longest, toxic.lasted)
        run.add(counted(system))
        run.expect(not system.letters(), "dead letters")
    run.figure("longest answer", longest, "s", most=LONGEST_CALL + 1)
    run.figure("worker's memory, most above what it was", peak["most"] - peak["first"], "MB", most=30)


@contextmanager
def _memory(system: System) -> Iterator[dict[str, float]]:
    """Watch the resident memory of the worker while the block runs, in MB."""
    process: psutil.Process = system.process("worker 0")
    found = {"first": process.memory_info().rss / MB, "most": 0.0}
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.01):
            found["most"] = max(found["most"], process.memory_info().rss / MB)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield found
    finally:
        ended.set()
        watcher.join()
