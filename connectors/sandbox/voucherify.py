"""A Voucherify project as the documentation describes it, in memory: customers, jobs, orders, custom events, cards.

https://docs.voucherify.io/api-reference/introduction, as of August 2026. Where Voucherify leaves a thing open, this one
does what hurts most: metadata is replaced as a whole.
"""

import math
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Final, TypeAlias

from connectors.sandbox.vendor import Answer, Standing, Windows
from connectors.sandbox.voucherify_cards import Cards
from connectors.sandbox.voucherify_checks import (
    RefusedError,
    an_object,
    check_customer,
    check_event,
    check_order,
    missing,
)

Json: TypeAlias = Any

_OF_ORDERS: Final = ("created", "paid", "shipped", "delivered", "cancelled", "refunded")
DEFINED: Final = frozenset({*map("order_{}".format, _OF_ORDERS), "loyalty_points_awarded", "loyalty_tier_changed"})
MOST_RECORDS: Final = 1_000_000
MOST_EVENTS: Final = 100_000
# Seconds that a bulk job takes, by the sandbox's clock; jobs run one after another.
_JOB: Final = 2.0
_JOB_PER_ROW: Final = 0.001


@dataclass(slots=True)
class Job:
    """A bulk job: it starts when the one before it has ended."""

    id: str
    rows: list[Mapping[str, Json]]
    starts: float
    ends: float
    created_at: str
    result: Json = None

    def json(self, now: float) -> Json:
        """Give the job as Voucherify tells it."""
        status = "DONE" if self.result else "IN_PROGRESS" if now >= self.starts else "ENQUEUED"
        return {
            "id": self.id,
            "type": "CUSTOMERS.BULK_UPDATE",
            "status": status,
            **({"operation_status": "SUCCESS", "result": self.result} if self.result else {}),
            "created_at": self.created_at,
            "progress": 100 if self.result else 0,
            "object": "async_action",
        }


@dataclass(slots=True)
class Records:
    """Records of one kind by Voucherify's id, and these ids by source id."""

    kind: str
    prefix: str
    by_id: dict[str, dict[str, Json]] = field(default_factory=dict)
    by_source: dict[str, str] = field(default_factory=dict)
    ever: int = 0

    def found(self, identifier: str) -> dict[str, Json]:
        """Give the record of an id of either kind.

        Raises: RefusedError.
        """
        record = self.by_id.get(self.by_source.get(identifier, identifier))
        if record is None:
            raise missing(self.kind, identifier)
        return record

    def upserted(self, body: Mapping[str, Json]) -> dict[str, Json]:
        """Give the record a body is about, a new one where there is none."""
        if body.get("id"):
            return self.found(body["id"])
        source_id = body.get("source_id")
        if source_id in self.by_source:
            return self.by_id[self.by_source[source_id]]
        if len(self.by_id) >= MOST_RECORDS:
            raise RefusedError("invalid_payload", "No more records in this project")
        self.ever += 1
        new = f"{self.prefix}_{self.ever:024d}"
        if source_id is not None:
            self.by_source[source_id] = new
        self.by_id[new] = {"id": new, "source_id": source_id, "metadata": {}, "created_at": _now(), "object": self.kind}
        return self.by_id[new]


