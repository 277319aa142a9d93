"""`demo --all` as a person runs it: every platform to every destination."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from connectors.registry import DESTINATIONS
from mappings.registry import PLATFORMS

pytestmark = pytest.mark.journey

ROOT = Path(__file__).parents[2]


def test_every_platform_reaches_every_destination_with_customers_and_orders(tmp_path: Path) -> None:
    program = "from worker.commands.main import main; main()"
    ran = subprocess.run(
        [sys.executable, "-c", program, "demo", "--all", "--json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    report = json.loads(ran.stdout)
    cells = {(cell["platform"], cell["records"], cell["destination"]): cell for cell in report["cells"]}

    assert set(cells) == {
        (platform, records, destination)
        for platform in (name for name, one in PLATFORMS.items() if not one.about_ours)
        for records in ("customers", "orders")
        for destination in DESTINATIONS
    }
    wrong = [name for name, cell in cells.items() if cell["right"] != cell["expected"] or not cell["expected"]]
    assert (wrong, report["dead"], report["waiting"]) == ([], {}, {}), ran.stderr
    assert report["accepted"] == report["sent"]
    assert (ran.returncode, report["ok"]) == (0, True), ran.stderr
