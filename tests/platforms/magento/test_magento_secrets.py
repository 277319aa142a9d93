"""What may not be kept of a Magento body goes; everything else stays, exactly."""

import json
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.magento_secrets import without_secrets
from mappings.reading import parse

ORDER_NOTIFIER: Final = {
    "customer": {
        "entity_id": "1",
        "email": "greta@example.com",
        "password_hash": "5f4dcc3b:salt:1",
        "rp_token": "reset-me",
        "rp_token_created_at": "2026-01-10 03:43:40",
        "confirmation": "confirm-me",
    },
    "protect_code": "62ef31f3",
    "payment": {"cc_number_enc": "0:3:abc", "method": "checkmo"},
    "grand_total": 9190,
}
SHARED: Final = Path(__file__).parents[3] / "../shared/payloads/magento"
WORDS: Final = (b"password", b"rp_token", b"MASKED", b"confirmation")


def test_hashes_and_tokens_go_and_everything_else_stays() -> None:
    stripped = without_secrets(json.dumps({"data": [ORDER_NOTIFIER]}).encode())

    assert json.loads(stripped) == {
        "data": [
            {
                "customer": {"entity_id": "1", "email": "greta@example.com"},
                "payment": {"method": "checkmo"},
                "grand_total": 9190,
            }
        ]
    }


@pytest.mark.parametrize(
    "name", ["password_hash", "Password", "RP_TOKEN", "rp_token_created_at", "confirmation", "passwd", "secret"]
)
def test_a_name_is_known_in_any_case_and_spelling(name: str) -> None:
    escaped = "".join(f"\\u{ord(letter):04X}" for letter in name)

    assert without_secrets(f'{{"a": {{"{name}": {{"x": ["s3cret"]}}}}}}'.encode()) == b'{"a":{}}'
    assert without_secrets(f'{{"a": {{"{escaped}": "s3cret"}}}}'.encode()) == b'{"a":{}}'


def test_a_body_without_any_of_them_is_kept_byte_for_byte() -> None:
    for body in (b'{ "id" : 1.50 }', b"", b"no json", b"\xff\xfe", b"[" * 10_000):
        assert body == without_secrets(body)


def test_numbers_stay_as_they_were_written() -> None:
    body = (
        b'{"token":1,"a":123456789012345678901234567890,"b":0.10000000000000000000000001,"c":1.50,"d":-1E+400,"e":-0}'
    )

    assert without_secrets(body) == body.replace(b'"token":1,', b"")
    assert without_secrets(b'{"token":1,"a":' + b"9" * 5000 + b"}") == b'{"a":' + b"9" * 5000 + b"}"


@pytest.mark.parametrize(
    "body",
    [
        b'{"password_hash": "5f4dcc3b"',
        b'password_hash=5f4dcc3b&email="greta@example.com"',
        b'{"rp_token": NaN}',
        b'{"password_hash": "\xff"}',
        '{"password_hash": "5f4dcc3b"}'.encode("utf-16"),
        '{"password_hash": "5f4dcc3b"}'.encode("utf-32-be"),
        b'{"a":' * 5000 + b'{"password_hash": 1}' + b"}" * 5000,
    ],
    ids=["cut", "a form", "a constant", "latin-1", "utf-16", "utf-32", "deep"],
)
def test_a_body_that_might_hold_one_and_cannot_be_read_is_emptied(body: bytes) -> None:
    assert without_secrets(body) == b"{}"


JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["token", "password_hash"]), inner),
    max_leaves=20,
)


def clean(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: clean(one) for key, one in value.items() if key not in ("token", "password_hash")}
    return [clean(one) for one in value] if isinstance(value, list) else value


@given(value=JSON)
def test_whatever_is_kept_reads_as_it_did_without_them(value: Any) -> None:
    value = {"token": value, "value": value}

    assert clean(value) == json.loads(without_secrets(json.dumps(value).encode()))


@pytest.mark.skipif(not SHARED.exists(), reason="the collection of real payloads is not here")
def test_no_real_payload_keeps_one() -> None:
    for path in SHARED.glob("*.json"):
        kept = without_secrets(path.read_bytes())

        parse(kept)
        assert not [word for word in WORDS if word in kept], path.name
