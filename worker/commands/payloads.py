"""A payload that a person hands over: the file, the source it is meant for, and the topic it is said to have."""

from datetime import datetime, timezone
from pathlib import Path
from typing import Final

from mappings.platform import Delivery, Platform
from mappings.reading import MalformedError, MappingError, parse
from mappings.registry import PLATFORMS
from worker.commands.failures import CommandError
from worker.commands.posting import webhook_path
from worker.commands.reporting import say
from worker.settings.models import Settings

LARGEST: Final = 64 << 20  # more than any endpoint can be told to take
_ANYWHERE: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - where a server listens, not where one is reached


def read_payload(file: Path) -> bytes:
    """Give the exact bytes of a file.

    Raises: CommandError.
    """
    try:
        with file.open("rb") as opened:
            body = opened.read(LARGEST + 1)
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}") from None
    if len(body) > LARGEST:
        raise CommandError(f"{file} is larger than 64 MB")
    return body


def platform_of(settings: Settings, source: str) -> Platform:
    """Give the platform of a configured source.

    Raises: CommandError that names those there are.
    """
    found = settings.sources.get(source)
    if found is None:
        raise CommandError(f"there is no source `{source}`; configured: {', '.join(settings.sources)}")
    return PLATFORMS[found.platform]


def note_topic(platform: Platform, topic: str, body: bytes) -> None:
    """Say so when nobody maps a topic, or when the body names another, which is the one that counts."""
    said = Delivery(source="", topic=topic, delivery_id="", received_at=datetime.now(timezone.utc), body=body)
    try:
        counts = platform.route(said, parse(body))
    except (MalformedError, MappingError):
        counts = topic
    if counts != topic:
        say(f"note: the body itself names its event, `{counts}`; the topic `{topic}` does not count")
    if counts not in platform.topics:
        say(f"note: nobody maps `{counts}`; {platform.name} has {', '.join(platform.topics)}")


def webhook_address(settings: Settings, source: str, topic: str = "") -> str:
    """Give the address of a source on this machine, that of one topic where a platform has one for each."""
    web = settings.engine.web
    host = "127.0.0.1" if web.host in _ANYWHERE else web.host
    path = webhook_path(platform_of(settings, source), source, topic)
    return f"http://{f'[{host}]' if ':' in host else host}:{web.port}{path}"
