"""What the sandbox takes and refuses of imports, orders, events, products and attributes."""

from typing import Any

import pytest

from connectors.sandbox.brevo import BrevoSandbox


@pytest.fixture
def account() -> BrevoSandbox:
    return BrevoSandbox()


def test_process_takes_its_time_and_overtakes_nothing_before(account: BrevoSandbox) -> None:
    row = {"email": "ada@example.com", "attributes": {"FIRSTNAME": "Ada", "VIP": True, "LASTNAME": ""}}
    account.answer("POST", ("contacts", "import"), {}, {"jsonBody": [row], "listIds": [1]})

    def status(now: float) -> Any:
        account.now = now
        return account.answer("GET", ("processes", "1"), {}, None)[1]["status"]

    assert [status(0.1), status(1.9)] == ["queued", "processing"]
    assert not account.contacts
    assert status(2.1) == "completed"
    assert account.contacts[1].attributes == {"FIRSTNAME": "Ada"}


def test_rows_of_an_import_follow_the_rules_of_contacts(account: BrevoSandbox) -> None:
    account.answer("POST", ("contacts",), {}, {"email": "a@example.com", "attributes": {"SMS": "+4520123456"}})
    rows = [
        {"email": "a@example.com", "attributes": {"X": 1}},
        {"email": "b@example.com", "attributes": {"SMS": "+4520123456"}},
        {"email": "c@example.com"},
        {"attributes": {"X": 1}},
    ]
    body = {"jsonBody": rows, "listIds": [1], "updateExistingContacts": False}
    account.answer("POST", ("contacts", "import"), {}, body)
    account.now = 3.0
    _, told = account.answer("GET", ("processes", "1"), {}, None)

    assert told["info"]["import"] == {"invalid_emails": [""], "duplicate_phone_id": ["b@example.com"]}
    assert [contact.email for contact in account.contacts.values()] == ["a@example.com", "c@example.com"]
    assert account.contacts[1].attributes == {}


ORDER = {
    "id": "1",
    "createdAt": "2026-11-20T12:00:00Z",
    "updatedAt": "2026-11-20T12:00:00Z",
    "status": "paid",
    "amount": 1.5,
    "products": [{"productId": "P", "price": 1, "quantity": 1}],
}
EVENT = {"event_name": "x", "identifiers": {"email_id": "a@example.com"}}
PRODUCT = {"id": "P", "name": "x"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("orders/status", None),
        ("orders/status", ORDER | {"id": ""}),
        ("orders/status", ORDER | {"createdAt": "yesterday"}),
        ("orders/status", ORDER | {"amount": "1.5"}),
        ("orders/status", ORDER | {"products": None}),
        ("orders/status", ORDER | {"products": [{"productId": "P", "price": 1, "quantity": 0.5}]}),
        ("orders/status", ORDER | {"products": [{"productId": "P", "price": 1}]}),
        ("orders/status", ORDER | {"identifiers": {"contact_id": 3}}),
        ("orders/status", ORDER | {"metaInfo": {"net": 1.5}}),
        ("orders/status", ORDER | {"metaInfo": []}),
        ("orders/status/batch", {"orders": []}),
        ("orders/status/batch", {"orders": [ORDER] * 1001}),
        ("orders/status/batch", {"orders": [ORDER, {}]}),
        ("ecommerce/orders", {"id": "1", "status": "Shipped"}),
        ("ecommerce/orders", {"id": "1", "revenue": 1, "products": []}),
        ("events", EVENT | {"identifiers": {}}),
        ("events", EVENT | {"event_date": "now"}),
        ("events", EVENT | {"event_properties": {"amount": 1.5}}),
        ("events", EVENT | {"event_properties": {"x": "x" * 50_000}}),
        ("events/batch", [EVENT]),
        ("products", {"id": "P"}),
        ("products", PRODUCT | {"price": "1"}),
        ("products", PRODUCT | {"metaInfo": {"x": 1.5}}),
        ("products/batch", {"products": [PRODUCT, PRODUCT]}),
        ("contacts/import", {}),
        ("contacts/import", {"jsonBody": [{"email": "a@example.com"}]}),
        ("contacts/import", {"jsonBody": [{"email": "a@example.com"}], "listIds": [11]}),
        ("contacts/import", {"jsonBody": [3], "listIds": [1]}),
        ("contacts/attributes/normal/X", {"type": "shoe"}),
        ("contacts/attributes/category/X", {"type": "text"}),
        ("contacts/attributes/normal/FIRSTNAME", {"type": "text"}),
        ("contacts/attributes/normal/X", {"type": "multiple-choice"}),
    ],
)
def test_bad_body_is_refused_whole(account: BrevoSandbox, path: str, body: Any) -> None:
    status, said = account.answer("POST", tuple(path.split("/")), {}, body)

    assert status == 400
    assert said["code"] in {"invalid_parameter", "missing_parameter", "out_of_range"}
    assert account.control("GET", "state", {}) == (200, {"contacts": [], "orders": [], "events": [], "products": []})


