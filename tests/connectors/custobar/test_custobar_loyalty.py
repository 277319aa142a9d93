"""Loyalty at Custobar: fields of the company's own, events, and what is read back."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.attributes import LOYALTY_FIELDS
from connectors.connector import Holder, Nothing
from connectors.custobar import DESTINATION, CustobarOptions
from connectors.custobar_events import NOBODY, OLD_NEWS
from connectors.custobar_loyalty import expected, read, reading
from connectors.sandbox.control import Fault, Sandbox
from connectors.sandbox.custobar import CustobarSandbox
from connectors.sections import CustobarSection
from connectors.verdicts import Delivered, RetryLater
from mappings.records import ABSENT
from tests.contracts.loyalty_states import LOYALTY, NOW, ORDER_LOYALTY, PURCHASES, loyalty_state

MAPPING = {name: f"ACME__{name}" for name in LOYALTY_FIELDS}
NOTHING = Holder(ext_id=None, stable_id="shop-guest", known={})


def make_section(host: str = "acme.custobar.com", **said: Any) -> CustobarSection:
    return CustobarSection.model_validate({"api_key": "k", "base_url": f"https://{host}/api", **said})


@pytest.mark.parametrize(
    ("host", "company", "name"),
    [
        ("acme.custobar.com", None, "ACME"),
        ("ACME2.custobar.com", None, "ACME2"),
        ("acme.custobar.com", "Other_1", "Other_1"),
        ("app.custobar.com", "ACME", "ACME"),
        ("app.custobar.com", None, None),
        ("my-shop.custobar.com", None, None),
        ("custobar.example.com", None, None),
        ("acme.custobar.com.example.com", None, None),
    ],
)
def test_company_is_the_one_named_or_that_of_the_host(host: str, company: Any, name: Any) -> None:
    section = make_section(host, **({"company": company} if company else {}))

    assert section.short_name == name
    assert section.options()["company"] == name
    fields = DESTINATION.loyalty_fields(section)
    assert fields == ({} if name is None else {field: f"{name}__{field}" for field in LOYALTY_FIELDS})


@pytest.mark.parametrize("company", ["", "A__B", "_A", "A_", "Ä", "A-B", "A" * 51, "A\n"])
def test_company_that_could_be_no_prefix_is_refused(company: str) -> None:
    with pytest.raises(ValidationError):
        make_section(company=company)


def test_five_states_of_loyalty_stay_apart(custobar: Any, row: Any, state: Any) -> None:
    def points(loyalty: Any) -> Any:
        sent = row(custobar(field_mapping=MAPPING), state(loyalty=loyalty))
        return sent.get("ACME__loyalty_points", ABSENT)

    seen = [points(LOYALTY.model_copy(update={"points": value})) for value in (7, 0, None, ABSENT)]
    assert seen == [7, 0, "", ABSENT]
    assert [points(None), points(ABSENT)] == ["", ABSENT]


def test_amounts_are_cents_and_lists_are_lists_whatever_they_are_called(custobar: Any, row: Any, state: Any) -> None:
    mapping = {"lifetimeValue": "ACME__ltv", "favoriteCategories": "ACME__likes", "averageOrderValue": "ACME__mean"}
    mapping |= {"tags": "ACME__tags", "seasonalBuyer": "ACME__seasonal"}
    purchases = PURCHASES.model_copy(update={"average": None})
    sent = row(custobar(field_mapping=mapping), state(purchases=purchases, tags=("a", "b")))

    assert {name: sent[name] for name in mapping.values()} == {
        "ACME__ltv": 2500,
        "ACME__likes": ["Kitchen"],
        "ACME__mean": "",
        "ACME__tags": "a,b",
        "ACME__seasonal": False,
    }


def test_order_tells_no_points_without_a_company(custobar: Any, row: Any, order_state: Any) -> None:
    sent = row(custobar("sales"), order_state(loyalty=ORDER_LOYALTY))

    assert not [name for name in sent if "__" in name]


def test_order_without_a_programme_tells_no_points(custobar: Any, row: Any, order_state: Any) -> None:
    assert not [name for name in row(custobar("sales", company="ACME"), order_state()) if "__" in name]


def test_line_taken_out_of_an_order_earns_nothing(custobar: Any, only_call: Any, order_state: Any, line: Any) -> None:
    earning = ORDER_LOYALTY.model_copy(update={"lines": ()})
    state = order_state(lines=(line("2"),), loyalty=earning, known={"lines": ["1", "2"]})
    rows = only_call(custobar("sales", company="ACME"), state).body["sales"]

    assert [(one["external_id"], one["ACME__line_points"]) for one in rows] == [("shop-1001-2", 0), ("shop-1001-1", 0)]


def test_event_of_nobody_or_of_long_ago_is_not_told(custobar: Any, reason: Any) -> None:
    old = loyalty_state(time=NOW - timedelta(days=7, seconds=1))

    assert reason(custobar("loyalty"), loyalty_state(customer=NOTHING)) == Nothing(reason=NOBODY)
    assert reason(custobar("loyalty"), old) == Nothing(reason=OLD_NEWS)


def test_event_of_a_guest_names_the_best_that_is_known(custobar: Any, row: Any) -> None:
    by_phone = loyalty_state(customer=replace(NOTHING, known={"phone": "+4520123456"}))
    by_email = loyalty_state(customer=replace(NOTHING, known={"phone": "+4520123456", "email": "ada@example.com"}))

    assert row(custobar("loyalty"), by_phone)["phone_number"] == "+4520123456"
    sent = row(custobar("loyalty"), by_email)
    assert (sent["email"], "phone_number" in sent) == ("ada@example.com", False)


def test_each_kind_of_event_arrives(custobar: Any, upload: Any, vendor: CustobarSandbox) -> None:
    states = [loyalty_state(1), loyalty_state(2, kind="tier_changed", points=0)]
    ended = upload(custobar("loyalty"), *states)

    assert all(one == Delivered() for one in ended.values())
    assert [(one["type"], one["event_id"]) for one in vendor.events] == [
        ("LOYALTY_POINTS_AWARDED", "shop-e1"),
        ("LOYALTY_TIER_CHANGED", "shop-e2"),
    ]


def test_event_that_comes_twice_can_be_told_by_its_id(
    custobar: Any, upload: Any, custobar_app: Sandbox, vendor: CustobarSandbox
) -> None:
    custobar_app.faults.append(Fault(reset=True, applied=True))
    state = loyalty_state()

    assert upload(custobar("loyalty"), state)[state.subject] == RetryLater(reason="connection")
    assert upload(custobar("loyalty"), state)[state.subject] == Delivered()
    assert [one["event_id"] for one in vendor.events] == ["shop-e7", "shop-e7"]


def test_image_of_an_event_does_not_age(custobar: Any) -> None:
    connector = custobar("loyalty")

    assert connector.image(loyalty_state()) == connector.image(loyalty_state(now=NOW + timedelta(days=1)))
    assert connector.image(loyalty_state(1)) != connector.image(loyalty_state(2))


def test_what_was_told_is_what_is_read(
    custobar: Any, state: Any, upload: Any, ask_custobar: Any, *, lawful_upload: Any
) -> None:
    connector = custobar(field_mapping={"note": "ACME__note", **MAPPING})
    one = state(ext_id="my_shop-7", loyalty=LOYALTY, purchases=PURCHASES, note="x")
    upload(connector, one)
    call = reading("my_shop-7")
    lawful_upload(call)
    held = read(connector.options, ask_custobar(connector, call))

    assert held == expected(connector.options, one.customer)
    assert held is not None
    assert {name: held[name] for name in ("loyalty_points", "lifetime_value", "seasonal_buyer")} == {
        "loyalty_points": 0,
        "lifetime_value": 2500,
        "seasonal_buyer": False,
    }
    assert "note" not in held
    assert read(connector.options, ask_custobar(connector, reading("nobody"))) == {}


def test_nothing_is_expected_of_what_is_empty(state: Any) -> None:
    options = CustobarOptions(api_key="x", field_mapping={"loyaltyTier": "ACME__tier", "loyaltyPoints": "ACME__points"})
    customer = state(loyalty=LOYALTY.model_copy(update={"tier": None, "points": 5})).customer

    assert expected(options, customer) == {"loyalty_points": 5}
    assert expected(options, state().customer) == {}


@pytest.mark.parametrize(
    ("status", "body", "held"),
    [
        (200, {"customers": []}, {}),
        (200, {"customers": ["x"]}, {}),
        (200, {"customers": {}}, None),
        (200, {}, None),
        (200, [], None),
        (200, None, None),
        (500, {"customers": []}, None),
        (401, {"error": {"reason": "no"}}, None),
    ],
)
def test_what_cannot_be_read_is_no_answer(respond_with: Any, status: int, body: Any, held: Any) -> None:
    options = CustobarOptions(api_key="x", field_mapping=MAPPING)

    assert read(options, respond_with(status, body)) == held
