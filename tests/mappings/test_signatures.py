"""A signature counts when one of the keys made it."""

import pytest

from mappings.platform import SignatureError
from mappings.signatures import hmac_base64, require_match

# RFC 4231, test case 2.
KEY = b"Jefe"
SIGNED = b"what do ya want for nothing?"
SIGNATURE = "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM="


def test_the_hmac_is_the_one_of_the_rfc() -> None:
    assert hmac_base64(KEY, SIGNED).decode() == SIGNATURE


def test_any_of_the_given_signatures_may_match_any_of_the_keys() -> None:
    require_match(["x", SIGNATURE], SIGNED, [b"other", KEY])


@pytest.mark.parametrize("given", [[], [""], ["x"], [SIGNATURE.lower()], [SIGNATURE + "="]])
def test_no_match_is_refused(given: list[str]) -> None:
    with pytest.raises(SignatureError, match="the signature does not match"):
        require_match(given, SIGNED, [KEY])


@pytest.mark.parametrize("keys", [[], [b""]])
def test_an_empty_key_is_no_key(keys: list[bytes]) -> None:
    with pytest.raises(SignatureError, match="no secret is set"):
        require_match([hmac_base64(b"", SIGNED).decode()], SIGNED, keys)
