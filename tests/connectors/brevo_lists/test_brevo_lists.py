"""Contact lists by tier: joined and left with it, once, and never against a person's own leaving."""

from dataclasses import replace
from typing import Any

from connectors.brevo import DESTINATION, BrevoOptions
from connectors.connector import Decision
from mappings.records import ABSENT
from tests.connectors.brevo_lists.samples import KNOWN, standing


def test_new_contact_joins_the_list_of_its_tier_besides_the_mailed_one(told: Any, vendor: Any) -> None:
    talk, known = told({"email": "ada@example.com", "loyalty": standing(2)})

    assert talk.bodies[0]["listIds"] == [5, 2]
    assert vendor.lists == [5, 2]
    assert known["lists"] == [2]


def test_contact_changes_lists_with_its_tier(told: Any, vendor: Any) -> None:
    talk, known = told({"email": "ada@example.com", "loyalty": standing(1, 2)}, {"loyalty": standing(3, points=0)})

    assert talk.lines == ["PUT /contacts/shop-7?identifierType=ext_id"]
    assert talk.bodies == [{"attributes": {"LOYALTY_POINTS": 0}, "listIds": [3], "unlinkListIds": [1, 2]}]
    assert vendor.lists == [5, 3]
    assert known["lists"] == [3]


def test_contact_that_left_a_list_is_not_brought_back_by_more_points(told: Any, vendor: Any) -> None:
    _, known = told({"email": "ada@example.com", "loyalty": standing(2)})
    vendor.lists.remove(2)
    vendor.lists.remove(5)
    talk, known = told({"loyalty": standing(2, points=99)}, known=known)

    assert talk.bodies == [{"attributes": {"LOYALTY_POINTS": 99}}]
    assert vendor.lists == []
    assert known["lists"] == [2]


def test_contact_that_left_a_list_is_read_and_joins_that_of_the_next_tier(told: Any, vendor: Any) -> None:
    _, known = told({"email": "ada@example.com", "loyalty": standing(2)})
    vendor.lists.remove(2)
    talk, known = told({"loyalty": standing(3)}, known=known)

    assert [line.split("/")[0] for line in talk.lines] == ["PUT ", "GET ", "PUT "]
    assert talk.bodies[2] == {"attributes": {"LOYALTY_POINTS": 10}, "listIds": [3]}
    assert talk.end.faults == ()
    assert vendor.lists == [5, 3]
    assert known["lists"] == [3]


def test_contact_that_is_read_for_another_reason_is_not_brought_back_either(told: Any, vendor: Any) -> None:
    _, known = told({"email": "ada@example.com", "loyalty": standing(2)})
    vendor.lists.remove(2)
    talk, known = told({"email": "bea@example.com", "loyalty": standing(2)}, known=known)

    assert talk.lines[0].startswith("GET ")
    assert vendor.lists == [5]
    assert known["lists"] == [2]


def test_contact_from_before_loyalty_is_read_once_and_taken_off_the_other_lists(told: Any, vendor: Any) -> None:
    _, known = told({"email": "ada@example.com"}, loyalty_lists=())
    vendor.lists.extend([4, 9])
    assert "lists" not in known
    first, known = told({"loyalty": standing(2)}, known=known)
    second, known = told({"loyalty": standing(3)}, known=known)

    assert [len(first.lines), len(second.lines)] == [2, 1]
    assert first.bodies[1] == {"attributes": {"LOYALTY_POINTS": 10}, "listIds": [2], "unlinkListIds": [4]}
    assert vendor.lists == [5, 9, 3]


def test_contact_that_was_there_joins_and_leaves_what_it_must(told: Any, vendor: Any) -> None:
    vendor.brevo.answer("POST", ("contacts",), {}, {"email": "ada@example.com", "listIds": [2, 4]})
    talk, known = told({"email": "ada@example.com", "loyalty": standing(2, 3)})

    assert (talk.bodies[2]["listIds"], talk.bodies[2]["unlinkListIds"]) == ([5, 3], [4])
    assert vendor.lists == [2, 5, 3]
    assert known["lists"] == [2, 3]


def test_mailed_list_is_none_of_loyaltys(told: Any, vendor: Any) -> None:
    _, known = told({"email": "ada@example.com", "loyalty": standing(2)}, list_id=2)
    assert vendor.lists == [2]
    assert known["lists"] == []
    vendor.lists.clear()
    joining, known = told({"loyalty": standing(2, points=11)}, known=known, list_id=2)
    vendor.lists.append(2)
    leaving, known = told({"loyalty": standing(3)}, known={**known, "lists": [2]}, list_id=2)

    assert "listIds" not in joining.bodies[0]
    assert leaving.bodies[0] == {"attributes": {"LOYALTY_POINTS": 10}, "listIds": [3]}
    assert vendor.lists == [2, 3]


