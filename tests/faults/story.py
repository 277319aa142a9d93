"""A whole story of shoppers and purchases on four platforms, and what three destinations must hold of it."""

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


def compare(told: Story, system: System) -> tuple[Counts, list[str]]:
    """Compare every shopper and purchase at every destination with the truth; name what differs, without its values."""
    lost = unexpected = 0
    complaints: list[str] = []
    for vendor, look in DESTINATIONS.items():
        held = look(system.ask(vendor, "state"))
        wrong = [(f"customer {one.our_id or one.source}", held.shopper(one)) for one in told.shoppers]
        wrong += [(f"order {one.our_id}", held.purchase(one)) for one in told.purchases]
        differing = [f"{vendor}: {name}: {', '.join(what)}" for name, what in wrong if what]
        lost += len(differing)
        complaints += differing
        people = sum(not one.deleted for one in told.shoppers)
        unexpected += max(0, held.shoppers - people) + max(0, held.purchases - len(told.purchases))
    return Counts(lost=lost, unexpected=unexpected), complaints


__all__ = ["Story", "compare", "story", "waves"]
