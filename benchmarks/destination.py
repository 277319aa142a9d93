"""The sandbox of Brevo without limits and without a journal, with a count of the calls it was asked."""

from typing import Any

from connectors.sandbox.control import CONTROL, Sandbox

CALLS = "/calls"


class Destination:
    """The sandbox; `GET /calls` tells how many calls came."""

    def __init__(self) -> None:
        self.sandbox = Sandbox(limited=False)
        self.sandbox.keeps_journal = False
        self.calls = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
        """Serve one request."""
        if scope["type"] == "http" and scope["path"] == CALLS:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"%d" % self.calls})
            return
        if not scope["path"].startswith(CONTROL):
            self.calls += 1
        await self.sandbox(scope, receive, send)


def create() -> Destination:
    """Build the application for uvicorn."""
    return Destination()
