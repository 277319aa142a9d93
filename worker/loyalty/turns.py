"""What time alone changes in accounts (points expire, years end, tiers fall) comes as events of our own."""

import json
from typing import Final

from worker.engine.events import Event, event_id
from worker.engine.keeping import keep_now
from worker.engine.lanes import Lanes
from worker.loyalty.booking import TURN
from worker.loyalty.store import Accounts

AT_ONCE: Final = 200


def turn_accounts(lanes: Lanes, accounts: Accounts) -> str:
    """Keep an event for each account whose time has come; give the slot of the drain to wake, "" for none.

    The event of one moment of one account is the same whoever keeps it, so several workers keep it once.
    """
    now = lanes.scripts.time_ms()
    slots = [keep_now(lanes, turn_of(account, moment, now)) for account, moment in accounts.due(now, AT_ONCE)]
    return next((slot for slot in slots if slot), "")


def turn_of(account: str, moment: int, now: int, topic: str = TURN) -> Event:
    """Give the event by which an account is computed again, and with TELL told again whole."""
    source, delivery = account.split(":", 2)[1], str(moment)
    body = json.dumps({"account": account}).encode()
    return Event(
        id=event_id(source, topic, delivery, body),
        source=source,
        topic=topic,
        delivery_id=delivery,
        received_us=now * 1000,
        body=body,
    )
