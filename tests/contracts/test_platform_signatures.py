"""What every platform owes: proof that a delivery comes from its source."""

import json
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Final

import pytest

from mappings.platform import Delivery, Headers, Platform, SignatureError
from mappings.reading import parse
from mappings.registry import PLATFORMS

NOW: Final = datetime(2026, 1, 20, 12, 0, tzinfo=timezone.utc)
SECRET: Final = "c2VjcmV0LW9mLXRoZS1zaG9wLW51bWJlci1vbmU="
SECOND: Final = "c2VjcmV0LW9mLXRoZS1zaG9wLW51bWJlci10d28="
BODY: Final = '{"id": 1, "name": "Žofie"}'.encode()

every_platform = pytest.mark.parametrize("platform", PLATFORMS.values(), ids=lambda platform: platform.name)
SIGNING: Final = [platform for platform in PLATFORMS.values() if not platform.bears_token]
every_signing_platform = pytest.mark.parametrize("platform", SIGNING, ids=lambda platform: platform.name)


def signed(platform: Platform, body: bytes = BODY, secret: str = SECRET) -> dict[str, str]:
    given_headers = platform.sign(next(iter(platform.topics)), body, secret, "delivery-1", NOW)
    return {name.lower(): value for name, value in given_headers.items()}


def signature_header(platform: Platform) -> str:
    """Name the one header that depends on the secret."""
    one, other = signed(platform), signed(platform, secret=SECOND)
    (name,) = (header for header in one if one[header] != other[header])
    return name


def verify(platform: Platform, headers: Headers, body: bytes = BODY, secrets: tuple[str, ...] = (SECRET,)) -> None:
    platform.verify(headers, body, secrets, NOW)


@every_platform
def test_a_genuine_webhook_is_believed(platform: Platform) -> None:
    verify(platform, Headers.of(signed(platform)))


@every_platform
def test_a_webhook_signed_with_either_of_two_secrets_is_believed(platform: Platform) -> None:
    verify(platform, Headers.of(signed(platform)), secrets=(SECOND, SECRET))
    verify(platform, Headers.of(signed(platform, secret=SECOND)), secrets=(SECRET, SECOND))


@every_platform
def test_a_webhook_signed_with_another_secret_is_refused(platform: Platform) -> None:
    with pytest.raises(SignatureError):
        verify(platform, Headers.of(signed(platform, secret=SECOND)))


@every_platform
@pytest.mark.parametrize("secrets", [(), ("",), ("", "")], ids=["none", "empty", "two empty"])
def test_a_source_without_a_secret_believes_nothing(platform: Platform, secrets: tuple[str, ...]) -> None:
    with pytest.raises(SignatureError):
        verify(platform, Headers.of(signed(platform)), secrets=secrets)


@every_platform
def test_an_unsigned_webhook_is_refused(platform: Platform) -> None:
    headers = signed(platform)
    del headers[signature_header(platform)]

    with pytest.raises(SignatureError):
        verify(platform, Headers.of(headers))


@every_platform
@pytest.mark.parametrize("second", ["genuine", "forged"])
def test_a_doubled_signature_header_is_refused(platform: Platform, second: str) -> None:
    name = signature_header(platform)
    raw = [(key.encode(), value.encode()) for key, value in signed(platform).items()]
    raw.append((name.encode(), signed(platform)[name].encode() if second == "genuine" else b"Zm9yZ2Vk"))

    with pytest.raises(SignatureError):
        verify(platform, Headers(raw))


@every_platform
@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda text: text[:0], id="empty"),
        pytest.param(lambda text: text[:-1], id="truncated"),
        pytest.param(lambda text: text[:-8], id="half a group short"),
        pytest.param(lambda text: text + "=", id="padded"),
        pytest.param(lambda text: f'"{text}"', id="quoted"),
        pytest.param(lambda text: text.swapcase(), id="other case"),
        pytest.param(lambda text: text[:-3] + "é==", id="not ASCII"),
        pytest.param(lambda text: text * 20, id="endless"),
        pytest.param(lambda text: text[:3], id="three characters"),
    ],
)
def test_a_spoilt_signature_is_refused(platform: Platform, spoil: Callable[[str], str]) -> None:
    headers = signed(platform)
    name = signature_header(platform)
    spoilt = spoil(headers[name])
    headers[name] = spoilt

    with pytest.raises(SignatureError) as refused:
        verify(platform, Headers.of(headers))
    assert not spoilt or spoilt not in str(refused.value)


@every_signing_platform
def test_a_body_with_one_changed_byte_is_refused(platform: Platform) -> None:
    headers = Headers.of(signed(platform))

    for index in range(len(BODY)):
        changed = BODY[:index] + bytes([BODY[index] ^ 1]) + BODY[index + 1 :]
        with pytest.raises(SignatureError):
            verify(platform, headers, changed)


@every_signing_platform
def test_a_body_with_a_byte_more_or_less_is_refused(platform: Platform) -> None:
    headers = Headers.of(signed(platform))

    for changed in (BODY[:-1], BODY + b"\n", b"", BODY * 2):
        with pytest.raises(SignatureError):
            verify(platform, headers, changed)


@every_platform
def test_what_signing_says_is_what_reading_the_headers_gives(platform: Platform) -> None:
    for topic in platform.topics:
        body = json.dumps(dict.fromkeys(("event", "event_name", "type"), topic)).encode()
        headers = Headers.of(platform.sign(topic, body, SECRET, "delivery-1", NOW))
        named = topic if platform.topic_in_path else platform.topic(headers)
        delivery = Delivery(source="shop", topic=named, delivery_id="", received_at=NOW, body=body)

        assert topic == platform.route(delivery, parse(body))
        # What a destination tells in return names its event in the body.
        named_in_body = platform.about_ours and platform.delivery_id(headers) == ""
        assert named_in_body or platform.arrivals_differ or "delivery-1" in platform.delivery_id(headers)


@every_platform
def test_headers_that_are_missing_give_empty_labels(platform: Platform) -> None:
    assert platform.topic(Headers([])) == ""
    assert platform.delivery_id(Headers([])) == ""


@every_platform
def test_a_signed_webhook_is_no_ping(platform: Platform) -> None:
    assert not platform.is_ping(Headers.of(signed(platform)), BODY)


def test_the_registry_knows_each_platform_by_its_own_name() -> None:
    assert {name: platform.name for name, platform in PLATFORMS.items()} == {name: name for name in PLATFORMS}
