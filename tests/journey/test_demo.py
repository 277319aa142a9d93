"""`demo` as a person runs it: customers at Brevo, then points and tiers at every destination."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from connectors.registry import DESTINATIONS

pytestmark = pytest.mark.journey

ROOT = Path(__file__).parents[2]


def test_customers_arrive_and_so_do_points_and_a_refund_takes_them_back(tmp_path: Path) -> None:
    program = "from worker.commands.main import main; main()"
    ran = subprocess.run(
        [sys.executable, "-c", program, "demo", "--events", "60", "--json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    report = json.loads(ran.stdout)
    loyalty = report["loyalty"]

    assert (ran.returncode, report["ok"], loyalty["ok"]) == (0, True, True), ran.stderr
    assert report["contacts_matching"] == report["contacts_expected"] > 0
    for row in loyalty["rows"]:
        assert {seen["destination"] for seen in row["seen"]} == set(DESTINATIONS)
        assert {(seen["points"], seen["tier"]) for seen in row["seen"]} == {(row["points"], row["tier"])}
    points = {(row["customer"], row["moment"]): row["points"] for row in loyalty["rows"]}
    for customer, moment in points:
        assert points[customer, "back"] < points[customer, "paid"], moment
    assert {customer.split("-")[0] for customer, _ in points} == {"shopify", "woocommerce"}
    assert loyalty["orders"]["right"] == loyalty["orders"]["expected"] > 0
    assert loyalty["news"]["right"] == loyalty["news"]["expected"] > 0
