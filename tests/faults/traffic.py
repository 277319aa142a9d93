"""Webhooks to send, and what the destinations must hold afterwards: written apart from all mapping code."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Final

SHOPIFY: Final = "shopify"
FIRST: Final = 7_100_000_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Webhook:
    """One webhook: signed when it goes out. Of two of a subject the one with the higher version is the newer."""

    source: str
    topic: str
    delivery_id: str
    body: bytes
    subject: str
    version: int = 0


class Customers:
    """Shopify customers with numbered versions: each event of a customer sets the first name to its version."""

    def __init__(self, number: int, versions: int = 1, *, first: int = FIRST) -> None:
        self.numbers = range(first, first + number)
        self.versions = versions
        self.start = datetime.now(timezone.utc).replace(microsecond=0) - timedelta(days=1)

    def webhooks(self) -> list[Webhook]:
        """Give all events, version by version."""
        return [self.webhook(number, version) for version in range(self.versions) for number in self.numbers]

    def webhook(self, number: int, version: int = 0, *, delivery: str = "", **fields: Any) -> Webhook:
        """Give one event of one customer, under a name of its own if it is told anew."""
        body = {
            "id": number,
            "email": f"c{number}@example.com",
            "first_name": f"V{version}",
            "last_name": "Abel",
            "phone": None,
            "created_at": self.start.isoformat(),
            "updated_at": (self.start + timedelta(seconds=version)).isoformat(),
            **fields,
        }
        return Webhook(
            source=SHOPIFY,
            topic="customers/update" if version else "customers/create",
            delivery_id=delivery or f"d{number}-{version}",
            body=json.dumps(body).encode(),
            subject=f"{SHOPIFY}-{number}",
            version=version,
        )


def at_brevo(contacts: Sequence[Mapping[str, Any]]) -> dict[str, list[int]]:
    """Read the versions that Brevo holds of each customer from the sandbox's contacts."""
    return _grouped(
        (contact["attributes"].get("EXT_ID", contact["email"]), contact["attributes"].get("FIRSTNAME"))
        for contact in contacts
    )


def at_custobar(customers: Sequence[Mapping[str, Any]]) -> dict[str, list[int]]:
    """Read the versions that Custobar holds of each customer."""
    return _grouped((customer["external_id"], customer.get("first_name")) for customer in customers)


def at_voucherify(customers: Sequence[Mapping[str, Any]]) -> dict[str, list[int]]:
    """Read the versions that Voucherify holds of each customer."""
    return _grouped((one["source_id"], str(one.get("name", "")).split(" ")[0]) for one in customers)


def _grouped(rows: Iterator[tuple[str, Any]] | Any) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for subject, name in rows:
        version = str(name).removeprefix("V")
        found.setdefault(subject, []).append(int(version) if version.isdigit() else -1)
    return found
