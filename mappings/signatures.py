"""Webhook signatures of the HMAC-SHA256 family, compared in constant time."""

import base64
import hmac
from collections.abc import Callable, Iterable

from mappings.platform import SignatureError


def hmac_base64(key: bytes, signed: bytes) -> bytes:
    """Give the signature in base64."""
    return base64.b64encode(hmac.digest(key, signed, "sha256"))


def hmac_hex(key: bytes, signed: bytes) -> bytes:
    """Give the signature in hexadecimal digits."""
    return hmac.digest(key, signed, "sha256").hex().encode()


def require_match(
    given: Iterable[str],
    signed: bytes,
    keys: Iterable[bytes],
    make: Callable[[bytes, bytes], bytes] = hmac_base64,
) -> None:
    """Demand that one of the given signatures was made with one of the keys; an empty key is no key.

    Raises: SignatureError.
    """
    expected = [make(key, signed) for key in keys if key]
    if not expected:
        raise SignatureError("no secret is set for this source")
    candidates = [signature.encode() for signature in given]
    # All of them are compared, whichever matches: the time tells nothing.
    matches = [hmac.compare_digest(ours, theirs) for ours in expected for theirs in candidates]
    if not any(matches):
        raise SignatureError("the signature does not match")
