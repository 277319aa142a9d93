"""`init`: a file that works as soon as two variables are set, and never one overwritten unasked."""

from collections.abc import Callable
from typing import Any

import pytest

from worker.commands.init import starter


def test_the_starter_is_written_and_the_next_steps_are_told(bare: Any, cli: Callable[..., Any]) -> None:
    done = cli("init")

    assert (done.code, done.out) == (0, "")
    assert (bare.folder / "commerce-sync.yaml").read_text(encoding="utf-8") == starter()
    for step in ("SHOPIFY_WEBHOOK_SECRET", "BREVO_API_KEY", "commerce-sync check", "/webhooks/shopify"):
        assert step in done.err
    assert "WOOCOMMERCE" not in done.err


def test_what_init_writes_passes_the_check(bare: Any, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOPIFY_WEBHOOK_SECRET", "s")
    monkeypatch.setenv("BREVO_API_KEY", "k")
    cli("init")

    assert cli("check").code == 0


def test_a_file_that_is_there_stays(house: Any, cli: Callable[..., Any]) -> None:
    before = (house.folder / "commerce-sync.yaml").read_text()

    done = cli("init")

    assert done.code == 1
    assert "--force" in done.err
    assert (house.folder / "commerce-sync.yaml").read_text() == before


def test_force_overwrites(house: Any, cli: Callable[..., Any]) -> None:
    assert cli("init", "--force").code == 0
    assert (house.folder / "commerce-sync.yaml").read_text(encoding="utf-8") == starter()


def test_the_file_is_written_where_it_is_looked_for(
    bare: Any, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMMERCE_SYNC_CONFIG", str(bare.folder / "other.yaml"))

    assert cli("init").code == 0
    assert (bare.folder / "other.yaml").exists()


def test_a_folder_that_is_not_there_is_told_in_a_sentence(
    bare: Any, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMMERCE_SYNC_CONFIG", str(bare.folder / "none" / "other.yaml"))

    done = cli("init")

    assert done.code == 1
    assert "cannot be written" in done.err
