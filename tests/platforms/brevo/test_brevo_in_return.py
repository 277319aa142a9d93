"""What only Brevo does: it signs nothing and bears a token, and its other webhooks name themselves elsewhere."""

from datetime import datetime, timezone
from typing import Final

import pytest

from mappings.brevo import PLATFORM
from mappings.platform import Delivery, Headers, SignatureError
from mappings.reading import parse

NOW: Final = datetime(2026, 1, 20, 12, 0, tzinfo=timezone.utc)


def believed(token: str, *secrets: str, body: bytes = b"{}") -> bool:
    try:
        PLATFORM.verify(Headers.of({"Authorization": token}), body, secrets, NOW)
    except SignatureError:
        return False
    return True


def test_whoever_bears_the_token_is_believed_whatever_the_body_says() -> None:
    assert believed("Bearer one", "two", "one")
    assert believed("Bearer one", "two", "one", body=b"another")


@pytest.mark.parametrize("token", ["one", "Bearer", "Bearer ", "bearer one", "Bearer  one", "Basic one", "Bearer on"])
def test_any_other_token_is_refused(token: str) -> None:
    assert not believed(token, "one", "")


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'{"event_name": "balance_value_updated", "event": "x"}', "balance_value_updated"),
        (b'{"event": "contact_updated", "id": 7}', "contact_updated"),
    ],
)
def test_webhook_names_itself(body: bytes, name: str) -> None:
    delivery = Delivery(source="brevo", topic="", delivery_id="", received_at=NOW, body=body)

    assert PLATFORM.route(delivery, parse(body)) == name
