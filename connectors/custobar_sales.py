"""Orders to the rows of /sales/upload/, one for each line, each with what is said of the whole sale.

https://developers.custobar.com/sales.html, as of November 2026. Custobar has no refunds and no deletion of a sale: what
it can be told of either is the state.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias

from connectors.connector import Nothing, OrderState
from connectors.custobar_ids import external_id, row_id
from connectors.custobar_loyalty import line_fields, sale_fields
from connectors.custobar_options import CustobarOptions
from connectors.custobar_values import (
    MOST_KEPT,
    Upload,
    buyer,
    cleared,
    moment,
    presented_cents,
    said,
    shop_cents,
    value_of,
)
from mappings.records import ABSENT, Decided, Money, Order, OrderLine, Price

Json: TypeAlias = Any

INCOMPLETE: Final = "the whole order is not known yet"
NO_DATE: Final = "an order without a date"
NO_LINES: Final = "an order without lines"
NOBODY: Final = "an order that names no customer, e-mail or phone"
NEVER_TOLD: Final = "a deleted order that Custobar was never told of"

CANCELED: Final = "CANCELED"
_IN_CURRENCY: Final = ("sale_shipping_in_currency", "unit_price_in_currency")
_OUT: Final[Mapping[str, Json]] = {"quantity": 0, "discount": 0, "total": 0}


def upload(options: CustobarOptions, state: OrderState) -> Upload | Nothing:
    """Give the rows of an order, or why there are none. Of `known`: lines, the ids of those that Custobar has."""
    if state.deleted:
        return _deletion(state)
    if not state.complete:
        return Nothing(reason=INCOMPLETE, keep=True)
    who = buyer(state, customer_id="sale_customer_id", email="sale_email", phone="sale_phone_number")
    if not who:
        return Nothing(reason=NOBODY)
    if value_of(state.order.created_at) is None:
        return Nothing(reason=NO_DATE, keep=True)
    if not _lines(state.order):
        return Nothing(reason=NO_LINES, keep=True)
    rows = _rows(options, state, who)
    present = [line.id for line in _lines(state.order)]
    # A line that was taken out of the order cannot be deleted: it stays as one of nothing.
    gone = [one for one in state.known.get("lines", ()) if one not in present]
    head = {name: value for name, value in rows[0].items() if name.startswith("sale_")}
    rows += [
        {**head, "external_id": row_id(state.id, line_id), **_OUT, **line_fields(options, state.order, line_id)}
        for line_id in gone
    ]
    return Upload(rows=tuple(rows), known=_known(present))


def image(options: CustobarOptions, state: OrderState) -> Json:
    """Give what Custobar should hold after the state is delivered."""
    who = buyer(state, customer_id="sale_customer_id", email="sale_email", phone="sale_phone_number")
    return {"id": state.id, "deleted": state.deleted, "rows": [] if state.deleted else _rows(options, state, who)}


def _lines(order: Order) -> tuple[OrderLine, ...]:
    return value_of(order.lines) or ()


def _known(lines: list[str]) -> dict[str, Json]:
    # Of an order with more lines than that one taken out later stays as it was.
    return {"lines": lines} if len(json.dumps(lines)) <= MOST_KEPT else {}


def _deletion(state: OrderState) -> Upload | Nothing:
    # Those of the order too: an upload whose answer was lost left nothing known.
    lines = [line.id for line in _lines(state.order)]
    told = list(dict.fromkeys([*state.known.get("lines", ()), *lines]))
    if not told:
        return Nothing(reason=NEVER_TOLD)
    sale = {"sale_external_id": external_id(state.id), "sale_state": CANCELED}
    rows = tuple({**sale, "external_id": row_id(state.id, line_id)} for line_id in told)
    return Upload(rows=rows, known={**_known(told), "deleted": True})


def _rows(options: CustobarOptions, state: OrderState, who: Mapping[str, str]) -> list[dict[str, Json]]:
    sale = _sale(options, state, who)
    dropped = () if "sale_currency" in sale else _IN_CURRENCY
    of_sale = sale_fields(options, state.order)
    rows = [
        sale | _row(options, state.id, line) | of_sale | line_fields(options, state.order, line.id)
        for line in _lines(state.order)
    ]
    return [{name: value for name, value in row.items() if name not in dropped} for row in rows]


def _sale(options: CustobarOptions, state: OrderState, who: Mapping[str, str]) -> dict[str, Json]:
    order = state.order
    source = state.subject.split(":", 2)[1]
    codes = order.discount_codes
    return said(
        {
            "sale_external_id": external_id(state.id),
            "sale_date": moment(order.created_at) if isinstance(order.created_at, datetime) else ABSENT,
            **who,
            "sale_total": shop_cents(order.total),
            "sale_discount": shop_cents(order.discount, cleared=0),
            "sale_shipping": shop_cents(order.shipping, cleared=0),
            "sale_shipping_in_currency": presented_cents(order.shipping),
            "sale_shipping_method": cleared(order.shipping_method),
            "sale_payment_method": cleared(order.payment_method),
            "sale_coupon_codes": codes if codes is ABSENT else list(codes or ()),
            "sale_state": sale_state(order),
            "sale_shop_id": options.shops.get(source, source),
            **_currency(order),
        }
    )


def _currency(order: Order) -> dict[str, Json]:
    """Give the currency that the buyer saw and what one of it is worth in the shop's; either means nothing alone."""
    # What costs nothing tells no rate.
    for price in (order.total, *(line.unit_price for line in _lines(order))):
        if isinstance(price, Price) and isinstance(price.presentment, Money) and price.presentment.amount:
            if price.presentment.currency == price.shop.currency:
                return {}
            rate = round(float(price.shop.amount / price.presentment.amount), 8)
            return {"sale_currency": price.presentment.currency, "sale_exchange_rate": rate}
    return {}


def _row(options: CustobarOptions, order_id: str, line: OrderLine) -> dict[str, Json]:
    whole = line.quantity == int(line.quantity)
    return said(
        {
            "external_id": row_id(order_id, line.id),
            "product_id": product_id(options, line),
            "product_sku": cleared(line.sku),
            "quantity": int(line.quantity) if whole else float(line.quantity),
            "unit_price": shop_cents(line.unit_price),
            "unit_price_in_currency": presented_cents(line.unit_price),
            "discount": shop_cents(line.discount, cleared=0),
            "total": shop_cents(line.total),
        }
    )


def product_id(options: CustobarOptions, line: OrderLine) -> Decided[str]:
    """Give the id by which the account knows the line's product; one without variants goes by its own id."""
    key = {
        "product_id": line.product_id,
        "variant_id": line.variant_id or line.product_id,
        "sku": line.sku,
    }[options.product_key]
    return key or ABSENT


def sale_state(order: Order) -> str:
    """Give the state of the sale in the words of Custobar's own plugins, as far as they have one.

    Cancelled before all else, then what came back, then how far it came. A part that was refunded changes no state.
    """
    total = order.total.shop.amount if isinstance(order.total, Price) else None
    if order.cancelled_at or order.payment == "voided":
        return CANCELED
    if order.payment == "refunded" or (total and order.refunded >= total):
        return "REFUNDED"
    if order.shipping_status == "delivered":
        return "COMPLETE"
    if order.shipping_status == "shipped":
        return "SHIPPED"
    words = {"failed": "FAILED", "paid": "PAID", "partially_refunded": "PAID"}
    return words.get(value_of(order.payment) or "", "NEW")
