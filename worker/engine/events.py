"""One webhook as it is kept until its last delivery ends, and the id under which a repeat is stored only once."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from worker.engine.errors import UnknownVersionError


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """A verified webhook. `received_us` is the arrival in microseconds since 1970, unique within a process."""

    id: str
    source: str
    topic: str
    delivery_id: str
    received_us: int
    body: bytes

    def head(self) -> str:
        """Give everything but the body as one line of JSON; a later form has its version behind these four values."""
        return json.dumps([self.source, self.topic, self.delivery_id, self.received_us])

    @classmethod
    def of(cls, event_id: str, head: str | bytes, body: bytes) -> "Event":
        """Build from what `head` gave.

        Raises: UnknownVersionError.
        """
        told: list[Any] = json.loads(head)
        if len(told) > 4:
            raise UnknownVersionError(told[-1])
        source, topic, delivery_id, received_us = told
        return cls(id=event_id, source=source, topic=topic, delivery_id=delivery_id, received_us=received_us, body=body)


def event_id(source: str, topic: str, delivery_id: str, body: bytes) -> str:
    """Give the id of a delivery: a hash of all that tells it from another, 32 hexadecimal digits."""
    digest = hashlib.blake2b(f"{source}\n{topic}\n{delivery_id}\n".encode(), digest_size=16)
    digest.update(body)
    return digest.hexdigest()
