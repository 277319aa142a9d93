"""The neutral records between platforms and destinations.

Records have no defaults: a mapping function names every field, and one that the payload lacks is `ABSENT`. The
five states of a field stay apart end to end: `ABSENT` is never sent, None or "" clears, 0 and False are values.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal, TypeAlias

from mappings.absence import ABSENT as ABSENT  # noqa: PLC0414 - the vocabulary of records is found in one place
from mappings.absence import Absent as Absent  # noqa: PLC0414 - likewise
from mappings.absence import Decided as Decided  # noqa: PLC0414 - likewise
from mappings.absence import Maybe as Maybe  # noqa: PLC0414 - likewise
from mappings.absence import Record as Record  # noqa: PLC0414 - likewise
from mappings.loyalty_records import Loyalty, OrderLoyalty, Purchases

GRANTED: Final = "granted"
DENIED: Final = "denied"


class Consent(Record):
    """One decision of a person about one channel; no decision is `ABSENT`, never a Consent."""

    decision: Literal["granted", "denied"]
    time: datetime | None
    origin: str


class Address(Record):
    """A postal address; `country` is ISO 3166-1 alpha-2."""

    company: Maybe[str]
    street: Maybe[str]
    city: Maybe[str]
    region: Maybe[str]
    postal_code: Maybe[str]
    country: Maybe[str]


class Customer(Record):
    """What a platform says about a customer. `phone` is E.164, times are aware UTC; `tier` is the shop's own group.

    `tags` are all there are; `tags_added` and `tags_removed` are what changed where the platform tells no more.
    """

    email: Maybe[str]
    phone: Maybe[str]
    first_name: Maybe[str]
    last_name: Maybe[str]
    address: Maybe[Address]
    language: Maybe[str]
    currency: Maybe[str]
    birthday: Maybe[date]
    note: Maybe[str]
    tags: Maybe[tuple[str, ...]]
    tags_added: Decided[tuple[str, ...]]
    tags_removed: Decided[tuple[str, ...]]
    tier: Maybe[str]
    total_orders: Maybe[int]
    total_spent: Maybe[Decimal]
    last_order_at: Maybe[datetime]
    created_at: Maybe[datetime]
    loyalty: Maybe[Loyalty]
    purchases: Maybe[Purchases]
    email_consent: Decided[Consent]
    sms_consent: Decided[Consent]


# What a deletion says about the customer beside the id, and what a consent topic leaves unsaid.
NOTHING_SAID: Final = Customer(**dict.fromkeys(Customer.model_fields, ABSENT))


class Change(Record):
    """What one platform event says about one customer.

    `id` is the platform's own id, None for a guest (then the e-mail identifies). `time` is the platform's time of this
    state, None when it is unknown. Of equal times the higher `rank` is the later. `final` marks a deletion after which
    the platform never uses the id again. `notes` tell what was left out and why, without personal data.
    """

    id: str | None
    time: datetime | None
    rank: int
    deleted: bool
    final: bool
    customer: Customer
    notes: tuple[str, ...]


Payment: TypeAlias = Literal[
    "failed", "pending", "authorized", "partially_paid", "paid", "partially_refunded", "refunded", "voided"
]
Shipping: TypeAlias = Literal["unfulfilled", "partial", "shipped", "delivered"]


class Money(Record):
    """An amount in major units of a currency (ISO 4217)."""

    amount: Decimal
    currency: str


class Price(Record):
    """An amount in the shop's currency, and as the buyer saw it where that was another currency."""

    shop: Money
    presentment: Decided[Money]


class CodeDiscount(Record):
    """What one of an order's discount codes took off."""

    code: str
    amount: Price


class OrderLine(Record):
    """One line of an order. Prices include tax: `unit_price` before discounts, `total` is what was paid for the line.

    `id` is the platform's id of the line, unique at least within the order.
    """

    id: str
    product_id: Maybe[str]
    variant_id: Maybe[str]
    sku: Maybe[str]
    name: Maybe[str]
    variant: Maybe[str]
    brand: Maybe[str]
    categories: Maybe[tuple[str, ...]]
    quantity: Decimal
    unit_price: Price
    discount: Maybe[Price]
    tax: Maybe[Price]
    total: Price


