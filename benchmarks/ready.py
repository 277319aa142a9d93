"""Imported into both workers (`celery worker --include`): notes the moment they are ready and the processor time until then."""

import json
import os
import time
from pathlib import Path
from typing import Any

from celery import signals

VARIABLE = "BENCHMARK_READY"


@signals.worker_ready.connect  # type: ignore[untyped-decorator]
def note(**_: Any) -> None:
    """Write the note; it appears at once and whole."""
    path = Path(os.environ[VARIABLE])
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps({"at": time.monotonic(), "cpu": time.process_time()}), encoding="ascii")
    draft.rename(path)
