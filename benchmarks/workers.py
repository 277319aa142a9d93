"""A worker under measurement: started, waited for until it is ready, and asked for the processor time it took since."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil  # type: ignore[import-untyped]

from benchmarks.ground import BenchmarkError, Ground, wait_until


@dataclass(frozen=True, kw_only=True, slots=True)
class Worker:
    """A worker that was ready at the moment `ready`, of the wall clock."""

    ready: float
    cpu_before: float
    process: psutil.Process = field(repr=False)

    def cpu_seconds(self) -> float:
        """Give the processor time since it was ready."""
        times = self.process.cpu_times()
        return float(times.user + times.system) - self.cpu_before


@contextmanager
def celery_worker(place: Ground, application: str, *options: str, **environ: str) -> Iterator[Worker]:
    """Run one worker process of a Celery application for as long as the block lasts.

    Raises: BenchmarkError when it does not start.
    """
    note = place.folder / "ready.json"
    note.unlink(missing_ok=True)
    arguments = ("-A", application, "--quiet", "worker", "--loglevel", "warning", "--include", "benchmarks.ready")
    with place.module("celery", *arguments, *options, BENCHMARK_READY=str(note), **environ) as child:
        wait_until(lambda: note.exists() or child.poll() is not None, "a worker does not start")
        if child.poll() is not None:
            raise BenchmarkError("a worker does not start")
        said = json.loads(note.read_text(encoding="ascii"))
        ready = time.time() - (time.monotonic() - said["at"])
        yield Worker(ready=ready, cpu_before=said["cpu"], process=psutil.Process(child.pid))
