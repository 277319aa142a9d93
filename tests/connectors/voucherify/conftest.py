"""Orders, projects and conversations for the tests of Voucherify."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped] # it comes without types
import pytest

from connectors.connector import Call, Holder, Nothing, OrderState, Response, Transition
from connectors.http import Sender
from connectors.sandbox.control import Sandbox
from connectors.sandbox.server import running_sandbox
from connectors.sandbox.voucherify import VoucherifySandbox
from connectors.verdicts import Follow, Verdict
from connectors.voucherify import (
    VoucherifyCustomers,
    VoucherifyEvents,
    VoucherifyLoyalty,
    VoucherifyOptions,
    VoucherifyOrders,
    VoucherifyPoints,
)
from mappings.records import ABSENT, NO_ORDER_SAID, Money, OrderLine, Price
from tests.contracts import loyalty_cards

SPECS = Path(__file__).parents[3] / "../shared/specs/voucherify"
NOW = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)


def make_price(amount: str, currency: str = "EUR", *, seen: Money | None = None) -> Price:
    return Price(shop=Money(amount=Decimal(amount), currency=currency), presentment=ABSENT if seen is None else seen)


def make_line(**fields: Any) -> OrderLine:
    defaults: dict[str, Any] = {
        **dict.fromkeys(OrderLine.model_fields, ABSENT),
        "id": "1",
        "product_id": "P1",
        "quantity": Decimal(1),
        "unit_price": make_price("10"),
        "total": make_price("10"),
    }
    return OrderLine.model_validate({**defaults, **fields})


def make_order_state(
    *, holder: str | None = "shop-7", milestones: Sequence[tuple[str, Any]] = (), **fields: Any
) -> Any:
    """Make a state: what is an order's goes there; `holder` is the customer's id with us, `holder_known` theirs."""
    known = fields.pop("holder_known", {})
    of_order: dict[str, Any] = {"lines": (make_line(),), "total": make_price("10"), "refunds": (), "fulfilments": ()}
    of_order |= {name: fields.pop(name) for name in list(fields) if name in type(NO_ORDER_SAID).model_fields}
    defaults: dict[str, Any] = {
        "subject": "order:shop:1001",
        "id": "shop-1001",
        "order": NO_ORDER_SAID.model_copy(update=of_order),
        "transitions": tuple(Transition(milestone=name, time=time) for name, time in milestones),  # type: ignore[arg-type] # tests name real ones
        "complete": True,
        "deleted": False,
        "customer": Holder(ext_id=holder, stable_id=holder, known=known),
        "known": {},
        "steps": {},
        "now": NOW,
    }
    return OrderState(**{**defaults, **fields})


@pytest.fixture
def price() -> Callable[..., Price]:
    return make_price


@pytest.fixture
def line() -> Callable[..., OrderLine]:
    return make_line


@pytest.fixture
def order_state() -> Callable[..., OrderState]:
    return make_order_state


def make_options(**options: Any) -> VoucherifyOptions:
    return VoucherifyOptions(**{"app_id": "app", "api_key": "voucherify-secret", **options})


@pytest.fixture
def customers() -> Callable[..., VoucherifyCustomers]:
    return lambda **options: VoucherifyCustomers(make_options(**options))


@pytest.fixture
def orders() -> Callable[..., VoucherifyOrders]:
    return lambda **options: VoucherifyOrders(make_options(**options))


@pytest.fixture
def events() -> Callable[..., VoucherifyEvents]:
    return lambda **options: VoucherifyEvents(make_options(**options))


@pytest.fixture
def loyalty() -> Callable[..., VoucherifyLoyalty]:
    return lambda **options: VoucherifyLoyalty(make_options(**options))


@pytest.fixture
def points() -> Callable[..., VoucherifyPoints]:
    return lambda **options: VoucherifyPoints(make_options(**options))


def _with_nulls(node: Any) -> Any:
    """Write `nullable`, which is OpenAPI's, as JSON Schema does."""
    if isinstance(node, list):
        return [_with_nulls(item) for item in node]
    if not isinstance(node, dict):
        return node
    written = {name: _with_nulls(item) for name, item in node.items()}
    if node.get("nullable") is True and isinstance(node.get("type"), str):
        written["type"] = [node["type"], "null"]
    return written


