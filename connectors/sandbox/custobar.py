"""Custobar's uploads as the documentation describes them, in memory: taken at once, and imported row by row.

https://www.custobar.com/docs/api/ and https://developers.custobar.com/, as of November 2026. A row that the import
cannot take is one that nobody is told of: here it stands under `invalid`. Where Custobar leaves a thing open, this one
does what hurts most: a record without an external_id never becomes one with it, and an event that comes twice is there
twice.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias

from connectors.sandbox.vendor import Answer, Standing, Windows

Json: TypeAlias = Any
Row: TypeAlias = dict[str, Json]

PERMISSIONS: Final = ("can_email", "can_sms", "can_post", "can_profile", "can_push")
MOST_RECORDS: Final = 1_000_000
# What an anonymised customer keeps.
_IMPERSONAL: Final = frozenset({"external_id", "is_forgotten", "is_deleted", "date_joined", *PERMISSIONS})
_ID: Final = re.compile(r"[A-Za-z0-9-]+")
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PHONE: Final = re.compile(r"\+\d{6,15}")
_MONEY: Final = re.compile(r"(unit_|sale_)?price|(sale_)?(total|discount|shipping)|\w+_in_currency")
_TABLES: Final = ("customers", "sales", "products", "events", "shops")


class _InvalidError(Exception):
    """A row that the import leaves out."""


class _RefusedError(Exception):
    """An upload that is refused as a whole."""


class CustobarSandbox:
    """One account. `by` finds customers by each identifier, the deleted too; of several with one e-mail the first."""

    name = "custobar"
    prefix = "/api"
    limits: Mapping[str, Windows] = {"calls": ((180, 60.0),)}
    ended = 0.0  # an upload is imported before it is answered

    def __init__(self) -> None:
        self.now = 0.0
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self.customers: list[Row] = []
        self.by: dict[str, dict[str, Row]] = {"external_id": {}, "email": {}, "phone_number": {}}
        self.sales: dict[str, Row] = {}
        self.products: dict[str, Row] = {}
        self.events: list[Row] = []
        self.shops: dict[str, Row] = {}
        self.invalid: list[Row] = []
        self.runs = 0

    def admits(self, headers: Mapping[str, str], key: str | None) -> bool:
        """Say whether these headers prove an account, in any of the three ways."""
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind == "Basic":
            try:
                given = base64.b64decode(given, validate=True).decode()
            except (binascii.Error, UnicodeDecodeError):
                return False
            return ":" in given and key in {None, given}
        return kind in {"Bearer", "Token"} and bool(given) and key in {None, given}

    def unauthorized(self) -> Answer:
        """Give the answer to a call without a valid key."""
        return 401, {"error": {"reason": "Authentication credentials were not provided"}}

    def budget(self, method: str, path: str) -> str:  # noqa: ARG002 - the same for all calls
        """Name the class of limits that a call falls under."""
        return "calls"

    def throttled(self, standing: Standing) -> tuple[Answer, Mapping[str, str]]:  # noqa: ARG002 - it tells nothing
        """Give the answer to a call too many."""
        return (429, {"error": {"reason": "Too many requests"}}), {}

    def standing_headers(self, standing: Standing) -> Mapping[str, str]:  # noqa: ARG002 - likewise
        """Give the headers by which every answer tells of the limits: none."""
        return {}

    def control(self, method: str, name: str, content: Json) -> Answer | None:  # noqa: ARG002 - it is only looked at
        """Show what was imported, table by table or all as `state`."""
        tables = {table: getattr(self, table) for table in (*_TABLES, "invalid")}
        shown = {name: table if isinstance(table, list) else list(table.values()) for name, table in tables.items()}
        if method != "GET":
            return None
        return (200, shown) if name == "state" else (200, shown[name]) if name in shown else None

    def answer(self, method: str, path: tuple[str, ...], query: Mapping[str, str], body: Json) -> Answer:
        """Answer one request; `path` are the decoded segments that follow /api."""
        match method, path:
            case "POST", (table, "upload", "") if table in _TABLES:
                try:
                    self._import(table, _rows(table, body))
                except _RefusedError as refused:
                    return 400, {"error": {"reason": str(refused)}}
                self.runs += 1
                return 200, {"run_id": f"run_{self.runs}"}
            case "GET", ("data", "customers", ""):
                return 200, self._read(query)
            case _, ((_, "upload", "") | ("data", "customers", "")):
                return 405, {"error": {"reason": f"Method {method} not allowed"}}
            case _:
                return 404, {"error": {"reason": "Not found"}}

    def _read(self, query: Mapping[str, str]) -> Json:
        wanted = {name: value for name, value in query.items() if name in self.by}
        limit = int(query.get("limit", "100")) if query.get("limit", "100").isdecimal() else 100
        if "external_id" in wanted:
            found = self.by["external_id"].get(wanted["external_id"])
            candidates = [] if found is None else [found]
        else:
            candidates = self.customers
        matching = (one for one in candidates if all(one.get(name) == value for name, value in wanted.items()))
        there = [one for one in matching if not one.get("is_deleted")]
        return {"customers": there[: min(limit, 10_000)], "next_url": None}

    def _import(self, table: str, rows: list[Row]) -> None:
        take: Callable[[Row], None] = getattr(self, f"_{table}")
        for row in rows:
            try:
                take(row)
            except _InvalidError as invalid:
                self.invalid.append({"table": table, "row": row, "reason": str(invalid)})

    def _customers(self, row: Row) -> None:
        _check_customer(row)
        customer = self._customer(row)
        if customer is None:
            if len(self.customers) >= MOST_RECORDS:
                raise _InvalidError("no room")
            customer = dict.fromkeys(PERMISSIONS, False)
            self.customers.append(customer)
        if customer.get("is_deleted") or customer.get("is_forgotten"):
            return
        self._find_by(customer, row)
        _merge(customer, row)
        if row.get("is_forgotten"):
            self._find_by(customer, {"email": "", "phone_number": ""})
            for name in [name for name in customer if name not in _IMPERSONAL]:
                del customer[name]

    def _customer(self, row: Row) -> Row | None:
        # The first identifier that is given decides: the import never joins two records.
        for name, index in self.by.items():
            if row.get(name):
                return index.get(_key(name, row[name]))
        return None

    def _find_by(self, customer: Row, row: Row) -> None:
        for name, index in self.by.items():
            if name not in row:
                continue
            before = customer.get(name)
            if before and index.get(_key(name, before)) is customer:
                del index[_key(name, before)]
            if row[name]:
                index.setdefault(_key(name, row[name]), customer)

    def _sales(self, row: Row) -> None:
        sale_id, row_id = row["sale_external_id"], row["external_id"]
        head = {name: value for name, value in row.items() if name.startswith("sale_")}
        sale = self.sales.get(sale_id)
        if sale is None:
            who = {name: head[f"sale_{name}"] for name in ("email", "phone_number") if head.get(f"sale_{name}")}
            if head.get("sale_customer_id"):
                who = {"external_id": head["sale_customer_id"]}
            if not who or not head.get("sale_date"):
                raise _InvalidError("a sale without a customer or a date")
            sale = self.sales[sale_id] = {"rows": {}, "customer_there": self._customer(who) is not None}
        sale |= head
        line = sale["rows"].setdefault(row_id, {})
        line |= {name: value for name, value in row.items() if name not in head}

    def _products(self, row: Row) -> None:
        _merge(self.products.setdefault(row["external_id"], {}), row)

    def _events(self, row: Row) -> None:
        if not any(row.get(name) for name in ("customer_id", "phone_number", "email", "customer_token")):
            raise _InvalidError("an event without a customer")
        self.events.append(row)

    def _shops(self, row: Row) -> None:
        _merge(self.shops.setdefault(row["external_id"], {}), row)


_REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "customers": (),
    "sales": ("sale_external_id", "external_id"),
    "products": ("external_id", "price"),
    "events": ("type", "date"),
    "shops": ("external_id",),
}


def _rows(table: str, body: Json) -> list[Row]:
    """Read an upload, a list or an object with one, and refuse it whole for what can be seen at once."""
    rows = body.get(table) if isinstance(body, dict) else body
    if not isinstance(rows, list):
        raise _RefusedError(f"Expected a list of {table}")
    for row in rows:
        if not isinstance(row, dict):
            raise _RefusedError("Expected an object")
        for name in _REQUIRED[table]:
            if row.get(name) in (None, ""):
                raise _RefusedError(f"Missing value for field {name}")
        for name, value in row.items():
            if (_MONEY.fullmatch(name) and type(value) is not int) or (
                name in {"sale_date", "date", "date_joined"} and not _is_moment(value)
            ):
                raise _RefusedError(f"Invalid value for field {name}")
    return rows


def _is_moment(value: Json) -> bool:
    if value == "":
        return True
    try:
        datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return False
    return True


def _check_customer(row: Row) -> None:
    if not any(row.get(name) for name in ("external_id", "email", "phone_number")):
        raise _InvalidError("a customer without an id, an e-mail or a phone")
    for name, shape in (("external_id", _ID), ("email", _EMAIL), ("phone_number", _PHONE)):
        value = row.get(name, "")
        if value != "" and not (isinstance(value, str) and shape.fullmatch(value)):
            raise _InvalidError(f"invalid {name}")
    if any(not isinstance(row.get(name, False), bool) for name in (*PERMISSIONS, "is_deleted", "is_forgotten")):
        raise _InvalidError("a permission that is not true or false")


def _key(name: str, value: str) -> str:
    return value.lower() if name == "email" else value


def _merge(record: Row, row: Row) -> None:
    for name, value in row.items():
        base, _, act = name.partition(".")
        if act in {"add", "remove"} and base in {"tags", "mailing_lists"} and (base, act) != ("tags", "remove"):
            before = record.get(base, [])
            kept = [one for one in before if act == "add" or one not in value]
            record[base] = [*kept, *(one for one in value if act == "add" and one not in before)]
        elif value in ("", []):
            record.pop(name, None)
        else:
            record[name] = value
