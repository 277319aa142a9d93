"""`preview`: what a worker would do, without a store and without a call."""

from collections.abc import Callable
from typing import Any

import pytest

from worker.commands.failures import CommandError
from worker.commands.payloads import read_payload
from worker.loyalty.booking import Bookkeeper
from worker.sync.mapping import UnmappableError

CUSTOMER = {
    "id": 7,
    "email": "ann@example.com",
    "first_name": "Änn",
    "note": None,
    "total_spent": "12.50",
    "tags": "vip, new",
    "updated_at": "2026-05-01T10:00:00Z",
    "email_marketing_consent": {"state": "subscribed", "consent_updated_at": "2026-05-01T10:00:00Z"},
}


def test_changes_and_calls_are_shown_as_json(house: Any, cli: Callable[..., Any]) -> None:
    done = cli("preview", "shopify", "customers/create", house.file(CUSTOMER), "--json")

    assert (done.code, done.err) == (0, "")
    seen = done.json
    assert seen.keys() == {"changes", "calls", "ignored"}
    assert seen["ignored"] is None
    (change,) = seen["changes"]
    assert (change["id"], change["deleted"], change["time"]) == ("7", False, "2026-05-01 10:00:00+00:00")
    assert change["customer"] == {
        "email": "ann@example.com",
        "first_name": "Änn",
        "note": None,
        "tags": ["vip", "new"],
        "total_spent": "12.50",
        "email_consent": {"decision": "granted", "time": "2026-05-01 10:00:00+00:00", "origin": "shopify"},
    }
    (call,) = seen["calls"]
    assert (call["destination"], call["method"], call["path"]) == ("brevo", "POST", "/contacts")
    assert call["body"]["email"] == "ann@example.com"
    assert call["body"]["ext_id"] == "shopify-7"
    assert call["body"]["attributes"]["FIRSTNAME"] == "Änn"


def test_the_path_of_a_call_holds_its_query(house: Any, cli: Callable[..., Any]) -> None:
    (call,) = cli("preview", "shopify", "customers/delete", house.file({"id": 7}), "--json").json["calls"]

    assert call["path"] == "/contacts/shopify-7?identifierType=ext_id"
    assert call["method"] == "PUT"


def test_a_person_gets_tables(house: Any, cli: Callable[..., Any]) -> None:
    done = cli("preview", "outlet", "customers/create", house.file(CUSTOMER))

    assert done.code == 0
    for part in ("ann@example.com", "POST /contacts", "outlet-7", "brevo", "granted"):
        assert part in done.out
    assert "\x1b" not in done.out


def test_a_payload_cannot_steer_the_terminal(house: Any, cli: Callable[..., Any]) -> None:
    done = cli("preview", "shopify", "customers/create", house.file({**CUSTOMER, "first_name": "\x1b[2J[red]\x9b2J"}))

    assert done.code == 0
    assert "\x1b" not in done.out
    assert "\x9b" not in done.out
    assert "[red]" in done.out


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({**CUSTOMER, "email": 5}, "$.email: expected text, got"),
        ({**CUSTOMER, "id": None}, "$.id: expected"),
        ([], "$"),
        (b'{"id": 7', "not JSON"),
        (b'{"id": NaN}', "a value that JSON does not have"),
        (b"[" * 70 + b"]" * 70, "nested deeper"),
        (b"\xff", "not UTF-8"),
        (b"", "not JSON"),
    ],
)
def test_what_cannot_be_mapped_is_told_with_its_path(
    house: Any, cli: Callable[..., Any], payload: Any, said: str
) -> None:
    done = cli("preview", "shopify", "customers/create", house.file(payload), "--json")

    assert (done.code, done.out) == (1, "")
    assert said in done.err
    assert "ann@" not in done.err


def test_a_topic_that_nobody_maps_is_ignored_with_the_reason(house: Any, cli: Callable[..., Any]) -> None:
    done = cli("preview", "shopify", "carts/create", house.file(CUSTOMER), "--json")

    assert done.code == 0
    assert done.json == {"changes": [], "calls": [], "ignored": "nobody maps this topic"}
    assert "nobody maps `carts/create`" in done.err


