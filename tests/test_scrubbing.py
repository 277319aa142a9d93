"""What is written down holds no e-mail, phone number, key or token, and still tells our own ids."""

import base64
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from worker.scrubbing import LONGEST, conceal, message, scrub, scrub_text
from worker.settings.faults import ConfigurationError, Fault


@pytest.mark.parametrize(
    "text",
    [
        "mail to jane.canary+shop@example.com failed",
        "<jane.canary@example.com>",
        "PUT /v3/contacts/jane.canary%40example.com HTTP/1.1",
        "PUT /v3/contacts/jane.canary%2540example.com",
        '{"email":"jane.canary\\u0040example.com"}',
        "jane.canary&#64;example.com",
        "jane.canary\uff20example.com",
        "jane.canary@localhost",
        "jane.canary@[127.0.0.1]",
        '"jane canary"@example.com',
        "j\u00e4ne.canary@ex\u00e4mple.com",
        "redis://default:canary@store.test:6379/0",
        "amqp://:canary@store.test",
        "api-key: canary123",
        "'api-key': 'canary123'",
        "{'Authorization': 'Basic canary=='}",
        "Authorization: Bearer canary.canary",
        "BREVO_API_KEY=canary",
        "?access_token=canary&a=b",
        "client_secret=canary",
        "xkeysib-canary-0123456789",
        "whsec_canary0123456789+/=",
        "shpss_canary0123456789",
        "ck_canary0123456789",
        '{"firstName": "canary", "a": 1}',
        "'last_name': 'canary'",
        'customer_email="canary"',
    ],
)
def test_addresses_and_secrets_are_masked(text: str) -> None:
    assert "canary" not in scrub_text(text)
    assert "[" in scrub_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "+491701234567",
        "call +49 170 1234567 now",
        "(+39) 333 123 4567",
        "0170 123 4567",
        "030/1234567-89",
        "0171.5555555",
        "0171-55-55-555",
        "01.23.45.67.89",
        "(555) 123-4567",
        "004917012345",
        "/v3/contacts/%2B491701234567?identifierType=phone_id",
        "sms=491701234567",
        "\u0664\u0669\u0661\u0667\u0660\u0661\u0662\u0663\u0664\u0665",
        "customer:custom:+491701234567",
    ],
)
def test_phone_numbers_are_masked(text: str) -> None:
    masked = scrub_text(text)

    assert "[phone]" in masked
    assert sum(char.isdigit() for char in masked) <= 2


@pytest.mark.parametrize(
    "text",
    [
        "customer:shopify:7012345678901 is dead",
        "order:my-shop_2:7012345678901",
        "Task drain[11223344-5566-7788-9900-112233445566] succeeded in 0.012345678s: None",
        "took 0.123456789",
        "event 0123456789abcdef0123456789abcdef",
        "store at 192.168.100.200:6379",
        "2024-01-15T10:30:00.123456+00:00",
        "2024-01-15 10:30:00",
        "20 calls in 1000 ms, 12345678 bytes",
        "lane brevo.contacts paused for 300 s",
        "expected text, got null at $.customer.email",
        "the token is wrong, the password too",
    ],
)
def test_what_a_person_needs_to_read_stays(text: str) -> None:
    assert scrub_text(text) == text


def test_ids_stay_under_their_keys() -> None:
    line = {"subject": "customer:custom:7012345678901", "event_id": "1" * 32, "delivery_id": "701234567890"}

    assert scrub(line) == line


def test_mail_address_or_international_number_as_id_is_masked_all_the_same() -> None:
    assert scrub({"subject": "customer:custom:jane@example.com"}) == {"subject": "customer:custom:[email]"}
    assert scrub({"subject": "customer:custom:+491701234567"}) == {"subject": "customer:custom:[phone]"}


FAULT = Fault(file="a.yaml", line=None, path="", wrong="no jane@example.com here", instead="")


class Colour(Enum):
    RED = "canary"


class Person(BaseModel):
    name: str


@dataclass
class Thing:
    name: str


