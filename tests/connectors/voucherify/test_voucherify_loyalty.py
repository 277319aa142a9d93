"""Loyalty at Voucherify: events, the standing of orders, who sent the buyer, and what is read back."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from connectors.attributes import LOYALTY_FIELDS
from connectors.connector import Holder, Nothing
from connectors.sandbox.voucherify import VoucherifySandbox
from connectors.sections import VoucherifySection
from connectors.verdicts import Delivered, Rejected, RetryLater
from connectors.voucherify import DESTINATION
from connectors.voucherify_events import NOBODY, OLD_NEWS, UNREFERRED
from connectors.voucherify_loyalty import expected, read, reading
from connectors.voucherify_points import card_reading, read_card
from mappings.records import ABSENT
from tests.contracts.loyalty_states import LOYALTY, NOW, ORDER_LOYALTY, PURCHASES, loyalty_state, points_state

MAPPING = {name: name for name in LOYALTY_FIELDS}
REFERRED = ORDER_LOYALTY.model_copy(update={"referral_code": "REF-8", "referred_by": "shop-8"})


def only(records: Any) -> Any:
    (record,) = records.by_id.values()
    return record


def make_section(**said: Any) -> VoucherifySection:
    return VoucherifySection.model_validate({"app_id": "app", "api_key": "key", **said})


def test_fields_of_loyalty_are_keys_of_the_metadata() -> None:
    assert MAPPING == DESTINATION.loyalty_fields(make_section())


def test_settings_of_loyalty_reach_the_options() -> None:
    said = make_section(loyaltyCampaign="camp_1", referrals=True).options()
    silent = make_section().options()

    assert ("camp_1", True) == (said["loyalty_campaign"], said["referrals"])
    assert ("loyalty_campaign" in silent, silent["referrals"]) == (False, False)


def test_each_kind_of_event_is_told(loyalty: Any, converse: Any, ask: Any, project: VoucherifySandbox) -> None:
    told = [loyalty_state(1), loyalty_state(2, kind="tier_changed", points=0, order=None)]

    assert [Delivered(), Delivered()] == [converse(loyalty(), one, ask).end for one in told]
    assert [("loyalty_points_awarded", "shop-e1"), ("loyalty_tier_changed", "shop-e2")] == [
        (one["event"], one["metadata"]["event_id"]) for one in project.events
    ]


def test_event_of_nobody_or_of_long_ago_is_not_told(loyalty: Any) -> None:
    nobody = loyalty_state(customer=Holder(ext_id=None, stable_id=None, known={}))
    old = loyalty_state(time=NOW - timedelta(days=7, seconds=1))

    assert [Nothing(reason=NOBODY), Nothing(reason=OLD_NEWS)] == loyalty().calls([nobody, old], bulk=True)


def test_event_that_nobody_defined_is_named(loyalty: Any, converse: Any, ask: Any, project: VoucherifySandbox) -> None:
    project.defined = frozenset()
    end = converse(loyalty(), loyalty_state(), ask).end

    assert isinstance(end, Rejected)
    assert ("event_not_defined", "loyalty_points_awarded") == (end.reason, end.field)


def test_image_of_an_event_does_not_age(loyalty: Any) -> None:
    images = [loyalty().image(loyalty_state(number, now=NOW)) for number in (1, 2)]

    assert images[0] != images[1]
    assert images[0] == loyalty().image(loyalty_state(1, now=NOW + timedelta(days=1)))


def test_order_names_who_sent_the_buyer(
    orders: Any, order_state: Any, converse: Any, ask: Any, project: VoucherifySandbox
) -> None:
    assert isinstance(converse(orders(), order_state(loyalty=REFERRED), ask).end, Delivered)
    order = only(project.orders)

    assert "shop-8" == project.customers.found(order["referrer_id"])["source_id"]
    assert (25, "Silver", True) == tuple(
        order["metadata"][name] for name in ("points_earned", "tier_after", "tier_upgraded")
    )


def test_nobody_sends_themselves(orders: Any, order_state: Any) -> None:
    own = ORDER_LOYALTY.model_copy(update={"referred_by": "shop-7"})
    (call,) = orders().calls([order_state(loyalty=own)], bulk=False)

    assert "referrer" not in call.body


def test_discount_is_in_the_smallest_unit_of_the_orders_currency(orders: Any, order_state: Any, price: Any) -> None:
    def discount(amount: Any, total: Any) -> Any:
        loyal = ORDER_LOYALTY.model_copy(update={"coupon_discount": amount})
        (call,) = orders().calls([order_state(loyalty=loyal, total=total)], bulk=False)
        return call.body["metadata"]["loyalty_discount_amount"]

    assert 550 == discount(Decimal("5.50"), price("10"))
    assert 500 == discount(Decimal(500), price("1000", "JPY"))
    assert discount(None, price("10")) is None
    assert discount(Decimal(5), ABSENT) is None


@pytest.mark.parametrize(
    ("milestone", "options", "told", "code"),
    [
        ("created", {"referrals": True}, REFERRED, "REF-8"),
        ("paid", {"referrals": True}, REFERRED, "REF-8"),
        ("shipped", {"referrals": True}, REFERRED, None),
        ("paid", {}, REFERRED, None),
        ("paid", {"referrals": True}, ORDER_LOYALTY, None),
        ("paid", {"referrals": True}, ABSENT, None),
        ("paid", {"referrals": True}, None, None),
    ],
)
def test_code_is_told_with_what_a_campaign_may_count(
    events: Any, order_state: Any, lawful: Any, *, milestone: str, options: Any, told: Any, code: Any
) -> None:
    (call,) = events(**options).calls([order_state(loyalty=told, milestones=[(milestone, None)])], bulk=False)
    lawful(call)

    assert code == call.body.get("referral", {}).get("code")


def test_refused_code_takes_nothing_from_the_event(
    events: Any, order_state: Any, converse: Any, respond_with: Any
) -> None:
    def answer(call: Any) -> Any:
        refused = (404, {"key": "not_found", "details": "Cannot find voucher with id REF-8"})
        return respond_with(*refused) if "referral" in call.body else respond_with(200, {})

    state = order_state(loyalty=REFERRED, milestones=[("created", None), ("paid", None)])
    talk = converse(events(referrals=True), state, answer)

    assert [("order_created", True), ("order_created", False), ("order_paid", False)] == [
        (call.body["event"], "referral" in call.body) for call in talk.calls
    ]
    assert Delivered(notes=(UNREFERRED,)) == talk.end


def test_event_with_a_code_that_is_not_answered_is_told_again_with_it(
    events: Any, order_state: Any, converse: Any, respond_with: Any
) -> None:
    state = order_state(loyalty=REFERRED, milestones=[("paid", None)])
    talk = converse(events(referrals=True), state, lambda _: respond_with(503))

    assert RetryLater(reason="http_503") == talk.end
    assert 1 == len(talk.calls)


def test_what_was_told_is_what_is_read(customers: Any, state: Any, converse: Any, ask: Any, lawful: Any) -> None:
    connector = customers(field_mapping={"note": "note", **MAPPING})
    one = state(loyalty=LOYALTY.model_copy(update={"tier": None}), purchases=PURCHASES, note="x")
    converse(connector, one, ask)
    call = reading("shop-7")
    lawful(call)
    held = read(connector.options, ask(call))

    assert held == expected(connector.options, one)
    assert held is not None
    assert (0, 25.0, False) == tuple(held[name] for name in ("loyalty_points", "lifetime_value", "seasonal_buyer"))
    assert not {"note", "loyalty_tier"} & set(held)
    assert {} == read(connector.options, ask(reading("nobody")))


def test_balance_of_a_card_is_read(points: Any, converse: Any, ask: Any, lawful: Any) -> None:
    connector = points(loyalty_campaign="Loyalty")
    call = card_reading(connector.options, "shop-7")
    lawful(call)

    assert {} == read_card(ask(call))
    converse(connector, points_state(), ask)
    assert {"code": "CARD-000001", "balance": 25} == read_card(ask(call))


@pytest.mark.parametrize(
    ("status", "body", "held", "card"),
    [
        (200, {"metadata": None}, {}, None),
        (200, {"metadata": {"loyalty_points": 1, "x": 2}}, {"loyalty_points": 1}, None),
        (200, {"vouchers": [7, {"code": "C"}]}, {}, {"code": "C", "balance": None}),
        (404, {"key": "not_found"}, {}, None),
        (404, {"resource_type": "customer"}, {}, {}),
        (404, None, None, None),
        (500, {"metadata": {"loyalty_points": 1}}, None, None),
        (200, [], None, None),
    ],
)
def test_what_cannot_be_read_is_no_answer(
    customers: Any, respond_with: Any, *, status: int, body: Any, held: Any, card: Any
) -> None:
    options = customers(field_mapping=MAPPING).options

    assert held == read(options, respond_with(status, body))
    assert card == read_card(respond_with(status, body))