@pytest.fixture(scope="session")
def described() -> Mapping[str, Any] | None:
    """Voucherify's own description by part; None where it is not at hand."""
    if not SPECS.exists():
        return None
    parts = {name: json.loads((SPECS / f"{name}.json").read_text()) for name in ("customers", "orders", "events")}
    parts["async-actions"] = json.loads((SPECS / "async-actions.json").read_text())
    parts["loyalties"] = loyalty_cards.DESCRIBED
    for part in parts.values():
        base = part["components"]["schemas"].get("CustomerBase", {"properties": {}})
        # The cut that documents the API has lost `nullable`; production/readOnly-openAPI.json beside it has it.
        for field in base["properties"].values():
            field["nullable"] = True
            for inner in field.get("properties", {}).values():
                inner["nullable"] = True
    return {name: _with_nulls(part) for name, part in parts.items()}


def _names(schema: Mapping[str, Any], root: Mapping[str, Any]) -> set[str]:
    """Collect the properties that a schema knows, through all it is made of."""
    if "$ref" in schema:
        return _names(root["components"]["schemas"][schema["$ref"].rpartition("/")[2]], root)
    found = set(schema.get("properties", {}))
    return found.union(*(_names(part, root) for part in schema.get("allOf", ())))


def _operation(part: Mapping[str, Any], call: Call) -> Any:
    at = call.path.split("/")
    for template, methods in sorted(part["paths"].items(), key=lambda item: item[0].count("{")):
        segments = template.split("/")
        if len(segments) == len(at) and all(
            one in (other, "") or one.startswith("{") for one, other in zip(segments, at, strict=True)
        ):
            return methods[call.method.lower()]
    raise AssertionError(call.path)


@pytest.fixture
def lawful(described: Mapping[str, Any] | None) -> Callable[[Call], None]:
    """Check a call against Voucherify's own description, as far as that is at hand."""

    def check(call: Call) -> None:
        if described is None:
            return
        part = described[call.path.split("/")[2]]
        operation = _operation(part, call)
        assert ("requestBody" in operation) == (call.body is not None)
        if call.body is None:
            return
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        jsonschema.validate(call.body, {**schema, "components": part["components"]})
        rows = call.body if isinstance(call.body, list) else [call.body]
        row_schema = schema["items"] if schema.get("type") == "array" else schema
        item_schema = part["components"]["schemas"].get("OrderItem", {})
        for row in rows:
            assert set(row) <= _names(row_schema, part)
            for item in row.get("items", ()):
                assert set(item) <= _names(item_schema, part) | {"object"}

    return check


@dataclass(frozen=True)
class Talked:
    """A conversation: the calls made, and what the last answer meant."""

    calls: list[Call]
    end: Verdict | Nothing

    @property
    def lines(self) -> list[str]:
        return [f"{call.method} {call.path}" for call in self.calls]


Ask = Callable[[Call], Response]


@pytest.fixture
def converse(lawful: Callable[[Call], None]) -> Callable[[Any, Any, Ask], Talked]:
    """Talk until there is an end. After every step a crash is played: the same step must lead to the same call."""

    def talk(connector: Any, state: Any, ask: Ask) -> Talked:
        (call,) = connector.calls([state], bulk=False)
        calls: list[Call] = []
        while isinstance(call, Call):
            lawful(call)
            calls.append(call)
            assert len(calls) <= 8
            verdict = connector.judge(call, ask(call))[state.subject]
            if not isinstance(verdict, Follow):
                return Talked(calls, verdict)
            kept = json.loads(json.dumps(verdict.step))
            assert connector.calls([replace(state, steps=kept)], bulk=False) == [verdict.call]
            call = verdict.call
        return Talked(calls, call)

    return talk


@pytest.fixture
def project() -> VoucherifySandbox:
    return VoucherifySandbox()


@pytest.fixture
def ask(project: VoucherifySandbox) -> Iterator[Ask]:
    """Ask the sandbox over HTTP."""
    sender, headers = Sender(), VoucherifyCustomers(make_options()).headers()
    with running_sandbox(Sandbox(project, limited=False, speed=50.0)) as url:
        yield lambda call: sender.send(url, headers, call)
    sender.close()
