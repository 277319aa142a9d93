"""The account: how it is proven, what it may spend, what one upload carries, and what answers mean."""

from dataclasses import replace
from typing import Any

import pytest

from connectors.connector import Budget, Call, Nothing, Way
from connectors.custobar import DESTINATION, CustobarOptions, erasure_call, shop_calls, taken
from connectors.custobar_customers import NOBODY
from connectors.verdicts import Again, BudgetSpent, Delivered, Down, Rejected, RetryLater

REFUSED = {"error": {"reason": "Invalid value for field sale_date"}}


@pytest.mark.parametrize(
    ("auth", "key", "header"),
    [
        ("bearer", "API1", "Bearer API1"),
        ("token", "abc", "Token abc"),
        ("basic", "ada:pass:wörd", "Basic YWRhOnBhc3M6d8O2cmQ="),
    ],
)
def test_key_is_shown_in_one_of_three_ways(custobar: Any, auth: str, key: str, header: str) -> None:
    assert custobar(auth=auth, api_key=key).headers()["authorization"] == header


def test_key_shows_in_no_repr(custobar: Any) -> None:
    assert "API-secret" not in repr(custobar())


def test_lanes_are_of_their_kinds(custobar: Any) -> None:
    assert {lane: spec.kind for lane, spec in DESTINATION.lanes.items()} == {
        "customers": "customer",
        "sales": "order",
        "products": "product",
        "events": "events",
        "loyalty": "loyalty",
    }
    for lane in DESTINATION.lanes:
        one = custobar(lane)
        (way,) = one.ways
        assert (one.name, one.base_url) == ("custobar", "https://app.custobar.com/api")
        assert way == Way(budget="custobar.calls", most=way.most, bulk=True)


def test_all_calls_are_paid_from_one_budget(custobar: Any) -> None:
    assert custobar().budgets == (Budget(name="custobar.calls", windows=((180, 60.0),)),)
    assert custobar(limits={"calls": ((60, 60.0),)}).budgets[0].windows == ((60, 60.0),)
    assert custobar(limits_off=True, limits={"calls": ((60, 60.0),)}).budgets[0].windows == ()


def test_probe_reads_one_customer(custobar: Any, respond_with: Any, lawful_upload: Any) -> None:
    probe = custobar().probe()
    lawful_upload(probe)

    assert (probe.method, probe.path, probe.query, probe.subjects) == ("GET", "/data/customers/", {"limit": "1"}, ())
    assert custobar().judge(probe, respond_with(200, {})) == {}
    assert custobar().allowance(respond_with(200, {})) is None


def many(state: Any, count: int, **fields: Any) -> list[Any]:
    return [state(subject=f"customer:shop:{one}", ext_id=f"shop-{one}", **fields) for one in range(count)]


def test_states_of_a_batch_share_a_call(custobar: Any, state: Any, lawful_upload: Any) -> None:
    nobody = state(subject="customer:shop:x", ext_id=None)
    states = [*many(state, 3), nobody]
    found = custobar().calls(states, bulk=True)
    lawful_upload(found[0])

    assert found[0] is found[1] is found[2]
    assert found[0].subjects == ("customer:shop:0", "customer:shop:1", "customer:shop:2")
    assert [row["external_id"] for row in found[0].body["customers"]] == ["shop-0", "shop-1", "shop-2"]
    assert found[3] == Nothing(reason=NOBODY, keep=True)
    assert custobar().calls(states, bulk=True) == found


def test_without_bulk_each_has_a_list_of_its_own(custobar: Any, state: Any) -> None:
    found = custobar().calls(many(state, 2), bulk=False)

    assert [call.body for call in found] == [
        {"customers": [{"external_id": "shop-0"}]},
        {"customers": [{"external_id": "shop-1"}]},
    ]


def test_rows_of_an_upload_are_bounded(custobar: Any, order_state: Any, line: Any) -> None:
    sizes = [400, 400, 400, 3000, 1]
    states = [
        order_state(subject=f"order:shop:{at}", id=str(at), lines=tuple(line(str(one)) for one in range(size)))
        for at, size in enumerate(sizes)
    ]
    found = custobar("sales").calls(states, bulk=True)

    assert found[0] is found[1]
    calls = {id(call): call for call in found if isinstance(call, Call)}.values()
    assert [len(call.body["sales"]) for call in calls] == [800, 400, 3000, 1]


def test_bytes_of_an_upload_are_bounded(custobar: Any, state: Any) -> None:
    states = many(state, 3, raw={"v": "x" * 900_000})
    found = custobar(field_mapping={"raw:v": "ACME__v"}).calls(states, bulk=True)

    assert found[0] is found[1] is not found[2]


