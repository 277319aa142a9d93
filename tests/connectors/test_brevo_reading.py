"""What a contact holds of loyalty is read by our names of the fields, and compared with what was told."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from connectors.brevo_attributes import LOYALTY
from connectors.brevo_options import BrevoOptions
from connectors.brevo_reading import expected, read, reading
from connectors.connector import Response
from mappings.records import ABSENT, Customer
from tests.contracts.loyalty_states import LOYALTY as STANDING
from tests.contracts.loyalty_states import PURCHASES

OPTIONS = BrevoOptions(api_key="k", field_mapping={"firstName": "FIRSTNAME", **LOYALTY})


def answer(body: Any, status: int = 200) -> Response:
    return Response(status=status, headers={}, body=json.dumps(body).encode())


def customer(**told: Any) -> Customer:
    return Customer(**{**dict.fromkeys(Customer.model_fields, ABSENT), **told})


@pytest.mark.parametrize(
    ("ext_id", "known", "path", "kind"),
    [
        ("shop-7", {"contact_id": 12, "email": "ann@example.com"}, "/contacts/12", "contact_id"),
        ("shop-7", {"email": "ann@example.com"}, "/contacts/shop-7", "ext_id"),
        ("a/b", {}, "/contacts/a%2Fb", "ext_id"),
        (None, {"email": "ann@example.com"}, "/contacts/ann%40example.com", "email_id"),
    ],
)
def test_a_contact_is_read_by_what_is_known_of_it(ext_id: Any, known: Any, path: str, kind: str) -> None:
    call = reading(ext_id, known)

    assert call is not None
    assert (call.method, call.path, call.query) == ("GET", path, {"identifierType": kind})


def test_of_nobody_known_nothing_is_asked() -> None:
    assert reading(None, {}) is None


def test_attributes_are_given_by_our_names_without_what_is_empty() -> None:
    held = {"LOYALTY_POINTS": 5, "LOYALTY_TIER": "", "FIRSTNAME": "Ann", "TOTAL_SPENT": 12.5}

    assert read(OPTIONS, answer({"attributes": held})) == {"loyalty_points": 5, "lifetime_value": 12.5}


@pytest.mark.parametrize("body", [{"attributes": []}, {"email": "ann@example.com"}])
def test_a_contact_without_attributes_holds_nothing(body: Any) -> None:
    assert read(OPTIONS, answer(body)) == {}


def test_a_contact_that_is_not_there_holds_nothing() -> None:
    assert read(OPTIONS, answer({"code": "document_not_found"}, 404)) == {}


@pytest.mark.parametrize(("body", "status"), [([], 200), ({"message": "no"}, 500), ("x", 404)])
def test_what_is_no_answer_tells_nothing(body: Any, status: int) -> None:
    assert read(OPTIONS, answer(body, status)) is None


def test_what_was_told_is_what_should_be_held() -> None:
    told = expected(OPTIONS, customer(loyalty=STANDING, purchases=PURCHASES, first_name="Ann"))

    assert (told["loyalty_points"], told["loyalty_tier"], told["lifetime_value"]) == (0, "Silver", 25.0)
    assert (told["favorite_categories"], told["seasonal_buyer"]) == ("Kitchen", False)
    assert "first_name" not in told


def test_what_is_empty_should_not_be_held() -> None:
    purchases = PURCHASES.model_copy(update={"categories": (), "frequency": None, "average": Decimal("0.30")})
    told = expected(replace(OPTIONS, field_mapping=LOYALTY), customer(loyalty=None, purchases=purchases))

    assert "loyalty_points" not in told
    assert "purchase_frequency" not in told
    assert told["average_order_value"] == 0.3
