"""The spool: where events wait on the local disk while the store does not take them."""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import structlog

from worker.engine.events import Event
from worker.ingress.limits import MIB, Limits
from worker.ingress.spool_file import LOCK, SUFFIX, Page, SpoolCorrupt, SpoolFile, row_bytes

T = TypeVar("T")

OK: Final = "ok"
FULL: Final = "full"
FAILING: Final = "failing"
DISK_SECONDS: Final = 2.0

log = structlog.get_logger()


class Held(NamedTuple):
    """Events that can be given to the store, and where to erase them afterwards."""

    file: SpoolFile
    page: Page


class Spool:
    """One file of this process, and the files that dead processes left in the same directory, bounded together.

    All of SQLite runs in one thread, so that a slow disk never stops the event loop.
    """

    def __init__(self, directory: Path, *, max_mb: float, limits: Limits | None = None) -> None:
        self._directory = directory
        self._most = int(max_mb * MIB)
        self._limits = limits or Limits()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spool")
        self._own: SpoolFile | None = None
        self._orphans: list[SpoolFile] = []
        self._complaint = ""
        self.state = OK
        self.corrupt = 0

    @property
    def pending(self) -> int:
        """How many events wait, in the files this process owns."""
        own = self._own
        return sum(file.rows for file in tuple(self._orphans)) + (own.rows if own else 0)

    @property
    def idle(self) -> bool:
        """Whether there is nothing to drain and no adopted file to delete."""
        own = self._own
        return not self._orphans and (own is None or own.rows == 0)

    async def start(self) -> None:
        """Make this process's file now, so that an unwritable directory is known before it is needed."""
        await asyncio.wait({self._in_thread(self._start)}, timeout=DISK_SECONDS)

    async def stop(self) -> None:
        """Close the files; one that still holds events is for another process, or for the next start."""
        await asyncio.wait({self._in_thread(self._stop)}, timeout=DISK_SECONDS)
        self._thread.shutdown(wait=False)

    async def put(self, events: Sequence[Event]) -> int:
        """Write the events to disk, synced; give how many of them, from the first, found room: none on a bad disk."""
        return await self._in_thread(lambda: self._put(events))

    async def adopt(self) -> None:
        """Take over the files of processes that are gone."""
        await self._in_thread(self._adopt)

    async def oldest(self) -> Held | None:
        """Give the oldest events, those of dead processes first; None when nothing waits or the disk fails."""
        return await self._in_thread(self._oldest)

    async def remove(self, held: Held) -> None:
        """Erase what the store now has.

        Raises: OSError or sqlite3.Error when the disk fails; the events are then given again.
        """
        await self._in_thread(lambda: self._remove(held))

    def _in_thread(self, work: Callable[[], T]) -> "asyncio.Future[T]":
        return asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _start(self) -> None:
        try:
            self._file()
        except (OSError, sqlite3.Error, SpoolCorrupt) as error:
            self._fail(error)

    def _stop(self) -> None:
        files, self._orphans = self._orphans, []
        if self._own is not None:
            files.append(self._own)
            self._own = None
        for file in files:
            if file.rows:
                file.close()
            else:
                with contextlib.suppress(OSError):
                    file.discard()

    def _file(self) -> SpoolFile:
        if self._own is not None and not self._own.path.exists():
            # Somebody emptied the directory. The open file can still be drained; what is new needs a name on disk.
            self._orphans.append(self._own)
            self._own = None
        if self._own is None:
            self._own = SpoolFile.create(self._directory)
        return self._own

    def _put(self, events: Sequence[Event]) -> int:
        try:
            file = self._file()
            fitting = self._fitting(file, events)
            if fitting:
                file.put(events[:fitting])
        except SpoolCorrupt:
            self._set_aside(self._own)
            return 0
        except (OSError, sqlite3.Error) as error:
            self._fail(error)
            return 0
        if fitting < len(events):
            self._change(FULL, "max_mb is reached")
        else:
            self._change(OK)
        return fitting

    def _fitting(self, file: SpoolFile, events: Sequence[Event]) -> int:
        room = self._most - file.bytes - self._bytes_of_others(file)
        for number, event in enumerate(events):
            room -= row_bytes(event)
            if room < 0:
                return number
        return len(events)

    def _bytes_of_others(self, own: SpoolFile) -> int:
        size = 0
        for path in self._directory.iterdir():
            if not path.name.startswith(own.path.name):
                with contextlib.suppress(FileNotFoundError):  # another process may be done with its file just now
                    size += path.stat().st_size
        return size

    def _adopt(self) -> None:
        self._look_again()
        mine = {file.path for file in (self._own, *self._orphans) if file is not None}
        try:
            # A lock without a database is what a process left that died in between.
            names = {path.name.removesuffix(LOCK) for path in self._directory.iterdir()}
        except OSError as error:
            self._fail(error)
            return
        for name in sorted(name for name in names if name.endswith(SUFFIX)):
            if self._directory / name not in mine:
                self._adopt_one(self._directory / name)

    def _look_again(self) -> None:
        if self.state == OK:
            return
        try:
            file = self._file()
            file.prove()
            if file.bytes + self._bytes_of_others(file) < self._most:
                self._change(OK)
        except SpoolCorrupt:
            self._set_aside(self._own)
        except (OSError, sqlite3.Error) as error:
            self._fail(error)

    def _adopt_one(self, path: Path) -> None:
        try:
            file = SpoolFile.adopt(path)
        except SpoolCorrupt:
            self._note_corrupt()
        except (OSError, sqlite3.Error) as error:
            self._complain("spool_not_adopted", error)
        else:
            if file is not None:
                self._orphans.append(file)
                log.info("spool_adopted", events=file.rows)

    def _oldest(self) -> Held | None:
        for file in (*self._orphans, self._own):
            if file is None:
                continue
            try:
                page = file.read(self._limits.drain_events, self._limits.batch_bytes)
                if page is not None:
                    return Held(file, page)
                if file is not self._own:
                    self._orphans.remove(file)
                    file.discard()
            except SpoolCorrupt:
                self._set_aside(file)
            except (OSError, sqlite3.Error) as error:
                self._complain("spool_not_read", error)
        return None

    def _remove(self, held: Held) -> None:
        try:
            held.file.remove(held.page)
        except SpoolCorrupt:
            self._set_aside(held.file)

    def _set_aside(self, file: SpoolFile | None) -> None:
        if file is None:
            return
        if file is self._own:
            self._own = None
        else:
            self._orphans.remove(file)
        try:
            file.set_aside()
        except OSError as error:
            self._complain("spool_not_set_aside", error)
        self._note_corrupt()

    def _note_corrupt(self) -> None:
        self.corrupt += 1
        log.error("spool_file_corrupt", action="renamed to .corrupt; events in it were answered and are not delivered")

    def _fail(self, error: Exception) -> None:
        self._change(FULL if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_FULL else FAILING, str(error))

    def _change(self, state: str, reason: str = "") -> None:
        if state != self.state:
            log.log(logging.INFO if state == OK else logging.ERROR, "spool_state", state=state, reason=reason)
        self.state = state

    def _complain(self, event: str, error: Exception) -> None:
        complaint = f"{event} {error}"
        if complaint != self._complaint:
            log.error(event, reason=str(error))
        self._complaint = complaint