@pytest.mark.parametrize(
    ("status", "body"), [(200, {"run_id": "run_1"}), (201, {"run_id": 7}), (200, {"response": "ok"})]
)
def test_upload_that_was_taken_is_delivered(
    custobar: Any, state: Any, respond_with: Any, status: int, body: Any
) -> None:
    (call, _) = custobar().calls(many(state, 2, email="a@example.com", language="English"), bulk=True)
    note = "language left out: not of two letters"
    delivered = Delivered(known={"exists": True, "email": "a@example.com"}, notes=(note,))

    assert custobar().judge(call, respond_with(status, body)) == dict.fromkeys(call.subjects, delivered)


@pytest.mark.parametrize(
    ("status", "body", "headers", "together", "alone"),
    [
        (
            400,
            REFUSED,
            {},
            Again(reason="http_400"),
            Rejected(reason="http_400", detail="Invalid value for field …"),
        ),
        (200, REFUSED, {}, Again(reason="refused"), Rejected(reason="refused", detail="Invalid value for field …")),
        (
            200,
            {"run_id": "x", "error": "Invalid email"},
            {},
            Again(reason="refused"),
            Rejected(reason="refused", field="email", detail="Invalid email"),
        ),
        (
            422,
            {"error": {"reason": "email: 'ada@example.com' of Ada Lovelace is not valid. +45 20 12 34 56 first_name."}},
            {},
            Again(reason="http_422"),
            Rejected(reason="http_422", field="email", detail="email … of … is not valid first_name"),
        ),
        (413, b"<html>", {}, Again(reason="http_413"), Rejected(reason="http_413")),
        (400, {"error": {"reason": 7}}, {}, Again(reason="http_400"), Rejected(reason="http_400")),
        (400, [], {}, Again(reason="http_400"), Rejected(reason="http_400")),
        (429, {}, {}, BudgetSpent(after=60.0), BudgetSpent(after=60.0)),
        (429, {}, {"retry-after": "7"}, BudgetSpent(after=7.0), BudgetSpent(after=7.0)),
        (401, {}, {}, Down(scope="destination", reason="unauthorized"), None),
        (403, {}, {}, Down(scope="lane", reason="forbidden"), None),
        (404, {}, {}, Down(scope="lane", reason="http_404"), None),
        (405, REFUSED, {}, Down(scope="lane", reason="http_405"), None),
        (503, {}, {}, RetryLater(reason="http_503"), None),
        (0, b"timeout", {}, RetryLater(reason="timeout"), None),
        (200, {}, {}, RetryLater(reason="unexpected_200"), None),
        (200, {"response": "no"}, {}, RetryLater(reason="unexpected_200"), None),
        (202, {"run_id": "x"}, {}, RetryLater(reason="unexpected_202"), None),
        (200, b"<html>", {}, RetryLater(reason="unexpected_200"), None),
    ],
)
def test_answer_has_its_meaning(
    custobar: Any, state: Any, respond_with: Any, status: int, *, body: Any, headers: Any, together: Any, alone: Any
) -> None:
    states = many(state, 2, email="ada@example.com", first_name="Ada")
    answer = respond_with(status, body, headers)
    both, one = custobar().calls(states, bulk=True)[0], custobar().calls(states[:1], bulk=True)[0]

    assert custobar().judge(both, answer) == dict.fromkeys(both.subjects, together)
    assert custobar().judge(one, answer) == {one.subjects[0]: alone or together}


def test_shop_of_the_merchant_keeps_its_name(respond_with: Any) -> None:
    options = CustobarOptions(api_key="x", shops={"shop": "12"})
    (call,) = shop_calls(options, ["shop"])

    assert call.body == {"shops": [{"external_id": "12"}]}
    assert shop_calls(options, []) == []
    assert taken(respond_with(200, {"run_id": "x"}))
    assert not taken(respond_with(403, {}))


def test_erasure_makes_custobar_forget(custobar: Any, state: Any, respond_with: Any, lawful_upload: Any) -> None:
    call = erasure_call(state(deleted=True))
    assert isinstance(call, Call)
    lawful_upload(call)
    known = {"deleted": True, "final": True}

    assert call.body == {"customers": [{"external_id": "shop-7", "is_forgotten": True}]}
    assert custobar().judge(call, respond_with(200, {"run_id": "x"})) == {"customer:shop:7": Delivered(known=known)}
    assert isinstance(custobar().calls([state(email="a@example.com", known=known)], bulk=True)[0], Nothing)
    assert erasure_call(replace(state(), ext_id=None)) == Nothing(reason=NOBODY)
