"""Voucherify customers: states to calls, answers to verdicts, bulk jobs to their end.

https://docs.voucherify.io/api-reference/customers/update-customers-in-bulk, as of August 2026. A source id never
changes at Voucherify, so it is never the e-mail.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from connectors import voucherify_answers as answers
from connectors import voucherify_jobs as jobs
from connectors import voucherify_profile as profiles
from connectors.connector import Call, Ended, Nothing, Response, State, Way
from connectors.verdicts import Accepted, Again, Delivered, Follow, Rejected, RetryLater, Verdict
from connectors.voucherify_account import Account
from connectors.voucherify_options import BUDGET

Json: TypeAlias = Any

UPSERT: Final = "upsert"
UPDATE: Final = "update"
DELETE: Final = "delete"
BULK: Final = "bulk"

# Voucherify takes 10 MB; our own limit leaves room for what a proxy may add.
MOST_BYTES: Final = 4 << 20
MOST_ROWS: Final = 1000
# A job is polled, so it costs a few calls more.
LEAST_ROWS: Final = 20

_NOTHING_NEW: Final = Nothing(reason="nothing of it is mapped for Voucherify")


@dataclass(frozen=True, slots=True)
class VoucherifyCustomers(Account):
    """The customers of one project.

    Of `known`: exists, email, first_name and last_name (the name is made of both), metadata (without the decisions),
    deleted. Of `steps`: taken (refused as a duplicate, so there is one to update), vanished (and then there was none).
    """

    @property
    def ways(self) -> tuple[Way, ...]:
        """The ways to bring customers over."""
        return (Way(budget=BUDGET), Way(budget=BUDGET, most=MOST_ROWS, least=LEAST_ROWS, bulk=True, polls=BUDGET))

    def image(self, state: State) -> Json:
        """Give what Voucherify should hold after the state is delivered."""
        if state.deleted:
            return {"source_id": state.stable_id, "deleted": self.options.delete_behavior}
        fields = profiles.fields(state)
        return {
            "source_id": state.stable_id,
            "fields": fields,
            # What is remembered of the two that share a field: one may take the other's place in it.
            "names": profiles.names(state) if "name" in fields else {},
            "metadata": profiles.mapped(state, self.options),
            "consents": profiles.pending(state),
        }

    def calls(self, states: Sequence[State], *, bulk: bool) -> Sequence[Call | Nothing]:
        """Give for each state its first call, or why there is none; in bulk the upserts share calls."""
        first = [self._first(state) for state in states]
        if bulk:
            upserts = [(at, call) for at, call in enumerate(first) if isinstance(call, Call) and call.step == UPSERT]
            for part in _parts(upserts):
                shared = self._bulk([call for _, call in part])
                for at, _ in part:
                    first[at] = shared
        return first

    def _first(self, state: State) -> Call | Nothing:
        if state.deleted:
            return self._deletion(state)
        if not profiles.is_news(state, self.options):
            return _NOTHING_NEW
        return self._update(state) if state.steps.get("taken") else self._upsert(state)

    def _upsert(self, state: State) -> Call:
        return _one("POST", "/v1/customers", profiles.profile(state, self.options), UPSERT, state)

    def _update(self, state: State) -> Call:
        body = profiles.profile(state, self.options)
        del body["source_id"]
        return _one("PUT", profiles.customer_path(state.stable_id), body, UPDATE, state)

    def _deletion(self, state: State) -> Call:
        path = profiles.customer_path(state.stable_id)
        if self.options.delete_behavior == "hard":
            return _one("DELETE", path, None, DELETE, state)
        # Never by an upsert: it would create somebody only to mark them as deleted.
        return _one("PUT", path, {"metadata": profiles.metadata(state, self.options)}, DELETE, state)

    def _bulk(self, upserts: Sequence[Call]) -> Call:
        if len(upserts) == 1:
            return upserts[0]
        return Call(
            method="POST",
            path="/v1/customers/bulk/async",
            body=[call.body for call in upserts],
            budget=BUDGET,
            subjects=tuple(subject for call in upserts for subject in call.subjects),
            step=BULK,
            memo=tuple(call.memo for call in upserts),
            starts=True,
        )

    def judge(self, call: Call, response: Response) -> Mapping[str, Verdict]:
        """Say what the answer means for each customer the call is about."""
        if call.step == BULK:
            return self._judge_bulk(call, response)
        return {subject: self._judge_one(call.memo, call, response) for subject in call.subjects}

    def _judge_one(self, state: State, call: Call, response: Response) -> Verdict:
        status, written = response.status, answers.written(response)
        if call.step == DELETE and (written or status in (204, 404)):
            return Delivered(known=profiles.known_after_deletion(state, there=call.method == "PUT" and written))
        if call.step != DELETE and written:
            return self._delivered(state)
        if call.step == UPSERT and status == 409:
            # Two upserts of one new customer at once, such as by an order of theirs: now there is one to update.
            if state.steps.get("vanished"):
                return Rejected(reason="identity", field="source_id")
            taken = replace(state, steps={**state.steps, "taken": True})
            return Follow(call=self._update(taken), step=taken.steps)
        if call.step == UPDATE and status == 404:
            gone = replace(state, steps={"taken": False, "vanished": True})
            return Follow(call=self._upsert(gone), step=gone.steps)
        return answers.general(response, call.body, now=state.now)

    def _delivered(self, state: State) -> Delivered:
        return Delivered(known=profiles.known_after(state, self.options), notes=profiles.notes(state, self.options))

    def _judge_bulk(self, call: Call, response: Response) -> Mapping[str, Verdict]:
        states: Sequence[State] = call.memo
        if response.status == 202:
            process = jobs.started(response)
            if process is None:
                return dict.fromkeys(call.subjects, RetryLater(reason="malformed_answer"))
            return {state.subject: self._accepted(state, process) for state in states}
        verdict = answers.general(response, call.body, now=states[0].now)
        if not isinstance(verdict, Rejected):
            return dict.fromkeys(call.subjects, verdict)
        # Refused as a whole: too large, or for the sake of one row, which is found by trying without it.
        judged: dict[str, Verdict] = dict.fromkeys(call.subjects, Again(reason=verdict.reason))
        row = answers.refusal(response, None).row
        if row is not None and row < len(states):
            judged[states[row].subject] = verdict
        return judged

    def _accepted(self, state: State, process: str) -> Accepted:
        delivered = self._delivered(state)
        return Accepted(process=process, row=state.stable_id, known=delivered.known, notes=delivered.notes)

    def poll(self, process: str) -> Call:
        """Give the call that asks how far a bulk job is."""
        return jobs.poll(process)

    def ended(self, response: Response, rows: Mapping[str, Json]) -> Ended | Verdict | None:
        """Read how far a bulk job is: None while it runs, then a verdict for each customer."""
        return jobs.ended(response, rows)


def _one(method: str, path: str, body: Json, step: str, state: State) -> Call:
    return Call(method=method, path=path, body=body, budget=BUDGET, subjects=(state.subject,), step=step, memo=state)


def _parts(upserts: Sequence[tuple[int, Call]]) -> list[list[tuple[int, Call]]]:
    """Cut rows into calls that are small enough, as they are on the wire."""
    parts: list[list[tuple[int, Call]]] = []
    size = MOST_BYTES
    for at, call in upserts:
        length = len(json.dumps(call.body, separators=(",", ":"))) + 1
        if size + length > MOST_BYTES or len(parts[-1]) == MOST_ROWS:
            parts.append([])
            size = 2
        parts[-1].append((at, call))
        size += length
    return parts
