"""`up` without a configuration: a sandbox for each destination there is, and a configuration that names them."""

import os
from pathlib import Path

import pytest

from connectors.registry import DESTINATIONS
from connectors.sandbox.registry import SANDBOXES
from mappings.registry import PLATFORMS
from worker.commands.up import VENDORS, sandboxes
from worker.routes import build_lanes, build_options
from worker.settings.reading import read


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_destination_has_a_sandbox() -> None:
    assert set(VENDORS) == set(DESTINATIONS) == set(SANDBOXES)


def test_every_shop_is_heard_and_every_destination_told_of_customers_orders_and_points(folder: Path) -> None:
    path, children = sandboxes(os.environ)
    settings = read(path, os.environ)
    lanes = build_lanes(settings)

    assert set(settings.sources) == {name for name, platform in PLATFORMS.items() if not platform.about_ours}
    assert {(lane.destination, lane.kind) for lane in lanes} >= {
        (vendor, kind) for vendor in DESTINATIONS for kind in ("customer", "order", "events", "loyalty")
    }
    assert {lane.destination for lane in lanes if lane.kind == "points"} == {"voucherify"}
    assert all("loyalty_points" in build_options(settings, vendor).field_mapping for vendor in DESTINATIONS)
    assert [child.name for child in children] == [f"sandbox of {vendor}" for vendor in VENDORS]


def test_each_sandbox_is_told_to_listen_where_its_destination_is_looked_for(folder: Path) -> None:
    path, _ = sandboxes(os.environ)
    urls = [lane.connector.base_url for lane in build_lanes(read(path, os.environ)) if lane.kind == "customer"]

    assert len({url.split("/")[2] for url in urls}) == len(VENDORS)


def test_secret_is_new_every_time(folder: Path) -> None:
    secrets = [read(sandboxes(os.environ)[0], os.environ).sources["custom"].secrets for _ in range(2)]

    assert secrets[0] != secrets[1]
    assert len(secrets[0][0].get_secret_value()) >= 32
