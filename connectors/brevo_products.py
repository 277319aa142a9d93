"""Brevo products, as the lines of orders tell them: one by one, or up to a hundred in a batch.

Written against https://developers.brevo.com/reference/createupdateproduct and its batch, as of November 2026.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from connectors.brevo_account import OTHER, PRODUCTS, BrevoAccount, refused, refused_together
from connectors.brevo_bulk import Row, calls_of
from connectors.brevo_order import amount, text
from connectors.connector import Call, Nothing, ProductState, Response, Way
from connectors.verdicts import Delivered, Verdict
from mappings.records import ABSENT, Maybe

Json: TypeAlias = Any

BULK: Final = Way(budget=OTHER, most=100, least=20, bulk=True)
PRODUCT: Final = "product"
BATCH: Final = "products"
NAMELESS: Final = "the product has no name yet"
UNTOLD: Final = "the product was deleted before it was told"
FIELDS: Final = frozenset({"id", "name", "price", "sku", "metaInfo", "isDeleted"})
MOST_LETTERS: Final = 255


@dataclass(frozen=True, slots=True)
class BrevoProducts(BrevoAccount):
    """The products of one account."""

    @property
    def ways(self) -> tuple[Way, ...]:
        """The ways to bring products over; batches are one of a hundred things that one hour allows."""
        return Way(budget=PRODUCTS), BULK

    def image(self, state: ProductState) -> Json:
        """Give what Brevo should hold after the state is delivered."""
        return _body(state)

    def calls(self, states: Sequence[ProductState], *, bulk: bool) -> Sequence[Call | Nothing]:
        """Give each product its call, in bulk one for many, or why there is none."""
        found = [_row(state) for state in states]
        return calls_of(found, alone=_alone, together=_together, way=BULK if bulk else None)

    def judge(self, call: Call, response: Response) -> Mapping[str, Verdict]:
        """Say what the answer means for each product of the call."""
        rows: Sequence[Row] = call.memo or ()
        if response.status in (201, 204):
            return {row.subject: Delivered(known=row.known) for row in rows}
        if call.step == BATCH:
            return dict.fromkeys(call.subjects, refused_together(response, now=rows[0].state.now))
        return {row.subject: refused(response, call.body, now=row.state.now, names=FIELDS) for row in rows}


def _row(state: ProductState) -> Row | Nothing:
    if state.deleted and not state.known.get("told"):
        return Nothing(reason=UNTOLD)
    if not text(state.product.name):
        return Nothing(reason=NAMELESS, keep=True)
    known = {} if state.deleted else {"told": True}
    return Row(subject=state.subject, key=state.id, bodies=(_body(state),), state=state, known=known)


def _body(state: ProductState) -> Json:
    """Give a product; its categories have ids of their own at Brevo, so their names go where any text may stand."""
    product = state.product
    info = {"brand": _said(product.brand), "categories": _said(product.categories)}
    said = {
        "name": text(product.name)[:MOST_LETTERS],
        "price": amount(product.price),
        "sku": _said(product.sku),
        "metaInfo": {name: value for name, value in info.items() if value is not None} or None,
        "isDeleted": state.deleted,
    }
    return {"id": state.id, **{name: value for name, value in said.items() if value is not None}}


def _said(value: Maybe[str] | Maybe[tuple[str, ...]]) -> str | None:
    """Give what was said as text, which is empty to clear it; None where nothing was said."""
    if value is ABSENT:
        return None
    return ", ".join(value) if isinstance(value, tuple) else text(value)


def _alone(row: Row) -> Call:
    return Call(
        method="POST",
        path="/products",
        body={**row.bodies[0], "updateEnabled": True},
        budget=PRODUCTS,
        subjects=(row.subject,),
        step=PRODUCT,
        memo=(row,),
    )


def _together(rows: Sequence[Row]) -> Call:
    return Call(
        method="POST",
        path="/products/batch",
        body={"products": [row.bodies[0] for row in rows], "updateEnabled": True},
        budget=OTHER,
        subjects=tuple(row.subject for row in rows),
        step=BATCH,
        memo=tuple(rows),
    )
