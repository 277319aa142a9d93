"""Two web processes over one spool directory, one of which dies with events in its file: F3c."""

import time

from tests.faults.catalogue import fault
from tests.faults.ingress_repeats import judge
from tests.faults.processes import until
from tests.faults.run import Run
from tests.faults.system import System
from tests.faults.traffic import Customers
from tests.faults.wire import Volley


def _waiting(system: System, web: int) -> int:
    spool = system.ready(system.ports[web])[1].get("spool", {})
    return int(spool.get("waiting", 0))


@fault("F3c", "kill -9 of a web process whose spool holds events, another one beside it", short=True)
def orphaned_spool(run: Run) -> None:
    """Let the other process take over the file and give its events to the store, before the dead one is back."""
    people = Customers(run.sized(2_000, 300)).webhooks()
    with run.system(webs=2) as system:
        system.kill_store()
        Volley(system=system, connections=32).send(people)
        until(lambda: _waiting(system, 0) and _waiting(system, 1), "not both spool")
        orphaned, own = _waiting(system, 0), _waiting(system, 1)
        dead = system.child("web 0")
        system.supervisor.children.remove(dead)  # nobody restarts it meanwhile: it would take over its own file
        assert dead.process
        dead.process.kill()
        dead.process.wait()
        until(lambda: _waiting(system, 1) >= orphaned + own, "nobody takes over the file")
        run.fire(orphaned)
        system.start_store()
        began = time.monotonic()
        until(lambda: not _waiting(system, 1), "the file is not drained")
        run.figure("drained after", time.monotonic() - began, "s")
        run.expect(system.lanes()["map"].pushed == len(people), "not everything was drained once")
        dead.process = dead.start()
        system.supervisor.children.append(dead)
        until(lambda: system.ready(system.ports[0])[0] == 200, "the dead process does not come back")
        system.await_idle()
        judge(run, system, people)
        left = list(system.settings.engine.spool_directory.glob("*.sqlite3"))
        run.expect(len(left) == len(system.ports), f"{len(left)} spool files for {len(system.ports)} processes")
