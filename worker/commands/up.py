"""`commerce-sync up`: web, worker and beat in one, on the embedded store or on REDIS_URL."""

import fcntl
import os
import secrets
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from worker.commands.failures import CommandError
from worker.commands.reporting import say
from worker.embedded import EmbeddedStore, EmbeddedStoreError
from worker.logs import configure, level_of
from worker.settings.models import Settings
from worker.settings.reading import find_path, read
from worker.store import embedded
from worker.supervisor import Child, Supervisor, command

# Workers need not know of each other: lanes and leases lie in the store.
QUIET: Final = ("--without-mingle", "--without-gossip", "--loglevel", "warning")
PROTOCOL: Final = "worker.ingress.protocol:BoundedProtocol"
LEAN: Final = ("--http", PROTOCOL, "--no-access-log", "--no-server-header", "--no-proxy-headers", "--ws", "none")
SANDBOX_FOLDER: Final = Path(".commerce-sync")
VENDORS: Final = ("brevo", "custobar", "voucherify")

_SANDBOX: Final = """\
# Written by `commerce-sync up`, which found no commerce-sync.yaml: everything goes to sandboxes.
sources:
  shopify: {{secrets: ["{secret}"]}}
  woocommerce: {{secrets: ["{secret}"]}}
  magento: {{secrets: ["{secret}"]}}
  custom: {{secrets: ["{secret}"]}}
destinations:
  brevo: {{api_key: "sandbox", base_url: "{brevo}/v3"}}
  custobar: {{api_key: "sandbox", base_url: "{custobar}/api", company: ACME}}
  voucherify: {{app_id: "sandbox", api_key: "sandbox", base_url: "{voucherify}", loyalty_campaign: Loyalty}}
skills:
  customer-sync: {{enabled: true}}
  order-sync: {{enabled: true}}
  loyalty: {{enabled: true}}
engine: {{data_dir: {folder}}}
"""


def run(*, port: int | None) -> int:
    """Run until SIGTERM or Ctrl-C; give the exit status."""
    environ = dict(os.environ)
    extra: list[Child] = []
    path = find_path(environ)
    if not path.exists() and "COMMERCE_SYNC_CONFIG" not in environ:
        path, extra = sandboxes(environ)
        environ["COMMERCE_SYNC_CONFIG"] = str(path)
    settings = read(path, environ)
    configure(level_of(settings))
    with _alone(settings.engine.data_dir):
        store = None
        if not (settings.engine.redis_url or environ.get("REDIS_URL")):
            store = _store(embedded(settings), environ)
        _require_free(settings.engine.web.host, port or settings.engine.web.port)
        supervisor = Supervisor(store=store, children=[*parts(settings, environ, port), *extra])
        _greet(settings, port or settings.engine.web.port, path, sandboxed=bool(extra))
        return supervisor.run()


def parts(settings: Settings, environ: Mapping[str, str], port: int | None) -> list[Child]:
    """Give the three parts of the program as children."""
    web = settings.engine.web
    arguments = ("--host", web.host, "--port", str(port or web.port), "--log-level", "warning")
    serve = ("uvicorn", "--factory", "worker.web:create", *LEAN, *arguments, "--timeout-graceful-shutdown", "8")
    return [
        command("web", serve, environ),
        command("worker", ("celery", "-A", "worker", "--quiet", "worker", *QUIET), environ),
        command("beat", ("celery", "-A", "worker", "--quiet", "beat", "--loglevel", "warning", "--pidfile="), environ),
    ]


def _store(store: EmbeddedStore, environ: dict[str, str]) -> Child:
    # The lock of this folder is ours, so a server that answers already is one whose `up` was killed.
    if store.answers():
        store.stop()

    def start() -> "subprocess.Popen[bytes]":
        process = store.start()
        if process is None:
            raise EmbeddedStoreError("another process started the store of this folder")
        return process

    environ["REDIS_URL"] = store.url
    return Child(name="store", start=start)


def sandboxes(environ: Mapping[str, str]) -> tuple[Path, list[Child]]:
    """Give a sandbox of each vendor as a child, and the configuration written for them."""
    urls = {vendor: f"http://127.0.0.1:{free_port()}" for vendor in VENDORS}
    SANDBOX_FOLDER.mkdir(exist_ok=True, mode=0o700)
    path = SANDBOX_FOLDER / "sandbox.yaml"
    path.write_text(_SANDBOX.format(secret=secrets.token_hex(16), folder=SANDBOX_FOLDER, **urls), encoding="utf-8")
    return path, [sandbox(vendor, url, environ) for vendor, url in urls.items()]


def sandbox(vendor: str, url: str, environ: Mapping[str, str], *more: str) -> Child:
    """Give the sandbox of a vendor as a child that listens where a URL says."""
    where = ("--vendor", vendor, "--port", url.rsplit(":", maxsplit=1)[-1])
    return command(f"sandbox of {vendor}", ("connectors.sandbox.server", *where, *more), environ)


def free_port() -> int:
    """Give a port of the loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder for this process, so that two never run on one embedded store."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise EmbeddedStoreError(f"commerce-sync runs in {folder} already") from None
        yield


def _require_free(host: str, port: int) -> None:
    """Raise a CommandError when somebody listens there: uvicorn would only say so in a log."""
    try:
        with socket.create_server((host, port)):
            pass
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise CommandError(f"cannot listen on {host}:{port} ({reason}): choose another with --port") from None


def _greet(settings: Settings, port: int, path: Path, *, sandboxed: bool) -> None:
    if sandboxed:
        say("No commerce-sync.yaml here: `commerce-sync init` writes one. Until then everything goes to sandboxes.")
        say(f"The webhook secret of this run stands in {path}.")
    host = settings.engine.web.host
    for name in settings.sources:
        say(f"webhooks of {name}: http://{host}:{port}/webhooks/{name}")
    say(f"health: http://{host}:{port}/health  ready: http://{host}:{port}/ready  stop: Ctrl-C")
