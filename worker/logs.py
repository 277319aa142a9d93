"""Logging: one line per event on stderr, JSON unless a person watches, and nothing in it that names a person.

Everything goes through one formatter, so what Celery, uvicorn or a warning writes is scrubbed like our own lines.
"""

import contextlib
import json
import logging
import os
import select
import sys
import threading
import traceback
from collections import deque
from collections.abc import Iterator, MutableMapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, TextIO, TypeAlias

import structlog

from worker.scrubbing import message, scrub, scrub_text

if TYPE_CHECKING:
    from worker.settings.models import Settings

__all__ = ["about", "configure", "level_of", "scrub_text"]

EventDict: TypeAlias = MutableMapping[str, Any]

LEVELS: Final = {"error": "error", "warning": "warning", "info": "info", "verbose": "debug", "debug": "debug"}
# Their debug lines hold request paths and message bodies; ours say the same with ids.
QUIET: Final = (
    "urllib3",
    "requests",
    "celery",
    "kombu",
    "amqp",
    "redis",
    "asyncio",
    "hpack",
    "websockets",
    "multipart",
)
_FRAMES: Final = 30
_CHAIN: Final = 8
MOST_WAITING: Final = 1000
PATIENCE: Final = 0.2


def configure(level: str, *, json: bool | None = None) -> None:
    """Send all logging of this process through one scrubbed handler; JSON by default where stderr is no terminal."""
    as_json = not sys.stderr.isatty() if json is None else json
    named: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    number = logging.getLevelNamesMapping()[LEVELS[level].upper()]
    structlog.configure(
        processors=[*named, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = _Handler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=named,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                tell_exception,
                scrub_event,
                _renderer(as_json=as_json),
            ],
        )
    )
    _take_over(handler, number)


def about(
    *, event: str | None = None, lane: str | None = None, subject: str | None = None
) -> AbstractContextManager[None]:
    """Name in every line within this block what the work is about: `event_id`, `lane` and `subject`."""
    told = {"event_id": event, "lane": lane, "subject": subject}
    return structlog.contextvars.bound_contextvars(**{key: value for key, value in told.items() if value is not None})


def level_of(settings: "Settings") -> str:
    """Give the level that the skill asks for: `debug: true` and `log_level: verbose` both mean debug."""
    skill = settings.skills.customer_sync
    if skill is None:
        return "info"
    return "debug" if skill.debug else LEVELS[skill.log_level]


def tell_exception(_: Any, __: str, event: EventDict) -> EventDict:  # noqa: ANN401 - structlog's processor signature
    """Turn `exc_info` into text that holds no local, and no message but of our own making."""
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    error = info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        event["exception"] = "\n".join(_lines(error))
        event["event"] = _without_messages(str(event.get("event", "")), error)
    return event


def scrub_event(_: Any, __: str, event: EventDict) -> EventDict:  # noqa: ANN401 - likewise
    """Mask the whole line; the last step before it is written."""
    masked: EventDict = scrub(dict(event))
    return masked


def _renderer(*, as_json: bool) -> Any:  # noqa: ANN401 - structlog's processor
    if as_json:
        return structlog.processors.JSONRenderer(sort_keys=True)
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Give an exception and what caused it, groups opened, each once."""
    waiting, seen = [error], set[int]()
    while waiting and len(seen) < _CHAIN:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += one.exceptions if isinstance(one, BaseExceptionGroup) else ()
        waiting += [cause for cause in (one.__cause__ or one.__context__,) if cause]


def _lines(error: BaseException) -> Iterator[str]:
    for one in _chain(error):
        said = message(one)
        yield f"{type(one).__module__}.{type(one).__qualname__}: {said or '(message withheld)'}"
        for frame in traceback.extract_tb(one.__traceback__, limit=-_FRAMES):
            yield f"  {frame.filename}:{frame.lineno} in {frame.name}"


def _without_messages(text: str, error: BaseException) -> str:
    """Take the messages of exceptions out of a line that quotes them, as Celery's does."""
    for one in _chain(error):
        if message(one):
            continue
        quoted = {repr(one), str(one), *(str(part) for part in one.args), *(repr(part) for part in one.args)}
        for part in sorted(quoted, key=len, reverse=True):
            if len(part) > 2:
                text = text.replace(part, type(one).__name__)
    return text


class _Lines:
    """A stream that a thread of its own writes to: where nobody reads, or slowly, nobody but that thread waits.

    A line is waited for until it is written, so that none is lost with its process. Once that takes too long, nobody
    waits; so many lines are kept, and those beyond are dropped and counted, until the stream has taken what was kept.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._file = _file_of(stream)
        self._waiting: deque[str] = deque()
        self._dropped = 0
        self._stuck = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def write(self, text: str) -> None:
        with self._changed:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="log", daemon=True)
                self._thread.start()
            if len(self._waiting) >= MOST_WAITING:
                self._dropped += 1
                return
            self._waiting.append(text)
            self._changed.notify_all()
            if not self._stuck:
                self._stuck = not self._await_all(PATIENCE)

    def flush(self) -> None:
        """Do nothing: each line is flushed as it is written."""

    def close(self) -> None:
        """Wait a moment for what waits."""
        with self._changed:
            self._await_all(PATIENCE)

    def _await_all(self, seconds: float) -> bool:
        return self._changed.wait_for(lambda: not self._waiting, seconds)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                text = self._waiting[0]
            self._write(text)
            with self._changed:
                self._waiting.popleft()
                if not self._waiting and self._dropped:
                    told = {"event": "log lines dropped", "level": "warning", "lines": self._dropped}
                    self._waiting.append(f"{json.dumps(told)}\n")
                    self._dropped = 0
                self._stuck = self._stuck and bool(self._waiting)
                self._changed.notify_all()

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):  # it is closed: there is nobody left to tell
            if self._file is None:
                self._stream.write(text)
                return
            # Past the buffer of the stream, which this process would wait for when it ends.
            rest = text.encode("utf-8", "replace")
            while rest:
                try:
                    rest = rest[os.write(self._file, rest) :]
                except BlockingIOError:  # whoever shares it made it non-blocking
                    select.select([], [self._file], [])


def _file_of(stream: TextIO) -> int | None:
    try:
        return stream.fileno()
    except (OSError, ValueError):
        return None


class _Handler(logging.StreamHandler[_Lines]):
    """Writes to stderr; what cannot be formatted is told without its arguments, which logging's own report quotes."""

    def __init__(self) -> None:
        super().__init__(_Lines(sys.stderr))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - logging's signature
        kind = sys.exc_info()[0]
        self.stream.write(f'{{"event": "a log line could not be written", "cause": "{kind and kind.__name__}"}}\n')

    def close(self) -> None:
        self.stream.close()
        super().close()


def _take_over(handler: logging.Handler, number: int) -> None:
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
    for name in list(root.manager.loggerDict):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    for name in QUIET:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))
    logging.captureWarnings(capture=True)
    sys.excepthook = _tell_uncaught
    threading.excepthook = _tell_thread


def _tell_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        logging.getLogger("worker").critical("uncaught exception", exc_info=(kind, error, trace))


def _tell_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None:
        info = (args.exc_type, args.exc_value, args.exc_traceback)
        logging.getLogger("worker").critical("uncaught exception in a thread", exc_info=info)
