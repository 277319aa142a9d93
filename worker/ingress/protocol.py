"""Uvicorn's HTTP connection with the two bounds that it leaves to a proxy: a head ends in time, and has a size."""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

HEAD_SECONDS: Final = 5.0
HEAD_BYTES: Final = 65_536


class BoundedProtocol(HttpToolsProtocol):
    """One connection. `--http` takes it by its name, uvicorn makes it.

    The times of bodies and answers are the endpoint's; that of an idle connection after an answer is uvicorn's.
    """

    def __init__(self, *parts: Any, **named: Any) -> None:  # noqa: ANN401 - uvicorn's own
        super().__init__(*parts, **named)
        self._deadline: asyncio.TimerHandle | None = None
        self._in_head = False
        self._unread = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Begin to wait for a head."""
        super().connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        super().connection_lost(exc)
        self._unwatch()

    def data_received(self, data: bytes) -> None:
        """Read on, and close the connection of whom makes no progress with it."""
        self._unread += len(data)
        super().data_received(data)
        if self._unread > HEAD_BYTES:
            self.transport.close()
        elif self._in_head or not self._answering:
            self._watch()
        else:
            self._unwatch()

    @property
    def _answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle  # none before the first request, whatever uvicorn declares
        return cycle is not None and not cycle.response_complete

    def on_message_begin(self) -> None:
        """Note where a head begins."""
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Note where it ends."""
        self._in_head = False
        self._unread = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Pass on a part of a body, whose size the endpoint bounds; what follows it may be trailers."""
        self._unread = 0
        super().on_body(body)

    def _watch(self) -> None:
        # Bytes that bring the head no nearer to its end bring no more time.
        if self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _unwatch(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