def test_product_that_exists_is_updated_where_that_is_allowed(account: BrevoSandbox) -> None:
    answers = [
        account.answer("POST", ("products",), {}, PRODUCT | more)[0] for more in ({}, {}, {"updateEnabled": True})
    ]

    assert answers == [201, 400, 204]


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "/contacts", "contacts"),
        ("POST", "/contacts/import", "contacts"),
        ("GET", "/contacts/attributes", "contacts"),
        ("POST", "/events", "events"),
        ("GET", "/events", "other"),
        ("POST", "/events/batch", "other"),
        ("POST", "/orders/status", "orders"),
        ("POST", "/ecommerce/orders", "orders"),
        ("POST", "/orders/status/batch", "other"),
        ("POST", "/products", "products"),
        ("POST", "/products/batch", "other"),
        ("GET", "/processes/1", "other"),
        ("GET", "/account", "other"),
    ],
)
def test_call_falls_under_the_class_it_is_paid_from(account: BrevoSandbox, method: str, path: str, name: str) -> None:
    assert account.budget(method, path) == name
    assert name in account.limits


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "contacts/attributes/normal/NONE", {"multiCategoryOptions": ["a"]}, 404),
        ("PUT", "contacts/attributes/normal/FIRSTNAME", {"multiCategoryOptions": ["a"]}, 400),
        ("DELETE", "contacts/attributes/normal/FIRSTNAME", None, 405),
        ("GET", "processes/7", None, 404),
        ("GET", "processes/x", None, 404),
        ("GET", "orders/status", None, 404),
    ],
)
def test_what_is_not_there_says_so(account: BrevoSandbox, method: str, path: str, body: Any, status: int) -> None:
    assert account.answer(method, tuple(path.split("/")), {}, body)[0] == status


def test_creation_takes_nobody_off_a_list(account: BrevoSandbox) -> None:
    account.answer("POST", ("contacts",), {}, {"email": "a@example.com", "listIds": [2]})
    body = {"email": "a@example.com", "listIds": [3], "unlinkListIds": [2], "updateEnabled": True}

    assert account.answer("POST", ("contacts",), {}, body) == (204, None)
    assert account.contacts[1].lists == [2, 3]


def test_boolean_attributes_take_booleans(account: BrevoSandbox) -> None:
    account.attributes.set(["X"])
    account.answer("POST", ("contacts", "attributes", "normal", "VIP"), {}, {"type": "boolean"})
    account.answer("POST", ("contacts", "attributes", "normal", "NOTE"), {}, {"type": "text"})
    body = {"email": "a@example.com", "attributes": {"VIP": True, "NOTE": 3}}
    account.answer("POST", ("contacts",), {}, body)

    assert account.contacts[1].attributes == {"VIP": True}
    assert account.known_attributes == {"X", "VIP", "NOTE"}
    account.attributes.set(None)
    assert account.known_attributes is None
