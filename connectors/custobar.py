"""Custobar: customers, sales, products, events and what loyalty tells, by bulk uploads.

Written against https://developers.custobar.com/ and https://www.custobar.com/docs/api/, as of November 2026. Every
upload is a list, and answered once it is taken, not once it is imported: nobody tells what became of a row. Custobar's
own decisions about marketing come back by its webhook; none are read before ours is sent.
"""

import json
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeAlias

from connectors import custobar_customers, custobar_events, custobar_loyalty, custobar_products, custobar_sales
from connectors.connector import Budget, Call, Nothing, Response, State, Way
from connectors.custobar_answers import refusal, taken
from connectors.custobar_options import BUDGET, CustobarOptions
from connectors.custobar_values import Upload
from connectors.destination import Destination, LaneSpec
from connectors.sections import CustobarSection
from connectors.verdicts import Delivered, Verdict

__all__ = ["DESTINATION", "Custobar", "CustobarOptions", "erasure_call", "shop_calls", "taken"]

Json: TypeAlias = Any

# The default of an account, says https://github.com/Custobar/woocommerce-custobar; all calls count as one class.
_WINDOWS: Final = ((180, 60.0),)
# No maximum is documented. The official plugins send a hundred orders or five hundred records at once.
_MOST_ROWS: Final = 1000
_MOST_BYTES: Final = 2_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Records:
    """One kind of record: what it is called in paths and bodies, how many go together, and how a state becomes rows."""

    table: str
    most: int
    upload: Callable[[CustobarOptions, Any], Upload | Nothing] = field(repr=False)
    image: Callable[[CustobarOptions, Any], Json] = field(repr=False)


CUSTOMERS: Final = Records(
    table="customers", most=500, upload=custobar_customers.upload, image=custobar_customers.image
)
SALES: Final = Records(table="sales", most=200, upload=custobar_sales.upload, image=custobar_sales.image)
PRODUCTS: Final = Records(table="products", most=500, upload=custobar_products.upload, image=custobar_products.image)
EVENTS: Final = Records(table="events", most=500, upload=custobar_events.upload, image=custobar_events.image)
LOYALTY: Final = Records(table="events", most=500, upload=custobar_loyalty.upload, image=custobar_loyalty.image)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Memo:
    now: datetime
    delivered: Mapping[str, Delivered]


@dataclass(frozen=True, slots=True)
class Custobar:
    """One kind of record of one Custobar account."""

    options: CustobarOptions
    records: Records = CUSTOMERS

    @property
    def name(self) -> str:
        """The product's own name."""
        return "custobar"

    @property
    def base_url(self) -> str:
        """Where the account is reached."""
        return self.options.base_url

    @property
    def budgets(self) -> tuple[Budget, ...]:
        """What an account may spend on all kinds of records together."""
        windows = () if self.options.limits_off else self.options.limits.get("calls", _WINDOWS)
        return (Budget(name=BUDGET, windows=windows),)

    @property
    def ways(self) -> tuple[Way, ...]:
        """The one way there is: an upload, even of a single record."""
        return (Way(budget=BUDGET, most=self.records.most, bulk=True),)

    def headers(self) -> Mapping[str, str]:
        """Give the headers that prove who we are; they hold the key and are never logged."""
        key = self.options.api_key
        proof = {
            "bearer": f"Bearer {key}",
            "token": f"Token {key}",
            "basic": f"Basic {b64encode(key.encode()).decode()}",
        }[self.options.auth]
        return {"authorization": proof, "accept": "application/json", "content-type": "application/json"}

    def image(self, state: Any) -> Json:  # noqa: ANN401 - of the kind of its lane
        """Give what Custobar should hold after the state is delivered."""
        return self.records.image(self.options, state)

    def calls(self, states: Sequence[Any], *, bulk: bool) -> Sequence[Call | Nothing]:
        """Give for each state the upload it rides in, or why there is none. Long orders make it several uploads."""
        made = [self.records.upload(self.options, state) for state in states]
        found: dict[int, Call | Nothing] = {at: one for at, one in enumerate(made) if isinstance(one, Nothing)}
        uploads = {at: one for at, one in enumerate(made) if isinstance(one, Upload)}
        for batch in _batches(uploads, bulk=bulk):
            call = _call(self.records.table, [(states[at].subject, uploads[at]) for at in batch], states[batch[0]].now)
            found |= dict.fromkeys(batch, call)
        return [found[at] for at in range(len(states))]

    def judge(self, call: Call, response: Response) -> Mapping[str, Verdict]:
        """Say what the answer means for each subject of the upload."""
        if not call.subjects:
            return {}
        memo: _Memo = call.memo
        if taken(response):
            return memo.delivered
        rows = call.body[call.step]
        return dict.fromkeys(call.subjects, refusal(response, rows, alone=len(call.subjects) == 1, now=memo.now))

    def allowance(self, response: Response) -> tuple[int, float] | None:  # noqa: ARG002 - what a connector is asked
        """Read how much is left: Custobar tells nothing of it."""
        return None

    def probe(self) -> Call:
        """Give the call that shows whether the key works; its scopes must name GET /api/data/customers/ too."""
        return Call(
            method="GET", path="/data/customers/", query={"limit": "1"}, budget=BUDGET, subjects=(), step="probe"
        )


