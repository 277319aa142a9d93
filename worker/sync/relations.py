"""What the store knows beyond the claimed keys: who else holds a contact, and how far an order's customer is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import redis

from worker.engine.subjects import SubjectRecord
from worker.sync.destination import DestinationLane, customer_records
from worker.sync.facets import EXISTS
from worker.sync.identity import Identity


@dataclass(frozen=True, kw_only=True, slots=True)
class CustomerThere:
    """The customer of an order at a destination: what is known of them there, and whether they are about to be told."""

    known: Mapping[str, Any] = field(default_factory=dict)
    told: bool = False
    pending: bool = False


NOBODY: Final = CustomerThere()


@dataclass(frozen=True, kw_only=True)
class Relations:
    """Reads for whole batches at once. Without a store nobody is known."""

    store: redis.Redis | None
    prefix: str
    identity: Identity

    def holders(self, destination: str, email: str) -> str:
        """Name the set of subjects that one contact of a destination stands for."""
        return f"holders:{destination}:{self.identity.of_email(email)}"

    def shared(self, lane: DestinationLane, asked: Sequence[tuple[str, str]]) -> dict[str, bool]:
        """Tell for (subject, e-mail) pairs whether another subject holds the same contact."""
        if not asked or self.store is None:
            return {}
        with self.store.pipeline(transaction=False) as pipe:
            for _, email in asked:
                pipe.smembers(f"{self.prefix}:{self.holders(lane.destination, email)}")
            answers = pipe.execute()
        return {
            subject: bool(members - {subject.encode()}) for (subject, _), members in zip(asked, answers, strict=True)
        }

    def customers(self, lane: DestinationLane, subjects: Sequence[str]) -> dict[str, CustomerThere]:
        """Tell of customers by subject how far they are at the destination of a lane."""
        if not subjects or self.store is None:
            return {}
        with self.store.pipeline(transaction=False) as pipe:
            for subject in subjects:
                pipe.hmget(f"{self.prefix}:{customer_records(lane.destination)}:{subject}", "known")
                pipe.exists(f"{self.prefix}:lane:{lane.customers}:items:{subject}")
            answers = pipe.execute()
        found: dict[str, CustomerThere] = {}
        for subject, (packed,), pending in zip(subjects, answers[::2], answers[1::2], strict=True):
            record = SubjectRecord.unpack({"known": packed} if packed else {})
            found[subject] = CustomerThere(known=record.known, told=EXISTS in record.versions, pending=bool(pending))
        return found
