"""One spool file: an SQLite file that one process at a time owns, and that outlives it."""

import contextlib
import fcntl
import os
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from worker.engine.events import Event

SUFFIX: Final = ".sqlite3"
LOCK: Final = ".lock"
CORRUPT: Final = ".corrupt"
ROW_BYTES: Final = 128  # what a row takes besides its content

_COMPANIONS: Final = ("", "-wal", "-journal")
_SETUP: Final = (
    # One owner, so no shared memory file; a commit returns when the disk has it; erased rows leave no bytes behind.
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA secure_delete = ON",
    "CREATE TABLE IF NOT EXISTS events (seq INTEGER PRIMARY KEY, id TEXT UNIQUE, head TEXT NOT NULL, body BLOB)",
)
# What SQLite says of a file that it will never read: malformed, not a database, a table of another shape.
_HOPELESS: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR})


class SpoolCorrupt(Exception):  # noqa: N818 - names the state that the caller acts on
    """The file cannot be read any further; set it aside."""


class Page(NamedTuple):
    """The oldest events of a file, and the row they reach to."""

    upto: int
    events: list[Event]


class SpoolFile:
    """Rows in the order they came. Its lock tells other processes that the owner lives, and ends with the process.

    Not for several threads at once. What touches the disk raises sqlite3.Error or OSError when the disk fails and
    SpoolCorrupt when the content does.
    """

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self.rows = 0
        self.bytes = 0
        self._lock = lock
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=1.0)
        try:
            with _judged():
                for statement in _SETUP:
                    self._connection.execute(statement)
                (self.rows,) = self._connection.execute("SELECT count(*) FROM events").fetchone()
        except SpoolCorrupt:
            self.set_aside()
            raise
        except BaseException:
            self.close()
            raise

    @classmethod
    def create(cls, directory: Path) -> "SpoolFile":
        """Make a new file that only this user may read."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        while True:
            path = directory / f"spool-{secrets.token_hex(8)}{SUFFIX}"
            lock = _try_lock(path)
            if lock is not None:
                break
        try:
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
            _sync(directory)
        except OSError:
            _lock_path(path).unlink(missing_ok=True)
            os.close(lock)
            raise
        return cls(path, lock)

    @classmethod
    def adopt(cls, path: Path) -> "SpoolFile | None":
        """Take over a file whose owner is gone; None when it has an owner or is gone itself."""
        lock = _try_lock(path)
        if lock is None:
            return None
        if not path.exists():
            _lock_path(path).unlink(missing_ok=True)
            os.close(lock)
            return None
        return cls(path, lock)

    def put(self, events: Sequence[Event]) -> None:
        """Write all of the events or none, and return when the disk has them; one that is there already stays one."""
        rows = size = 0
        with self._transaction():
            for event in events:
                head = event.head()
                added = self._connection.execute(
                    "INSERT INTO events (id, head, body) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING",
                    (event.id, head, event.body),
                ).rowcount
                rows += added
                size += added * row_bytes(event)
        self.rows += rows
        self.bytes += size

    def read(self, most: int, most_bytes: int) -> Page | None:
        """Give the oldest events, None when there are none."""
        events: list[Event] = []
        upto = size = 0
        with _judged():
            query = "SELECT seq, id, head, body FROM events ORDER BY seq LIMIT ?"
            for seq, event_id, head, body in self._connection.execute(query, (most,)):
                size += len(body)
                if events and size > most_bytes:
                    break
                try:
                    events.append(Event.of(event_id, head, body))
                except (ValueError, TypeError):
                    if not events:
                        raise SpoolCorrupt("a row that is no event") from None
                    break
                upto = seq
        return Page(upto, events) if events else None

    def remove(self, page: Page) -> None:
        """Erase what a page held; an empty file gives its room back."""
        with self._transaction():
            self.rows -= self._connection.execute("DELETE FROM events WHERE seq <= ?", (page.upto,)).rowcount
        self.bytes -= sum(map(row_bytes, page.events))
        if self.rows == 0:
            self.bytes = 0
            with _judged():
                self._connection.execute("VACUUM")
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def prove(self) -> None:
        """Write something that changes nothing, synced."""
        with _judged():
            self._connection.execute("PRAGMA user_version = 1")

    def close(self) -> None:
        """Let go of the file; with rows in it, it waits for another owner."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()
        os.close(self._lock)

    def discard(self) -> None:
        """Delete the file."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()
        try:
            for companion in (*_COMPANIONS, LOCK):
                Path(f"{self.path}{companion}").unlink(missing_ok=True)
        finally:
            os.close(self._lock)

    def set_aside(self) -> None:
        """Rename the file to one that nobody adopts, so that a person can look at it."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()
        try:
            for companion in _COMPANIONS:
                with contextlib.suppress(FileNotFoundError):
                    Path(f"{self.path}{companion}").rename(f"{self.path}{CORRUPT}{companion}")
            _lock_path(self.path).unlink(missing_ok=True)
        finally:
            os.close(self._lock)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        with _judged():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise


def row_bytes(event: Event) -> int:
    """Give about what an event takes in a file."""
    return len(event.body) + len(event.source) + len(event.topic) + len(event.delivery_id) + ROW_BYTES


@contextlib.contextmanager
def _judged() -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _HOPELESS:
            raise SpoolCorrupt("not a spool that can be read") from None
        raise


def _lock_path(path: Path) -> Path:
    return Path(f"{path}{LOCK}")


def _try_lock(path: Path) -> int | None:
    """Lock the file beside the database: closing any handle of the database itself would drop SQLite's own locks."""
    lock_path = _lock_path(path)
    lock = os.open(lock_path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # The former owner may have deleted the lock between our open and our flock.
        if os.fstat(lock).st_ino == lock_path.stat().st_ino:
            return lock
    except OSError:
        pass
    os.close(lock)
    return None


def _sync(directory: Path) -> None:
    entry = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(entry)
    finally:
        os.close(entry)
