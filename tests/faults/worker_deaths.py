"""Workers that are killed: F13 and F14."""

import time

from tests.faults.catalogue import fault
from tests.faults.ledger import count
from tests.faults.processes import until
from tests.faults.run import Run
from tests.faults.traffic import Customers, at_brevo


@fault("F13", "kill -9 of the worker with a call in flight", short=True)
def worker_killed_in_a_call(run: Run) -> None:
    """Kill it when the vendor applied the call and nobody read the answer: it is made again, and changes nothing."""
    people = Customers(run.sized(10, 3))
    with run.system() as system:
        for webhook in people.webhooks():
            system.fail("brevo", delay=2.0, applied=True)
            before = len(system.calls("brevo"))
            system.post(webhook)
            until(lambda: len(system.calls("brevo")) > before, "no call is in flight")  # noqa: B023 - called here
            run.fire(system.lanes()["brevo.contacts"].states["leased"])
            killed = system.kill("worker 0")
            system.calm("brevo")
            system.await_idle()
            run.figure("recovery", time.time() - killed, "s")
        run.add(count(system.journal.answers, at_brevo(system.ask("brevo", "contacts"))))