class Refund(Record):
    """Money given back, as a positive amount; `lines` are the ids of the lines it is for, as far as they are told."""

    id: str
    time: datetime | None
    amount: Price
    reason: Maybe[str]
    lines: tuple[str, ...]


class Fulfilment(Record):
    """One parcel, or whatever else reached the customer. A cancelled one never counts as shipped."""

    id: str
    time: datetime | None
    status: Literal["pending", "shipped", "delivered", "cancelled"]
    tracking_number: Maybe[str]
    carrier: Maybe[str]
    tracking_url: Maybe[str]


class Order(Record):
    """What a platform says about an order; amounts are those at purchase, which no refund and no cancellation changes.

    `number` is what the shopper sees. `total` includes tax and shipping, `tax` all tax of it; `shipping_tax` is what
    `shipping` has of it. `code_discounts` part `discount` by codes, where that is told. `status` is the
    platform's own word.
    `customer_id` is None for a guest. `subscription` is what the order renews, None when it is none; `referred_by` the
    id of the customer who sent the buyer. `loyalty` is ours and comes from no platform. `refunds` and `fulfilments` are
    all there are; those `_added` are some of them, where the platform tells no more.
    """

    number: Maybe[str]
    status: Maybe[str]
    payment: Maybe[Payment]
    shipping_status: Maybe[Shipping]
    created_at: Maybe[datetime]
    paid_at: Maybe[datetime]
    cancelled_at: Maybe[datetime]
    cancel_reason: Maybe[str]
    customer_id: Maybe[str]
    email: Maybe[str]
    phone: Maybe[str]
    billing: Maybe[Address]
    shipping_address: Maybe[Address]
    lines: Maybe[tuple[OrderLine, ...]]
    total: Maybe[Price]
    subtotal: Maybe[Price]
    tax: Maybe[Price]
    shipping: Maybe[Price]
    shipping_tax: Maybe[Price]
    discount: Maybe[Price]
    discount_codes: Maybe[tuple[str, ...]]
    code_discounts: Decided[tuple[CodeDiscount, ...]]
    payment_method: Maybe[str]
    shipping_method: Maybe[str]
    source: Maybe[str]
    campaign: Maybe[str]
    referrer: Maybe[str]
    first_purchase: Maybe[bool]
    subscription: Maybe[str]
    referred_by: Maybe[str]
    loyalty: Maybe[OrderLoyalty]
    note: Maybe[str]
    tags: Maybe[tuple[str, ...]]
    refunds: Decided[tuple[Refund, ...]]
    refunds_added: Decided[tuple[Refund, ...]]
    fulfilments: Decided[tuple[Fulfilment, ...]]
    fulfilments_added: Decided[tuple[Fulfilment, ...]]

    @property
    def refunded(self) -> Decimal:
        """The sum of the refunds that are known, in the shop's currency."""
        whole = () if self.refunds is ABSENT else self.refunds
        added = () if self.refunds_added is ABSENT else self.refunds_added
        given_back = {one.id: one for one in (*whole, *added)}
        return sum((refund.amount.shop.amount for refund in given_back.values()), Decimal())

    @property
    def net(self) -> Decimal | None:
        """The total less the refunds, in the shop's currency; None when the total is not known."""
        return self.total.shop.amount - self.refunded if isinstance(self.total, Price) else None


class OrderChange(Record):
    """What one platform event says about one order; `time`, `rank`, `deleted`, `final` and `notes` as in `Change`."""

    id: str
    time: datetime | None
    rank: int
    deleted: bool
    final: bool
    order: Order
    notes: tuple[str, ...]


# What a partial change of an order leaves unsaid.
NO_ORDER_SAID: Final = Order(**dict.fromkeys(Order.model_fields, ABSENT))


class Product(Record):
    """What the lines of orders tell about a product. `id` is the platform's."""

    name: Maybe[str]
    price: Maybe[Price]
    sku: Maybe[str]
    brand: Maybe[str]
    categories: Maybe[tuple[str, ...]]


class Request(Record):
    """What a person has to see to; it waits on a lane of its own. `id` and `email` tell whom it is about."""

    kind: Literal["customer_data", "customer_redact", "shop_redact", "uninstalled"]
    id: str | None
    email: str | None


class Ignored(Record):
    """Nothing to do with this event, for a reason a person can read (no personal data)."""

    reason: str
