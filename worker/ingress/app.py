"""The ingress as one ASGI application: the webhook endpoint, `/health`, `/ready`, and what runs beside them."""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from worker.ingress.commit import Committer
from worker.ingress.counters import Count, Counters
from worker.ingress.drain import Drain
from worker.ingress.endpoint import PREFIX, Endpoint, SourceEntry, microseconds
from worker.ingress.gate import Gate, Keeper
from worker.ingress.keys import Keys
from worker.ingress.limits import Limits
from worker.ingress.readiness import Inspect, Readiness
from worker.ingress.spool import Spool


class Ingress:
    """The parts, connected. Start it by its lifespan; one instance per process."""

    def __init__(  # noqa: PLR0913 - a composition takes what it composes
        self,
        sources: Mapping[str, SourceEntry],
        keeper: Keeper,
        *,
        spool: Spool | None,
        inspect: Inspect,
        count: Count | None = None,
        clock: Callable[[], int] = microseconds,
        limits: Limits | None = None,
        keys: Keys | None = None,
    ) -> None:
        limits = limits or Limits()
        self.counters = Counters(count, limits)
        self.gate = Gate(keeper, limits)
        self._spool = spool
        self._drain = Drain(keeper, self.gate, spool, self.counters, limits) if spool else None
        self._endpoint = Endpoint(
            sources,
            Committer(keeper, self.gate, spool, self.counters, limits),
            clock,
            counters=self.counters,
            limits=limits,
            keys=keys,
        )
        self._readiness = Readiness(inspect, self.gate, spool, self.counters, limits)
        self._rest = Starlette(
            routes=[Route("/health", _health), Route("/ready", self._ready)], lifespan=self._lifespan
        )
        self._rest.router.redirect_slashes = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Give webhooks to the endpoint and everything else to Starlette."""
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            await self._endpoint(scope, receive, send)
        else:
            await self._rest(scope, receive, send)

    @contextlib.asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        if self._spool is not None:
            await self._spool.start()
        running = [part for part in (self.gate, self._drain, self.counters) if part is not None]
        for part in running:
            part.start()
        try:
            yield
        finally:
            for part in running:
                await part.stop()
            if self._spool is not None:
                await self._spool.stop()

    async def _ready(self, _request: Request) -> JSONResponse:
        ready, report = await self._readiness.report()
        return JSONResponse(report, status_code=200 if ready else 503)


async def _health(_request: Request) -> JSONResponse:
    return JSONResponse({"status": "ok"})
