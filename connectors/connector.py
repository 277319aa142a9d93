"""What a connector is: a pure function from states to unsent calls, and from responses to verdicts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any, Final, Literal, Protocol, TypeAlias

from connectors.calls import Call as Call  # noqa: PLC0414 - a connector's vocabulary is found in one place
from connectors.calls import Json as Json  # noqa: PLC0414 - likewise
from connectors.calls import Response as Response  # noqa: PLC0414 - likewise
from connectors.verdicts import BudgetSpent, Down, Rejected, RetryLater, Verdict
from mappings.loyalty_records import LoyaltyEvent, PointsAdjustment
from mappings.records import Customer, Order, Product

LONGEST_WAIT: Final = 3600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """What one destination is to be told about one customer: the newest pending facets, folded.

    `ext_id` is the customer's id with us, None for a guest; `stable_id` is there for a guest too (a keyed hash).
    `customer` holds only what is newer than what the destination was told; the rest is ABSENT. `raw` are the merchant's
    own fields (`raw:` keys of the field mapping). `known` is what earlier deliveries learned: a JSON object that only
    the connector reads and writes, empty for a subject that was never delivered. `consents` are the newest decisions of
    all time by channel ("email", "sms"), pending ones included. `steps` are the answers already had in this delivery
    before a crash. `shared` says that another source's customer holds the same contact. `now` is the worker's clock.
    """

    subject: str
    ext_id: str | None
    stable_id: str
    customer: Customer = field(repr=False)
    raw: Mapping[str, Json] = field(repr=False)
    deleted: bool
    known: Mapping[str, Json] = field(repr=False)
    consents: Mapping[str, "Decision"]
    steps: Mapping[str, Json] = field(repr=False)
    shared: bool
    now: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Holder:
    """The customer of an order, as the destination knows them: `known` is what their own lane has learned.

    `ext_id` and `stable_id` as in `State`; both are None when the order names nobody.
    """

    ext_id: str | None
    stable_id: str | None
    known: Mapping[str, Json] = field(repr=False)


Milestone: TypeAlias = Literal["created", "paid", "shipped", "delivered", "cancelled", "partially_refunded", "refunded"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Transition:
    """A milestone that an order has reached and that the destination was not told yet; `time` None when unknown."""

    milestone: Milestone
    time: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderState:
    """What one destination is to be told about one order: all that is known of it, told or not, folded.

    `id` is the order's id with us. `order.refunds` and `order.fulfilments` are complete as far as anybody knows, those
    `_added` are ABSENT. `transitions` are in the order of an order's life; only a lane of events has any. `complete`
    says that the whole order was told at least once, not parts of it only. The rest is as in `State`. Of `steps`,
    `told` lists the milestones whose call was answered: they count as told even when another is refused.
    """

    subject: str
    id: str
    order: Order = field(repr=False)
    transitions: tuple[Transition, ...]
    complete: bool
    deleted: bool
    customer: Holder = field(repr=False)
    known: Mapping[str, Json] = field(repr=False)
    steps: Mapping[str, Json] = field(repr=False)
    now: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ProductState:
    """What one destination is to be told about one product, all that is known of it; `id` is the product's id."""

    subject: str
    id: str
    product: Product
    deleted: bool
    known: Mapping[str, Json] = field(repr=False)
    steps: Mapping[str, Json] = field(repr=False)
    now: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class LoyaltyState:
    """What one destination is to be told once about a customer's loyalty; `id` is the event's id with us."""

    subject: str
    id: str
    event: LoyaltyEvent
    customer: Holder = field(repr=False)
    known: Mapping[str, Json] = field(repr=False)
    steps: Mapping[str, Json] = field(repr=False)
    now: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class PointsState:
    """By how many points the card that a destination holds for a customer is to change, once."""

    subject: str
    id: str
    adjustment: PointsAdjustment
    customer: Holder = field(repr=False)
    known: Mapping[str, Json] = field(repr=False)
    steps: Mapping[str, Json] = field(repr=False)
    now: datetime


