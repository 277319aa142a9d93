"""The loyalty cards of the sandboxed Voucherify: members of campaigns, their balances and transactions.

https://docs.voucherify.io/api-reference/loyalties/, as of August 2026. Where Voucherify leaves a thing open, this one
does what hurts most: a balance that is sent twice counts twice, and a second membership is refused.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from connectors.sandbox.vendor import Answer
from connectors.sandbox.voucherify_checks import RefusedError, an_object, check_customer, missing

Json: TypeAlias = Any

CAMPAIGNS: Final = ("Loyalty",)
MOST_CARDS: Final = 1_000_000
MOST_TRANSACTIONS: Final = 100_000


@dataclass(slots=True)
class Card:
    """A loyalty card and what moved its points, the oldest first."""

    code: str
    campaign: str
    holder: str
    source_id: str | None
    created_at: str
    total: int = 0
    balance: int = 0
    transactions: list[Json] = field(default_factory=list)

    def json(self) -> Json:
        """Give the card as Voucherify tells it."""
        return {
            "id": f"v_{self.code}",
            "code": self.code,
            "campaign": self.campaign,
            "campaign_id": campaign_id(self.campaign),
            "type": "LOYALTY_CARD",
            "loyalty_card": {"points": self.total, "balance": self.balance},
            "active": True,
            "created_at": self.created_at,
            "holder_id": self.holder,
            "object": "voucher",
        }


def campaign_id(name: str) -> str:
    """Give the id of a campaign."""
    return f"camp_{name.lower()}"


class Cards:
    """All cards of a project. `campaigns` are the names of those that there are."""

    def __init__(self, customer: Callable[[Json], Mapping[str, Json]], now: Callable[[], str]) -> None:
        self.customer, self.now = customer, now
        self.campaigns: tuple[str, ...] = CAMPAIGNS
        self.by_code: dict[str, Card] = {}
        self.moved = 0

    def shown(self) -> list[Json]:
        """Show all cards with their transactions."""
        return [{**card.json(), "transactions": card.transactions} for card in self.by_code.values()]

    def answer(self, method: str, path: Sequence[str], query: Mapping[str, str], body: Json) -> Answer:
        """Answer a request; `path` are the segments after /v1/loyalties.

        Raises: RefusedError.
        """
        match method, path:
            case "GET", ("members", code):
                return 200, self._card(code).json()
            case "GET", ("members", code, "transactions"):
                return 200, _page(self._card(code).transactions, query)
            case "GET", (campaign, "members"):
                return 200, self._members(self._campaign(campaign), query)
            case "POST", (campaign, "members"):
                return 200, self._join(self._campaign(campaign), an_object(body)).json()
            case "POST", (campaign, "members", code, "balance"):
                self._campaign(campaign)
                return 200, self._move(self._card(code), an_object(body))
            case _:
                raise missing("path", "/".join(path))

    def _campaign(self, named: str) -> str:
        found = next((name for name in self.campaigns if named in {name, campaign_id(name)}), None)
        if found is None:
            raise missing("campaign", named)
        return found

    def _card(self, code: str) -> Card:
        if code not in self.by_code:
            raise missing("voucher", code)
        return self.by_code[code]

    def _of(self, campaign: str, customer: str | None) -> list[Card]:
        cards = (card for card in self.by_code.values() if card.campaign == campaign)
        return [card for card in cards if customer in {None, card.holder, card.source_id}]

    def _members(self, campaign: str, query: Mapping[str, str]) -> Json:
        cards = self._of(campaign, query.get("customer"))
        ordered = cards if query.get("order") == "created_at" else cards[::-1]
        told = [card.json() for card in ordered[: int(query.get("limit", "10"))]]
        return {"object": "list", "data_ref": "vouchers", "vouchers": told, "total": len(cards)}

    def _join(self, campaign: str, body: Mapping[str, Json]) -> Card:
        who = body.get("customer")
        check_customer(an_object(who, ".customer"), ".customer.")
        holder = self.customer(who)
        if self._of(campaign, holder["id"]):
            raise RefusedError("customer_already_joined", "Customers can join this campaign only once")
        if len(self.by_code) >= MOST_CARDS:
            raise RefusedError("no_voucher_suitable_for_publication", "Couldn't create new vouchers for publication")
        code = f"CARD-{len(self.by_code) + 1:06d}"
        card = Card(code, campaign, holder["id"], holder["source_id"], self.now())
        self.by_code[card.code] = card
        return card

    def _move(self, card: Card, body: Mapping[str, Json]) -> Json:
        points = body.get("points")
        if not isinstance(points, int) or isinstance(points, bool):
            raise RefusedError("invalid_payload", "Property .points must be an integer")
        if card.balance + points < 0:
            raise RefusedError("loyalty_card_points_exceeded", "The balance of the card is too low")
        if len(card.transactions) >= MOST_TRANSACTIONS:
            raise RefusedError("invalid_payload", "No more transactions in this project")
        card.balance += points
        card.total += max(points, 0)
        self.moved += 1
        about = {"type": "voucher", "id": f"v_{card.code}"}
        balance = {"points": points, "total": card.total, "balance": card.balance, "type": "loyalty_card"}
        balance |= {"object": "balance", "related_object": about}
        card.transactions.append(
            {
                "id": f"vtx_{self.moved:018x}",
                "source_id": body.get("source_id"),
                "voucher_id": about["id"],
                "campaign_id": campaign_id(card.campaign),
                "source": "API",
                "reason": body.get("reason"),
                "type": "POINTS_ADDITION" if points > 0 else "POINTS_REMOVAL",
                "details": {"balance": balance},
                "related_transaction_id": None,
                "created_at": self.now(),
            }
        )
        return balance


def _page(transactions: Sequence[Json], query: Mapping[str, str]) -> Json:
    """Give a page of transactions, the newest first unless the order says otherwise."""
    ordered = list(transactions) if query.get("order") == "id" else list(reversed(transactions))
    ids = [one["id"] for one in ordered]
    after = query.get("starting_after_id")
    start = ids.index(after) + 1 if after in ids else 0
    shown = ordered[start : start + int(query.get("limit", "10"))]
    more = start + len(shown) < len(ordered)
    last = {"more_starting_after": shown[-1]["id"]} if more else {}
    return {"object": "list", "data_ref": "data", "data": shown, "has_more": more, **last}
