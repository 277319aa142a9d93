"""The memory that a worker process takes, looked at now and then: one that outgrows it makes way for a new one."""

import gc
import resource
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import structlog

log = structlog.get_logger(__name__)

LOOK_EVERY: Final = 2.0
MB: Final = 1 << 20
# What a batch of events makes (6 000 objects) lives as long as the batch. With Python's own 700 (or 2 000) all of it is
# looked through again and again in vain, for 3 % of the processor time of mapping.
YOUNG_OBJECTS: Final = 20_000
_STATM: Final = Path("/proc/self/statm")


def resident() -> int:
    """Give the bytes of memory that this process holds; where no /proc tells, the most it ever held."""
    try:
        return int(_STATM.read_bytes().split()[1]) * resource.getpagesize()
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024


def collect_seldom() -> None:
    """Look for garbage in cycles once so many objects are new; all other garbage goes by itself."""
    gc.set_threshold(YOUNG_OBJECTS)


@dataclass(kw_only=True)
class MemoryWatch:
    """Calls `end` once when the memory passes `limit_mb`; 0 is no limit."""

    limit_mb: int
    end: Callable[[], None]
    measure: Callable[[], int] = resident
    every: float = LOOK_EVERY
    _stopped: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Start looking, in a thread. A limit that an idle worker passes is told, and ignored: it would never work."""
        if not self.limit_mb:
            return
        if self._is_over():
            log.error("worker_memory_mb is less than an idle worker takes", megabytes=self.measure() // MB)
            return
        threading.Thread(target=self._run, name="memory-watch", daemon=True).start()

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(self.every):
            if self._is_over() and self._is_over_without_garbage():
                log.warning("worker over its memory limit", megabytes=self.measure() // MB, limit=self.limit_mb)
                self.end()
                return

    def _is_over_without_garbage(self) -> bool:
        gc.collect()  # it is looked for so seldom that it may be what is too much
        return self._is_over()

    def _is_over(self) -> bool:
        return self.measure() > self.limit_mb * MB
