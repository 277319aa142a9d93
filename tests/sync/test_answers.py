"""What destinations tell in return is about our customers, and changes their points only while its teller owns them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from worker.engine.events import Event
from worker.engine.subjects import KNOWN_TIME, SubjectRecord
from worker.routes import build_mapper
from worker.settings.reading import read
from worker.sync.answers import NOT_ITS_OWN
from worker.sync.facets import DELETED, EXISTS, unpack
from worker.sync.identity import Identity
from worker.sync.kinds import KINDS
from worker.sync.mapping import TRIGGER, Mapper, Outcome
from worker.sync.news import news

NOW_US = 1_768_910_400_000_000
IDENTITY = Identity(secret=b"s" * 32)
SETTINGS = """\
sources: {{shopify: {{secrets: [a]}}, custom: {{secrets: [b]}}, voucherify: {{secrets: [c]}}, brevo: {{secrets: [d]}}}}
destinations:
  brevo: {{api_key: k}}
  voucherify: {{app_id: a, api_key: k, region: eu}}
skills:
  customer-sync: {{field_mapping: {{email: email, "raw:id": RAW}}}}
  order-sync: {{}}
{skills}
"""
VOUCHERIFY_OWNS = "  loyalty: {balance_owner: voucherify}"
BREVO_OWNS = "  loyalty: {balance_owner: brevo}"
WE_OWN = "  loyalty: {}"
OFF = "  loyalty: {enabled: false, balance_owner: voucherify}"
LOYALTY = {"email": "ada@example.com", "loyalty": {"points": 7}}


@pytest.fixture
def mapper(tmp_path: Path) -> Callable[..., Mapper]:
    def build(skills: str = "") -> Mapper:
        path = tmp_path / "commerce-sync.yaml"
        path.write_text(SETTINGS.format(skills=skills))
        return build_mapper(read(path, {}), IDENTITY)

    return build


def event(source: str, body: Any, topic: str = "") -> Event:
    return Event(
        id="e1", source=source, topic=topic, delivery_id="", received_us=NOW_US, body=json.dumps(body).encode()
    )


def points(customer: str, balance: int = 120) -> Event:
    body = {
        "id": "whs_1",
        "event": {"type": "voucher.loyalty_card.points_added", "created_at": "2026-01-20T11:00:00Z"},
        "data": {"customer": {"source_id": customer}, "balance": {"balance": balance}},
    }
    return event("voucherify", body)


def balance(customer: str) -> Event:
    body = {
        "event_name": "balance_value_updated",
        "event_date": "2026-01-20T11:00:00Z",
        "identifiers": {"ext_id": customer},
        "value": 120,
    }
    return event("brevo", body)


def told(outcome: Outcome) -> dict[str, tuple[str, set[str]]]:
    """Give what goes on each lane: the subject, and the names of its facets."""
    return {push.lane: (push.key, set(unpack(push.item.body)[0])) for push in outcome.pushes}


def test_points_of_their_owner_are_told_to_the_other_destinations(mapper: Any) -> None:
    outcome = mapper(VOUCHERIFY_OWNS).outcome(points("shopify-1001"))

    assert told(outcome) == {"brevo.contacts": ("customer:shopify:1001", {"loyalty.points"})}
    assert outcome.reason == ""


def test_points_of_a_guest_are_the_guests(mapper: Any) -> None:
    guest = IDENTITY.customer("shopify", None, "ada@example.com")
    outcome = mapper(VOUCHERIFY_OWNS).outcome(points(IDENTITY.stable_id(guest)))

    assert {key for key, _ in told(outcome).values()} == {guest}


def test_brevo_may_own_the_balance_too(mapper: Any) -> None:
    outcome = mapper(BREVO_OWNS).outcome(balance("custom-9"))

    assert told(outcome) == {"voucherify.customers": ("customer:custom:9", {"loyalty.points"})}


@pytest.mark.parametrize("skills", ["", OFF, WE_OWN, BREVO_OWNS])
def test_whoever_does_not_own_the_balance_changes_nothing(mapper: Any, skills: str) -> None:
    outcome = mapper(skills).outcome(points("shopify-1001"))

    assert (outcome.pushes, outcome.reason) == ((), "this destination does not own the balance")


@pytest.mark.parametrize(
    "customer", ["4l3x-d03", "1001", "voucherify-1", "brevo-1", "shopify-", "shopify-ada@example.com"]
)
def test_customer_who_is_none_of_ours_is_left_alone(mapper: Any, customer: str) -> None:
    outcome = mapper(VOUCHERIFY_OWNS).outcome(points(customer))

    assert (outcome.pushes, outcome.reason) == ((), "the customer is none of ours")


def test_what_nobody_maps_is_ignored(mapper: Any) -> None:
    outcome = mapper(VOUCHERIFY_OWNS).outcome(event("voucherify", {"type": "customer.updated", "data": {}}))

    assert (outcome.pushes, outcome.reason) == ((), "nobody maps this topic")


def test_manual_trigger_for_a_destination_is_about_a_customer_of_ours(mapper: Any) -> None:
    body = {"event": "customer_updated", "timestamp": "2026-01-20T11:00:00Z", "data": {"id": "shopify-7", **LOYALTY}}
    outcome = mapper(WE_OWN).outcome(event("voucherify", body, topic=TRIGGER))

    assert {key for key, _ in told(outcome).values()} == {"customer:shopify:7"}


def test_answer_does_not_bring_back_who_was_deleted(mapper: Any) -> None:
    outcome = mapper(VOUCHERIFY_OWNS).outcome(points("shopify-1001"))
    facets = [unpack(push.item.body)[0] for push in outcome.pushes]
    gone = (KNOWN_TIME, 1, 90, 1)
    record = SubjectRecord(versions={DELETED: gone, EXISTS: (KNOWN_TIME, 0, 20, 0)})

    assert facets
    assert news(KINDS["customer"], record, facets) is None
    assert news(KINDS["customer"], SubjectRecord(), facets) is not None


@pytest.mark.parametrize("skills", ["", OFF])
def test_shop_may_tell_its_own_points_while_nobody_counts(mapper: Any, skills: str) -> None:
    body = {"event": "customer_updated", "timestamp": "2026-01-20T11:00:00Z", "data": {"id": "7", **LOYALTY}}
    (change,), _ = mapper(skills).changes(event("custom", body))

    assert change.customer.loyalty.points == 7
    assert change.notes == ()


@pytest.mark.parametrize("skills", [WE_OWN, VOUCHERIFY_OWNS])
def test_shop_tells_no_points_that_another_counts(mapper: Any, skills: str) -> None:
    body = {"event": "customer_updated", "timestamp": "2026-01-20T11:00:00Z", "data": {"id": "7", **LOYALTY}}
    outcome = mapper(skills).outcome(event("custom", body))

    assert all(not any(name.startswith("loyalty") for name in names) for _, names in told(outcome).values())
    assert {"brevo.contacts", "voucherify.customers"} <= told(outcome).keys()
    assert outcome.notes == (NOT_ITS_OWN,)


def test_shops_requests_are_nobodys_points(mapper: Any) -> None:
    outcome = mapper(WE_OWN).outcome(event("shopify", {"shop_id": 1, "shop_domain": "a.test"}, topic="shop/redact"))

    assert [push.lane for push in outcome.pushes] == ["requests"]
