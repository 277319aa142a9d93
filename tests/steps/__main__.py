"""Crash at every step: `python -m tests.steps`, with options that `--help` tells.

Part `worker`: one history for each write that changed the store and each call that a destination answered. Right after
it the worker's process ends without any cleanup, another takes over, and in the end all stands as if nobody had died.
Death before a write leaves what death after the step before it leaves, so it needs no history of its own.
Part `answers`: the worker lives, but the answer to a write is lost, so that its client sends it once more.
Part `web`: the web process ends after each batch that it kept and each thing it did to a file of the spool; then so
does the process that takes over the spool.
"""

import argparse
import json
import multiprocessing
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.steps.broken import WEBS, WORKERS
from tests.steps.histories import Stage, as_it_is, chosen, open_stage
from tests.steps.mortal import scripts
from tests.steps.web import WebStage

JOBS: Final = 2
PARTS: Final = ("worker", "answers", "web")
USUAL: Final = ("worker", "web")
# Two write nothing, one is run when a store has failed, which this one never does; the simulation's store does.
NOT_DIED_AFTER: Final = frozenset({"due", "hashes", "absolve"})


class Asked(NamedTuple):
    """What the command line says."""

    seed: int
    every: int
    parts: Sequence[str]
    after: str | None
    only: int | None
    broken: str | None


class Result(NamedTuple):
    """One history: its number within its part, the step it is about, and what was wrong."""

    part: str
    number: int
    label: str
    faults: list[str]


def _worker(stage: Stage, asked: Asked, share: int) -> Iterator[Result]:
    steps, wanted = stage.observe()
    numbers = {step: number for number, step in enumerate(steps, 1)}
    if share == 0 and wanted.faults:
        yield Result("worker", 0, "nobody dies", [*wanted.faults])
    for part in ("worker", "answers"):
        if part not in asked.parts:
            continue
        some = [step for step in steps if asked.after in (None, step.script)]
        some = [step for step in chosen(some, asked.every) if part == "worker" or step.script in scripts().values()]
        some = [step for step in some if asked.only in (None, numbers[step])]
        for step in some[share::JOBS]:
            yield Result(part, numbers[step], step.label, stage.play(step, wanted, dies=part == "worker"))


def _web(stage: Stage, asked: Asked, share: int) -> Iterator[Result]:
    with tempfile.TemporaryDirectory() as folder:
        web = WebStage(
            url=stage.url, store=stage.store, folder=Path(folder), prepare=WEBS.get(asked.broken or "", _as_it_is)
        )
        done, faults = web.observe()
        if share == 0 and asked.only is None:
            yield Result("web", 0, "nobody dies", faults)
        some = range(1, 2 * len(done), 1 if asked.only else asked.every)[share::JOBS]
        for number in some:
            if number <= len(done) and asked.only in (None, number):
                yield Result("web", number, done[number - 1], web.play(number)[1])
        # All that was spooled lies there; the next process dies in the middle of moving it.
        spooled = max((number for number, label in enumerate(done, 2) if label.startswith("INSERT")), default=0)
        for number in some if spooled else ():
            if number > len(done) and asked.only in (None, number):
                yield Result("web", number, "taking over", web.play(spooled, number - len(done))[1])


def _as_it_is() -> None:
    """Leave a web process as it is."""


def _play(line: Connection, asked: Asked, share: int) -> None:
    """Play a share of the histories in this process and tell of them."""
    with open_stage(asked.seed) as stage:
        stage.prepare = WORKERS.get(asked.broken or "", as_it_is)
        results = [*_worker(stage, asked, share)] if {"worker", "answers"} & set(asked.parts) else []
        stage.prepare = as_it_is
        line.send([*results, *(_web(stage, asked, share) if "web" in asked.parts else ())])


def play_all(asked: Asked) -> list[Result]:
    """Give of all histories what each found wrong.

    Raises: EOFError when a process that plays some of them ended before it had told.
    """
    context = multiprocessing.get_context("fork")
    lines, players = [], []
    for share in range(JOBS):
        ours, theirs = context.Pipe()
        players.append(context.Process(target=_play, args=(theirs, asked, share)))
        players[-1].start()
        theirs.close()
        lines.append(ours)
    told = [line.recv() for line in lines]
    for player in players:
        player.join()
    return sorted(result for results in told for result in results)


def report(asked: Asked, results: Sequence[Result]) -> dict[str, Any]:
    """Put the histories together. A script that nobody died after is a violation, where all were asked for."""
    died_after = Counter(one.label.split(" ", maxsplit=1)[0] for one in results if one.part == "worker")
    violations = [f"{one.part} {one.number}, {one.label}: {text}" for one in results for text in one.faults]
    names = sorted({*scripts().values()} - NOT_DIED_AFTER)
    if asked.only is None and asked.after is None and "worker" in asked.parts:
        violations += [f"nobody died after {name}" for name in names if not died_after[name]]
    return {
        "seed": asked.seed,
        "steps": len({(one.part, one.number) for one in results if one.part != "answers"}),
        "histories": len(results),
        "converged": sum(not one.faults for one in results),
        "parts": Counter(one.part for one in results),
        "scripts": {name: died_after[name] for name in names},
        "violations": violations,
    }


def _asked() -> tuple[Asked, bool]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--every", type=int, default=1, help="only every so many-th, and of a worker the first of each kind"
    )
    parser.add_argument(
        "--part", choices=PARTS, action="append", help="this part, may be said again; else worker and web"
    )
    parser.add_argument("--after", choices=sorted(scripts().values()), help="only right after this script")
    parser.add_argument("--only", type=int, help="only the history of this number, in each part that is asked for")
    parser.add_argument("--broken", choices=sorted({*WORKERS, *WEBS}), help="break the product first, to see it found")
    parser.add_argument("--json", action="store_true", help="one line of JSON last")
    said = parser.parse_args()
    return Asked(said.seed, said.every, said.part or USUAL, said.after, said.only, said.broken), said.json


def main() -> int:
    """Read the command line and play."""
    asked, as_json = _asked()
    told = report(asked, play_all(asked))
    for name, number in told["scripts"].items():
        sys.stdout.write(f"died after {name:12} {number:5}\n")
    sys.stdout.write(f"{told['converged']} of {told['histories']} histories converged: {dict(told['parts'])}\n")
    for violation in told["violations"]:
        sys.stdout.write(f"{violation}\n")
    if as_json:
        sys.stdout.write(json.dumps(told) + "\n")
    return 1 if told["violations"] else 0


if __name__ == "__main__":
    sys.exit(main())
