"""The sandbox: what Custobar's documentation says of uploads, and what nobody is told of."""

from typing import Any

import pytest

from connectors.sandbox.custobar import CustobarSandbox
from connectors.sandbox.registry import SANDBOXES
from connectors.sandbox.vendor import Limit

ID = {"external_id": "7"}


def put(vendor: CustobarSandbox, table: str, *rows: Any) -> Any:
    return vendor.answer("POST", (table, "upload", ""), {}, {table: list(rows)})


def read(vendor: CustobarSandbox, **query: str) -> Any:
    return vendor.answer("GET", ("data", "customers", ""), query, None)[1]["customers"]


def test_sandbox_is_registered() -> None:
    assert isinstance(SANDBOXES["custobar"](), CustobarSandbox)


@pytest.mark.parametrize("body", [[ID], {"customers": [ID]}])
def test_upload_is_a_list_wrapped_or_not(vendor: CustobarSandbox, body: Any) -> None:
    assert vendor.answer("POST", ("customers", "upload", ""), {}, body) == (200, {"run_id": "run_1"})
    assert read(vendor, external_id="7")[0]["external_id"] == "7"


@pytest.mark.parametrize(
    ("table", "body", "reason"),
    [
        ("customers", None, "Expected a list of customers"),
        ("customers", {"sales": []}, "Expected a list of customers"),
        ("customers", ["x"], "Expected an object"),
        ("customers", [{"date_joined": "soon"}], "Invalid value for field date_joined"),
        ("sales", [{"external_id": "1"}], "Missing value for field sale_external_id"),
        ("sales", [{"sale_external_id": "1", "external_id": ""}], "Missing value for field external_id"),
        (
            "sales",
            [{"sale_external_id": "1", "external_id": "1", "sale_total": 1.5}],
            "Invalid value for field sale_total",
        ),
        ("products", [{"external_id": "1"}], "Missing value for field price"),
        ("products", [{"external_id": "1", "price": "12"}], "Invalid value for field price"),
        ("events", [{"type": "X", "date": 7}], "Invalid value for field date"),
        ("shops", [{"name": "x"}], "Missing value for field external_id"),
    ],
)
def test_upload_that_is_visibly_wrong_is_refused_whole(
    vendor: CustobarSandbox, table: str, body: Any, reason: str
) -> None:
    assert vendor.answer("POST", (table, "upload", ""), {}, body) == (400, {"error": {"reason": reason}})


@pytest.mark.parametrize(
    "row",
    [
        {"external_id": "a_b"},
        {"external_id": ""},
        {**ID, "email": "nobody"},
        {**ID, "phone_number": "020123456"},
        {**ID, "can_email": "yes"},
        {"first_name": "Ada"},
    ],
)
def test_row_that_the_import_cannot_take_is_told_to_nobody(vendor: CustobarSandbox, row: Any) -> None:
    status, _ = put(vendor, "customers", row, {"external_id": "8"})

    assert status == 200
    assert [one["row"] for one in vendor.invalid] == [row]
    assert [one["external_id"] for one in vendor.customers] == ["8"]


def test_sale_needs_a_buyer_and_a_date_and_event_a_customer(vendor: CustobarSandbox) -> None:
    put(vendor, "sales", {"sale_external_id": "1", "external_id": "1", "sale_email": "a@example.com"})
    put(vendor, "sales", {"sale_external_id": "1", "external_id": "1", "sale_date": "2026-01-01"})
    put(vendor, "events", {"type": "X", "date": "2026-01-01"})

    assert len(vendor.invalid) == 3
    assert (vendor.sales, vendor.events) == ({}, [])


def test_only_keys_that_are_sent_change_and_empty_ones_go(vendor: CustobarSandbox) -> None:
    put(vendor, "customers", {**ID, "first_name": "Ada", "city": "London", "tags": ["a"], "can_sms": True})
    put(vendor, "customers", {**ID, "city": "", "tags.add": ["b", "a"], "tags.remove": ["a"]})
    customer = vendor.customers[0]

    assert (customer["first_name"], customer["tags"], customer["can_sms"]) == ("Ada", ["a", "b"], True)
    assert "city" not in customer


def test_customers_without_an_id_are_found_by_email_and_phone(vendor: CustobarSandbox) -> None:
    put(vendor, "customers", {"email": "Ada@example.com"}, {"phone_number": "+4520123456"})
    put(
        vendor,
        "customers",
        {"email": "ada@example.com", "city": "London"},
        {"phone_number": "+4520123456", "city": "X"},
    )

    assert [customer["city"] for customer in vendor.customers] == ["London", "X"]


