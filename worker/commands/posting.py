"""Posting to a web process over one connection that is kept."""

import http.client
from collections.abc import Mapping
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlsplit

from mappings.platform import Platform

TIMEOUT = 10.0


def webhook_path(platform: Platform, source: str, topic: str = "") -> str:
    """Give the path that a source's deliveries of a topic go to."""
    path = f"/webhooks/{quote(source, safe='')}"
    return f"{path}/{quote(topic, safe='')}" if platform.topic_in_path and topic else path


class Poster:
    """One kept connection to `http://host:port` (or https). Status 0 is no answer."""

    def __init__(self, base_url: str) -> None:
        address = urlsplit(base_url)
        kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(address.hostname or "", address.port, timeout=TIMEOUT)

    def get(self, path: str) -> tuple[int, bytes]:
        """Get a path; give status and body."""
        return self._ask("GET", path, None, {})

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Post bytes as they are; give status and body."""
        return self._ask("POST", path, body, headers)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> tuple[int, bytes]:
        try:
            self._connection.request(method, path, body, dict(headers))
            answer = self._connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return 0, b""