def test_a_person_is_told_why_nothing_happens(house: Any, cli: Callable[..., Any]) -> None:
    done = cli("preview", "shopify", "carts/create", house.file(CUSTOMER))

    assert (done.code, done.out) == (0, "ignored: nobody maps this topic\n")


def test_a_file_that_is_too_large_is_refused(
    house: Any, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.commands.payloads.LARGEST", 10)

    done = cli("preview", "shopify", "customers/create", house.file(CUSTOMER))

    assert done.code == 1
    assert "larger than" in done.err


def test_a_file_that_went_away_is_told_in_a_sentence(bare: Any) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        read_payload(bare.folder / "gone.json")


def test_a_source_that_no_skill_takes_is_ignored_with_the_reason(house: Any, cli: Callable[..., Any]) -> None:
    house.configure(
        "sources: {shopify: {secrets: [a]}, outlet: {platform: shopify}}\ndestinations: {brevo: {api_key: k}}\n"
        "skills: {customer-sync: {source: shopify}}\n"
    )

    seen = cli("preview", "outlet", "customers/create", house.file(CUSTOMER), "--json").json

    assert len(seen["changes"]) == 1
    assert (seen["calls"], seen["ignored"]) == ([], "no skill takes this")


def test_a_customer_without_identifiers_at_the_destination_is_told(house: Any, cli: Callable[..., Any]) -> None:
    seen = cli("preview", "shopify", "customers/create", house.file({"id": 7, "first_name": "A"}), "--json").json

    assert (seen["calls"], seen["ignored"]) == ([], "no e-mail or phone")


def test_custom_events_are_mapped_by_what_the_body_says(house: Any, cli: Callable[..., Any]) -> None:
    body = {"event": "customer_created", "timestamp": "2026-05-01T10:00:00Z", "data": {"email": "ann@example.com"}}

    done = cli("preview", "custom", "customer_deleted", house.file(body), "--json")

    assert done.json["calls"][0]["method"] == "POST"
    assert "`customer_created`" in done.err


def test_an_unknown_source_is_told_with_those_there_are(house: Any, cli: Callable[..., Any]) -> None:
    done = cli("preview", "nowhere", "customers/create", house.file(CUSTOMER))

    assert (done.code, done.out) == (1, "")
    assert "shopify, outlet, woocommerce, custom" in done.err


def test_nothing_is_left_behind(house: Any, cli: Callable[..., Any]) -> None:
    cli("preview", "shopify", "customers/create", house.file(CUSTOMER))

    assert sorted(path.name for path in house.folder.iterdir()) == ["commerce-sync.yaml", "payload.json"]


CLUB = """\
sources: {shopify: {secrets: ["s"]}}
destinations: {brevo: {api_key: k}, voucherify: {app_id: a, api_key: k}}
skills:
  customer-sync: {}
  order-sync: {options: {events: false}}
  loyalty: {rules: {bonuses: {first_purchase: 20}}}
"""
ORDER = {
    "id": 5,
    "created_at": "2026-05-01T10:00:00Z",
    "updated_at": "2026-05-01T10:00:00Z",
    "currency": "EUR",
    "financial_status": "paid",
    "total_price": "64.70",
    "customer": {"id": 7, "email": "ann@example.com"},
    "line_items": [],
}


def test_points_are_those_of_a_first_order(house: Any, cli: Callable[..., Any]) -> None:
    house.configure(CLUB)
    calls = cli("preview", "shopify", "orders/create", house.file(ORDER), "--json").json["calls"]

    by_path = {(call["destination"], call["path"]): call["body"] for call in calls}
    assert by_path["brevo", "/contacts"]["attributes"]["LOYALTY_POINTS"] == 85
    assert by_path["voucherify", "/v1/customers"]["metadata"]["loyalty_points"] == 85
    order = by_path["voucherify", "/v1/orders"]["metadata"]
    assert (order["points_earned"], order["first_purchase_bonus"]) == (65, 20)


def test_order_that_cannot_be_booked_is_told(
    house: Any, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    house.configure(CLUB)
    monkeypatch.setattr(Bookkeeper, "book", lambda *_: [UnmappableError("loyalty", "$.account", "no account")])
    done = cli("preview", "shopify", "orders/create", house.file(ORDER), "--json")

    assert (done.code, done.out) == (1, "")
    assert "$.account: no account" in done.err
