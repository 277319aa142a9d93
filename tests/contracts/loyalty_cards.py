"""What Voucherify says of its loyalty cards, as far as we call them: they are in none of the descriptions at hand.

https://docs.voucherify.io/api-reference/loyalties/, as of August 2026.
"""

from typing import Any, Final

Json = Any

_CUSTOMER: Final = {"type": "object", "properties": {"source_id": {"type": "string", "minLength": 1}}}
_MEMBER: Final = {
    "type": "object",
    "required": ["customer"],
    "properties": {"customer": _CUSTOMER, "voucher": {"type": "string"}, "metadata": {"type": "object"}},
}
_BALANCE: Final = {
    "type": "object",
    "required": ["points"],
    "properties": {
        "points": {"type": "integer"},
        "expiration_type": {"type": "string", "enum": ["PROGRAM_RULES", "CUSTOM_DATE", "NON_EXPIRING"]},
        "expiration_date": {"type": "string"},
        "reason": {"type": "string"},
        "source_id": {"type": "string"},
    },
}


def _asked(*names: str) -> Json:
    return {"parameters": [{"name": name, "in": "query"} for name in names]}


def _told(schema: Json) -> Json:
    return {"requestBody": {"content": {"application/json": {"schema": schema}}}}


DESCRIBED: Final[Json] = {
    "components": {"schemas": {}},
    "paths": {
        "/v1/loyalties/{campaignId}/members": {
            "get": _asked("limit", "page", "customer", "created_at", "updated_at", "order", "code", "ids"),
            "post": _told(_MEMBER),
        },
        "/v1/loyalties/{campaignId}/members/{memberId}/balance": {"post": _told(_BALANCE)},
        "/v1/loyalties/members/{memberId}/transactions": {
            "get": _asked("limit", "order", "filters", "starting_after_id")
        },
    },
}
