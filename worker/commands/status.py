"""`commerce-sync status`: what waits, what was delivered, and what is wrong."""

import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from rich.live import Live

from worker.commands.deployment import Deployment, configuration, opened
from worker.commands.failures import explain
from worker.commands.overview import overview
from worker.commands.panels import panels
from worker.commands.reporting import print_json, say, stdout
from worker.engine.errors import STORE_ERRORS

EVERY: Final = 1.0


def run(*, watch: bool, as_json: bool) -> int:
    """Print the figures once, or every second until Ctrl-C; watched as JSON they are one line each."""
    with opened(configuration()) as deployment:
        if watch:
            _watch(deployment, as_json=as_json)
        elif as_json:
            print_json(overview(deployment))
        else:
            stdout().print(panels(overview(deployment)))
    return 0


def watched() -> bool:
    """Say whether a person watches the output."""
    return sys.stdout.isatty()


def _watch(deployment: Deployment, *, as_json: bool) -> None:
    left = threading.Event()

    def leave(*_: object) -> None:
        left.set()  # the exception alone is lost where Python is cleaning up at that moment
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, leave)
    try:
        if as_json:
            _repeat(deployment, lambda seen: print_json(seen, indent=None), left)
        elif not watched():
            _repeat(deployment, lambda seen: stdout().print(panels(seen)), left)
        else:
            with Live(console=stdout(), auto_refresh=False) as live:
                _repeat(deployment, lambda seen: live.update(panels(seen), refresh=True), left)
    except KeyboardInterrupt:
        return
    finally:
        signal.signal(signal.SIGINT, before)


def _repeat(deployment: Deployment, show: Callable[[dict[str, Any]], None], left: threading.Event) -> None:
    """Show the figures again and again; a store that is away for a while is waited for."""
    while not left.is_set():
        try:
            show(overview(deployment))
        except STORE_ERRORS as error:
            say(explain(error)[1])
        time.sleep(EVERY)
