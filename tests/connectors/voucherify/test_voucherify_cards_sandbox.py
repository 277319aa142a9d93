"""The cards of the sandboxed project: one per customer, refusals as documented, and nothing that is idempotent."""

from typing import Any

import pytest

from connectors.sandbox import voucherify_cards
from connectors.sandbox.voucherify import VoucherifySandbox
from connectors.sandbox.voucherify_cards import CAMPAIGNS

MEMBERS = "/v1/loyalties/Loyalty/members"


def ask(project: VoucherifySandbox, method: str, path: str, body: Any = None, **query: str) -> Any:
    return project.answer(method, tuple(path.split("/")[1:]), query, body)


def joined(project: VoucherifySandbox, source_id: str = "7") -> str:
    status, card = ask(project, "POST", MEMBERS, {"customer": {"source_id": source_id}})
    assert 200 == status
    return str(card["code"])


def test_member_has_one_card(project: VoucherifySandbox) -> None:
    code = joined(project)
    status, refusal = ask(project, "POST", MEMBERS, {"customer": {"source_id": "7"}})

    assert (400, "customer_already_joined") == (status, refusal["key"])
    listed = [ask(project, "GET", MEMBERS, customer=who)[1]["vouchers"] for who in ("7", "8")]
    assert [[code], []] == [[card["code"] for card in cards] for cards in listed]
    assert code == ask(project, "GET", f"/v1/loyalties/members/{code}")[1]["code"]


def test_members_are_listed_from_either_end(project: VoucherifySandbox) -> None:
    codes = [joined(project, who) for who in ("7", "8", "9")]

    def listed(**query: str) -> list[str]:
        return [card["code"] for card in ask(project, "GET", MEMBERS, **query)[1]["vouchers"]]

    assert codes[::-1] == listed()
    assert codes[:2] == listed(order="created_at", limit="2")


def test_same_movement_twice_counts_twice(project: VoucherifySandbox) -> None:
    code = joined(project)
    for points in (10, 10, -5):
        body = {"points": points, "source_id": "e1", "reason": "e1: order"}
        status, balance = ask(project, "POST", f"{MEMBERS}/{code}/balance", body)

    assert (200, -5, 15, 20) == (status, balance["points"], balance["balance"], balance["total"])
    page = ask(project, "GET", f"/v1/loyalties/members/{code}/transactions", limit="2", order="-id")[1]
    assert ["POINTS_REMOVAL", "POINTS_ADDITION"] == [one["type"] for one in page["data"]]
    assert {"e1"} == {one["source_id"] for one in page["data"]}
    rest = ask(
        project,
        "GET",
        f"/v1/loyalties/members/{code}/transactions",
        starting_after_id=page["more_starting_after"],
    )[1]
    assert (1, False) == (len(rest["data"]), rest["has_more"])
    oldest = ask(project, "GET", f"/v1/loyalties/members/{code}/transactions", order="id")[1]["data"]
    assert oldest[0] == rest["data"][0]


@pytest.mark.parametrize(
    ("method", "path", "body", "key"),
    [
        ("POST", "/v1/loyalties/Gone/members", {"customer": {"source_id": "7"}}, "not_found"),
        ("GET", "/v1/loyalties/Gone/members", None, "not_found"),
        ("POST", "/v1/loyalties/Gone/members/CARD-000001/balance", {"points": 1}, "not_found"),
        ("POST", f"{MEMBERS}/NONE/balance", {"points": 1}, "not_found"),
        ("GET", "/v1/loyalties/members/NONE", None, "not_found"),
        ("GET", "/v1/loyalties/members/NONE/transactions", None, "not_found"),
        ("DELETE", MEMBERS, None, "not_found"),
        ("POST", MEMBERS, {}, "invalid_payload"),
        ("POST", f"{MEMBERS}/CARD-000001/balance", {"points": "1"}, "invalid_payload"),
        ("POST", f"{MEMBERS}/CARD-000001/balance", {"points": True}, "invalid_payload"),
        ("POST", f"{MEMBERS}/CARD-000001/balance", {"points": -1}, "loyalty_card_points_exceeded"),
    ],
)
def test_wrong_call_is_refused(project: VoucherifySandbox, method: str, path: str, body: Any, key: str) -> None:
    joined(project)
    status, refusal = ask(project, method, path, body)

    assert (404 if key == "not_found" else 400, key) == (status, refusal["key"])


def test_campaigns_are_set_by_tests_and_forgotten(project: VoucherifySandbox) -> None:
    assert (204, None) == project.control("POST", "campaigns", {"names": ["Gold Club"]})
    assert 200 == ask(project, "GET", "/v1/loyalties/camp_gold club/members")[0]
    assert 404 == ask(project, "GET", MEMBERS)[0]
    project.reset()
    assert CAMPAIGNS == project.cards.campaigns


def test_cards_are_shown_with_what_moved_them(project: VoucherifySandbox) -> None:
    code = joined(project)
    ask(project, "POST", f"{MEMBERS}/{code}/balance", {"points": 3})
    answer = project.control("GET", "cards", {})

    assert answer is not None
    (card,) = answer[1]
    assert (3, 1) == (card["loyalty_card"]["balance"], len(card["transactions"]))


def test_project_has_room_for_so_many(project: VoucherifySandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    code = joined(project)
    monkeypatch.setattr(voucherify_cards, "MOST_CARDS", 1)
    monkeypatch.setattr(voucherify_cards, "MOST_TRANSACTIONS", 0)

    refused = ask(project, "POST", MEMBERS, {"customer": {"source_id": "8"}})[1]
    assert "no_voucher_suitable_for_publication" == refused["key"]
    assert 400 == ask(project, "POST", f"{MEMBERS}/{code}/balance", {"points": 1})[0]


def test_referral_of_an_event_needs_a_code(project: VoucherifySandbox) -> None:
    event = {"event": "order_paid", "customer": {"source_id": "7"}}

    assert 400 == ask(project, "POST", "/v1/events", {**event, "referral": {"referrer_id": "x"}})[0]
    assert "A" == ask(project, "POST", "/v1/events", {**event, "referral": {"code": "A"}})[1]["referral"]["code"]
