"""Deliver one webhook in this process, and write down each call.

`python -m tests.contracts.one_delivery CONFIG TOPIC BODY` is started by `test_adding_one.py` in a copy of the project,
where the registries hold one more than here.
"""

import json
import sys
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from unittest import mock

import fakeredis

from connectors.connector import Call, Response
from worker import wiring
from worker.engine.events import Event, event_id
from worker.engine.figures import Figures
from worker.engine.keeping import keep_now
from worker.logs import configure
from worker.settings.reading import read

PATIENCE: Final = 10.0


class Vendor:
    """Takes every call, and writes it down."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def send(self, base_url: str, headers: Mapping[str, str], call: Call) -> Response:
        self.calls.append(
            {"url": base_url + call.path, "method": call.method, "headers": dict(headers), "body": call.body}
        )
        return Response(status=200, headers={}, body=b"{}")

    def close(self) -> None:
        """Do nothing: the sender's part that a program calls when it stops."""


def main(configuration: Path, topic: str, body: bytes) -> None:
    configure("error")
    store, vendor, wakes = fakeredis.FakeRedis(), Vendor(), deque[tuple[str, str]]()
    settings = read(configuration, {})
    with mock.patch.multiple(wiring, client=lambda _url: store, Sender=lambda: vendor):
        program = wiring.build_program(
            settings, "", wake=lambda lane, slot: wakes.append((lane, slot)), running=lambda: True
        )
    (source,) = settings.sources
    name = event_id(source, topic, "1", body)
    event = Event(id=name, source=source, topic=topic, delivery_id="1", received_us=time.time_ns() // 1000, body=body)
    wakes.append(("map", keep_now(program.lanes, event) or "0"))
    until = time.monotonic() + PATIENCE
    while not vendor.calls and time.monotonic() < until:
        program.sweep()
        while wakes:
            program.drain(*wakes.popleft())
    figures = Figures(program.lanes.scripts)
    delivered = {lane: figures.lane(lane).outcomes["delivered"] for lane in program.drains if lane != "map"}
    sys.stdout.write(json.dumps({"calls": vendor.calls, "delivered": delivered}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]).read_bytes())
