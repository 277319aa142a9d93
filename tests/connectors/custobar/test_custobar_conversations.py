"""Whole deliveries to the sandbox, over HTTP."""

from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest

from connectors.custobar import shop_calls, taken
from connectors.sandbox.control import Fault, Sandbox
from connectors.sandbox.custobar import CustobarSandbox
from connectors.verdicts import Again, BudgetSpent, Delivered, Down, Rejected, RetryLater
from mappings.records import Refund

LISTS = ("newsletter",)


@pytest.fixture
def deliver(upload: Any, custobar: Any) -> Callable[..., Any]:
    """Deliver one customer and give the verdict."""
    return lambda state, **options: upload(custobar(mailing_lists=LISTS, **options), state)[state.subject]


def only(vendor: CustobarSandbox) -> Any:
    (customer,) = vendor.customers
    return customer


def test_new_customer_may_not_be_mailed(deliver: Any, state: Any, vendor: CustobarSandbox) -> None:
    verdict = deliver(state(email="Ada@example.com", first_name="Ada", phone="+4520123456"))

    assert verdict == Delivered(known={"exists": True, "email": "Ada@example.com"})
    assert only(vendor) == {
        "external_id": "shop-7",
        "email": "Ada@example.com",
        "first_name": "Ada",
        "phone_number": "+4520123456",
        **dict.fromkeys(("can_email", "can_sms", "can_post", "can_profile", "can_push"), False),
    }


def test_granted_customer_joins_the_lists_and_leaves_them(
    deliver: Any, state: Any, vendor: CustobarSandbox, ago: Any
) -> None:
    vendor.answer("POST", ("customers", "upload", ""), {}, [{"external_id": "shop-7", "mailing_lists": ["own"]}])
    known = deliver(state(email="a@example.com", grants={"email": ago(days=1)})).known
    joined = dict(only(vendor))
    deliver(state(denials={"email": ago(hours=1)}, known=known))

    assert (joined["can_email"], joined["can_sms"], joined["mailing_lists"]) == (True, False, ["own", "newsletter"])
    assert (only(vendor)["can_email"], only(vendor)["mailing_lists"]) == (False, ["own"])


def test_permission_of_custobars_own_outlives_what_is_no_decision(
    deliver: Any, state: Any, vendor: CustobarSandbox
) -> None:
    known = deliver(state(email="a@example.com")).known
    only(vendor)["can_email"] = True
    deliver(state(first_name="Ada", known=known))

    assert only(vendor)["can_email"] is True


def test_every_field_arrives_and_is_cleared(deliver: Any, state: Any, vendor: CustobarSandbox) -> None:
    mapping = {"raw:vip": "ACME__vip", "totalOrders": "ACME__orders"}
    sent = state(email="a@example.com", first_name="Ada", total_orders=0, tags=("x", "y"), raw={"vip": False})
    known = deliver(sent, field_mapping=mapping).known
    full = dict(only(vendor))
    cleared = state(email=None, first_name="", total_orders=None, tags=(), raw={"vip": None}, known=known)
    deliver(cleared, field_mapping=mapping)

    assert {name: full[name] for name in ("first_name", "ACME__vip", "ACME__orders", "tags")} == {
        "first_name": "Ada",
        "ACME__vip": False,
        "ACME__orders": 0,
        "tags": ["x", "y"],
    }
    assert not {"email", "first_name", "ACME__vip", "ACME__orders", "tags"} & set(only(vendor))


def test_tags_come_and_go(deliver: Any, state: Any, vendor: CustobarSandbox) -> None:
    known = deliver(state(tags=("a", "b"))).known
    known = deliver(state(tags_added=("c",), known=known)).known
    deliver(state(tags_removed=("a",), known=known))

    assert only(vendor)["tags"] == ["b", "c"]


