"""What the faults of the store share: webhooks that keep coming meanwhile, what the store counts, the verdict."""

import http.client
import json
import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from datetime import datetime, timezone
from typing import Any, Final
from urllib.parse import urlsplit

import redis

from mappings.registry import PLATFORMS
from tests.faults.ledger import ACCEPTED, count
from tests.faults.processes import until
from tests.faults.run import Run
from tests.faults.setup import SECRET
from tests.faults.system import System
from tests.faults.traffic import Customers, Webhook, at_brevo
from worker.commands.posting import TIMEOUT, Poster, webhook_path

# No request may wait longer, whatever the store does (issue 4).
SLOWEST: Final = 2.5
LINES_PER_SECOND: Final = 1.2  # one, and the edges of the time that is measured


@contextmanager
def traffic(
    system: System, people: Customers, *, connections: int = 4, every: float = 0.02, **fields: Any
) -> Iterator[None]:
    """Post a webhook of each customer, over several connections, until the block ends or there are no more of them."""
    over = threading.Event()

    def send(share: int) -> None:
        with Poster(f"http://127.0.0.1:{system.ports[0]}") as poster:
            for number in people.numbers[share::connections]:
                system.post(people.webhook(number, **fields), poster)
                if over.wait(every):
                    return

    threads = [threading.Thread(target=send, args=(share,), daemon=True) for share in range(connections)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def judge(run: Run, system: System, *, refused: bool = False, seconds: float = 60.0) -> None:
    """Wait until all is done and count; every answer was 202 in time, or a 503 where refusals are right."""
    system.await_idle(seconds)
    run.add(count(system.journal.answers, at_brevo(system.ask("brevo", "contacts"))))
    statuses = system.journal.statuses()
    allowed = {ACCEPTED, 503} if refused else {ACCEPTED}
    run.expect(set(statuses) <= allowed, f"answers other than {sorted(allowed)}: {dict(statuses)}")
    run.figure("slowest answer", system.journal.slowest(), "s", most=SLOWEST)
    run.expect(not system.letters(), "there are dead letters")


def refusals(store: "redis.Redis", *kinds: str) -> int:
    """Give how often the store has refused a command, by the first word of its refusal."""
    counted: Any = store.info("errorstats")
    return sum(int(counted.get(f"errorstat_{kind}", {}).get("count", 0)) for kind in kinds)


def password(system: System) -> str:
    """Give the password of the store."""
    return urlsplit(system.store_server.url).password or ""


def command(system: System, *words: str) -> Any:
    """Give the store a command that its client has no method for."""
    run: Any = system.store.execute_command
    return run(*words)


def await_answers(system: System, more: int) -> None:
    """Wait until clients have had so many answers more."""
    before = len(system.journal.answers)
    until(lambda: len(system.journal.answers) >= before + more, "clients get no answers", seconds=120)


def spooled(system: System) -> int:
    """Give how many events wait in the spool of the first web process."""
    return int(system.ready()[1].get("spool", {}).get("waiting", 0))


def await_spool(system: System, least: int = 1) -> None:
    """Wait until so many events are in the spool."""
    until(lambda: spooled(system) >= least, "nothing is spooled")


def told(system: System, *, since: int = 0) -> list[Mapping[str, Any]]:
    """Give what the processes logged since the log had this size."""
    lines = system.log.read_bytes()[since:].decode(errors="replace").splitlines()
    said = [json.loads(line) if line.startswith("{") else {"event": line[:60]} for line in lines if line.strip()]
    return [line for line in said if "event" in line]


def expect_no_storm(run: Run, system: System, since: int, seconds: float) -> None:
    """Count the lines of each message while the store was away: one process of each kind, so each has one source."""
    lines = Counter((line.get("logger"), re.sub(r"\d+", "", line["event"])) for line in told(system, since=since))
    run.figure("lines of the loudest message", max(lines.values(), default=0) / seconds, "/s", most=LINES_PER_SECOND)
    run.expect(lines, "nobody says a word")


def get(system: System, path: str) -> int:
    """Give the status of a path of the first web process, 0 while it does not answer."""
    with Poster(f"http://127.0.0.1:{system.ports[0]}") as poster:
        return poster.get(path)[0]


def retry_after(system: System, webhook: Webhook) -> str:
    """Post a webhook that is to be refused; give the Retry-After of the refusal, "" without one."""
    platform = PLATFORMS[webhook.source]
    headers = platform.sign(webhook.topic, webhook.body, SECRET, webhook.delivery_id, datetime.now(timezone.utc))
    path = webhook_path(platform, webhook.source, webhook.topic)
    connection = http.client.HTTPConnection("127.0.0.1", system.ports[0], timeout=TIMEOUT)
    with closing(connection):
        connection.request("POST", path, webhook.body, dict(headers))
        answer = connection.getresponse()
        return answer.headers.get("Retry-After", "") if answer.status == 503 else ""


def is_open(system: System) -> bool:
    """Say whether webhooks go to the store again and none is left in the spool."""
    with suppress(OSError):
        status, said = system.ready()
        return status == 200 and not said["spool"]["waiting"]
    return False
