"""Webhooks that come to wait for a worker, kept as the webhook endpoint keeps them."""

import asyncio
import time
from collections.abc import Sequence
from typing import Final, Protocol

from benchmarks.ground import PREFIX, Ground
from worker.engine.events import Event, event_id
from worker.engine.keeping import Keeper
from worker.engine.lanes import MAP, Lanes
from worker.engine.scripts import Scripts
from worker.store import async_client

SOURCE: Final = "shopify"
BATCH: Final = 256


class Webhook(Protocol):
    """One delivery of a shop."""

    @property
    def delivery_id(self) -> str:
        """The id of the delivery, different for each."""
        ...

    def body(self) -> bytes:
        """Give the body, JSON."""


def id_of(topic: str, webhook: Webhook) -> str:
    """Name the event of a webhook as the store does."""
    return event_id(SOURCE, topic, webhook.delivery_id, webhook.body())


def keep(place: Ground, topic: str, webhooks: Sequence[Webhook]) -> None:
    """Put webhooks on the lane `map`, where they wait until a worker looks for itself."""
    slots: list[str] = []

    async def keep_all() -> None:
        store = async_client(place.url)
        keeper = Keeper(store, PREFIX, wake=lambda _lane, slot: slots.append(slot))
        for start in range(0, len(webhooks), BATCH):
            await keeper.keep([_event(topic, webhook) for webhook in webhooks[start : start + BATCH]])
        await store.aclose()

    asyncio.run(keep_all())
    lanes = Lanes(Scripts(place.store, PREFIX))
    for slot in slots:  # the wake-ups were sent to nobody
        lanes.drop_slot(MAP, slot)


def _event(topic: str, webhook: Webhook) -> Event:
    return Event(
        id=id_of(topic, webhook),
        source=SOURCE,
        topic=topic,
        delivery_id=webhook.delivery_id,
        received_us=time.time_ns() // 1000,
        body=webhook.body(),
    )