def test_account_that_ended_leaves_its_lists(told: Any, vendor: Any) -> None:
    talk, known = told({"email": "ada@example.com", "loyalty": standing(2)}, {"loyalty": None})

    assert talk.bodies == [{"attributes": {"LOYALTY_POINTS": ""}, "unlinkListIds": [2]}]
    assert (vendor.lists, known["lists"]) == ([5], [])


def test_account_that_ended_after_its_contact_left_the_list_needs_no_leaving(told: Any, vendor: Any) -> None:
    _, known = told({"email": "ada@example.com", "loyalty": standing(2)})
    vendor.lists.remove(2)
    talk, known = told({"loyalty": None}, known=known)

    assert talk.bodies == [
        {"attributes": {"LOYALTY_POINTS": ""}, "unlinkListIds": [2]},
        None,
        {"attributes": {"LOYALTY_POINTS": ""}},
    ]
    assert (vendor.lists, known["lists"]) == ([5], [])


def test_worker_that_died_before_the_answer_changes_the_lists_once(
    told: Any, vendor: Any, account: Any, state: Any
) -> None:
    _, known = told({"email": "ada@example.com", "loyalty": standing(2)})
    (unanswered,) = account().calls([state(loyalty=standing(3), known=known)], bulk=False)
    vendor(unanswered)
    talk, known = told({"loyalty": standing(3)}, known=known)

    assert talk.end.faults == ()
    assert (vendor.lists, known["lists"]) == ([5, 3], [3])


def test_lists_of_which_nothing_is_said_stay(told: Any, vendor: Any) -> None:
    silent = standing(points=7).model_copy(update={"lists": ABSENT})
    talk, known = told({"email": "ada@example.com", "loyalty": standing(2)}, {"loyalty": silent}, {"first_name": "A"})

    assert talk.bodies == [{"attributes": {"FIRSTNAME": "A"}}]
    assert (vendor.lists, known["lists"]) == ([5, 2], [2])


def test_lists_are_remembered_while_loyalty_is_off(told: Any) -> None:
    _, known = told({"email": "ada@example.com", "loyalty": standing(2)})
    talk, known = told({"loyalty": standing(3)}, known=known, loyalty_lists=())

    assert talk.bodies == [{"attributes": {"LOYALTY_POINTS": 10}}]
    assert known["lists"] == [2]


def test_contact_made_anew_belongs_where_the_old_one_did(told: Any, vendor: Any) -> None:
    _, known = told({"email": "ada@example.com", "loyalty": standing(2)})
    vendor.brevo.answer("DELETE", ("contacts", "ada@example.com"), {}, None)
    talk, known = told({"first_name": "Ada"}, known=known)

    assert talk.bodies[1]["listIds"] == [5, 2]
    assert (vendor.lists, known["lists"]) == ([5, 2], [2])


def test_change_of_address_leaves_a_list_once(told: Any, vendor: Any, ago: Any) -> None:
    _, known = told({"email": "ada@example.com", "loyalty": standing(2), "denials": {"email": ago(days=1)}})
    talk, known = told(
        {
            "email": "bea@example.com",
            "loyalty": standing(3),
            "consents": {"email": Decision(granted=False, time=ago(days=1))},
        },
        known=known,
    )

    assert [body.get("unlinkListIds") for body in talk.bodies if body] == [[2], None]
    assert (vendor.lists, known["lists"]) == ([5, 3], [3])


def test_image_holds_the_lists_whatever_was_told_before(account: Any, state: Any) -> None:
    change = state(loyalty=standing(3, 2, 9))

    assert account().image(change)["lists"] == [2, 3]
    assert account().image(change) == account().image(replace(change, known={**KNOWN, "lists": [4]}))
    assert account().image(state(loyalty=None))["lists"] == []
    assert "lists" not in account(loyalty_lists=()).image(change)
    assert "lists" not in account().image(state(first_name="Ada"))


def test_standing_is_needed_where_there_are_lists() -> None:
    assert "loyalty" in DESTINATION.needs(BrevoOptions(api_key="k", loyalty_lists=(2,)))  # type: ignore[operator]
    assert "loyalty" not in DESTINATION.needs(BrevoOptions(api_key="k"))  # type: ignore[operator]