@pytest.mark.parametrize(
    "value",
    [
        Person(name="canary"),
        Thing("canary"),
        SecretStr("canary"),
        b"canary",
        Colour.RED,
        ValueError("canary"),
        KeyError("canary"),
        {"first_name": "canary", "FirstName": "canary", "first-name": "canary"},
        {"api-key": ["canary"], "headers": {"a": "canary"}, "body": "canary", "email": "canary"},
        {"a": [{"b": ({"sms": "canary"}, {"c@example.com": "x"})}]},
        {"jane.canary@example.com": 1},
        {"a": {"b": {"c": {"d": {"e": {"f": {"g": "canary"}}}}}}},
        [0] * 100 + ["canary"],
        lambda canary: canary,
    ],
)
def test_masked_by_key_type_or_depth(value: Any) -> None:
    assert "canary" not in json.dumps(scrub(value))


def test_plain_values_stay_what_they_are() -> None:
    moment = datetime(2026, 1, 2, tzinfo=timezone.utc)
    values = {"n": 7012345678901, "f": 1.5, "t": True, "none": None, "d": Decimal("1.50"), "at": moment, "p": Path("a")}

    assert scrub(values) == {**values, "d": "1.50", "at": "2026-01-02 00:00:00+00:00", "p": "a"}


def test_message_is_given_for_our_own_and_the_machines_errors_only() -> None:
    assert message(ConnectionRefusedError(111, "Connection refused")) == "Connection refused"
    assert message(ConfigurationError([FAULT])) == "a.yaml: no [email] here"
    assert message(FileNotFoundError(2, "No such file", "/home/canary")) == "No such file"
    assert message(ValueError("canary")) == ""


def test_text_is_cut_after_it_is_masked() -> None:
    text = "x " * (LONGEST // 2 - 3) + "jane@example.com"

    assert "jane" not in scrub_text(text)
    assert len(scrub_text("x " * 1_000_000)) == LONGEST + 1


def test_control_characters_are_taken_out() -> None:
    assert scrub_text("a\x1b[31mb\x00c\r\u2028d\n") == "a [31mb c  d\n"


@given(st.text(), st.from_regex(r"[a-z0-9._%+-]{1,20}@[a-z0-9-]{1,20}\.[a-z]{2,5}", fullmatch=True), st.text())
def test_no_surroundings_hide_an_address(before: str, address: str, after: str) -> None:
    assert address not in scrub_text(before + address + after)


@given(
    st.recursive(
        st.one_of(st.none(), st.text(), st.binary(), st.floats(), st.dates()),
        lambda one: st.lists(one) | st.dictionaries(st.text(), one),
    )
)
def test_anything_becomes_json(value: Any) -> None:
    assert json.dumps(scrub({"a": value}))


@pytest.mark.parametrize(
    "text", ["a" * 60_000, "1-" * 30_000, "a." * 30_000, "%" * 60_000, "://" * 20_000, '"' * 60_000]
)
def test_hostile_text_is_scrubbed_in_time(text: str) -> None:
    started = time.monotonic()
    scrub_text(text + "@")

    assert time.monotonic() - started < 5


@pytest.fixture
def concealing() -> Iterator[None]:
    yield
    conceal([])


@pytest.mark.usefixtures("concealing")
def test_secret_of_this_deployment_is_masked_whatever_it_looks_like() -> None:
    uuid, login = "3b241101-e2bb-4255-8caf-4136c566a962", "canary:pass word/1"
    conceal([uuid, login, "short", ""])
    encoded = base64.b64encode(login.encode()).decode()
    text = f"a {uuid} b {login} c canary%3Apass%20word%2F1 d {encoded} e short"

    assert scrub_text(text) == "a [secret] b [secret] c [secret] d [secret] e short"
    assert scrub({"event_id": uuid, "detail": [login]}) == {"event_id": "[secret]", "detail": ["[secret]"]}


@pytest.mark.usefixtures("concealing")
def test_secrets_of_a_configuration_that_was_replaced_are_forgotten() -> None:
    conceal(["harmless-word"])
    conceal(["canary-secret"])

    assert scrub_text("harmless-word canary-secret") == "harmless-word [secret]"
