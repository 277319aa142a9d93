"""The command line as a whole: quick help, exit statuses, what goes to stdout and what to stderr."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from worker.commands.main import app
from worker.embedded import EmbeddedStore

ROOT = Path(__file__).parents[2]
MAIN = "from worker.commands.main import main; main()"
SLOW = ("celery", "redis", "rich", "requests", "pydantic", "starlette", "uvicorn", "structlog")
COMMANDS = (
    "demo",
    "up",
    "init",
    "check",
    "attributes",
    "send",
    "preview",
    "trigger",
    "status",
    "dead-letters",
    "loyalty",
)


def run(*arguments: str, cwd: Path, **environ: str) -> "subprocess.CompletedProcess[str]":
    clean = {name: value for name, value in os.environ.items() if name not in ("REDIS_URL", "COMMERCE_SYNC_CONFIG")}
    return subprocess.run(
        [sys.executable, "-c", MAIN, *arguments],
        cwd=cwd,
        env={**clean, "PYTHONPATH": str(ROOT), **environ},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_help_names_every_command() -> None:
    shown = CliRunner().invoke(app, ["--help"])

    assert shown.exit_code == 0
    assert [name for name in COMMANDS if name not in shown.output] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_a_help_of_its_own(command: str) -> None:
    shown = CliRunner().invoke(app, [command, "-h"])

    assert shown.exit_code == 0
    assert "Usage" in shown.output


def test_help_imports_nothing_slow(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom worker.commands.main import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        f"print([name for name in {SLOW!r} if name in sys.modules], file=sys.stderr)"
    )
    # Typer itself reads pydantic for some parameters.
    for arguments, allowed in ((["--help"], "[]"), (["dead-letters", "retry", "--help"], "['pydantic']")):
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        assert done.stderr.strip() in ("[]", allowed)


@pytest.mark.parametrize("command", [[], ["dead-letters", "retry"]])
def test_help_takes_less_than_a_third_of_a_second(tmp_path: Path, command: list[str]) -> None:
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        assert run(*command, "--help", cwd=tmp_path).returncode == 0
        seconds.append(time.perf_counter() - started)

    assert min(seconds) < 0.3


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such-command"],
        ["status", "--no-such-option"],
        ["send", "shopify"],
        ["send", "shopify", "customers/create", "no-such-file.json"],
        ["preview", "shopify", "customers/create", "."],
        ["dead-letters", "no-such-command"],
        ["dead-letters", "show"],
    ],
)
def test_wrong_usage_ends_with_2(house: Any, cli: Callable[..., Any], arguments: list[str]) -> None:
    done = cli(*arguments)

    assert done.code == 2
    assert done.out == ""
    assert done.err != ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["check"],
        ["check", "--json"],
        ["attributes"],
        ["send", "shopify", "customers/create", "payload.json"],
        ["preview", "shopify", "customers/create", "payload.json"],
        ["trigger", "customer-sync", "customer_created", "payload.json"],
        ["status", "--json"],
        ["dead-letters", "list"],
        ["dead-letters", "retry", "1"],
    ],
)
def test_a_wrong_configuration_ends_with_3_and_every_fault_with_its_line(
    bare: Any, cli: Callable[..., Any], arguments: list[str]
) -> None:
    bare.file({})
    bare.configure("sources:\n  shopify: {secret: [a]}\ndestinations:\n  brevo: {api_key: ''}\n")

    done = cli(*arguments)

    assert (done.code, done.out) == (3, "")
    assert "commerce-sync.yaml:2" in done.err
    assert "commerce-sync.yaml:4" in done.err


def test_a_missing_configuration_ends_with_3_and_names_init(bare: Any, cli: Callable[..., Any]) -> None:
    done = cli("status")

    assert done.code == 3
    assert "commerce-sync init" in done.err


@pytest.mark.parametrize("arguments", [["status"], ["dead-letters", "list"], ["dead-letters", "discard", "1"]])
def test_without_a_running_store_a_command_fails_and_names_up(
    house: Any, cli: Callable[..., Any], arguments: list[str]
) -> None:
    done = cli(*arguments)

    assert (done.code, done.out) == (1, "")
    assert "commerce-sync up" in done.err
    assert not (house.folder / ".commerce-sync").exists()


def test_a_store_that_is_away_is_told_in_a_sentence(
    house: Any, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://:hidden-password@127.0.0.1:1/0")

    done = cli("status")

    assert (done.code, done.out) == (1, "")
    assert "the store cannot be reached" in done.err
    assert "hidden-password" not in done.err


def test_a_wrong_password_is_told_in_a_sentence(
    running: Any, cli: Callable[..., Any], embedded_store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", embedded_store.url.replace("://:", "://:not-"))

    done = cli("status")

    assert done.code == 1
    assert "password" in done.err
    assert "not-" not in done.err


def test_after_up_without_a_configuration_the_sandbox_is_meant(
    bare: Any, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMMERCE_SYNC_CONFIG", "")  # so that it is put back
    monkeypatch.delenv("COMMERCE_SYNC_CONFIG")
    (bare.folder / ".commerce-sync").mkdir()
    sandbox = "sources: {shopify: {secrets: [a]}}\nskills: {customer-sync: {enabled: false}}\n"
    (bare.folder / ".commerce-sync" / "sandbox.yaml").write_text(sandbox)

    done = cli("check", "--json")

    assert done.code == 0
    assert "sandbox" in done.err
    assert done.json["checks"][0]["detail"] == ".commerce-sync/sandbox.yaml"


def test_the_real_process_keeps_data_and_talk_apart(tmp_path: Path) -> None:
    (tmp_path / "commerce-sync.yaml").write_text(
        "sources: {shopify: {secrets: [a]}}\ndestinations: {brevo: {api_key: k}}\nskills: {customer-sync: {}}\n"
    )
    (tmp_path / "payload.json").write_text('{"id": 1}')

    shown = run("preview", "shopify", "customers/nothing", "payload.json", cwd=tmp_path)
    checked = run("check", cwd=tmp_path, NO_COLOR="1", FORCE_COLOR="1")
    refused = run("status", cwd=tmp_path)

    assert (shown.returncode, shown.stdout) == (0, "ignored: nobody maps this topic\n")
    assert "note: nobody maps" in shown.stderr
    assert checked.returncode == 0
    assert "\x1b[3" not in checked.stdout
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "Traceback" not in refused.stderr
