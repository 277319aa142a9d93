"""The store is there and refuses: F5 for reasons of its own, F9 our password or our rights, F11 new connections."""

import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from tests.faults.catalogue import fault
from tests.faults.processes import until
from tests.faults.run import Run
from tests.faults.store_traffic import (
    await_answers,
    await_spool,
    command,
    is_open,
    judge,
    password,
    refusals,
    told,
    traffic,
)
from tests.faults.system import System
from tests.faults.traffic import Customers

PEOPLE: Final = 3_000
ANOTHER: Final = "another-password-that-no-log-may-show"
# The pools of the worker may still open a connection that they had no use for before.
MORE_DESCRIPTORS: Final = {"web 0": 2, "beat": 2, "worker 0": 8}


@fault("F5", "READONLY: the store became a replica", short=True)
def store_is_read_only(run: Run) -> None:
    """Spool what comes while every write is refused, and deliver it all afterwards."""
    with run.system() as system:
        _refuse(run, system, "READONLY", _replica(system))


@contextmanager
def _replica(system: System) -> Iterator[None]:
    # Of a primary that is not there: it keeps what it has, and refuses writes.
    command(system, "REPLICAOF", "127.0.0.1", "1")
    yield
    command(system, "REPLICAOF", "NO", "ONE")


@fault("F5b", "NOREPLICAS: too few replicas to write to")
def store_wants_replicas(run: Run) -> None:
    """Spool what comes while every write is refused, and deliver it all afterwards."""
    with run.system() as system:
        _refuse(run, system, "NOREPLICAS", _set(system, "min-replicas-to-write", "1", "0"))


@fault("F5c", "OOM: the store is over its memory limit", short=True)
def store_is_over_its_limit(run: Run) -> None:
    """Spool what comes while every write that may grow is refused, and deliver it all afterwards."""
    with run.system() as system:
        _refuse(run, system, "OOM", _set(system, "maxmemory", "1mb", "0"))


@contextmanager
def _set(system: System, name: str, value: str, then: str) -> Iterator[None]:
    system.store.config_set(name, value)
    yield
    system.store.config_set(name, then)


@fault("F5d", "LOADING: the store reads its file")
def store_is_loading(run: Run) -> None:
    """Spool what comes while every command is refused, and deliver it all afterwards."""
    with run.system() as system:
        _make_loading_slow(system, run.sized(10_000, 5_000))
        with traffic(system, Customers(PEOPLE)):
            await_answers(system, 20)
            system.kill_store()
            starting = threading.Thread(target=system.start_store)
            starting.start()
            await_spool(system, 20)
            starting.join()
        run.fire(refusals(system.store, "LOADING"))
        judge(run, system)


def _make_loading_slow(system: System, commands: int) -> None:
    """Let the store's file hold commands that take as long again when they are read."""
    store = system.store
    store.sadd("elsewhere", *range(2_000))
    for _ in range(commands // 1_000):
        with store.pipeline(transaction=False) as pipe:
            for _ in range(1_000):
                pipe.sunionstore("elsewhere-too", ["elsewhere"])
            pipe.execute()


def _refuse(run: Run, system: System, kind: str, refusing: AbstractContextManager[None]) -> None:
    """Let traffic meet a store that refuses, for a few seconds, and count the refusals where they were made."""
    with traffic(system, Customers(PEOPLE)):
        await_answers(system, 20)
        began = time.monotonic()
        with refusing:
            await_spool(system, 20)
            time.sleep(max(0.0, run.sized(4, 2) - (time.monotonic() - began)))
            run.fire(refusals(system.store, kind))
        began = time.monotonic()
        until(lambda: is_open(system), "the spool does not empty")
        run.figure("emptied", time.monotonic() - began, "s")
        await_answers(system, 20)
    judge(run, system)


@fault("F9", "the store's password was changed", short=True)
def password_changed(run: Run) -> None:
    """Say what is to be set, without the password; spool meanwhile, and go on when it is right again."""
    with run.system() as system:
        _lock_out(run, system, _another_password(system), "WRONGPASS", "REDIS_URL")
        for text in (password(system), ANOTHER):
            run.expect(text not in system.log.read_text(encoding="utf-8"), "a password of the store is in the log")


@contextmanager
def _another_password(system: System) -> Iterator[None]:
    system.store.config_set("requirepass", ANOTHER)
    drop_connections(system)
    yield
    system.store.config_set("requirepass", password(system))


@fault("F9b", "the store's ACL was narrowed")
def rights_narrowed(run: Run) -> None:
    """Say what is to be allowed; spool meanwhile, and go on when it is right again."""
    with run.system() as system:
        _lock_out(run, system, _fewer_rights(system), "NOPERM", "ACL")


@contextmanager
def _fewer_rights(system: System) -> Iterator[None]:
    command(system, "ACL", "SETUSER", "default", "-@scripting")
    yield
    command(system, "ACL", "SETUSER", "default", "+@scripting")


def _lock_out(run: Run, system: System, locking: AbstractContextManager[None], kind: str, named: str) -> None:
    """Let traffic meet a store that does not want us, until web and worker have said what is to be done about it."""
    since = system.log.stat().st_size

    def says(message: str) -> bool:
        lines = [line for line in told(system, since=since) if line["event"] == message and line["level"] == "error"]
        return any(named in f"{line.get('reason')} {line.get('error')}" for line in lines)

    @contextmanager
    def locked_out() -> Iterator[None]:
        with locking:
            for message in ("store_unavailable", "beat missed"):
                until(lambda: says(message), f"no error {message} names {named}", seconds=15)  # noqa: B023 - called here
            yield

    _refuse(run, system, kind, locked_out())


def drop_connections(system: System) -> None:
    """Close every connection to the store but the one that this is asked over."""
    for kind in ("normal", "pubsub"):
        command(system, "CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")


@fault("F11", "maxclients: the store takes no more connections")
def no_connection_left(run: Run) -> None:
    """Spool meanwhile, wait for none longer than ever, and leak no descriptor by asking again and again."""
    with run.system() as system:
        descriptors = []
        for _ in range(2):
            with traffic(system, Customers(PEOPLE)):
                await_answers(system, 100)
                rejected = _rejected(system)
                with _set(system, "maxclients", "1", "10000"):
                    drop_connections(system)
                    await_spool(system, 20)
                    time.sleep(run.sized(5, 2))
                    run.fire(_rejected(system) - rejected)
                until(lambda: is_open(system), "the spool does not empty")
            judge(run, system)
            descriptors.append({name: system.process(name).num_fds() for name in MORE_DESCRIPTORS})
        for name, most in MORE_DESCRIPTORS.items():
            run.figure(f"descriptors grown, {name}", descriptors[1][name] - descriptors[0][name], most=most)


def _rejected(system: System) -> int:
    return int(system.store.info("stats")["rejected_connections"])
