"""Phone numbers, e-mail addresses and postal addresses in the one form that destinations take.

A value that no destination could use never costs the contact: it is left out, and a note says so without the value.
"""

from functools import lru_cache
from typing import Final, TypeAlias

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from phonenumbers import NumberParseException, PhoneNumberFormat

from mappings.records import ABSENT, Maybe

# A reading and the notes on what was left out.
Reading: TypeAlias = tuple[Maybe[str], tuple[str, ...]]

# Long enough for every real value (RFC 5321 allows 254 for an address), short enough to be kept in a cache.
LONGEST_PHONE: Final = 64
LONGEST_EMAIL: Final = 254
LONGEST_E164: Final = 16
CACHED: Final = 4096


def phone(text: Maybe[str], country: Maybe[str]) -> Reading:
    """Give E.164; a number without a country code is read as one of `country` (ISO 3166-1 alpha-2)."""
    if text is ABSENT:
        return ABSENT, ()
    if text is None or not text.strip():
        return None, ()
    region = country.upper() if isinstance(country, str) and len(country) == 2 else None
    number = _e164(text, region) if len(text) <= LONGEST_PHONE else None
    if number is None:
        return ABSENT, ("phone left out: not a valid number",)
    return number, ()


def email_address(text: Maybe[str]) -> Reading:
    """Give the address with its domain in lower case; its local part stays as it is written."""
    if text is ABSENT:
        return ABSENT, ()
    if text is None or not text.strip():
        return None, ()
    address = _normalised(text.strip()) if len(text) <= LONGEST_EMAIL else None
    if address is None:
        return ABSENT, ("email left out: not a valid address",)
    return address, ()


def country_code(text: Maybe[str]) -> Reading:
    """Give ISO 3166-1 alpha-2 in upper case."""
    if text is ABSENT:
        return ABSENT, ()
    if text is None or not text.strip():
        return None, ()
    code = text.strip()
    if len(code) == 2 and code.isascii() and code.isalpha():
        return code.upper(), ()
    return ABSENT, ("country left out: not a two-letter code",)


def street_lines(*lines: Maybe[str]) -> Maybe[str]:
    """Join the lines of a street address; None when all that are there are empty, ABSENT when none is there."""
    said = [line for line in lines if line is not ABSENT]
    if not said:
        return ABSENT
    return ", ".join(line.strip() for line in said if line and line.strip()) or None


@lru_cache(maxsize=CACHED)
def _e164(text: str, region: str | None) -> str | None:
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    written = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    # The library's own bound is 17 digits after the country code; E.164 allows 15 in all.
    return written if len(written) <= LONGEST_E164 else None


@lru_cache(maxsize=CACHED)
def _normalised(text: str) -> str | None:
    try:
        # test_environment lets `.test` addresses through: RFC 2606 keeps them from being anybody's, and shops under
        # development use them. Nothing asks the network.
        return validate_email(text, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError:
        return None
