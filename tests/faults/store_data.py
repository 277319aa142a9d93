"""The store answers, and does not hold what it held: F8 emptied, F10 failed over; F12 it holds another's too."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import redis

from tests.faults.catalogue import fault
from tests.faults.ledger import Answer, count
from tests.faults.processes import until
from tests.faults.run import Run
from tests.faults.store_traffic import command, is_open, judge, password, refusals, told
from tests.faults.system import System
from tests.faults.traffic import Customers, at_brevo
from worker.embedded import EmbeddedStore
from worker.store import impatient_client

OTHER: Final = "other-shops"


@fault("F8", "FLUSHALL while work waits", short=True)
def store_emptied(run: Run) -> None:
    """Say that it was emptied, do not crash, and do what comes afterwards; what waited in it is lost, and counted."""
    before = Customers(run.sized(400, 100))
    after = Customers(run.sized(400, 100), first=before.numbers[-1] + 1)
    with run.system() as system:
        system.burst(before.webhooks()[:20])
        system.await_idle()
        worker = system.process("worker 0")
        worker.suspend()
        told_before = system.burst(before.webhooks()[20:])
        keys = int(system.store.dbsize())
        system.store.flushall()
        run.fire(keys)
        worker.resume()
        answers = system.burst(after.webhooks())
        until(lambda: system.is_idle() and system.delivered() >= len(answers), "what comes afterwards is not done")
        found = at_brevo(system.ask("brevo", "contacts"))
        run.add(count(answers, {who: versions for who, versions in found.items() if who in _subjects(answers)}))
        run.figure("lost of those that waited", count(told_before, found).lost)
        run.expect(all(answer.accepted for answer in system.journal.answers), "not every answer was 202")
        restarts = {child.name: child.restarts for child in system.supervisor.children if child.restarts}
        run.expect(not restarts, f"processes ended because the store was emptied: {restarts}")
        for name, lane in system.lanes().items():
            run.expect(lane.conserved, f"{name} does not add up")
        until(lambda: _emptied(system), "nobody says that the store was emptied")


def _emptied(system: System) -> int:
    """Give how often a process said that the store was emptied."""
    return sum(line["event"] == "store was emptied" and line["level"] == "error" for line in told(system))


@fault("F10", "failover to a replica that lacks the last writes")
def failed_over(run: Run) -> None:
    """Lose what the replica had not got yet, exactly that; what an asynchronous failover costs is a figure."""
    with run.system() as system, _replica(run.folder, system) as replica:
        kept, late = _fail_over(run, system, replica)
        until(system.is_idle, "never idle")
        found = at_brevo(system.ask("brevo", "contacts"))
        run.expect(all(answer.accepted for answer in late), "an answer was not 202")
        lost = count([*kept, *late], found).lost
        run.figure("acknowledged and lost", lost)
        run.expect(lost == len(late), f"the replica lacked {len(late)}, and {lost} are lost")
        run.add(count(kept, found))
        run.fire(lost)


@fault("F10b", "the same with engine.store_replicas: 1")
def failed_over_with_copies(run: Run) -> None:
    """Lose nothing: what the replica has not got is in the spool before it is answered."""
    with run.system(engine={"store_replicas": 1}) as system, _replica(run.folder, system) as replica:
        _, late = _fail_over(run, system, replica)
        run.fire(len(late))
        # The new primary has no replica yet either.
        until(lambda: not system.ready()[1]["store"]["reachable"], "one store is enough for it")
        with _replica(run.folder / "next", system):
            until(lambda: is_open(system), "the spool does not empty")
            judge(run, system)


def _fail_over(run: Run, system: System, replica: redis.Redis) -> tuple[list[Answer], list[Answer]]:
    """Let the replica take the place of the store; give the answers to what it has and to what it has not got."""
    people = Customers(run.sized(300, 60))
    webhooks = people.webhooks()
    worker = system.process("worker 0")
    worker.suspend()
    kept = system.burst(webhooks[: len(webhooks) // 2])
    until(lambda: system.store.wait(1, 1000), "the replica does not follow")
    replica.replicaof("NO", "ONE")
    late = system.burst(webhooks[len(webhooks) // 2 :])
    system.kill_store()
    # The address goes with the primary, as that of a managed store does.
    replica.config_set("requirepass", password(system))
    replica.config_set("port", str(urlsplit(system.store_server.url).port))
    system.look_at(system.store_server.url)
    worker.resume()
    return kept, late


@contextmanager
def _replica(folder: Path, system: System) -> Iterator[redis.Redis]:
    """Run a replica of the system's store, and give a client to it that outlives a change of its address."""
    server = EmbeddedStore(folder=folder / "replica")
    process = server.start()
    assert process
    try:
        with impatient_client(server.url) as client:
            client.config_set("masterauth", password(system))
            client.replicaof("127.0.0.1", str(urlsplit(system.store_server.url).port))
            until(lambda: client.info("replication")["master_link_status"] == "up", "the replica does not follow")
            yield client
    finally:
        process.kill()
        process.wait()


@fault("F12", "two deployments share one store")
def store_shared(run: Run) -> None:
    """Deliver each deployment's webhooks to its own destinations, and let neither touch a key of the other."""
    people = Customers(run.sized(300, 60), versions=2)
    users = ("commerce-sync", OTHER)
    with run.system(store_via=_as_user("commerce-sync"), store_first=False) as one:
        one.start_store()
        for user in users:
            command(one, "ACL", "SETUSER", user, "on", f">{user}", f"~{{{user}}}*", "&*", "+@all")
        shared = _as_user(OTHER)(one.store_server.url)
        with run.system(store_via=lambda _: shared, store_first=False, engine={"prefix": OTHER}) as other:
            other.look_at(one.store_server.url)
            for system, version in ((one, 0), (other, 1)):
                until(lambda: is_open(system), "not ready")  # noqa: B023 - called here
                system.burst([people.webhook(number, version) for number in people.numbers])
            for system in (one, other):
                judge(run, system)
        keys = [key.decode() for key in one.store.scan_iter(count=1000)]
        for user in users:
            run.fire(sum(key.startswith(f"{{{user}}}:") for key in keys))
        strange = [key for key in keys if not key.startswith(tuple(f"{{{user}}}:" for user in users))]
        run.expect(not strange, f"keys of neither: {strange[:3]}")
        run.expect(
            refusals(one.store, "NOPERM") == 0, f"one wanted a key of the other: {command(one, 'ACL', 'LOG')[:1]}"
        )


def _as_user(name: str) -> Callable[[str], str]:
    return lambda url: f"redis://{name}:{name}@{urlsplit(url).hostname}:{urlsplit(url).port}/0"


def _subjects(answers: list[Answer]) -> set[str]:
    return {answer.subject for answer in answers}
