"""Running several processes as one: each is restarted when it dies, all end together."""

import ctypes
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

log = structlog.get_logger(__name__)

FIRST_PAUSE: Final = 0.3
LONGEST_PAUSE: Final = 10.0
STEADY: Final = 3.0  # a process that lived this long had started well; when it dies it starts again at once
GRACE: Final = 9.7
CONFIGURATION_WRONG: Final = 3
PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h
_LIBC: Final = ctypes.CDLL(None)


@dataclass(kw_only=True, slots=True)
class Child:
    """One process to keep alive."""

    name: str
    start: "Callable[[], subprocess.Popen[bytes]]"
    process: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    pause: float = FIRST_PAUSE
    due: float = 0.0
    restarts: int = 0


@dataclass(kw_only=True)
class Supervisor:
    """Starts children in order, restarts what dies, and ends them; `store` starts first and ends last."""

    children: list[Child]
    store: Child | None = None
    stopped: bool = False

    def run(self) -> int:
        """Run until a signal (0) or until a child says that the configuration is wrong (3)."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop())
        code = 0
        try:
            self.start()
            while not self.stopped and not code:
                time.sleep(0.1)
                code = self.watch()
        finally:
            self.end()
        return code

    def start(self) -> None:
        """Start all children, the store first."""
        for child in self._all():
            self._start(child)

    def stop(self) -> None:
        """Let `run` end."""
        self.stopped = True

    def end(self) -> None:
        """Ask all children to end, and kill those that have not within the grace."""
        until = time.monotonic() + GRACE
        for group in (self.children, [self.store] if self.store else []):
            running = [child.process for child in group if child.process is not None and child.process.poll() is None]
            for process in running:
                process.terminate()
            for process in running:
                try:
                    process.wait(timeout=max(0.1, until - time.monotonic()))
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def _all(self) -> list[Child]:
        return [*([self.store] if self.store else []), *self.children]

    def _start(self, child: Child) -> None:
        child.process = child.start()
        child.started = time.monotonic()

    def watch(self) -> int:
        """Restart what died and is due; give 3 when a child found the configuration wrong, else 0."""
        now = time.monotonic()
        for child in self._all():
            process = child.process
            if process is None:
                if child.due and now >= child.due:
                    self._restart(child)
                continue
            code = process.poll()
            if code is None:
                continue
            # uvicorn says 3 too, when its port is taken. Who starts this sees it; what once ran is tried again.
            if code == CONFIGURATION_WRONG and not child.restarts:
                return code
            if now - child.started > STEADY:
                child.pause = FIRST_PAUSE
            log.warning("process died", name=child.name, code=code, again_in=child.pause)
            child.restarts += 1
            self._postpone(child)
        return 0

    def _restart(self, child: Child) -> None:
        child.due = 0.0
        try:
            self._start(child)
        except Exception as error:  # whatever is in the way (a port, a full disk) may be gone the next time
            log.exception("process not started", name=child.name, error=type(error).__name__, again_in=child.pause)
            self._postpone(child)

    def _postpone(self, child: Child) -> None:
        child.process, child.due = None, time.monotonic() + child.pause
        child.pause = min(child.pause * 2, LONGEST_PAUSE)


def _end_with_parent() -> None:
    _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def command(name: str, arguments: Sequence[str], environ: Mapping[str, str]) -> Child:
    """Give a child that runs a module of this Python with our own environment."""

    def start() -> "subprocess.Popen[bytes]":
        return subprocess.Popen(  # noqa: S603 - our own modules
            [sys.executable, "-m", *arguments],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # what they have to say goes through the log, to stderr
            # Killed with -9, the supervisor cannot end them, and the next one would find its port taken.
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - one system call
        )

    return Child(name=name, start=start)
