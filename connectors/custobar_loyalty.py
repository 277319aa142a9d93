"""What Custobar is told of loyalty: fields of the company's own, of customers and of sales, and custom events.

https://www.custobar.com/docs/api/customers/ and /events/, as of November 2026: "additional fields, that are company
specific", are prefixed "with a company short name and a double underscore". Like those, the types of the events have to
be added in the advanced settings first. What a customer holds is read at /data/customers/.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, TypeAlias

from connectors.attributes import FIELDS, LOYALTY_FIELDS, values
from connectors.connector import Call, LoyaltyState, Nothing, Response
from connectors.custobar_events import NOBODY, OLD_NEWS, OLDEST
from connectors.custobar_ids import external_id
from connectors.custobar_options import BUDGET, CustobarOptions
from connectors.custobar_values import Upload, hundredths, moment, person, said
from connectors.loyalty_names import ORDER_FIELDS
from connectors.sections import CustobarSection
from connectors.values import snake
from mappings.loyalty_records import LineLoyalty, LoyaltyEvent, OrderLoyalty
from mappings.records import ABSENT, Customer, Order

Json: TypeAlias = Any

TYPES: Final = {"points_awarded": "LOYALTY_POINTS_AWARDED", "tier_changed": "LOYALTY_TIER_CHANGED"}
_AMOUNTS: Final = frozenset({"lifetime_value", "average_order_value"})
_LISTS: Final = frozenset({"favorite_categories", "recent_purchases"})


def fields(section: CustobarSection) -> Mapping[str, str]:
    """Name the fields by which customers are told of loyalty; none where nobody tells the company's short name."""
    name = section.short_name
    return {} if name is None else {field: f"{name}__{field}" for field in LOYALTY_FIELDS}


def customer_fields(options: CustobarOptions, customer: Customer, raw: Mapping[str, Json]) -> dict[str, Json]:
    """Give the fields of the mapping: amounts that loyalty counts are cents and its lists are lists; None clears."""
    told = values(customer, raw, options.field_mapping)
    of = {name: snake(field) for field, name in options.field_mapping.items()}
    return {name: _typed(of[name], value, customer) for name, value in told.items()}


def _typed(field: str, value: Json, customer: Customer) -> Json:
    if field in _AMOUNTS:
        amount = FIELDS[field](customer)
        return hundredths(amount) if isinstance(amount, Decimal) else None
    if isinstance(value, tuple):
        return list(value) if field in _LISTS else ",".join(value)
    return value


def sale_fields(options: CustobarOptions, order: Order) -> dict[str, Json]:
    """Give what an order did in the programme, as fields of its sale; none without a company."""
    loyalty = order.loyalty
    if options.company is None or loyalty is ABSENT:
        return {}
    told = {f"{options.company}__{name}": value for name, value in _of_sale(loyalty).items()}
    return {name: "" if value is None else value for name, value in told.items()}


def _of_sale(loyalty: OrderLoyalty | None) -> dict[str, Json]:
    if loyalty is None:
        return dict.fromkeys((*ORDER_FIELDS, "referred_by", "loyalty_discount", "review_incentive_expires"))
    expires, discount = loyalty.review_incentive_expires, loyalty.coupon_discount
    return {
        **{name: _number(getattr(loyalty, field)) for name, field in ORDER_FIELDS.items()},
        "referred_by": loyalty.referred_by and external_id(loyalty.referred_by),
        "loyalty_discount": None if discount is None else hundredths(discount),
        "review_incentive_expires": expires and expires.isoformat(),
    }


def _number(value: Json) -> Json:
    return float(value) if isinstance(value, Decimal) else value


def line_fields(options: CustobarOptions, order: Order, line_id: str) -> dict[str, Json]:
    """Give what one line earned, as fields of its row; a line that nobody speaks of earned nothing."""
    if options.company is None or not isinstance(order.loyalty, OrderLoyalty):
        return {}
    nothing = LineLoyalty(line=line_id, points=0, multiplier=Decimal(1), label=None)
    line = next((one for one in order.loyalty.lines if one.line == line_id), nothing)
    told = {"line_points": line.points, "line_multiplier": float(line.multiplier), "line_bonus": line.label or ""}
    return {f"{options.company}__{name}": value for name, value in told.items()}


def upload(options: CustobarOptions, state: LoyaltyState) -> Upload | Nothing:  # noqa: ARG001 - as of all lanes
    """Give the row of an event, or why there is none."""
    who = person(state.customer)
    if not who:
        return Nothing(reason=NOBODY)
    if state.event.time < state.now - OLDEST:
        return Nothing(reason=OLD_NEWS)
    return Upload(rows=({**_event(state.event), **who, "event_id": state.id},))


def image(options: CustobarOptions, state: LoyaltyState) -> Json:  # noqa: ARG001 - as of all lanes
    """Give what Custobar should hold after the state is delivered."""
    return {"id": state.id, **_event(state.event)}


def _event(event: LoyaltyEvent) -> dict[str, Json]:
    return said(
        {
            "type": TYPES[event.kind],
            "date": moment(event.time),
            "points": event.points,
            "points_balance": event.balance,
            "tier": event.tier,
            "previous_tier": event.previous_tier,
            "sale_id": ABSENT if event.order is None else external_id(event.order),
            "reason": event.reason,
        }
    )


def reading(ext_id: str) -> Call:
    """Give the call that reads what Custobar holds of a customer; a guest has no id there, and cannot be read so."""
    query = {"external_id": external_id(ext_id), "limit": "1"}
    return Call(method="GET", path="/data/customers/", query=query, budget=BUDGET, subjects=(), step="reading")


def read(options: CustobarOptions, response: Response) -> dict[str, Json] | None:
    """Give what is held of loyalty by our names of the fields, nothing where nobody is there; None is no answer."""
    body = response.json()
    customers = body.get("customers") if response.status == 200 and isinstance(body, dict) else None
    if not isinstance(customers, list):
        return None
    held = customers[0] if customers and isinstance(customers[0], dict) else {}
    return {field: held[name] for field, name in _mapped(options).items() if name in held}


def expected(options: CustobarOptions, customer: Customer) -> dict[str, Json]:
    """Give what should be held of these, as `read` gives it: what is empty is not there."""
    told = customer_fields(options, customer, {})
    return {field: told[name] for field, name in _mapped(options).items() if told.get(name) not in (None, "", [])}


def _mapped(options: CustobarOptions) -> dict[str, str]:
    found = {snake(field): name for field, name in options.field_mapping.items()}
    return {field: found[field] for field in LOYALTY_FIELDS if field in found}
