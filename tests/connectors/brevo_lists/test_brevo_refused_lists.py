"""Lists that Brevo refuses: the rest is written all the same, what was left out is told and tried again."""

from typing import Any

import pytest

from connectors.verdicts import Delivered
from tests.connectors.brevo_lists.samples import CONTACT, KNOWN, NOT_ON_IT, standing


def test_list_that_brevo_does_not_know_is_left_out_and_told(told: Any, vendor: Any) -> None:
    lists = (2, 77)
    _, known = told({"email": "ada@example.com", "loyalty": standing(2)}, loyalty_lists=lists)
    talk, after = told({"loyalty": standing(77)}, known=known, loyalty_lists=lists)
    again, _ = told({"loyalty": standing(77, points=1)}, known=after, loyalty_lists=lists)

    assert [body.get("listIds") for body in talk.bodies] == [[77], None]
    assert [body["unlinkListIds"] for body in talk.bodies] == [[2], [2]]
    assert talk.end.faults == ("list 77 was refused by Brevo",)
    assert (vendor.lists, after["lists"]) == ([5], [])
    assert again.bodies[0]["listIds"] == [77], "a person may have made it meanwhile"


def test_list_that_brevo_does_not_name_is_one_of_loyaltys_first(account: Any, state: Any, answered: Any) -> None:
    new = state(email="ada@example.com", loyalty=standing(2))
    refused = (400, {"code": "invalid_parameter", "message": "Invalid list"})
    once = answered(account(), new, [refused, (201, {"id": 9})])
    twice = answered(account(), new, [refused, refused, (201, {"id": 9})])

    assert [body.get("listIds") for body in once.bodies] == [[5, 2], [5]]
    assert once.end.faults == ("list 2 was refused by Brevo",)
    assert once.end.known["lists"] == []
    assert [body.get("listIds") for body in twice.bodies] == [[5, 2], [5], None]
    assert twice.end.faults == ("list 5 was refused by Brevo", "list 2 was refused by Brevo")


def test_mailed_list_that_is_named_is_the_one_left_out(account: Any, state: Any, answered: Any) -> None:
    new = state(email="ada@example.com", loyalty=standing(2))
    refused = (400, {"code": "invalid_parameter", "message": "Invalid list", "details": {"listIds": [5]}})
    talk = answered(account(), new, [refused, (201, {"id": 9})])

    assert talk.bodies[1]["listIds"] == [2]
    assert talk.end.faults == ("list 5 was refused by Brevo",)


def test_leaving_that_is_refused_after_a_read_is_tried_with_the_next_change(
    account: Any, state: Any, answered: Any
) -> None:
    change = state(loyalty=standing(3), known={**KNOWN, "lists": [2]})
    talk = answered(account(), change, [(400, NOT_ON_IT), (200, CONTACT), (400, NOT_ON_IT), (204, None)])

    assert [body and (body.get("listIds"), body.get("unlinkListIds")) for body in talk.bodies] == [
        ([3], [2]),
        None,
        ([3], [2]),
        (None, None),
    ]
    assert talk.end.faults == ("list 2 was refused by Brevo", "list 3 was refused by Brevo")
    assert talk.end.known["lists"] == [2]


def test_contact_that_vanished_between_refusal_and_read_is_made_anew(account: Any, state: Any, answered: Any) -> None:
    change = state(loyalty=standing(3), known={**KNOWN, "lists": [2]})
    talk = answered(account(), change, [(400, NOT_ON_IT), (404, {}), (201, {"id": 10})])

    assert talk.bodies[2]["listIds"] == [5, 3]
    assert talk.end.known["lists"] == [3]


@pytest.mark.parametrize("lists", [7, ["2"]])
def test_contact_with_unreadable_lists_is_no_contact(
    account: Any, state: Any, respond_with: Any, answered: Any, lists: Any
) -> None:
    change = state(loyalty=standing(3), known=KNOWN)
    talk = answered(account(), change, [(200, {**CONTACT, "listIds": lists})])

    assert talk.end.reason == "malformed_read"


def test_deleted_customer_leaves_all_lists(account: Any, state: Any, answered: Any) -> None:
    gone = state(deleted=True, known={**KNOWN, "lists": [2]})
    at_once = answered(account(), gone, [(204, None)])
    not_on_tier = answered(account(), gone, [(400, NOT_ON_IT), (204, None)])
    on_none = answered(account(), gone, [(400, NOT_ON_IT), (400, NOT_ON_IT), (204, None)])
    named = answered(account(), gone, [(400, {"message": "list 5 does not exist"}), (204, None)])
    unmailed = answered(account(list_id=None), gone, [(204, None)])

    assert [body.get("unlinkListIds") for body in at_once.bodies] == [[5, 2]]
    assert [body.get("unlinkListIds") for body in not_on_tier.bodies] == [[5, 2], [5]]
    assert [body.get("unlinkListIds") for body in on_none.bodies] == [[5, 2], [5], None]
    assert [body.get("unlinkListIds") for body in named.bodies] == [[5, 2], [2]]
    assert [body.get("unlinkListIds") for body in unmailed.bodies] == [[2]]
    assert on_none.end == Delivered(known={"deleted": True, **_blocks(gone)})


def _blocks(state: Any) -> dict[str, Any]:
    now = state.now.isoformat()
    return {"blocked_at": now, "sms_blocked_at": now, "contact_id": 9}
