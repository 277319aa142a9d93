"""What only Voucherify does: it signs a body without its spaces, and names an event within its envelope."""

import json
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

import pytest

from mappings.platform import Delivery, Headers, SignatureError
from mappings.reading import MappingError, parse
from mappings.records import Ignored
from mappings.signatures import hmac_hex
from mappings.voucherify import PLATFORM

NOW: Final = datetime(2026, 1, 20, 12, 0, tzinfo=timezone.utc)
SECRET: Final = "secretKey"
VECTORS: Final = Path(__file__).parents[3] / "../shared/specs/samples/voucherify/signature.test_vectors.json"
COMPACT: Final = rb'{"a":"two  words, \" quoted \\","b":[1,{"c":" "}]}'
SPACED: Final = b'\r\n{ "a" : "two  words, \\" quoted \\\\" ,\n\t"b": [ 1, {"c": " "} ] }\n'


def verify(body: bytes, signature: str, *secrets: str) -> None:
    PLATFORM.verify(Headers.of({"X-Voucherify-Signature": signature}), body, secrets or (SECRET,), NOW)


def signature_of(body: bytes) -> str:
    return hmac_hex(SECRET.encode(), body).decode()


def delivery(body: Any) -> Delivery:
    return Delivery(source="points", topic="", delivery_id="", received_at=NOW, body=json.dumps(body).encode())


def routed(body: Any) -> str:
    return PLATFORM.route(delivery(body), parse(json.dumps(body).encode()))


@pytest.mark.skipif(not VECTORS.exists(), reason="the vendor's test vectors are not here")
def test_vendors_own_test_vectors_are_believed() -> None:
    vectors = json.loads(VECTORS.read_text())

    assert len(vectors) == 3
    for vector in vectors:
        verify(vector["payload_signed"].encode(), vector["x-voucherify-signature"], vector["secret"])


def test_spaced_body_is_believed_by_the_signature_of_its_compact_form() -> None:
    assert json.loads(COMPACT) == json.loads(SPACED)

    verify(SPACED, signature_of(COMPACT))
    verify(COMPACT, signature_of(COMPACT))
    verify(SPACED, signature_of(SPACED))


@pytest.mark.parametrize(
    "body",
    [
        COMPACT.replace(b"two  words", b"two words"),
        COMPACT.replace(b'" "', b'""'),
        COMPACT.replace(b"[1", b"[\x0b1"),
        COMPACT.replace(b"[1", b"[\xc2\xa01"),
    ],
    ids=["in a text", "in a short text", "no space of JSON", "not ASCII"],
)
def test_spaces_that_are_part_of_a_value_count(body: bytes) -> None:
    with pytest.raises(SignatureError):
        verify(body, signature_of(COMPACT))


@pytest.mark.parametrize("piece", [b'"', b'"\\', b'\\"', b'" ', b"\\", b' "a" '], ids=repr)
def test_hostile_body_is_refused_quickly(piece: bytes) -> None:
    """Texts that never end are read once, not once for each of their quotes."""
    started = time.process_time()
    with pytest.raises(SignatureError):
        verify(piece * 500_000 + b"\\", signature_of(b"{}"))

    assert time.process_time() - started < 5


def test_event_is_named_by_its_type_and_not_by_the_merchants_name_for_it() -> None:
    told = {"type": "Welcome to Gold", "event": {"type": "customer.loyalty.tier.upgraded"}}

    assert routed(told) == "customer.loyalty.tier.upgraded"
    assert routed({"type": "redemption.succeeded", "object": "event"}) == "redemption.succeeded"
    assert "redemption.succeeded" not in PLATFORM.topics


def test_body_that_names_no_event_is_no_event() -> None:
    with pytest.raises(MappingError, match=r"\$\.type: expected text, got nothing"):
        routed({"data": {}})


@pytest.mark.parametrize("source_id", [None, ""])
def test_customer_that_we_never_told_of_is_nobody(source_id: str | None) -> None:
    body = {"data": {"customer": {"source_id": source_id}, "balance": {"balance": 5}}, "created_at": None}
    topic = "voucher.loyalty_card.points_added"

    assert isinstance(PLATFORM.topics[topic](delivery(body), parse(json.dumps(body).encode())), Ignored)
