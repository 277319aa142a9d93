"""What operators do, under way: dead letters retried in thousands, old events replayed."""

import signal
import subprocess

from mappings.registry import PLATFORMS
from tests.faults.catalogue import fault
from tests.faults.ledger import count
from tests.faults.processes import until
from tests.faults.run import Run
from tests.faults.system import System
from tests.faults.traffic import Customers, Webhook, at_brevo
from worker.commands.posting import webhook_path

RETRY = ("dead-letters", "retry", "--all")
SENT = 3


@fault("F49", "retry of thousands of dead letters, killed on its way and begun again", short=True)
def many_dead_letters_retried(run: Run) -> None:
    """Retry letters of which some were overtaken by newer events: all arrive, and nothing newer is overwritten."""
    people = Customers(run.sized(10_000, 400), versions=2)
    old, new = people.webhooks()[: len(people.numbers)], people.webhooks()[len(people.numbers) :]
    overtaken = new[:: run.sized(10, 4)]
    with run.system() as system:
        system.fail("brevo", status=400, body={"code": "invalid_parameter", "message": "no"}, times=None)
        system.burst(old)
        system.await_idle(240)
        letters = _ids(system)
        dead = len(letters)
        run.expect(dead == len(old), f"{dead} dead letters of {len(old)}")
        run.expect(len(system.command(*RETRY, "--dry-run")["retried"]) == dead, "a dry run names other letters")
        run.expect(_ids(system) == letters, "a dry run moved letters")
        system.command(*RETRY)
        system.await_idle(240)
        again = _ids(system)
        run.expect(len(again) == dead, f"{len(again)} letters after a retry that failed, {dead} before it")
        run.expect(not again & letters, f"{len(again & letters)} letters were not retried")
        system.calm("brevo")
        system.burst(overtaken)
        system.await_idle()
        run.fire(_killed_on_its_way(system, dead))
        system.command(*RETRY)
        system.await_idle(240)
        run.expect(not system.letters(), f"{len(system.letters())} letters left")
        run.add(count(system.journal.answers, at_brevo(system.ask("brevo", "contacts"))))


def _ids(system: System) -> set[str]:
    return {letter.id for letter in system.letters()}


def _killed_on_its_way(system: System, dead: int) -> int:
    """Kill the command when it has put some letters back; say how many there were."""
    process = subprocess.Popen(
        system.line(*RETRY), env=system.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    buried = f"{system.scripts.prefix}:dead"  # their ids: as many as there are letters, and quick to count
    until(lambda: system.store.zcard(buried) < dead or process.poll() is not None, "no letter is put back")
    process.send_signal(signal.SIGKILL)
    process.wait()
    return dead - len(system.letters()) if process.returncode == -signal.SIGKILL else 0


@fault("F50", "an operator replays an old event after a newer one was delivered", short=True)
def old_event_replayed(run: Run) -> None:
    """Deliver old bodies under new names, as a replay of a webhook log and `send` do: the newer state stays."""
    people = Customers(run.sized(200, 40), versions=3)
    with run.system() as system:
        system.burst(people.webhooks())
        system.await_idle()
        before = system.delivered()
        for number in people.numbers:
            old = people.webhook(number, run.random.randrange(2), delivery=f"replay-{number}")
            run.fire(system.post(old).accepted)
        run.fire(_sent_by_hand(system, people.webhook(people.numbers[0]), SENT))
        system.await_idle()
        outcomes = system.lanes()["brevo.contacts"].outcomes
        run.expect(system.delivered() == before, "an old event was delivered")
        run.expect(
            outcomes["superseded"] + outcomes["unchanged"] >= len(people.numbers) + SENT, f"counted as {outcomes}"
        )
        run.add(count(system.journal.answers, at_brevo(system.ask("brevo", "contacts"))))


def _sent_by_hand(system: System, webhook: Webhook, times: int) -> int:
    """Let the command send a body, each time as a delivery of its own; say how many of them were kept."""
    file = system.folder / "payload.json"
    file.write_bytes(webhook.body)
    before = system.lanes()["map"].pushed
    url = f"http://127.0.0.1:{system.ports[0]}{webhook_path(PLATFORMS[webhook.source], webhook.source, webhook.topic)}"
    where = ("--url", url, "--times", str(times))
    line = system.line("send", webhook.source, webhook.topic, str(file), *where)
    subprocess.run(line, env=system.environ, capture_output=True, timeout=60, check=True)
    return system.lanes()["map"].pushed - before