def test_several_customers_may_share_an_email(vendor: CustobarSandbox) -> None:
    put(vendor, "customers", *({"external_id": number, "email": "a@example.com"} for number in "12"))
    put(vendor, "customers", {"external_id": "1", "email": "b@example.com"}, {"external_id": "2", "email": ""})

    assert [customer["external_id"] for customer in read(vendor, email="b@example.com")] == ["1"]
    assert read(vendor, email="a@example.com") == []


def test_reading_is_limited(vendor: CustobarSandbox) -> None:
    put(vendor, "customers", *({"external_id": str(number)} for number in range(101)))

    assert (len(read(vendor)), len(read(vendor, limit="2")), len(read(vendor, limit="x"))) == (100, 2, 100)
    assert len(read(vendor, external_id="none")) == 0


def test_deleted_customer_never_comes_back(vendor: CustobarSandbox) -> None:
    put(vendor, "customers", {**ID, "first_name": "Ada"}, {**ID, "is_deleted": True})
    put(vendor, "customers", {**ID, "first_name": "Eve", "is_deleted": False})

    assert read(vendor, external_id="7") == []
    assert vendor.customers[0]["first_name"] == "Ada"


def test_forgotten_customer_keeps_nothing_personal(vendor: CustobarSandbox) -> None:
    put(vendor, "customers", {**ID, "first_name": "Ada", "email": "a@example.com"})
    put(vendor, "customers", {**ID, "is_forgotten": True}, {**ID, "first_name": "Ada"})
    put(vendor, "customers", {"email": "a@example.com"})

    assert not {"first_name", "email"} & set(vendor.customers[0])
    assert len(vendor.customers) == 2


def test_event_that_comes_twice_is_there_twice(vendor: CustobarSandbox) -> None:
    event = {"type": "ORDER_PAID", "date": "2026-01-01T00:00:00Z", "customer_id": "7"}
    put(vendor, "events", event)
    put(vendor, "events", event)

    assert vendor.events == [event, event]


def test_sale_of_nobody_known_says_so(vendor: CustobarSandbox) -> None:
    sale = {"sale_external_id": "1", "external_id": "1", "sale_date": "2026-01-01"}
    put(vendor, "customers", ID)
    put(vendor, "sales", {**sale, "sale_customer_id": "8"}, {**sale, "sale_external_id": "2", "sale_customer_id": "7"})

    assert [one["customer_there"] for one in vendor.sales.values()] == [False, True]


@pytest.mark.parametrize(
    ("header", "key", "admitted"),
    [
        ("Bearer abc", None, True),
        ("Bearer abc", "abc", True),
        ("Token abc", "abc", True),
        ("Token abc", "abd", False),
        ("Basic YTpi", "a:b", True),
        ("Basic YTpi", "a:c", False),
        ("Basic YWI=", None, False),
        ("Basic !", None, False),
        ("Basic /w==", None, False),
        ("Bearer ", None, False),
        ("", None, False),
    ],
)
def test_key_is_asked_for(vendor: CustobarSandbox, header: str, key: str | None, *, admitted: bool) -> None:
    assert vendor.admits({"authorization": header}, key) is admitted
    assert vendor.unauthorized()[0] == 401


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", ("customers", "upload", ""), 405),
        ("POST", ("data", "customers", ""), 405),
        ("POST", ("customers", "upload"), 404),
        ("POST", ("people", "upload", "x"), 404),
    ],
)
def test_paths_have_their_statuses(vendor: CustobarSandbox, method: str, path: tuple[str, ...], status: int) -> None:
    assert vendor.answer(method, path, {}, [])[0] == status


def test_minute_has_180_calls(vendor: CustobarSandbox) -> None:
    limit = Limit(vendor.limits[vendor.budget("POST", "/sales/upload/")])
    passed = [limit.take(0.1 * number)[0] for number in range(181)]

    assert (sum(passed), passed[-1], limit.take(60.1)[0]) == (180, False, True)


def test_everything_can_be_looked_at(vendor: CustobarSandbox) -> None:
    put(vendor, "customers", ID, {"external_id": "_"})
    state = vendor.control("GET", "state", {})

    assert state is not None
    assert {name: len(table) for name, table in state[1].items()} == {
        "customers": 1,
        "sales": 0,
        "products": 0,
        "events": 0,
        "shops": 0,
        "invalid": 1,
    }
    assert vendor.control("GET", "invalid", {}) == (200, vendor.invalid)
    assert vendor.control("GET", "else", {}) is None
    assert vendor.control("POST", "state", {}) is None
    vendor.reset()
    assert vendor.customers == []
