"""A key pair like Adobe's, and a delivery that is signed with it."""

import base64
import json
from collections.abc import Callable
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

CLIENT: Final = "0123456789abcdef0123456789abcdef"
PATHS: Final = ("/prod/keys/pub-key-Ptc2pD9vT9.pem", "/prod/keys/pub-key-IkpzhSpTw0.pem")
BODY: Final = json.dumps({"recipient_client_id": CLIENT, "type": "observer.x", "time": "2026-01-20T09:15:31Z"}).encode()


@pytest.fixture(scope="session")
def pair() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="session")
def pem() -> Callable[[Any], bytes]:
    def write(key: Any) -> bytes:
        written: bytes = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return written

    return write


@pytest.fixture(scope="session")
def adobe(pair: rsa.RSAPrivateKey) -> Callable[..., dict[str, str]]:
    """Give the headers of a delivery; the second signature is of a key that nobody knows unless told otherwise."""

    def sign(body: bytes = BODY, **changes: str | None) -> dict[str, str]:
        signature = base64.b64encode(pair.sign(body, padding.PKCS1v15(), hashes.SHA256())).decode()
        headers = {
            "x-adobe-digital-signature-1": signature,
            "x-adobe-digital-signature-2": base64.b64encode(b"\x01" * 256).decode(),
            "x-adobe-public-key1-path": PATHS[0],
            "x-adobe-public-key2-path": PATHS[1],
            "x-adobe-event-id": "event-1",
            "x-adobe-delivery-id": "attempt-1",
        }
        changed = {name.replace("_", "-"): value for name, value in changes.items()}
        return {name: value for name, value in {**headers, **changed}.items() if value is not None}

    return sign
