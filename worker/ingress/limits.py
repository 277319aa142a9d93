"""Every time and size that bounds the ingress, in one place, so that tests can be quick."""

from dataclasses import dataclass
from typing import Final

MIB: Final = 2**20


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Times are seconds, sizes are bytes.

    `store` and `answer` count from the moment a body was complete: then the store, then the spool is given up.
    `reading` and `waiting` bound the bodies of all requests together: those still arriving, those not yet kept.
    """

    body_bytes: int = 2 * MIB
    body_seconds: float = 5.0
    header_text: int = 1024
    reading_bytes: int = 64 * MIB
    waiting_bytes: int = 64 * MIB
    batch_events: int = 256
    batch_bytes: int = 4 * MIB
    store_seconds: float = 1.5
    answer_seconds: float = 2.4
    probe_every: float = 0.5
    probe_seconds: float = 0.5
    pressure_every: float = 1.0
    pressure: float = 0.85
    drain_events: int = 100
    drain_every: float = 0.25
    adopt_every: float = 3.0
    count_every: float = 1.0
    ready_seconds: float = 1.0