def _batches(uploads: Mapping[int, Upload], *, bulk: bool) -> list[list[int]]:
    """Put together what one call may carry; what is too much by itself goes alone."""
    batches: list[list[int]] = []
    filled = 0.0
    for at, one in uploads.items():
        share = max(len(one.rows) / _MOST_ROWS, len(json.dumps(one.rows)) / _MOST_BYTES)
        if not batches or not bulk or filled + share > 1:
            batches.append([])
            filled = 0.0
        batches[-1].append(at)
        filled += share
    return batches


def _call(table: str, uploads: Sequence[tuple[str, Upload]], now: datetime) -> Call:
    return Call(
        method="POST",
        path=f"/{table}/upload/",
        body={table: [row for _, one in uploads for row in one.rows]},
        budget=BUDGET,
        subjects=tuple(subject for subject, _ in uploads),
        step=table,
        memo=_Memo(now=now, delivered={one: Delivered(known=up.known, notes=up.notes) for one, up in uploads}),
    )


def shop_calls(options: CustobarOptions, sources: Iterable[str]) -> list[Call]:
    """Give the calls that make the shops of sales known to Custobar; `taken` tells whether an answer means yes.

    A shop that the merchant has named for a source is the merchant's: only its id is sent, which changes nothing.
    """
    ours = {
        source: {"external_id": source, "name": source, "shop_type": "online"}
        for source in sources
        if source not in options.shops
    }
    rows = {**ours, **{shop: {"external_id": shop} for source, shop in options.shops.items() if source in set(sources)}}
    if not rows:
        return []
    body = {"shops": list(rows.values())}
    return [Call(method="POST", path="/shops/upload/", body=body, budget=BUDGET, subjects=(), step="shops")]


def erasure_call(state: State) -> Call | Nothing:
    """Give the upload by which Custobar forgets who a customer was (`is_forgotten`), judged as any upload.

    It cannot be undone: the worker sends it for a person's request only, never for a deletion in the shop.
    """
    made = custobar_customers.erasure(state)
    return made if isinstance(made, Nothing) else _call(CUSTOMERS.table, [(state.subject, made)], state.now)


DESTINATION: Final = Destination(
    name="custobar",
    section=CustobarSection,
    options=CustobarOptions,
    needs=custobar_customers.needs,
    loyalty_fields=custobar_loyalty.fields,
    lanes={
        "customers": LaneSpec(kind="customer", connector=partial(Custobar, records=CUSTOMERS)),
        "sales": LaneSpec(kind="order", connector=partial(Custobar, records=SALES)),
        "products": LaneSpec(kind="product", connector=partial(Custobar, records=PRODUCTS)),
        "events": LaneSpec(kind="events", connector=partial(Custobar, records=EVENTS)),
        "loyalty": LaneSpec(kind="loyalty", connector=partial(Custobar, records=LOYALTY)),
    },
)
