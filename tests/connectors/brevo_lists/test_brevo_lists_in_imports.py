"""Imports put all contacts on the same lists: who changes lists does not ride in one."""

from collections.abc import Callable
from typing import Any

import pytest

from connectors.connector import Decision
from tests.connectors.brevo_lists.samples import KNOWN, standing


@pytest.fixture
def rides(account: Any, state: Any) -> Callable[..., bool]:
    """Say whether a customer rides in an import of a hundred others."""

    def say(**change: Any) -> bool:
        options = change.pop("options", {})
        granted = {"email": Decision(granted=True, time=None)}
        others = [
            state(
                subject=f"customer:shop:{one}",
                first_name="A",
                known=KNOWN | {"email": f"{one}@example.com"},
                consents=granted,
            )
            for one in range(100)
        ]
        one = state(**{"subject": "customer:shop:x", "consents": granted, **change})
        connector = account(import_list_id=8, unknown_consent="vendor_default", **options)
        call = connector.calls([*others, one], bulk=True)[-1]
        return bool(call.path == "/contacts/import")

    return say


def test_only_who_stays_on_the_same_lists_rides_in_an_import(rides: Any) -> None:
    on_two = {**KNOWN, "lists": [2]}

    assert rides(loyalty=standing(2, points=11), known=on_two)
    assert not rides(loyalty=standing(3), known=on_two)
    assert not rides(loyalty=standing(), known=on_two)
    assert not rides(loyalty=standing(2), known=KNOWN)
    assert not rides(loyalty=standing(), known=KNOWN), "it has to be read first"
    assert rides(first_name="Ada", known=KNOWN)
    assert rides(loyalty=standing(3), known=on_two, options={"loyalty_lists": ()})


def test_new_contact_with_a_standing_goes_alone(rides: Any) -> None:
    assert not rides(email="new@example.com", loyalty=standing(), consents={})
    assert rides(email="new@example.com", first_name="Ada", consents={})


def test_import_into_the_list_of_a_tier_is_none(rides: Any, account: Any) -> None:
    assert not rides(first_name="Ada", known=KNOWN, options={"loyalty_lists": (2, 8)})
    assert len(account(import_list_id=2).ways) == 1
    assert len(account(import_list_id=9).ways) == 2
