"""What a connector to Brevo says about the account: limits, headers, probes, images."""

from typing import Any

import pytest

from connectors.connector import Decision


@pytest.mark.parametrize(
    ("options", "windows"),
    [
        ({}, ((10, 1.0), (36_000, 3600.0))),
        ({"plan": "advanced"}, ((20, 1.0), (72_000, 3600.0))),
        ({"plan": "extended"}, ((60, 1.0),)),
        ({"limits_off": True}, ()),
    ],
)
def test_plan_sets_the_budget(brevo: Any, options: Any, windows: object) -> None:
    (budget,) = brevo(**options).budgets

    assert (budget.name, budget.windows) == ("brevo.contacts", windows)


def test_key_goes_into_a_header_of_its_own(brevo: Any) -> None:
    assert brevo().headers()["api-key"] == "xkeysib-secret"


def test_probes_ask_for_the_account_and_a_list(brevo: Any) -> None:
    assert (brevo().probe().path, brevo().list_probe(5).path) == ("/account", "/contacts/lists/5")


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
