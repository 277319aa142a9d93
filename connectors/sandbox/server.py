"""Serve the sandbox on loopback: `python -m connectors.sandbox.server --port 0` prints where, as one line of JSON."""

import argparse
import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from connectors.sandbox.control import Sandbox
from connectors.sandbox.registry import SANDBOXES

_LOOPBACK = "127.0.0.1"


class _Server(uvicorn.Server):
    @property
    def port(self) -> int:
        return int(self.servers[0].sockets[0].getsockname()[1])


class _Announcing(_Server):
    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override] # as uvicorn has it
        await super().startup(sockets)  # type: ignore[arg-type] # always None here
        if self.started:
            sys.stdout.write(
                json.dumps({"port": self.port, "url": f"http://{_LOOPBACK}:{self.port}{_prefix(self)}"}) + "\n"
            )
            sys.stdout.flush()


def _config(sandbox: Sandbox, port: int) -> uvicorn.Config:
    # An aborted connection is what a fault asks for; it is no error to be logged.
    return uvicorn.Config(
        sandbox,
        host=_LOOPBACK,
        port=port,
        log_level="critical",
        access_log=False,
        lifespan="off",
        ws="none",
        proxy_headers=False,
        timeout_keep_alive=75,  # as vendors have it: an answer that is late on its way must not end its connection
        timeout_graceful_shutdown=1,
    )


def _prefix(server: _Server) -> str:
    sandbox: Sandbox = server.config.app  # type: ignore[assignment] # uvicorn takes any application
    return sandbox.vendor.prefix


def serve(vendor: str, port: int, *, limits: bool = True, journal: bool = True, speed: float = 1.0) -> None:
    """Serve until the process is told to stop; port 0 takes a free one."""
    sandbox = Sandbox(SANDBOXES[vendor](), limited=limits, speed=speed)
    sandbox.keeps_journal = journal
    _Announcing(_config(sandbox, port)).run()


@contextmanager
def running_sandbox(sandbox: Sandbox | None = None) -> Iterator[str]:
    """Serve from a thread of this process and give the base URL of the API.

    Raises: RuntimeError when it does not start within five seconds.
    """
    sandbox = sandbox or Sandbox()
    server = _Server(_config(sandbox, 0))
    thread = threading.Thread(target=server.run, name="sandbox", daemon=True)
    thread.start()
    until = time.monotonic() + 5.0
    while not server.started:
        if time.monotonic() > until or not thread.is_alive():
            raise RuntimeError("the sandbox does not start")
        time.sleep(0.005)
    try:
        yield f"http://{_LOOPBACK}:{server.port}{sandbox.vendor.prefix}"
    finally:
        server.should_exit = True
        thread.join(5.0)


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description="A destination as a local server")
    parser.add_argument("--vendor", choices=sorted(SANDBOXES), default="brevo")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--no-limits", action="store_true", help="answer as many calls as come")
    parser.add_argument("--no-journal", action="store_true", help="do not keep what was asked")
    parser.add_argument("--speed", type=float, default=1.0, help="how fast the clock of its limits and imports runs")
    arguments = parser.parse_args()
    serve(
        arguments.vendor,
        arguments.port,
        limits=not arguments.no_limits,
        journal=not arguments.no_journal,
        speed=arguments.speed,
    )


if __name__ == "__main__":
    main()
