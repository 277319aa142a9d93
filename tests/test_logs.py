"""No way of logging lets personal data or a secret out, at any level."""

import io
import json
import logging
import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from worker import logs
from worker.logs import about, configure, level_of
from worker.settings.models import CustomerSync, Settings, Skills

LEVELS = ["error", "warning", "info", "verbose", "debug"]
METHODS = ["debug", "info", "warning", "error", "critical"]
CANARIES = ("canary", "1701234567", "Zorblax")


def private() -> str:
    """Give a text that holds an e-mail address, a phone number and a key."""
    return "jane.canary@example.com +49 1701234567 xkeysib-canary-0123456789abcdef api-key: canary"


def failing() -> None:
    known: dict[str, str] = {}
    name = "Zorb" + "lax"
    try:
        known[name + private()]
    except KeyError as error:
        raise ValueError(f"{name} {private()}") from error


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level, sys.excepthook, threading.excepthook
    levels = {name: logging.getLogger(name).level for name in logs.QUIET}
    yield
    root.handlers[:], root.level, sys.excepthook, threading.excepthook = before
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    """Give what was logged as JSON; nothing stands on stdout, and no line tells a canary."""

    def lines() -> list[dict[str, Any]]:
        out, err = capsys.readouterr()
        assert out == ""
        assert not any(canary in err for canary in CANARIES), err
        return [json.loads(line) for line in err.splitlines()]

    return lines


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("json_lines", [True, False])
def test_nothing_private_gets_out_at_any_level(
    *, level: str, json_lines: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(level, json=json_lines)
    ours, foreign = structlog.get_logger("worker.test"), logging.getLogger("celery.app.trace")
    for method in METHODS:
        getattr(ours, method)("told " + private(), detail=private(), email="canary", nested=[{"phone": "canary"}])
        getattr(foreign, method)("told %s", private())
        getattr(logging.getLogger("urllib3.connectionpool"), method)('"PUT /v3/contacts/jane.canary%%40example.com"')
        try:
            failing()
        except ValueError as error:
            getattr(ours, method)("failed", exc_info=True, error=error)
            getattr(foreign, method)("Task raised unexpected: %r", error, exc_info=True, stack_info=True)
    out, err = capsys.readouterr()

    assert out == ""
    assert "told" in err
    assert "ValueError" in err
    assert not any(canary in err for canary in CANARIES)


def test_line_is_json_with_time_level_and_logger(lines: Lines) -> None:
    configure("info", json=True)
    structlog.get_logger("worker.sync").info("delivered", calls=2)
    (line,) = lines()

    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "delivered", "calls": 2, "level": "info", "logger": "worker.sync"}


def test_foreign_line_has_the_same_shape(lines: Lines) -> None:
    configure("info", json=True)
    logging.getLogger("kombu.connection").warning("lost %s", "it")
    (line,) = lines()

    assert line.pop("timestamp")
    assert line == {"event": "lost it", "level": "warning", "logger": "kombu.connection"}


def test_lines_say_what_they_are_about(lines: Lines) -> None:
    configure("info", json=True)
    with about(event="e" * 32, lane="brevo.contacts", subject="customer:shopify:7012345678901"):
        structlog.get_logger().info("retry")
        logging.getLogger("library").info("foreign")
    structlog.get_logger().info("after")
    *within, after = lines()

    assert [line["subject"] for line in within] == ["customer:shopify:7012345678901"] * 2
    assert [line["event_id"] for line in within] == ["e" * 32] * 2
    assert [line["lane"] for line in within] == ["brevo.contacts"] * 2
    assert "subject" not in after


def test_exception_tells_its_frames_and_its_cause_but_no_foreign_message(lines: Lines) -> None:
    configure("info", json=True)
    try:
        failing()
    except ValueError:
        structlog.get_logger().exception("failed")
    (line,) = lines()

    assert "builtins.ValueError: (message withheld)" in line["exception"]
    assert "builtins.KeyError: (message withheld)" in line["exception"]
    assert "test_logs.py:" in line["exception"]
    assert "in failing" in line["exception"]


def test_message_of_the_machine_is_told(lines: Lines) -> None:
    configure("info", json=True)
    try:
        raise ConnectionRefusedError(111, "Connection refused")
    except OSError:
        logging.getLogger("worker").exception("no store")

    assert "ConnectionRefusedError: Connection refused" in lines()[0]["exception"]


def test_exception_group_is_told_with_its_parts(lines: Lines) -> None:
    configure("info", json=True)
    group = ExceptionGroup("Zorblax", [TypeError("canary"), OSError(5, "Input/output error")])
    structlog.get_logger().error("failed", exc_info=group)
    (line,) = lines()

    assert "TypeError: (message withheld)" in line["exception"]
    assert "OSError: Input/output error" in line["exception"]


