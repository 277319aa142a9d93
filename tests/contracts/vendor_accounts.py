"""Accounts at the sandboxed vendors, asked in this process: no socket, no server, a clock that moves with each call."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote, urlsplit

from connectors.connector import Call, Nothing, Response
from connectors.sandbox.registry import SANDBOXES
from connectors.sandbox.vendor import Vendor
from connectors.verdicts import Accepted, Again, Delivered, Follow, Verdict

FOLLOWS = 9
POLLS = 20


@dataclass
class VendorAccount:
    """One account. `refuses` answers in the vendor's place where it gives an answer."""

    vendor: Vendor
    refuses: Callable[[Call], Response | None] = lambda _: None
    sent: list[Call] = field(default_factory=list)

    def send(self, base_url: str, headers: Mapping[str, str], call: Call) -> Response:
        """Answer a call as the vendor does; what it works on by itself ends a few calls later."""
        self.sent.append(call)
        self.vendor.now += 1.0
        assert self.vendor.admits({name.lower(): value for name, value in headers.items()}, None)
        path = urlsplit(base_url).path + call.path
        assert path.startswith(f"{self.vendor.prefix}/"), path
        segments = tuple(unquote(part) for part in path.removeprefix(f"{self.vendor.prefix}/").split("/"))
        refused = self.refuses(call)
        if refused is not None:
            return refused
        status, body = self.vendor.answer(call.method, segments, call.query, json.loads(json.dumps(call.body)))
        return Response(status=status, headers={}, body=b"" if body is None else json.dumps(body).encode())

    def state(self) -> Any:
        """Give all that the vendor holds."""
        shown = self.vendor.control("GET", "state", {})
        assert shown is not None
        return json.loads(json.dumps(shown[1]))


def new_account(destination: str) -> VendorAccount:
    return VendorAccount(vendor=SANDBOXES[destination]())


@dataclass
class Deliveries:
    """A connector that brings states over to an account, in the ways that a worker has; `ended` is by subject."""

    connector: Any
    account: VendorAccount
    ended: dict[str, Verdict | Nothing] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)

    def bring(self, states: Sequence[Any], *, bulk: bool = False) -> dict[str, Verdict | Nothing]:
        """Bring all over; of what is refused as a whole, the halves."""
        by_subject = {state.subject: state for state in states}
        for state, call in zip(states, self.connector.calls(states, bulk=bulk), strict=True):
            if isinstance(call, Nothing):
                self.ended[state.subject] = call
            elif state.subject not in self.ended:
                self._make(call, by_subject)
        return self.ended

    def _make(self, call: Call, by_subject: Mapping[str, Any]) -> None:
        verdicts = dict(self.connector.judge(call, self._ask(call)))
        self._poll(verdicts)
        again = [by_subject[one] for one, verdict in verdicts.items() if isinstance(verdict, Again)]
        self.ended |= {one: verdict for one, verdict in verdicts.items() if not isinstance(verdict, Again)}
        for one, verdict in verdicts.items():
            if isinstance(verdict, Follow):
                self.ended[one] = self._follow(by_subject[one], verdict)
        halves = [again[: len(again) // 2], again[len(again) // 2 :]] if len(again) == len(verdicts) else [again]
        for half in filter(None, halves):
            assert len(again) > 1 or len(call.subjects) > 1, "one alone is not to be tried again"
            self.bring(half, bulk=len(half) > 1)

    def _follow(self, state: Any, verdict: Verdict) -> Verdict:
        for _ in range(FOLLOWS):
            if not isinstance(verdict, Follow):
                return verdict
            # After a crash the same step must lead to the same call.
            kept = json.loads(json.dumps(verdict.step))
            (call,) = self.connector.calls([replace(state, steps=kept)], bulk=False)
            assert (call.path, call.body, call.step) == (verdict.call.path, verdict.call.body, verdict.call.step)
            verdict = self.connector.judge(verdict.call, self._ask(verdict.call))[state.subject]
        raise AssertionError("the conversation does not end")

    def _poll(self, verdicts: dict[str, Verdict]) -> None:
        riders = {one: verdict for one, verdict in verdicts.items() if isinstance(verdict, Accepted)}
        for process in {rider.process for rider in riders.values()}:
            rows = {one: json.loads(json.dumps(rider.row)) for one, rider in riders.items() if rider.process == process}
            ended = None
            for _ in range(POLLS):
                ended = self.connector.ended(self._ask(self.connector.poll(process)), rows)
                if ended is not None:
                    break
            assert isinstance(ended, Mapping)
            assert set(ended) == set(rows)
            for one, verdict in ended.items():
                known = riders[one].known
                verdicts[one] = replace(verdict, known=known) if isinstance(verdict, Delivered) else verdict

    def _ask(self, call: Call) -> Response:
        self.calls.append(call)
        return self.account.send(self.connector.base_url, self.connector.headers(), call)