def test_soft_deletion_withdraws_and_leaves(deliver: Any, state: Any, vendor: CustobarSandbox, ago: Any) -> None:
    known = deliver(state(email="a@example.com", grants={"email": ago(days=1), "sms": ago(days=1)})).known
    deliver(state(deleted=True, known=known))

    assert not any(only(vendor).get(name) for name in ("can_email", "can_sms", "mailing_lists", "is_deleted"))


def test_hard_deletion_is_final(deliver: Any, state: Any, vendor: CustobarSandbox, ago: Any) -> None:
    known = deliver(state(email="a@example.com")).known
    deliver(state(deleted=True, known=known), delete_behavior="hard")
    deliver(state(email="a@example.com", grants={"email": ago(days=1)}))

    assert only(vendor)["is_deleted"] is True
    assert only(vendor)["can_email"] is False


@pytest.mark.parametrize("ext_id", ["my_shop-7", "gid://shopify/Customer/7", "é"])
def test_id_outside_the_alphabet_finds_its_record_again(
    deliver: Any, state: Any, vendor: CustobarSandbox, ext_id: str
) -> None:
    known = deliver(state(email="a@example.com", ext_id=ext_id)).known
    deliver(state(first_name="Ada", ext_id=ext_id, known=known))

    assert only(vendor)["first_name"] == "Ada"
    assert vendor.invalid == []


def test_deleted_guest_spares_the_customer_with_the_same_email(
    deliver: Any, state: Any, vendor: CustobarSandbox
) -> None:
    deliver(state(email="a@example.com", first_name="Ada"))
    known = deliver(state(email="a@example.com", first_name=None, ext_id=None, shared=True)).known
    deliver(state(ext_id=None, deleted=True, shared=True, known=known), delete_behavior="hard")

    assert only(vendor)["first_name"] == "Ada"
    assert "is_deleted" not in only(vendor)


@pytest.mark.parametrize("auth", ["bearer", "token", "basic"])
def test_every_way_to_prove_the_key_works(
    deliver: Any, state: Any, custobar_app: Sandbox, auth: str, vendor: CustobarSandbox
) -> None:
    custobar_app.key = "ada:password"

    assert isinstance(deliver(state(), auth=auth, api_key="ada:password"), Delivered)
    assert deliver(state(), auth=auth, api_key="ada:wrong") == Down(scope="destination", reason="unauthorized")
    assert len(vendor.customers) == 1


def test_lost_answer_is_asked_for_again_without_harm(
    deliver: Any, state: Any, custobar_app: Sandbox, vendor: CustobarSandbox
) -> None:
    custobar_app.faults.append(Fault(reset=True, applied=True))

    assert deliver(state(email="a@example.com")) == RetryLater(reason="connection")
    assert isinstance(deliver(state(email="a@example.com")), Delivered)
    assert len(vendor.customers) == 1


def test_call_too_many_waits_a_minute(deliver: Any, state: Any, vendor: CustobarSandbox, custobar_app: Sandbox) -> None:
    custobar_app.limits["calls"].windows = ((1, 60.0),)

    assert isinstance(deliver(state()), Delivered)
    assert deliver(state()) == BudgetSpent(after=60.0)


