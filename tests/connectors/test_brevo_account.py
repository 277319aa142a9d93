"""What a connector to Brevo says about the account: limits, headers, probes, images."""

from typing import Any

import pytest

from connectors.brevo import DESTINATION
from connectors.brevo_ecommerce import BrevoEcommerceOrders
from connectors.brevo_options import BrevoOptions
from connectors.brevo_orders import BrevoOrders
from connectors.connector import Decision, Response
from connectors.destination import LaneSpec

GENERAL = {
    "brevo.contacts": ((10, 1.0), (36_000, 3600.0)),
    "brevo.events": ((10, 1.0), (36_000, 3600.0)),
    "brevo.orders": ((5, 1.0), (18_000, 3600.0)),
    "brevo.products": ((2, 1.0), (7_200, 3600.0)),
    "brevo.other": ((100, 3600.0),),
}


@pytest.mark.parametrize(
    ("options", "other"),
    [
        ({}, {}),
        (
            {"plan": "advanced"},
            {
                "brevo.contacts": ((20, 1.0), (72_000, 3600.0)),
                "brevo.events": ((20, 1.0),),
                "brevo.other": ((200, 3600.0),),
            },
        ),
        (
            {"plan": "extended"},
            {"brevo.contacts": ((60, 1.0),), "brevo.events": ((60, 1.0),), "brevo.other": ((200, 3600.0),)},
        ),
        ({"limits": {"orders": ((1, 2.0),)}}, {"brevo.orders": ((1, 2.0),)}),
        ({"limits_off": True, "limits": {"orders": ((1, 2.0),)}}, dict.fromkeys(GENERAL, ())),
    ],
)
def test_plan_sets_the_budgets_by_class(brevo: Any, options: Any, other: Any) -> None:
    assert GENERAL | other == {budget.name: budget.windows for budget in brevo(**options).budgets}


@pytest.mark.parametrize("lane", DESTINATION.lanes.values())
def test_lanes_of_an_account_share_its_address_key_and_budgets(brevo: Any, lane: LaneSpec) -> None:
    contacts = brevo(base_url="https://other.example.com", import_list_id=7)
    one = lane.connector(contacts.options)

    assert (contacts.name, contacts.base_url, contacts.budgets) == (one.name, one.base_url, one.budgets)
    assert (contacts.headers(), contacts.probe()) == (one.headers(), one.probe())
    assert {way.budget for way in one.ways} <= {budget.name for budget in one.budgets}
    assert [way.bulk for way in one.ways] == [False, True]
    assert one.judge(one.probe(), Response(status=200, headers={}, body=b"{}")) == {}


def test_contacts_are_imported_where_there_is_a_list(brevo: Any) -> None:
    assert len(brevo(list_id=None).ways) == len(brevo(list_id=7).ways) == 1
    assert len(brevo(list_id=7, unknown_consent="vendor_default").ways) == 2
    assert len(brevo(list_id=None, import_list_id=7).ways) == 2


def test_orders_have_a_dialect(brevo: Any) -> None:
    orders = DESTINATION.lanes["orders"].connector

    assert isinstance(orders(brevo().options), BrevoOrders)
    dialect = orders(brevo(orders_api="ecommerce").options)
    assert isinstance(dialect, BrevoEcommerceOrders)
    assert [(way.budget, way.most) for way in dialect.ways] == [("brevo.orders", 1), ("brevo.orders", 100)]


def test_key_goes_into_a_header_of_its_own(brevo: Any) -> None:
    assert brevo().headers()["api-key"] == "xkeysib-secret"


def test_probes_ask_for_the_account_and_a_list(brevo: Any) -> None:
    probes = [brevo().probe(), brevo().list_probe(5)]

    assert [("/account", "brevo.other"), ("/contacts/lists/5", "brevo.contacts")] == [
        (probe.path, probe.budget) for probe in probes
    ]


def test_allowance_is_read_from_brevos_headers(brevo: Any, respond_with: Any) -> None:
    headers = {"x-sib-ratelimit-remaining": "3", "x-sib-ratelimit-reset": "1"}

    assert brevo().allowance(respond_with(204, None, headers)) == (3, 1.0)
    assert brevo().allowance(respond_with(204)) is None


def test_image_holds_what_brevo_should_hold(brevo: Any, state: Any, ago: Any) -> None:
    given = state(email="ada@example.com", first_name=None, grants={"email": ago(days=1)}, denials={"sms": None})

    assert brevo().image(given) == {
        "ext_id": "shop-7",
        "attributes": {"FIRSTNAME": None, "EMAIL": "ada@example.com"},
        "consents": {"email": ["granted", ago(days=1).isoformat()], "sms": ["denied", None]},
        "list": 5,
    }
    assert "EMAIL" not in brevo().image(state(first_name="Ada"))["attributes"]


def test_image_of_a_deletion_tells_how(brevo: Any, state: Any) -> None:
    assert brevo().image(state(deleted=True)) == {"ext_id": "shop-7", "deleted": "soft", "list": 5}


def test_renewed_grant_is_another_image(brevo: Any, state: Any, ago: Any) -> None:
    images = [brevo().image(state(grants={"email": ago(days=days)})) for days in (1, 2)]

    assert images[0] != images[1]


def test_decisions_that_are_not_pending_are_no_part_of_the_image(brevo: Any, state: Any, ago: Any) -> None:
    decided = {"email": Decision(granted=True, time=ago(days=1))}

    assert brevo().image(state(first_name="Ada", consents=decided))["consents"] == {}


def test_only_the_fields_that_are_mapped_are_news() -> None:
    options = BrevoOptions(api_key="k", field_mapping={"email": "email", "totalSpent": "SPENT", "raw:vip": "VIP"})

    assert DESTINATION.needs(options) == {"email", "phone", "total_spent"}