AnyState: TypeAlias = State | OrderState | ProductState | LoyaltyState | PointsState
Kind: TypeAlias = Literal["customer", "order", "events", "product", "loyalty", "points"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """The newest consent decision of one channel that is known for a subject."""

    granted: bool
    time: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Nothing:
    """Nothing needs to be sent for this subject. `keep` asks that its facets wait for a later change."""

    reason: str
    keep: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """How many calls of one class an account may make: (calls, seconds) windows, all of them sliding."""

    name: str
    windows: tuple[tuple[int, float], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """One way to bring states over: up to `most` in a call that is paid from `budget`, worth it from `least` that wait.

    `bulk` is handed to `calls`. `polls` names the budget that asking for the outcome is paid from, if there is any.
    """

    budget: str
    most: int = 1
    least: int = 1
    bulk: bool = False
    polls: str = ""


# What became of the subjects of a process that has ended: all of them.
Ended: TypeAlias = Mapping[str, Verdict]


class Connector(Protocol):
    """One kind of record at one destination, bound to its settings. Pure: it opens no socket and reads no clock.

    A lane of kind "customer" is given `State`s, "order" and "events" `OrderState`s, "product" `ProductState`s,
    "loyalty" `LoyaltyState`s, "points" `PointsState`s.
    """

    @property
    def name(self) -> str:
        """The destination's own name."""
        ...

    @property
    def base_url(self) -> str:
        """Where the account is reached, without a slash at the end."""
        ...

    @property
    def budgets(self) -> tuple[Budget, ...]:
        """What the account may spend, all classes of it."""
        ...

    @property
    def ways(self) -> tuple[Way, ...]:
        """The ways to bring states over, the single one first."""
        ...

    def headers(self) -> Mapping[str, str]:
        """Give the headers that prove who we are; they hold the key and are never logged."""

    def image(self, state: Any) -> Json:  # noqa: ANN401 - of the kind of its lane
        """Give what the destination should hold after the state is delivered; equal images are not sent twice."""

    def calls(self, states: Sequence[Any], *, bulk: bool) -> Sequence[Call | Nothing]:
        """Give for each state its first call, or why there is none. In bulk, states may share one Call object."""

    def judge(self, call: Call, response: Response) -> Mapping[str, Verdict]:
        """Say what the answer means for each subject the call covers."""

    def allowance(self, response: Response) -> tuple[int, float] | None:
        """Read how many more calls there may be, and the seconds until it is counted anew; None if it is silent."""

    def probe(self) -> Call:
        """Give the call that shows whether the key works."""


class Polling(Connector, Protocol):
    """A connector whose bulk calls are worked on by the destination after they were answered (`Accepted`)."""

    def poll(self, process: str) -> Call:
        """Give the call that asks how far a process is; its budget is the one that polls are paid from."""

    def ended(self, response: Response, rows: Mapping[str, Json]) -> Ended | Verdict | None:
        """Read the answer to `poll`: a verdict for each subject of `rows` (subject -> `Accepted.row`), None while the
        process runs, or what kept the answer from coming.
        """


# What a status means where a connector says nothing else (it calls `judge_status` for what it does not know itself).
RETRIED: Final = frozenset({0, 408, 425})
# The body of no answer (status 0) where the certificate was the reason.
UNTRUSTED: Final = b"tls"
# The same where there was no connection, so that nothing can have been sent by this try.
UNREACHABLE: Final = b"unreachable"


def judge_status(response: Response, *, now: datetime | None = None) -> Verdict:
    """Judge by status alone: 408, 425, 5xx and no answer are retried, 429 waits, 401/403 stop, the rest is refused.

    A certificate that nobody may trust stops too: people must hear of it, and no call gets through until they acted.
    """
    status = response.status
    if status == 429:
        return BudgetSpent(after=retry_after(response, now=now) or 60.0)
    if status == 401 or (status == 0 and response.body == UNTRUSTED):
        return Down(scope="destination", reason="unauthorized" if status else "certificate_not_trusted")
    if status in RETRIED or status >= 500:
        reason = response.body.decode("ascii", "replace") if status == 0 else f"http_{status}"
        arrived = (status, response.body) != (0, UNREACHABLE)
        return RetryLater(reason=reason, after=retry_after(response, now=now), arrived=arrived)
    if status == 403:
        return Down(scope="lane", reason="forbidden")
    if 200 <= status < 400:
        return RetryLater(reason=f"unexpected_{status}")
    return Rejected(reason=f"http_{status}")


def retry_after(response: Response, *, now: datetime | None = None) -> float | None:
    """Read Retry-After (seconds or an HTTP date), never negative, at most an hour; None when absent or unreadable."""
    text = response.headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, OverflowError):
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=timezone.utc)
        seconds = (moment - (now or datetime.now(timezone.utc))).total_seconds()
    if seconds != seconds:  # noqa: PLR0124 - NaN
        return None
    return min(max(seconds, 0.0), LONGEST_WAIT)
