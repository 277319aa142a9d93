"""The tables of README.md, made of the registries: `python -m tests.readme_tables` writes them into it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from connectors.attributes import LOYALTY_FIELDS
from connectors.connector import (
    AnyState,
    Call,
    Connector,
    Holder,
    Kind,
    OrderState,
    ProductState,
    State,
    Transition,
    Way,
)
from connectors.destination import Destination
from connectors.registry import DESTINATIONS
from mappings.platform import Platform
from mappings.records import ABSENT, NO_ORDER_SAID, NOTHING_SAID, Money, OrderLine, Price, Product
from mappings.registry import PLATFORMS
from tests.contracts.loyalty_states import loyalty_state, points_state

README: Final = Path(__file__).parents[1] / "README.md"
NOW: Final = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)

_WORDS: Final[Mapping[Kind, str]] = {
    "customer": "customers",
    "order": "orders",
    "events": "milestones of orders",
    "product": "products of orders",
    "loyalty": "points awarded, tiers changed",
    "points": "differences of points",
}
_SPANS: Final[Mapping[float, str]] = {1: "a second", 60: "a minute", 3600: "an hour", 86_400: "a day"}
# What lets every way of a lane be taken, where a destination's options know it.
_OPEN: Final = {"list_id": 5, "unknown_consent": "vendor_default", "loyalty_campaign": "CAMPAIGN"}

# The least that a section needs, of a company whose fields of its own begin with COMPANY.
_ACCOUNTS: Final[Mapping[str, Mapping[str, str]]] = {
    "brevo": {"api_key": "k"},
    "custobar": {"api_key": "k", "base_url": "https://company.custobar.com/api"},
    "voucherify": {"app_id": "a", "api_key": "k"},
}
_MEANINGS: Final[Mapping[str, str]] = {
    "loyalty_id": "id of the account (`account_id`)",
    "loyalty_points": "balance",
    "loyalty_tier": "tier",
    "points_earned_ytd": "points earned this year",
    "points_redeemed_ytd": "points spent this year",
    "tier_progress": "percent of the way to the next tier",
    "next_tier_points": "what is missing to it",
    "referral_code": "code by which others are sent",
    "order_count": "orders",
    "lifetime_value": "spent, less refunds",
    "average_order_value": "average of an order",
    "first_purchase": "first order",
    "last_purchase": "last order",
    "purchase_frequency": "once, weekly, monthly, quarterly, yearly or rarely",
    "favorite_categories": "the five that are bought most often",
    "seasonal_buyer": "whether orders come in one season",
    "recent_purchases": "names of the last five products",
}


def marked(name: str, text: str) -> re.Match[str] | None:
    """Find a generated table between its two comments."""
    return re.search(rf"(<!-- {name}: [^>]*-->\n)(.*?)(\n<!-- /{name} -->)", text, re.DOTALL)


def tables() -> dict[str, str]:
    """Give the generated tables by the names of their marks."""
    return {
        "topics": _table(("platform", "about", "topics"), _topics()),
        "records": _table(("lane", "tells of", "one by one", "in bulk"), _records()),
        "limits": _table(("destination", "class", "calls allowed", "spent by"), _limits()),
        "loyalty": _table(("what", *(f"at {name}" for name in DESTINATIONS)), _loyalty()),
    }


def write() -> None:
    """Put the tables into README.md."""
    text = README.read_text(encoding="utf-8")
    for name, table in tables().items():
        found = marked(name, text)
        assert found is not None, f"README.md has no marks for {name}"
        text = text[: found.start(2)] + table + text[found.end(2) :]
    README.write_text(text, encoding="utf-8")


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    rule = "|" + "---|" * len(head)
    return "\n".join([f"| {' | '.join(head)} |", rule, *(f"| {' | '.join(row)} |" for row in rows)])


def _topics() -> Iterator[tuple[str, ...]]:
    for name, platform in PLATFORMS.items():
        for about, topics in _by_subject(platform).items():
            yield name, about, " ".join(f"`{topic}`" for topic in topics)


def _by_subject(platform: Platform) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for topic in platform.topics:
        if re.search("redact|data_request|uninstalled", topic):
            about = "what a person sees to"
        else:
            loyalty = "points and tiers" if re.search("loyalty|balance|tier", topic) else "customers"
            about = "orders" if re.search("order|sales|refund|fulfillment", topic) else loyalty
        found.setdefault(about, []).append(topic)
    return found


def _connectors(destination: Destination) -> dict[str, Connector]:
    options = destination.options
    needed = {one.name: "x" for one in fields(options) if one.default is MISSING and one.default_factory is MISSING}
    known = {name: value for name, value in _OPEN.items() if name in {one.name for one in fields(options)}}
    return {lane: spec.connector(options(**needed, **known)) for lane, spec in destination.lanes.items()}


def _records() -> Iterator[tuple[str, ...]]:
    for name, destination in DESTINATIONS.items():
        for lane, connector in _connectors(destination).items():
            kind = destination.lanes[lane].kind
            single = [way for way in connector.ways if not way.bulk]
            bulk = [way for way in connector.ways if way.bulk]
            alone = f"`{_endpoint(connector, kind, single[0])}`" if single else "-"
            together = [f"`{_endpoint(connector, kind, way)}`, {_size(way)}" for way in bulk]
            yield f"{name}.{lane}", _WORDS[kind], alone, "; ".join(together) or "-"


def _endpoint(connector: Connector, kind: Kind, way: Way) -> str:
    """Give the call by which a new record goes this way."""
    states = [_state(kind, number) for number in range(max(way.least, 2) if way.bulk else 1)]
    call = connector.calls(states, bulk=way.bulk)[0]
    assert isinstance(call, Call), call
    assert len(call.subjects) == len(states), f"{call.path} takes {len(call.subjects)}, not {len(states)}"
    return f"{call.method} {call.path}"


def _size(way: Way) -> str:
    return f"{_number(way.least)} to {_number(way.most)}" if way.least > 1 else f"up to {_number(way.most)}"


def _limits() -> Iterator[tuple[str, ...]]:
    for name, destination in DESTINATIONS.items():
        lanes = _connectors(destination)
        for budget in next(iter(lanes.values())).budgets:
            windows = ", ".join(_window(calls, seconds) for calls, seconds in budget.windows)
            spent = [told for lane, one in lanes.items() for told in _spends(lane, one, budget.name)]
            yield name, budget.name.removeprefix(f"{name}."), windows, ", ".join(spent) or "-"


def _spends(lane: str, connector: Connector, budget: str) -> Iterator[str]:
    here = [way.bulk for way in connector.ways if way.budget == budget]
    if here:
        yield f"{lane} in bulk" if all(here) and len(connector.ways) > 1 else lane
    polls: Any = getattr(connector, "poll", None)
    if polls and polls("1").budget == budget and not here:
        yield f"polls of {lane}"


def _window(calls: int, seconds: float) -> str:
    return f"{_number(calls)} {_SPANS.get(seconds) or f'in {seconds:g} seconds'}"


def _number(number: int) -> str:
    return f"{number:,}".replace(",", " ")


def _loyalty() -> Iterator[tuple[str, ...]]:
    names = [one.loyalty_fields(one.section(**_ACCOUNTS[name])) for name, one in DESTINATIONS.items()]
    for field in LOYALTY_FIELDS:
        yield _MEANINGS[field], *(f"`{one[field]}`" for one in names)


def _state(kind: Kind, number: int) -> AnyState:
    """Give a record that is new to a destination and that every lane of its kind takes."""
    common: dict[str, Any] = {"known": {}, "steps": {}, "now": NOW, "deleted": False}
    name, price = f"shop-{number}", Price(shop=Money(amount=Decimal(10), currency="EUR"), presentment=ABSENT)
    if kind == "customer":
        said = {"email": f"ada{number}@example.com", "first_name": "Ada", "birthday": date(1990, 1, 2)}
        customer = NOTHING_SAID.model_copy(update=said)
        who: dict[str, Any] = {"subject": f"customer:shop:{number}", "ext_id": name, "stable_id": name}
        return State(customer=customer, raw={}, consents={}, shared=False, **who, **common)
    if kind == "product":
        product = Product(name="Tea", price=price, sku="T", brand=ABSENT, categories=ABSENT)
        return ProductState(subject=f"product:shop:{number}", id=str(number), product=product, **common)
    if kind == "loyalty":
        return loyalty_state(number)
    if kind == "points":
        return points_state(number, steps={"code": "CARD"})
    line = _line(price)
    told = {"email": "ada@example.com", "customer_id": "1", "lines": (line,), "total": price, "created_at": NOW}
    return OrderState(
        subject=f"order:shop:{number}",
        id=name,
        order=NO_ORDER_SAID.model_copy(update=told),
        transitions=(Transition(milestone="created", time=NOW),) if kind == "events" else (),
        complete=True,
        customer=Holder(ext_id="shop-1", stable_id="shop-1", known={"exists": True, "email": "ada@example.com"}),
        **common,
    )


def _line(price: Price) -> OrderLine:
    unsaid = dict.fromkeys(OrderLine.model_fields, ABSENT)
    said = {"id": "1", "product_id": "9", "quantity": Decimal(1), "unit_price": price, "total": price}
    return OrderLine.model_validate({**unsaid, **said})


if __name__ == "__main__":
    write()
