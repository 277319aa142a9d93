"""What proves a delivery from Magento: an HMAC of the async-events modules, or Adobe's digital signature.

https://github.com/mage-os/mageos-async-events (HttpNotifier) and
https://developer.adobe.com/events/docs/guides/ (Security considerations), both read 2026-10.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from mappings.platform import Headers, SignatureError
from mappings.reading import MalformedError, Node, parse
from mappings.signatures import hmac_hex, require_match

HMAC: Final = "x-magento-signature"
HOST: Final = "https://static.adobeioevents.com"
# Among a source's secrets, `adobe:<client id>` lets in what Adobe I/O Events signed for that client. It signs nothing.
CLIENT: Final = "adobe:"

_SIGNATURES: Final = ("x-adobe-digital-signature-1", "x-adobe-digital-signature-2")
_PATHS: Final = ("x-adobe-public-key1-path", "x-adobe-public-key2-path")
_PATH: Final = re.compile(r"/prod/keys/pub-key-[A-Za-z0-9_-]{1,64}\.pem", re.ASCII)
_RECIPIENTS: Final = ("recipient_client_id", "recipientclientid")
_LARGEST_EVENT: Final = 256 * 1024  # Adobe caps an event at 64 KB
_LONGEST_SIGNATURE: Final = 1024
_SMALLEST_KEY: Final = 2048


def signs_with(secret: str) -> bool:
    """Say whether a secret is a key of the async-events modules."""
    return not secret.startswith(CLIENT)


def verify(
    headers: Headers,
    body: bytes,
    secrets: Sequence[str],
    now: datetime,  # noqa: ARG001 - Magento signs no time
) -> None:
    """Demand the HMAC that an async-events module makes of the raw body.

    Raises: SignatureError.
    """
    require_match([headers.one(HMAC)], body, [one.encode() for one in secrets if signs_with(one)], hmac_hex)


def key_urls(headers: Headers, body: bytes, secrets: Sequence[str]) -> Sequence[str]:
    """Give where the keys of a delivery from Adobe lie; none when the source takes none or it is no such delivery.

    The event must be for our client before anything is fetched: strangers do not know its id.

    Raises: SignatureError.
    """
    clients = {client for one in secrets if not signs_with(one) and (client := one.removeprefix(CLIENT).strip())}
    if not clients or headers.get(HMAC) is not None:
        return ()
    urls = [url for _, url in _signatures(headers)]
    if not urls:
        raise SignatureError("neither a signature of Magento nor one of Adobe")
    _require_recipient(body, clients)
    return list(dict.fromkeys(urls))


def verify_with(headers: Headers, body: bytes, secrets: Sequence[str], keys: Mapping[str, bytes]) -> None:
    """Demand that one of Adobe's two signatures fits its key.

    Raises: SignatureError.
    """
    key_urls(headers, body, secrets)
    if not any(_fits(signature, body, keys[url]) for signature, url in _signatures(headers) if url in keys):
        raise SignatureError("the signature does not match")


def sign(
    topic: str,  # noqa: ARG001 - the address says it
    body: bytes,
    secret: str,
    delivery_id: str,  # noqa: ARG001 - the modules send none
    now: datetime,  # noqa: ARG001 - nor a time
) -> dict[str, str]:
    """Give the headers of an async-events module."""
    return {
        "Content-Type": "application/json",
        "User-Agent": "GuzzleHttp/7",
        HMAC: hmac_hex(secret.encode(), body).decode(),
    }


def _signatures(headers: Headers) -> Iterator[tuple[str, str]]:
    for signature, path in zip(_SIGNATURES, _PATHS, strict=True):
        if headers.get(signature) is None and headers.get(path) is None:
            continue
        said = headers.one(path)
        if not _PATH.fullmatch(said):
            raise SignatureError(f"{path} is none of Adobe's")
        yield headers.one(signature, longest=_LONGEST_SIGNATURE), HOST + said


def _require_recipient(body: bytes, clients: set[str]) -> None:
    try:
        event = parse(body) if len(body) <= _LARGEST_EVENT else Node(None, "$")
    except MalformedError:
        raise SignatureError("the body is no event") from None
    said = [event.value[name] for name in _RECIPIENTS if name in event]
    if not said or not all(isinstance(client, str) and client in clients for client in said):
        raise SignatureError("the event is for another client")


def _fits(signature: str, body: bytes, pem: bytes) -> bool:
    key = _public_key(pem)
    if key is None:
        return False
    try:
        key.verify(base64.b64decode(signature, validate=True), body, PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


@lru_cache(maxsize=16)
def _public_key(pem: bytes) -> RSAPublicKey | None:
    try:
        key = load_pem_public_key(pem)
    except Exception:  # noqa: BLE001 - whatever a file is, it is no key then
        return None
    return key if isinstance(key, RSAPublicKey) and key.key_size >= _SMALLEST_KEY else None
