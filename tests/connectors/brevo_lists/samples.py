"""Standings in a loyalty programme that belong to lists, and what Brevo answers about lists."""

from typing import Any

from mappings.loyalty_records import Loyalty
from mappings.records import ABSENT

LISTS = (1, 2, 3, 4)
KNOWN = {"exists": True, "owner": True, "email": "ada@example.com", "contact_id": 9}
NOT_ON_IT = {"code": "invalid_parameter", "message": "Contact already removed from list and/or does not exist"}
CONTACT = {"id": 9, "email": "ada@example.com", "emailBlacklisted": False, "smsBlacklisted": False, "listIds": [2, 8]}


def standing(*lists: int, points: int = 10) -> Loyalty:
    said: dict[str, Any] = dict.fromkeys(Loyalty.model_fields, ABSENT)
    return Loyalty.model_validate({**said, "points": points, "lists": lists})
