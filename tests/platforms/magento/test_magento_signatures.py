"""What proves a delivery from Magento: the modules' HMAC in hexadecimal digits, or Adobe's RSA signature."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from mappings.magento import PLATFORM
from mappings.platform import Headers, SignatureError

NOW: Final = datetime(2026, 1, 20, 12, 0, tzinfo=timezone.utc)
CLIENT: Final = "0123456789abcdef0123456789abcdef"
SECRETS: Final = ("a secret of the shop", f"adobe:{CLIENT}")
HOST: Final = "https://static.adobeioevents.com"
URLS: Final = [f"{HOST}/prod/keys/pub-key-Ptc2pD9vT9.pem", f"{HOST}/prod/keys/pub-key-IkpzhSpTw0.pem"]
BODY: Final = json.dumps({"recipient_client_id": CLIENT, "type": "observer.x", "time": "2026-01-20T09:15:31Z"}).encode()


def urls(headers: dict[str, str], body: bytes = BODY, secrets: tuple[str, ...] = SECRETS) -> list[str]:
    assert PLATFORM.public_keys is not None
    return list(PLATFORM.public_keys.urls(Headers.of(headers), body, secrets))


def believe(headers: dict[str, str], keys: dict[str, bytes], body: bytes = BODY) -> None:
    assert PLATFORM.public_keys is not None
    PLATFORM.public_keys.verify(Headers.of(headers), body, SECRETS, keys)


def test_the_signature_of_the_modules_is_the_hmac_in_small_hexadecimal_digits() -> None:
    body = b'{"data":{"id":1}}'
    known = hmac.new(b"token", body, hashlib.sha256).hexdigest()

    PLATFORM.verify(Headers.of({"x-magento-signature": known}), body, ["token"], NOW)
    assert known == PLATFORM.sign("customer.created", body, "token", "", NOW)["x-magento-signature"]


@pytest.mark.parametrize("secret", [f"adobe:{CLIENT}", CLIENT, "adobe:", ""])
def test_a_client_id_is_no_key_of_a_signature(secret: str) -> None:
    """Client ids are no secrets: whoever knows one must not be able to sign with it."""
    signed = PLATFORM.sign("customer.created", BODY, secret, "", NOW)

    with pytest.raises(SignatureError):
        PLATFORM.verify(Headers.of(signed), BODY, [f"adobe:{CLIENT}", "adobe:"], NOW)


def test_only_plain_secrets_sign() -> None:
    assert [True, False] == [PLATFORM.signs_with(secret) for secret in SECRETS]


def test_the_keys_of_a_delivery_lie_on_adobes_host(adobe: Callable[..., dict[str, str]]) -> None:
    assert urls(adobe()) == URLS


def test_a_delivery_of_the_modules_needs_no_key(adobe: Callable[..., dict[str, str]]) -> None:
    assert urls({"x-magento-signature": "00"}) == []
    assert urls({**adobe(), "x-magento-signature": "00"}) == []


@pytest.mark.parametrize("secrets", [(), ("a secret",), ("adobe:",), ("adobe:  ",)])
def test_a_source_without_a_client_id_asks_for_no_key(
    adobe: Callable[..., dict[str, str]], secrets: tuple[str, ...]
) -> None:
    assert urls(adobe(), secrets=secrets) == []


def test_an_unsigned_delivery_is_refused() -> None:
    with pytest.raises(SignatureError):
        urls({})


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example.com/prod/keys/pub-key-a.pem",
        "//evil.example.com/prod/keys/pub-key-a.pem",
        "@evil.example.com/prod/keys/pub-key-a.pem",
        ".evil.example.com/prod/keys/pub-key-a.pem",
        "/prod/keys/../pub-key-a.pem",
        "/prod/keys/pub-key-..%2f..%2fx.pem",
        "/prod/keys/pub-key-a.pem?x=1",
        "/prod/keys/pub-key-a.pem#x",
        "/prod/keys/pub-key-a.pem\\@evil.example.com",
        "/prod/keys/pub-key-.pem",
        "/prod/keys/pub-key-a.pem\n",
        "/stage/keys/pub-key-a.pem",
        f"/prod/keys/pub-key-{'a' * 65}.pem",
        "",
    ],
)
@pytest.mark.parametrize("number", [1, 2])
def test_a_path_that_is_none_of_adobes_leads_nowhere(
    adobe: Callable[..., dict[str, str]], path: str, number: int
) -> None:
    with pytest.raises(SignatureError):
        urls(adobe(**{f"x_adobe_public_key{number}_path": path}))


@pytest.mark.parametrize(
    "event",
    [
        {"recipient_client_id": "another"},
        {"recipientclientid": CLIENT, "recipient_client_id": "another"},
        {"recipientclientid": [CLIENT]},
        {"recipient_client_id": None},
        {},
        [CLIENT],
        {"data": {"recipient_client_id": CLIENT}},
        {"recipient_client_id": CLIENT, "much": "x" * 300_000},
    ],
)
def test_an_event_for_another_client_asks_for_no_key(adobe: Callable[..., dict[str, str]], event: Any) -> None:
    with pytest.raises(SignatureError, match="another client"):
        urls(adobe(), json.dumps(event).encode())


def test_a_body_that_is_no_json_asks_for_no_key(adobe: Callable[..., dict[str, str]]) -> None:
    with pytest.raises(SignatureError, match="no event"):
        urls(adobe(), b"{")


def test_the_client_may_be_named_in_either_spelling(adobe: Callable[..., dict[str, str]]) -> None:
    for event in ({"recipientclientid": CLIENT}, {"recipient_client_id": CLIENT, "recipientclientid": CLIENT}):
        assert urls(adobe(), json.dumps(event).encode()) == URLS


def test_either_signature_is_enough(adobe: Callable[..., dict[str, str]], pair: Any, pem: Callable[..., bytes]) -> None:
    key, first = pem(pair), adobe()
    second = adobe(
        x_adobe_digital_signature_1=first["x-adobe-digital-signature-2"],
        x_adobe_digital_signature_2=first["x-adobe-digital-signature-1"],
    )
    alone = adobe(x_adobe_digital_signature_2=None, x_adobe_public_key2_path=None)

    believe(first, {URLS[0]: key})
    believe(first, {URLS[0]: key, URLS[1]: b"no key"})
    believe(second, {URLS[1]: key})
    believe(alone, {URLS[0]: key})
    assert urls(alone) == URLS[:1]


def test_a_signature_that_fits_the_other_key_only_is_refused(
    adobe: Callable[..., dict[str, str]], pair: Any, pem: Callable[..., bytes]
) -> None:
    other = pem(rsa.generate_private_key(public_exponent=65537, key_size=2048))

    for keys in ({URLS[0]: other, URLS[1]: pem(pair)}, {URLS[1]: pem(pair)}, {}):
        with pytest.raises(SignatureError, match="does not match"):
            believe(adobe(), keys)


def test_a_changed_event_is_refused(adobe: Callable[..., dict[str, str]], pair: Any, pem: Callable[..., bytes]) -> None:
    for index in range(0, len(BODY), 7):
        changed = BODY[:index] + bytes([BODY[index] ^ 1]) + BODY[index + 1 :]
        with pytest.raises(SignatureError):
            believe(adobe(), dict.fromkeys(URLS, pem(pair)), changed)


@pytest.mark.parametrize(
    "signature", ["", "not base64!", "AAAA", "é", "A" * 2000, base64.b64encode(b"\x00" * 256).decode()]
)
def test_a_spoilt_signature_is_refused(
    adobe: Callable[..., dict[str, str]], pair: Any, pem: Callable[..., bytes], signature: str
) -> None:
    with pytest.raises(SignatureError):
        believe(adobe(x_adobe_digital_signature_1=signature), dict.fromkeys(URLS, pem(pair)))


@pytest.mark.parametrize("missing", ["x_adobe_digital_signature_1", "x_adobe_public_key1_path"])
def test_half_a_signature_is_refused(adobe: Callable[..., dict[str, str]], missing: str) -> None:
    with pytest.raises(SignatureError):
        urls(adobe(**{missing: None}))


def test_a_signature_by_a_key_of_another_kind_is_refused(
    adobe: Callable[..., dict[str, str]], pem: Callable[..., bytes]
) -> None:
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    weak = base64.b64encode(small.sign(BODY, padding.PKCS1v15(), hashes.SHA256())).decode()

    for key in (pem(small), pem(ec.generate_private_key(ec.SECP256R1())), b"", b"-----BEGIN PUBLIC KEY-----"):
        with pytest.raises(SignatureError):
            believe(adobe(x_adobe_digital_signature_1=weak), {URLS[0]: key})


def test_the_id_of_an_event_is_not_that_of_the_attempt(adobe: Callable[..., dict[str, str]]) -> None:
    assert PLATFORM.delivery_id(Headers.of(adobe())) == "event-1"
