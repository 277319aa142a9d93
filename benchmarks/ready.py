"""The moment a worker is ready, and its processor time until then: included into the workers of both peers."""

import json
import os
import time
from pathlib import Path

from celery import signals

VARIABLE = "BENCHMARK_READY"


@signals.worker_ready.connect
def note(**_: object) -> None:
    """Write the note; it appears at once and whole."""
    path = Path(os.environ[VARIABLE])
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps({"at": time.monotonic(), "cpu": time.process_time()}), encoding="ascii")
    draft.rename(path)
