"""A whole story of shoppers and purchases on four platforms, and what three destinations must hold of it."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from tests.faults.ledger import Counts
from tests.faults.system import System
from tests.faults.traffic import Webhook
from worker.commands.matrix import DESTINATIONS, Story, story
from worker.commands.scenario import Posting


def waves(told: Story) -> list[list[Webhook]]:
    """Give the webhooks of a story, wave after wave; those of one wave may go out at once."""
    return [[_webhook(posting) for posting in wave] for half in told.halves for wave in half]


def _webhook(posting: Posting) -> Webhook:
    return Webhook(
        source=posting.source,
        topic=posting.topic,
        delivery_id=posting.delivery_id,
        body=posting.body,
        subject=posting.delivery_id,
    )


SKILLS: Final = {
    "customer-sync": {"enabled": True, "options": {"delete_behavior": "hard", "list_id": 5}},
    "order-sync": {"enabled": True, "options": {"events": True, "products": True}},
}

# The story's shops have no programme here: points are the matter of tests/faults/loyalty.py.
OF_LOYALTY: Final = frozenset({"points", "tier", "card"})


def compare(told: Story, system: System, *, repeats: Counter[str] | None = None) -> tuple[Counts, list[str]]:
    """Compare every shopper and purchase at every destination with the truth; name what differs, without its values.

    Destinations know no ids of events: with `repeats`, events told more than once are counted there, and no difference.
    """
    lost = unexpected = 0
    complaints: list[str] = []
    for vendor, look in DESTINATIONS.items():
        state = system.ask(vendor, "state")
        if repeats is not None:
            once = {_happening(event): event for event in state["events"]}
            repeats[vendor] += len(state["events"]) - len(once)
            state["events"] = list(once.values())
        held = look(state)
        wrong = [(f"customer {one.our_id or one.source}", held.shopper(one)) for one in told.shoppers]
        wrong += [(f"order {one.our_id}", held.purchase(one)) for one in told.purchases]
        found = [(name, [part for part in parts if part not in OF_LOYALTY]) for name, parts in wrong]
        differing = [f"{vendor}: {name}: {', '.join(parts)}" for name, parts in found if parts]
        lost += len(differing)
        complaints += differing
        people = sum(not one.deleted for one in told.shoppers)
        unexpected += max(0, held.shoppers - people) + max(0, held.purchases - len(told.purchases))
    return Counts(lost=lost, unexpected=unexpected), complaints


def _happening(event: Mapping[str, Any]) -> tuple[Any, ...]:
    """Give what an event says that happened, and to which order; no order of a story is refunded in part twice."""
    told = event.get("event_properties") or event.get("metadata") or {}
    name = event.get("event_name") or event.get("event") or event.get("type")
    return name, told.get("order_id") or event.get("sale_id"), told.get("refund")


__all__ = ["SKILLS", "Story", "compare", "story", "waves"]
