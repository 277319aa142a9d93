"""Every sample payload gives exactly the records that stand beside it."""

import json
from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from mappings.platform import Delivery, Said
from mappings.reading import parse
from mappings.records import ABSENT, Ignored, Record
from mappings.registry import PLATFORMS

HERE: Final = Path(__file__).parent
ARRIVAL: Final = datetime(2026, 1, 20, 12, 0, tzinfo=timezone.utc)
REFERRER_FIELDS: Final = ("_referred_by", "referred_by", "referredBy")
PAYLOADS: Final = sorted(HERE.glob("*/payloads/*.json"))


def name(path: Path) -> str:
    return f"{path.parent.parent.name}/{path.stem}"


def topic_of(path: Path) -> str:
    """Give the topic that a payload's file name stands for."""
    topics = {topic.replace("/", "_"): topic for topic in PLATFORMS[path.parent.parent.name].topics}
    return topics[path.stem.partition("__")[0]]


def records(path: Path) -> list[Said] | Ignored:
    platform, topic, body = PLATFORMS[path.parent.parent.name], topic_of(path), path.read_bytes()
    delivery = Delivery(
        source="shop", topic=topic, delivery_id="1", received_at=ARRIVAL, body=body, referrer_fields=REFERRER_FIELDS
    )
    node = parse(body)
    if platform.name == "custom" or platform.about_ours:
        assert topic == platform.route(delivery, node)
    given = platform.topics[topic](delivery, node)
    return given if isinstance(given, Ignored) else list(given)


def plain(value: object) -> Any:
    """Give JSON of a record: ABSENT fields are left out, decimals and times are text."""
    if isinstance(value, Record):
        fields = {key: getattr(value, key) for key in type(value).model_fields}
        return {key: plain(item) for key, item in fields.items() if item is not ABSENT}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


@pytest.mark.parametrize("path", PAYLOADS, ids=name)
def test_a_payload_gives_the_expected_records(path: Path) -> None:
    expected = path.parent.parent / "expected" / path.name

    assert json.loads(expected.read_text()) == plain(records(path))


def test_every_payload_has_an_expected_file_and_the_other_way_round() -> None:
    payloads = {name(path) for path in PAYLOADS}

    assert payloads == {name(path) for path in HERE.glob("*/expected/*.json")}


@pytest.mark.parametrize("platform", PLATFORMS.values(), ids=lambda platform: platform.name)
def test_every_topic_has_a_payload(platform: Any) -> None:
    topics = {topic_of(path) for path in PAYLOADS if path.parent.parent.name == platform.name}

    assert topics == set(platform.topics)
