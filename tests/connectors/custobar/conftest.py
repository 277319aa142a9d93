"""Orders, products, accounts and uploads for the tests of Custobar."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped] # it comes without types
import pytest
import yaml

from connectors.connector import Call, Holder, Nothing, OrderState, ProductState, Response, Transition
from connectors.custobar import DESTINATION, Custobar, CustobarOptions
from connectors.http import Sender
from connectors.sandbox.control import Sandbox
from connectors.sandbox.custobar import CustobarSandbox
from connectors.sandbox.server import running_sandbox
from connectors.verdicts import Verdict
from mappings.records import ABSENT, NO_ORDER_SAID, Money, OrderLine, Price, Product

SPEC = Path(__file__).parents[3] / "../shared/specs/custobar/custobar-openapi-reconstructed.yaml"
NOW = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)


def make_price(amount: str, presentment: str | None = None, currency: str = "SEK") -> Price:
    seen: Any = ABSENT if presentment is None else Money(amount=Decimal(presentment), currency=currency)
    return Price(shop=Money(amount=Decimal(amount), currency="EUR"), presentment=seen)


def make_line(line_id: str = "1", **fields: Any) -> OrderLine:
    defaults: dict[str, Any] = {
        **dict.fromkeys(OrderLine.model_fields, ABSENT),
        "id": line_id,
        "product_id": f"P{line_id}",
        "quantity": Decimal(1),
        "unit_price": make_price("10"),
        "total": make_price("10"),
    }
    return OrderLine.model_validate({**defaults, **fields})


def make_order_state(*, milestones: Mapping[str, Any] | None = None, **fields: Any) -> OrderState:
    """Make a state: what is an order's goes there; `ext_id` and `holder` (what is known) are its customer's."""
    of_order: dict[str, Any] = {"created_at": NOW - timedelta(days=1), "lines": (make_line(),)}
    of_order |= {name: fields.pop(name) for name in list(fields) if name in type(NO_ORDER_SAID).model_fields}
    ext_id = fields.pop("ext_id", "shop-7")
    transitions = tuple(Transition(milestone=name, time=time) for name, time in (milestones or {}).items())  # type: ignore[arg-type] # tests name real ones
    defaults: dict[str, Any] = {
        "subject": "order:shop:1001",
        "id": "shop-1001",
        "order": NO_ORDER_SAID.model_copy(update=of_order),
        "transitions": transitions,
        "complete": True,
        "deleted": False,
        "customer": Holder(ext_id=ext_id, stable_id=ext_id, known=fields.pop("holder", {})),
        "known": {},
        "steps": {},
        "now": NOW,
    }
    return OrderState(**{**defaults, **fields})


def make_product_state(product_id: str = "P1", **fields: Any) -> ProductState:
    of_product = dict.fromkeys(Product.model_fields, ABSENT)
    of_product |= {name: fields.pop(name) for name in list(fields) if name in Product.model_fields}
    defaults: dict[str, Any] = {
        "subject": f"product:shop:{product_id}",
        "id": product_id,
        "product": Product.model_validate(of_product),
        "deleted": False,
        "known": {},
        "steps": {},
        "now": NOW,
    }
    return ProductState(**{**defaults, **fields})


@pytest.fixture
def price() -> Callable[..., Price]:
    return make_price


@pytest.fixture
def line() -> Callable[..., OrderLine]:
    return make_line


@pytest.fixture
def order_state() -> Callable[..., OrderState]:
    return make_order_state


@pytest.fixture
def product_state() -> Callable[..., ProductState]:
    return make_product_state


@pytest.fixture
def custobar() -> Callable[..., Custobar]:
    def make(lane: str = "customers", **options: Any) -> Custobar:
        made = DESTINATION.lanes[lane].connector(CustobarOptions(**{"api_key": "API-secret", **options}))
        assert isinstance(made, Custobar)
        return made

    return make


@pytest.fixture(scope="session")
def custobar_specification() -> Mapping[str, Any] | None:
    return yaml.load(SPEC.read_text(), yaml.CSafeLoader) if SPEC.exists() else None


@pytest.fixture
def lawful_upload(custobar_specification: Mapping[str, Any] | None) -> Callable[[Call], None]:
    """Check a call against the reconstruction of Custobar's description, as far as that is at hand."""

    def check(call: Call) -> None:
        if custobar_specification is None:
            return
        operation = custobar_specification["paths"][call.path][call.method.lower()]
        if call.body is not None:
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            jsonschema.validate(call.body, {**schema, "components": custobar_specification["components"]})

    return check


@pytest.fixture
def only_call(lawful_upload: Callable[[Call], None]) -> Callable[..., Call]:
    """Give the call for one state, which must be lawful."""

    def first(connector: Custobar, state: Any) -> Call:
        (call,) = connector.calls([state], bulk=True)
        assert isinstance(call, Call), call
        lawful_upload(call)
        assert call.subjects == (state.subject,)
        return call

    return first


@pytest.fixture
def row(only_call: Callable[..., Call]) -> Callable[..., Any]:
    """Give the one row for a state."""

    def first(connector: Custobar, state: Any) -> Any:
        (only,) = only_call(connector, state).body[connector.records.table]
        return only

    return first


@pytest.fixture
def reason() -> Callable[..., Nothing]:
    """Give why there is no call for a state."""

    def first(connector: Custobar, state: Any) -> Nothing:
        (nothing,) = connector.calls([state], bulk=True)
        assert isinstance(nothing, Nothing), nothing
        return nothing

    return first


@pytest.fixture
def taken_as(only_call: Callable[..., Call]) -> Callable[..., Verdict]:
    """Give the verdict for one state whose upload is taken."""

    def first(connector: Custobar, state: Any) -> Verdict:
        answer = Response(status=200, headers={}, body=b'{"run_id": "run_1"}')
        (verdict,) = connector.judge(only_call(connector, state), answer).values()
        return verdict

    return first


@pytest.fixture
def vendor() -> CustobarSandbox:
    return CustobarSandbox()


@pytest.fixture
def custobar_app(vendor: CustobarSandbox) -> Sandbox:
    return Sandbox(vendor, limited=False)


@pytest.fixture
def ask_custobar(custobar_app: Sandbox) -> Iterator[Callable[[Custobar, Call], Response]]:
    sender = Sender()
    with running_sandbox(custobar_app) as url:
        yield lambda connector, call: sender.send(url, connector.headers(), call)
        sender.close()


@pytest.fixture
def upload(
    ask_custobar: Callable[[Custobar, Call], Response], lawful_upload: Callable[[Call], None]
) -> Callable[..., dict[str, Verdict | Nothing]]:
    """Bring states over in bulk and give what became of each."""

    def bring(connector: Custobar, *states: Any) -> dict[str, Verdict | Nothing]:
        found = connector.calls(states, bulk=True)
        ended: dict[str, Verdict | Nothing] = {}
        for state, call in zip(states, found, strict=True):
            if isinstance(call, Nothing):
                ended[state.subject] = call
            elif state.subject not in ended:
                lawful_upload(call)
                ended |= connector.judge(call, ask_custobar(connector, call))
        return ended

    return bring
