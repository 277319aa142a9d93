"""How a webhook that we send is signed, so that its receiver can tell it from another's.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md, as of November 2026.
"""

import base64
import hmac
from datetime import datetime
from typing import Final
from urllib.parse import quote

SIGNING: Final = "whsec_"


def is_base64(text: str) -> bool:
    """Say whether text is base64 that says something."""
    return bool(_decoded(text))


def signed(message: str, body: bytes, secret: str, now: datetime) -> dict[str, str]:
    """Give the headers of a message: its name, by which a repeat is known, its time, and what proves that it is ours.

    A secret that people made up may look like base64: then there are two signatures, and any one convinces.
    """
    # Full stops part the name, the time and the body in what is signed.
    name, time = quote(message, safe="").replace(".", "%2E"), str(int(now.timestamp()))
    of_whom = {"webhook-id": name, "webhook-timestamp": time}
    if not secret:
        return of_whom
    content = b".".join((name.encode(), time.encode(), body))
    proofs = [base64.b64encode(hmac.digest(key, content, "sha256")).decode() for key in _keys(secret)]
    return {**of_whom, "webhook-signature": " ".join(f"v1,{proof}" for proof in proofs)}


def _keys(secret: str) -> tuple[bytes, ...]:
    plain = b"" if secret.startswith(SIGNING) else secret.encode()
    return tuple(key for key in (_decoded(secret.removeprefix(SIGNING)), plain) if key)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        return b""