def test_endless_chain_of_causes_ends(lines: Lines) -> None:
    configure("info", json=True)
    first, second = ValueError("a"), ValueError("b")
    first.__cause__, second.__cause__ = second, first
    structlog.get_logger().error("failed", exc_info=first)

    assert lines()[0]["exception"].count("ValueError") == 2


def test_line_that_cannot_be_formatted_is_told_without_its_arguments(lines: Lines) -> None:
    configure("info", json=True)
    logging.getLogger("library").info("%d", private())

    assert lines() == [{"event": "a log line could not be written", "cause": "TypeError"}]


def test_closed_stderr_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    monkeypatch.setattr(sys, "stderr", closed)
    configure("info", json=True)
    closed.close()

    structlog.get_logger().info("told to nobody")


class Blocked(io.StringIO):
    """A stream that takes nothing until somebody reads."""

    def __init__(self) -> None:
        super().__init__()
        self.read_again = threading.Event()

    def write(self, text: str) -> int:
        self.read_again.wait()
        return super().write(text)


def test_stderr_that_nobody_reads_stops_nobody_and_what_was_dropped_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MOST_WAITING", 10)
    stream = Blocked()
    monkeypatch.setattr(sys, "stderr", stream)
    configure("info", json=True)
    log = structlog.get_logger()
    for number in range(100):
        log.info("told late", number=number)

    assert stream.getvalue() == ""

    stream.read_again.set()
    log.info("told at once")
    logging.getLogger().handlers[0].close()
    told = [json.loads(line) for line in stream.getvalue().splitlines()]
    late = [line["number"] for line in told if line["event"] == "told late"]
    (dropped,) = [line["lines"] for line in told if line["event"] == "log lines dropped"]

    assert late == list(range(10))
    assert dropped + len(late) + sum(line["event"] == "told at once" for line in told) == 101


def test_pipe_that_does_not_block_gets_every_line_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    reads, writes = os.pipe()
    os.set_blocking(writes, False)
    monkeypatch.setattr("sys.stderr", os.fdopen(writes, "w"))
    configure("info")
    for _ in range(30):
        structlog.get_logger().info("x" * 8_000)
    read = b""
    while read.count(b"\n") < 30:
        read += os.read(reads, 65_536)

    assert [8_000] * 30 == [len(json.loads(line)["event"]) for line in read.splitlines()]
    os.close(reads)


def test_uncaught_exception_of_a_thread_is_scrubbed(lines: Lines) -> None:
    configure("info", json=True)
    thread = threading.Thread(target=failing)
    thread.start()
    thread.join()

    assert lines()[0]["event"] == "uncaught exception in a thread"


def test_uncaught_exception_is_scrubbed(lines: Lines) -> None:
    configure("info", json=True)
    try:
        failing()
    except ValueError as error:
        sys.excepthook(ValueError, error, error.__traceback__)

    assert lines()[0]["event"] == "uncaught exception"


def test_interrupt_from_the_keyboard_is_no_fault(capsys: pytest.CaptureFixture[str]) -> None:
    configure("info", json=True)
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)

    assert "uncaught" not in capsys.readouterr().err


def test_warnings_go_the_same_way(lines: Lines) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        configure("info", json=True)
        warnings.warn(private(), stacklevel=1)

    assert lines()[0]["logger"] == "py.warnings"


def test_handlers_that_libraries_brought_are_taken_off(lines: Lines) -> None:
    logger = logging.getLogger("library.access.test")
    logger.addHandler(logging.StreamHandler())
    logger.propagate = False
    configure("info", json=True)
    logger.info(private())

    assert len(lines()) == 1


@pytest.mark.parametrize(("level", "told"), [("error", 2), ("warning", 3), ("info", 4), ("verbose", 5), ("debug", 5)])
def test_level_is_obeyed_by_both_ways(level: str, told: int, lines: Lines) -> None:
    configure(level, json=True)
    for method in METHODS:
        getattr(structlog.get_logger(), method)("ours")
        getattr(logging.getLogger("library"), method)("theirs")

    assert len(lines()) == 2 * told


def test_where_nobody_watches_lines_are_json(lines: Lines) -> None:
    configure("info")
    structlog.get_logger().info("told")

    assert lines()[0]["event"] == "told"


@pytest.mark.parametrize(
    ("skill", "level"),
    [
        (None, "info"),
        (CustomerSync(), "info"),
        (CustomerSync(log_level="verbose"), "debug"),
        (CustomerSync(log_level="error"), "error"),
        (CustomerSync(log_level="error", debug=True), "debug"),
    ],
)
def test_level_is_the_one_the_skill_asks_for(skill: CustomerSync | None, level: str) -> None:
    settings = Settings(
        sources={"shopify": {}}, destinations={"brevo": {"api_key": "k"}}, skills=Skills(customer_sync=skill)
    )

    assert level_of(settings) == level
