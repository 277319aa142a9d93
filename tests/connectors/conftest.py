"""Customers, states and conversations for the tests of the connectors."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped] # it comes without types
import pytest
import yaml

from connectors.brevo import Brevo, BrevoOptions
from connectors.connector import Call, Decision, Nothing, Response, State
from connectors.sandbox.control import Sandbox
from connectors.sandbox.server import running_sandbox
from connectors.verdicts import Follow, Verdict
from mappings.records import ABSENT, Consent, Customer

SPECS = Path(__file__).parents[2] / "../shared/specs/brevo"
NOW = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
UNKNOWN = dict.fromkeys(Customer.model_fields, ABSENT)


def make_customer(**fields: Any) -> Customer:
    return Customer.model_validate({**UNKNOWN, **fields})


def make_state(*, grants: Mapping[str, datetime | None] | None = None, **fields: Any) -> State:
    """Make a state: what is a customer's goes there; `grants` and `denials` are pending decisions by channel."""
    denials = fields.pop("denials", {})
    of_customer = {name: fields.pop(name) for name in list(fields) if name in Customer.model_fields}
    consents = dict(fields.pop("consents", {}))
    for decision, times in (("granted", grants or {}), ("denied", denials)):
        for channel, time in times.items():
            of_customer[f"{channel}_consent"] = Consent.model_validate(
                {"decision": decision, "time": time, "origin": "shop"}
            )
            consents[channel] = Decision(granted=decision == "granted", time=time)
    defaults: dict[str, Any] = {
        "subject": "customer:shop:7",
        "ext_id": "shop-7",
        "stable_id": "shop-7",
        "raw": {},
        "deleted": False,
        "known": {},
        "steps": {},
        "shared": False,
        "now": NOW,
    }
    return State(customer=make_customer(**of_customer), consents=consents, **{**defaults, **fields})


@dataclass(frozen=True)
class Talk:
    """A conversation: the calls made, and what the last answer meant."""

    calls: list[Call]
    end: Verdict | Nothing

    @property
    def bodies(self) -> list[Any]:
        return [call.body for call in self.calls]

    @property
    def lines(self) -> list[str]:
        return [
            f"{call.method} {call.path}" + "".join(f"?{name}={value}" for name, value in call.query.items())
            for call in self.calls
        ]


Ask = Callable[[Call], Response]
Answer = tuple[int, Any]


def respond(status: int, body: Any = None, headers: Mapping[str, str] | None = None) -> Response:
    content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status=status, headers=headers or {}, body=content)


@pytest.fixture
def respond_with() -> Callable[..., Response]:
    return respond


@pytest.fixture
def state() -> Callable[..., State]:
    return make_state


@pytest.fixture
def customer() -> Callable[..., Customer]:
    return make_customer


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def ago() -> Callable[..., datetime]:
    return lambda **time: NOW - timedelta(**time)


@pytest.fixture
def brevo() -> Callable[..., Brevo]:
    return lambda **options: Brevo(BrevoOptions(**{"api_key": "xkeysib-secret", "list_id": 5, **options}))


@pytest.fixture(scope="session")
def specification() -> Mapping[str, Any] | None:
    """Brevo's own description, with what was added to it since."""
    if not SPECS.exists():
        return None
    old, new = (
        yaml.load((SPECS / f"brevo-openapi-{name}.yaml").read_text(), yaml.CSafeLoader)
        for name in ("sync-subset", "additions")
    )
    old["paths"] |= {path: item for path, item in new["paths"].items() if path not in old["paths"]}
    old["components"]["schemas"]["event"] = new["components"]["schemas"]["event"]
    item = new["components"]["schemas"]["orderProductsItem"]
    old["components"]["schemas"]["order"]["properties"]["products"]["items"] = item
    return dict(old)


def fits(template: str, path: str) -> bool:
    return re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)), path) is not None


@pytest.fixture
def lawful(specification: Mapping[str, Any] | None) -> Callable[[Call], None]:
    """Check a call against Brevo's own description, as far as that is at hand."""

    def check(call: Call) -> None:
        if specification is None or call.path == "/ecommerce/orders":  # no path of Brevo's own
            return
        paths = [template for template in specification["paths"] if fits(template, call.path)]
        template = min(paths, key=lambda template: template.count("{"))
        operation = specification["paths"][template][call.method.lower()]
        kinds = [one["schema"] for one in operation.get("parameters", ()) if one["name"] == "identifierType"]
        if kinds:
            jsonschema.validate(call.query["identifierType"], resolved(kinds[0], specification))
        if call.body is not None:
            schema = resolved(operation["requestBody"]["content"]["application/json"]["schema"], specification)
            jsonschema.validate(call.body, schema)
            assert call.body

    return check


def resolved(schema: Any, specification: Any) -> Any:
    if isinstance(schema, list):
        return [resolved(item, specification) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        found = specification
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return resolved(found, specification)
    found = {name: resolved(item, specification) for name, item in schema.items()}
    return {"additionalProperties": False, **found} if isinstance(found.get("properties"), dict) else found


@pytest.fixture
def converse(lawful: Callable[[Call], None]) -> Callable[[Brevo, State, Ask], Talk]:
    """Talk until there is an end. After every step a crash is played: the same step must lead to the same call."""

    def talk(connector: Brevo, state: State, ask: Ask) -> Talk:
        (call,) = connector.calls([state], bulk=False)
        calls: list[Call] = []
        while isinstance(call, Call):
            lawful(call)
            calls.append(call)
            assert len(calls) <= 12
            verdict = connector.judge(call, ask(call))[state.subject]
            if not isinstance(verdict, Follow):
                return Talk(calls, verdict)
            kept = json.loads(json.dumps(verdict.step))
            assert connector.calls([replace(state, steps=kept)], bulk=False) == [verdict.call]
            call = verdict.call
        return Talk(calls, call)

    return talk


@pytest.fixture
def answered(converse: Callable[[Brevo, State, Ask], Talk]) -> Callable[[Brevo, State, Sequence[Answer]], Talk]:
    """Talk with answers written beforehand, all of which must be asked for."""

    def talk(connector: Brevo, state: State, answers: Sequence[Answer]) -> Talk:
        left = list(answers)
        ended = converse(connector, state, lambda _: respond(*left.pop(0)))
        assert not left
        return ended

    return talk


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(limited=False)


@pytest.fixture
def sandbox_url(sandbox: Sandbox) -> Iterator[str]:
    with running_sandbox(sandbox) as url:
        yield url