class VoucherifySandbox:
    """One project. `defined` are the events of its schema; None stands for every one there could be."""

    name = "voucherify"
    prefix = ""
    limits: Mapping[str, Windows] = {"calls": ((100, 60.0),)}

    def __init__(self, defined: frozenset[str] | None = DEFINED) -> None:
        self.now = 0.0
        self.defined = defined
        self.requests = 0
        self.reset()

    def reset(self) -> None:
        """Forget everything but the event schema; the campaigns are those of the beginning."""
        self.cards = Cards(self._customer, _now)
        self.customers = Records("customer", "cust")
        self.orders = Records("order", "ord")
        self.events: deque[Json] = deque(maxlen=MOST_EVENTS)
        self.jobs: dict[str, Job] = {}
        self.ended = 0.0
        self.waiting: deque[Job] = deque()

    def admits(self, headers: Mapping[str, str], key: str | None) -> bool:
        """Say whether these headers prove an account."""
        given = headers.get("x-app-token", "")
        return bool(given and headers.get("x-app-id")) and key in (None, given)

    def unauthorized(self) -> Answer:
        """Give the answer to a call without a valid key."""
        return 401, {"code": 401, "message": "Unauthorized", "details": "X-App-Id or X-App-Token is wrong"}

    def budget(self, method: str, path: str) -> str:  # noqa: ARG002 - all calls are of one class
        """Name the class of limits that a call falls under."""
        return "calls"

    def throttled(self, standing: Standing) -> tuple[Answer, Mapping[str, str]]:
        """Give the answer to a call too many."""
        refused = {"code": 429, "message": "Too many requests hit the API too quickly."}
        more = {"retry-after": str(max(1, math.ceil(standing.reset))), "x-rate-limit-type": "api_calls"}
        return (429, refused), {**self.standing_headers(standing), **more}

    def standing_headers(self, standing: Standing) -> Mapping[str, str]:
        """Give the headers by which every answer tells of the limits."""
        return {
            "x-rate-limit-limit": str(standing.limit),
            "x-rate-limit-remaining": str(standing.remaining),
            "x-rate-limit-retry": str(int(time.time() + standing.reset)),
        }

    def control(self, method: str, name: str, content: Json) -> Answer | None:
        """Show what there is, set the events that are defined and the loyalty campaigns."""
        self._work()
        shown: Mapping[str, Json] = {
            "customers": list(self.customers.by_id.values()),
            "orders": list(self.orders.by_id.values()),
            "events": list(self.events),
            "jobs": [job.json(self.now) for job in self.jobs.values()],
            "cards": self.cards.shown(),
        }
        match method, name:
            case "GET", "state":
                return 200, shown
            case "GET", _ if name in shown:
                return 200, shown[name]
            case "POST", "events_schema":
                names = content["names"]
                self.defined = None if names is None else frozenset(names)
                return 204, None
            case "POST", "campaigns":
                self.cards.campaigns = tuple(content["names"])
                return 204, None
            case _:
                return None

    def answer(self, method: str, path: tuple[str, ...], query: Mapping[str, str], body: Json) -> Answer:
        """Answer one request; `path` are the decoded segments."""
        self._work()
        self.requests += 1
        try:
            return self._act(method, path, query, body)
        except RefusedError as refused:
            return refused.answer(f"v-{self.requests:018x}")

    def _act(self, method: str, path: tuple[str, ...], query: Mapping[str, str], body: Json) -> Answer:
        match method, path:
            case _, ("v1", "loyalties", *rest):
                return self.cards.answer(method, rest, query, body)
            case "POST", ("v1", *rest):
                return self._posted(tuple(rest), body)
            case "PUT", ("v1", "customers", identifier):
                return 200, self._customer({**an_object(body), "id": self.customers.found(identifier)["id"]})
            case "PUT", ("v1", "orders", identifier):
                return 200, self._order(an_object(body), self.orders.found(identifier))
            case "DELETE", ("v1", "customers", identifier):
                return self._delete(identifier)
            case "GET", ("v1", *rest):
                return 200, self._shown(tuple(rest), query)
            case _:
                raise RefusedError("method_not_allowed", f"{method} is not supported by this endpoint.", 405)

    def _posted(self, path: tuple[str, ...], body: Json) -> Answer:
        match path:
            case ("customers",):
                return 200, self._customer(an_object(body))
            case ("customers", "bulk", "async"):
                return 202, {"async_action_id": self._start(body).id}
            case ("orders",):
                return 200, self._order(an_object(body), None)
            case ("events",):
                return 200, self._event(an_object(body))
            case _:
                raise missing("path", "/".join(path))

    def _shown(self, path: tuple[str, ...], query: Mapping[str, str]) -> Json:
        match path:
            case ("customers", identifier):
                return self.customers.found(identifier)
            case ("orders", identifier):
                return self.orders.found(identifier)
            case ("async-actions", identifier) if identifier in self.jobs:
                return self.jobs[identifier].json(self.now)
            case ("async-actions", identifier):
                raise missing("async_action", identifier)
            case ("async-actions",):
                most = int(query.get("limit", "10"))
                return {"object": "list", "async_actions": [job.json(self.now) for job in self.jobs.values()][-most:]}
            case _:
                raise missing("path", "/".join(path))

    def _customer(self, body: Mapping[str, Json]) -> dict[str, Json]:
        check_customer(body)
        record = self.customers.upserted(body)
        return _written(record, body, ("name", "description", "email", "phone", "birthdate", "address"))

    def _delete(self, identifier: str) -> Answer:
        record = self.customers.found(identifier)
        del self.customers.by_id[record["id"]]
        self.customers.by_source.pop(record["source_id"], None)
        return 204, None

    def _start(self, body: Json) -> Job:
        if not isinstance(body, list):
            raise RefusedError("invalid_payload", "Payload must be an array")
        for index, row in enumerate(body):
            if not isinstance(an_object(row, f".[{index}]").get("source_id"), str):
                raise RefusedError("invalid_payload", f"Property .[{index}].source_id is required")
        starts = max([self.now, *(job.ends for job in self.waiting)])
        ends = starts + _JOB + _JOB_PER_ROW * len(body)
        job = Job(f"aa_{len(self.jobs) + 1:018x}", body, starts, ends, _now())
        self.jobs[job.id] = job
        self.waiting.append(job)
        return job

    def _work(self) -> None:
        while self.waiting and self.waiting[0].ends <= self.now:
            job = self.waiting.popleft()
            self.ended = job.ends
            errors = []
            for row in job.rows:
                try:
                    self._customer(row)
                except RefusedError as refused:
                    errors.append(refused.entry(row["source_id"]))
            counts = {"done_count": len(job.rows) - len(errors), "failed_count": len(errors)}
            job.result = {**counts, "reports": [], "reports_available_till": _now(), "errors": errors}
            job.rows = []

    def _order(self, body: Mapping[str, Json], record: dict[str, Json] | None) -> dict[str, Json]:
        check_order(body)
        record = self.orders.upserted(body) if record is None else record
        if body.get("customer"):
            record["customer_id"] = self._customer(body["customer"])["id"]
        if body.get("referrer"):
            record["referrer_id"] = self._customer(body["referrer"])["id"]
        _written(record, body, ("status", "amount", "discount_amount", "items"))
        record.setdefault("status", "CREATED")
        items = record.get("items") or ()
        amount = record.get("amount") or sum(item.get("amount", 0) for item in items)
        record["total_amount"] = amount - (record.get("discount_amount") or 0)
        return record

    def _event(self, body: Mapping[str, Json]) -> dict[str, Json]:
        check_event(body, self.defined)
        customer = self._customer(body["customer"])
        told = {"event": body["event"], "customer_id": customer["id"], "source_id": customer["source_id"]}
        referral = body.get("referral")
        self.events.append({**told, "referral": referral, "metadata": body.get("metadata") or {}, "created_at": _now()})
        return {"object": "event", "type": body["event"], "customer": customer, "referral": referral, "loyalty": None}


def _written(record: dict[str, Json], body: Mapping[str, Json], names: tuple[str, ...]) -> dict[str, Json]:
    record |= {name: body[name] for name in names if name in body}
    if "metadata" in body:
        record["metadata"] = body["metadata"] or {}
    record["updated_at"] = _now()
    return record


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
