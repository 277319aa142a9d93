"""Made-up Shopify customers: what the shop sends of them, and what Brevo must hold of them in the end."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Final

FIRST_NAMES: Final = ("Ada", "Bruno", "Chiara", "Dmitri", "Farid", "Grace", "Hiroshi", "Ingrid")
LAST_NAMES: Final = ("Abel", "Brandt", "Conti", "Dubois", "Eriksen", "Fischer", "Horvat")
FIRST_ID: Final = 7_000_000_000_000
_START: Final = datetime(2026, 10, 1, tzinfo=timezone.utc)


@dataclass(frozen=True, kw_only=True, slots=True)
class Update:
    """The `version`-th update of a customer, who has subscribed to the newsletter long ago or not at all."""

    number: int
    version: int = 0
    subscribed: bool = False

    @property
    def id(self) -> int:
        """The id at Shopify."""
        return FIRST_ID + self.number

    @property
    def delivery_id(self) -> str:
        """The id of the delivery, different for each."""
        return f"b54557e4-bdd9-4b37-8a5f-{self.number:08x}{self.version:04x}"

    def truth(self) -> dict[str, str]:
        """Give what Brevo holds once nothing newer is to come."""
        return {
            "email": f"customer{self.number}@shop.example.com",
            "FIRSTNAME": FIRST_NAMES[(self.number + self.version) % len(FIRST_NAMES)],
            "LASTNAME": f"{LAST_NAMES[self.number % len(LAST_NAMES)]} {self.version}",
            "SMS": f"4930{2_000_000 + self.number}",
        }

    def body(self) -> bytes:
        """Give the body of customers/update, 1 kB of JSON."""
        truth = self.truth()
        moment = (_START + timedelta(seconds=self.number, hours=self.version)).isoformat()
        customer: dict[str, Any] = {
            "id": self.id,
            "email": truth["email"],
            "created_at": _START.isoformat(),
            "updated_at": moment,
            "first_name": truth["FIRSTNAME"],
            "last_name": truth["LASTNAME"],
            "state": "enabled",
            "note": None,
            "verified_email": True,
            "multipass_identifier": None,
            "tax_exempt": False,
            "tags": "newsletter, returning",
            "currency": "EUR",
            "phone": f"+{truth['SMS']}",
            "addresses": [],
            "tax_exemptions": [],
            "email_marketing_consent": {
                "state": "subscribed" if self.subscribed else "not_subscribed",
                "opt_in_level": "single_opt_in",
                "consent_updated_at": _START.isoformat() if self.subscribed else None,
            },
            "sms_marketing_consent": None,
            "admin_graphql_api_id": f"gid://shopify/Customer/{self.id}",
            "default_address": {
                "id": self.id + 1_000_000,
                "customer_id": self.id,
                "first_name": truth["FIRSTNAME"],
                "last_name": truth["LASTNAME"],
                "company": None,
                "address1": f"Marktplatz {self.number}",
                "address2": None,
                "city": "Berlin",
                "province": None,
                "country": "Germany",
                "zip": "10115",
                "phone": None,
                "country_code": "DE",
                "country_name": "Germany",
                "default": True,
            },
        }
        return json.dumps(customer).encode()