def test_refused_upload_is_halved_until_the_bad_one_is_alone(
    upload: Any, custobar: Any, state: Any, custobar_app: Sandbox, vendor: CustobarSandbox
) -> None:
    refusal = {"error": {"reason": "Invalid value for field email: bad@example.com"}}
    custobar_app.faults.append(Fault(status=400, body=refusal, times=None, email="bad@example.com"))
    states = [
        state(subject=f"customer:shop:{at}", ext_id=f"shop-{at}", email=f"{'bad' if at == 5 else at}@example.com")
        for at in range(8)
    ]
    ended: dict[str, Any] = {}
    waiting = [states]
    while waiting:
        batch = waiting.pop()
        found = upload(custobar(), *batch)
        if any(isinstance(verdict, Again) for verdict in found.values()):
            waiting += [batch[: len(batch) // 2], batch[len(batch) // 2 :]]
        else:
            ended |= found

    assert ended.pop("customer:shop:5") == Rejected(
        reason="http_400", field="email", detail="Invalid value for field email …"
    )
    assert all(isinstance(verdict, Delivered) for verdict in ended.values())
    assert len(vendor.customers) == len(ended) == 7


def test_sale_is_one_of_all_its_rows(
    upload: Any, custobar: Any, state: Any, order_state: Any, *, line: Any, vendor: CustobarSandbox
) -> None:
    upload(custobar(), state(email="a@example.com"))
    upload(custobar("sales"), order_state(lines=(line("1"), line("2"))), order_state(subject="order:shop:2", id="2"))

    assert list(vendor.sales) == ["shop-1001", "2"]
    assert list(vendor.sales["shop-1001"]["rows"]) == ["shop-1001-1", "shop-1001-2"]
    assert vendor.sales["shop-1001"]["customer_there"] is True


def test_life_of_an_order_ends_the_same_in_whatever_order_it_is_told(
    custobar: Any, order_state: Any, vendor: CustobarSandbox, price: Any, ago: Any
) -> None:
    def tell(lane: str, state: Any) -> None:
        (call,) = custobar(lane).calls([state], bulk=True)
        assert vendor.answer(call.method, tuple(call.path[1:].split("/")), {}, call.body)[0] == 200

    def refund(number: str) -> Refund:
        return Refund(id=number, time=None, amount=price("5"), reason=None, lines=())

    news: dict[str, dict[str, Any]] = {
        "created": {"total": price("10"), "created_at": ago(days=3)},
        "paid": {"payment": "paid"},
        "shipped": {"shipping_status": "shipped"},
        "partially_refunded": {"refunds": (refund("1"), refund("2"))},
        "cancelled": {"cancelled_at": ago(days=1)},
    }
    ends = []
    for order in permutations(news):
        vendor.reset()
        said: dict[str, Any] = {}
        for milestone in (*order, order[-1]):
            said |= news[milestone]
            tell("sales", order_state(**said))
        for milestone in order:
            tell("events", order_state(**said, milestones={milestone: ago(hours=1)}))
        ends.append((vendor.sales, sorted(event["type"] for event in vendor.events)))

    assert all(end == ends[0] for end in ends)
    assert ends[0][0]["shop-1001"]["sale_state"] == "CANCELED"
    assert len(ends[0][1]) == len(news)


def test_line_taken_out_of_an_order_counts_nothing(
    upload: Any, custobar: Any, order_state: Any, line: Any, vendor: CustobarSandbox
) -> None:
    connector, both = custobar("sales"), order_state(lines=(line("1"), line("2")))
    known = upload(connector, both)[both.subject].known
    upload(connector, order_state(lines=(line("2"),), known=known))

    rows = vendor.sales["shop-1001"]["rows"]
    assert [row["total"] for row in rows.values()] == [0, 1000]


def test_products_and_shops_arrive(
    upload: Any, custobar: Any, product_state: Any, price: Any, *, ask_custobar: Any, vendor: CustobarSandbox
) -> None:
    connector = custobar("products")
    upload(connector, product_state(name="Shirt", price=price("12.50"), categories=("Shirts",)))
    answers = [ask_custobar(connector, call) for call in shop_calls(connector.options, ["shop"])]

    assert vendor.products == {
        "P1": {"external_id": "P1", "price": 1250, "title": "Shirt", "category": ["Shirts"]},
    }
    assert [taken(answer) for answer in answers] == [True]
    assert vendor.shops == {"shop": {"external_id": "shop", "name": "shop", "shop_type": "online"}}


def test_probe_is_answered(custobar: Any, ask_custobar: Any) -> None:
    assert ask_custobar(custobar(), custobar().probe()).json() == {"customers": [], "next_url": None}
