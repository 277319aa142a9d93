"""Events of our own that loyalty commands keep, so that the worker books what they ask for."""

from collections.abc import Iterable

from worker.commands.loyalty_desk import Desk
from worker.commands.reporting import counted, say
from worker.commands.waking import wake_all
from worker.engine.events import Event
from worker.engine.keeping import keep_now
from worker.engine.lanes import MAP

PROGRESS = 1000


def keep_all(desk: Desk, events: Iterable[Event]) -> int:
    """Keep events, wake the worker however it ends, and give how many there were; a repeat is kept once."""
    slot, number = "", 0
    try:
        for number, event in enumerate(events, 1):
            slot = keep_now(desk.deployment.lanes, event) or slot
            if number % PROGRESS == 0:
                say(counted(number, "account"))
    finally:
        if slot:
            wake_all({MAP: slot})
    return number
