"""`commerce-sync send`: sign a payload as its platform would and post it."""

import secrets
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

from mappings.platform import Platform
from worker.commands.deployment import configuration
from worker.commands.failures import FAILED, CommandError
from worker.commands.payloads import note_topic, platform_of, read_payload, webhook_address
from worker.commands.posting import Poster
from worker.commands.reporting import say, stdout
from worker.scrubbing import scrub_text
from worker.settings.models import Settings


def run(  # noqa: PLR0913 - a command has the options it has
    source: str, topic: str, file: Path, *, url: str | None, times: int, bad_signature: bool
) -> int:
    """Post the file's exact bytes, each time as a delivery of its own; 0 when all were taken."""
    settings = configuration()
    platform = platform_of(settings, source)
    secret = secrets.token_hex(16) if bad_signature else _secret(settings, platform, source)
    body = read_payload(file)
    note_topic(platform, topic, body)
    answers: Counter[int] = Counter()
    said: dict[int, str] = {}
    where = url or webhook_address(settings, source, topic)
    with _poster(where) as poster:
        for _ in range(times):
            status, text = _post(poster, where, body, _headers(platform, topic, body, secret))
            if not status:
                break
            answers[status] += 1
            said[status] = scrub_text(text.decode("utf-8", "replace"))[:300]
    for status, number in sorted(answers.items()):
        stdout().print(f"{status} x {number}")
    for status in sorted(answers):
        if status >= 300:
            say(f"{status}: {said[status]}")
    if answers.total() < times:
        raise CommandError(f"no answer from {_shown(where)}: is `commerce-sync up` running?")
    return FAILED if any(not 200 <= status < 300 for status in answers) else 0


def _poster(url: str) -> Poster:
    """Give what posts to an address.

    Raises: CommandError when it is none.
    """
    try:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname:
            return Poster(url)
    except ValueError:
        pass
    raise CommandError("--url: an address starts with http:// or https:// and a host")


def _post(poster: Poster, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
    parts = urlsplit(url)
    try:
        return poster.post((parts.path or "/") + (f"?{parts.query}" if parts.query else ""), body, headers)
    except ValueError:  # a line end, or what latin-1 does not have
        raise CommandError("the address or the topic holds what HTTP cannot send") from None


def _shown(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")


def _secret(settings: Settings, platform: Platform, source: str) -> str:
    """Give the first secret of a source that signs.

    Raises: CommandError when it has none.
    """
    for secret in settings.sources[source].secrets:
        if platform.signs_with(secret.get_secret_value()):
            return secret.get_secret_value()
    raise CommandError(f"`{source}` has no secret, so its address is closed: write one into sources.{source}.secrets")


def _headers(platform: Platform, topic: str, body: bytes, secret: str) -> dict[str, str]:
    return platform.sign(topic, body, secret, str(uuid4()), datetime.now(timezone.utc))
