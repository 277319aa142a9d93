"""Forty malformed signature headers and the bodies that broke some program: refused by every platform, or read."""

import json
import random
from decimal import Decimal
from typing import Any

import pytest

from mappings.platform import Headers, Platform, SignatureError
from mappings.reading import MalformedError, parse
from mappings.registry import PLATFORMS
from tests.fuzz.choices import Choices
from tests.fuzz.corpus import NASTY_BODIES, NASTY_HEADERS, NASTY_VALUES, PAYLOADS, PLAIN, written
from tests.fuzz.deliveries import deliver, event, mapper
from tests.fuzz.editing import edited
from tests.fuzz.signature_targets import NOW, SECRETS, raw
from worker.sync.mapping import UnmappableError

READ = {
    "64 levels",
    "large exponent",
    "doubled key",
    "NUL as text",
    "null",
    "true",
    "minus zero",
    "escaped names",
    "right to left",
}
every_platform = pytest.mark.parametrize("platform", PLATFORMS.values(), ids=PLATFORMS)


def proof_of(platform: Platform) -> bytes:
    """Name the header that depends on the secret."""
    topic = next(iter(platform.topics))
    one, other = (raw(platform.sign(topic, PLAIN, secret, "d", NOW)) for secret in SECRETS)
    (name,) = (pair[0] for pair, twin in zip(one, other, strict=True) if pair != twin)
    return name


@every_platform
def test_no_malformed_signature_is_believed(platform: Platform) -> None:
    name = proof_of(platform)
    genuine = raw(platform.sign(next(iter(platform.topics)), PLAIN, SECRETS[0], "d", NOW))

    platform.verify(Headers(genuine), PLAIN, SECRETS, NOW)
    assert len(set(NASTY_HEADERS)) >= 40
    for value in NASTY_HEADERS:
        headers = [(key, value if key == name else given) for key, given in genuine]
        with pytest.raises(SignatureError):
            platform.verify(Headers(headers), PLAIN, SECRETS, NOW)


@pytest.mark.parametrize("name", NASTY_BODIES)
def test_a_nasty_body_is_malformed_or_read_as_it_stands(name: str) -> None:
    if name in READ:
        assert json.loads(NASTY_BODIES[name], parse_float=Decimal) == parse(NASTY_BODIES[name]).value
        return
    with pytest.raises(MalformedError):
        parse(NASTY_BODIES[name])


@every_platform
@pytest.mark.parametrize("name", NASTY_BODIES)
def test_a_nasty_body_is_ignored_or_a_dead_letter_with_a_reason(platform: Platform, name: str) -> None:
    for topic in platform.topics:
        try:
            found = mapper().outcome(event(platform.name, topic, NASTY_BODIES[name]))
        except UnmappableError as error:
            refused = (error.reason, bool(error.detail))
        else:
            refused = ("mapping", bool(found.pushes or found.reason))

        assert refused == ("mapping" if name in READ else "malformed", True)


@pytest.mark.parametrize("value", [{"a": "é"}, [1, None], "\x01", {"\x01": 1}])
def test_samples_are_written_as_json(value: Any) -> None:
    assert parse(written(value)).value == value


def test_editing_leaves_what_it_begins_with_as_it_was() -> None:
    draw = random.Random(7)
    before = repr((NASTY_VALUES, [one.body for one in PAYLOADS]))

    for _ in range(300):
        edited(PAYLOADS[0].body, Choices(draw.randbytes(80)), [one.body for one in PAYLOADS])

    assert before == repr((NASTY_VALUES, [one.body for one in PAYLOADS]))


@pytest.mark.parametrize(
    "customer_id", [".", "..", "...", " ", "a/b", "../x", "%2e%2e", "~1", "a b", "a\\b", "a?b#c", "é", 0]
)
def test_no_id_of_a_customer_leads_a_call_elsewhere(customer_id: Any) -> None:
    records: dict[str, Any] = {}
    told = 0
    for hour, name in enumerate(("created", "updated", "deleted")):
        data = {
            "id": customer_id,
            "email": "a@example.com",
            "firstName": name,
            "deletedAt": f"2026-01-15T1{hour}:30:00Z",
        }
        body = {"event": f"customer_{name}", "timestamp": f"2026-01-15T1{hour}:30:00Z", "data": data}
        try:
            found = mapper().outcome(event("custom", "", written(body)))
        except UnmappableError:
            continue
        for push in found.pushes:
            records[push.lane] = deliver(push, records.get(push.lane))
            told += 1

    assert bool(told) == (customer_id not in {".", ".."})
