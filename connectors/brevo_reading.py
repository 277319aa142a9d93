"""What Brevo holds of a customer's loyalty, read back to be compared: the attributes of a contact.

Written against https://developers.brevo.com/reference/getcontactinfo, as of November 2026.
"""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from connectors.attributes import LOYALTY_FIELDS
from connectors.brevo_account import CONTACTS
from connectors.brevo_attributes import typed
from connectors.brevo_identity import BY_EMAIL, BY_EXT_ID, BY_ID
from connectors.brevo_options import BrevoOptions
from connectors.connector import Call, Response
from connectors.values import snake
from mappings.records import Customer

Json: TypeAlias = Any

_EMPTY: Final[tuple[Json, ...]] = (None, "", [])


def reading(ext_id: str | None, known: Mapping[str, Json]) -> Call | None:
    """Give the call that reads the contact of a customer; None where nothing is known to read it by."""
    candidates = ((BY_ID, known.get("contact_id")), (BY_EXT_ID, ext_id), (BY_EMAIL, known.get("email")))
    for kind, value in candidates:
        if value:
            path = f"/contacts/{quote(str(value), safe='')}"
            query = {"identifierType": kind}
            return Call(method="GET", path=path, query=query, budget=CONTACTS, subjects=(), step="reading")
    return None


def read(options: BrevoOptions, response: Response) -> dict[str, Json] | None:
    """Give what is held of loyalty by our names of the fields, nothing where nobody is there; None is no answer."""
    body = response.json()
    if not isinstance(body, dict) or response.status not in {200, 404}:
        return None
    told = body.get("attributes") if response.status == 200 else {}
    # PHP writes an empty object as an empty list.
    held: Mapping[str, Json] = told if isinstance(told, dict) else {}
    return {field: held[name] for field, name in _mapped(options).items() if held.get(name) not in _EMPTY}


def expected(options: BrevoOptions, customer: Customer) -> dict[str, Json]:
    """Give what should be held of these, as `read` gives it: what is empty is not there."""
    told = typed(options, customer, {})
    return {field: told[name] for field, name in _mapped(options).items() if told.get(name) not in _EMPTY}


def _mapped(options: BrevoOptions) -> dict[str, str]:
    found = {snake(field): name for field, name in options.field_mapping.items()}
    return {field: found[field] for field in LOYALTY_FIELDS if field in found}
