"""The pages on adding a platform and a destination are true: their examples are added to a copy, and work there.

One module, two lines in the registry, and its samples: nothing else of the copy is touched.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[2]
COPIED: Final = (
    "pyproject.toml",
    "mappings",
    "connectors",
    "worker",
    "tests/conftest.py",
    "tests/contracts/one_delivery.py",
    "tests/contracts/test_platforms.py",
    "tests/contracts/test_platform_signatures.py",
    "tests/platforms/test_expected_changes.py",
)

NEW: Final = {"id": 7, "mail": "ada@example.com", "given_name": "Ada", "saved_at": "2026-01-15T10:30:00Z"}
SAMPLES: Final[dict[str, tuple[Any, Any]]] = {
    "person.saved__new": (
        NEW,
        {"id": "7", "time": "2026-01-15T10:30:00+00:00", "rank": 20, "deleted": False, "final": False, "notes": []}
        | {"customer": {"email": "ada@example.com", "first_name": "Ada"}},
    ),
    "person.deleted__without_a_time": (
        {"id": 7},
        {"id": "7", "time": None, "rank": 90, "deleted": True, "final": True, "notes": [], "customer": {}},
    ),
}
CONFIGURATION: Final = """\
sources: {tuckshop: {secrets: ["secret"]}}
destinations: {postbox: {api_key: "the-key", limits: {calls: [[50, 1]]}}}
skills: {customer-sync: {enabled: true, options: {delete_behavior: hard}}}
"""


@dataclass(frozen=True)
class Copy:
    """A copy of the project with both examples added."""

    folder: Path

    def add(self, room: str, name: str) -> None:
        """Do what the page of a room says."""
        page = (ROOT / room / "README.md").read_text(encoding="utf-8")
        (module,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
        (diff,) = re.findall(r"```diff\n(.*?)```", page, re.DOTALL)
        (self.folder / room / f"{name}.py").write_text(module, encoding="utf-8")
        registry = self.folder / room / "registry.py"
        registry.write_text(patched(registry.read_text(encoding="utf-8"), diff.splitlines()), encoding="utf-8")

    def write(self, path: str, content: Any) -> Path:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return file

    def run(self, *arguments: str) -> str:
        """Run Python in the copy; give what it printed."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def patched(text: str, diff: Sequence[str]) -> str:
    """Apply a diff of one changed line and one added line, each under the line that stands before it."""
    assert sum(line.startswith("+") for line in diff) == 2
    before = ""
    for line in diff:
        if line.startswith("+"):
            kept = "" if before.startswith("-") else f"{before[1:]}\n"
            assert text.count(f"{before[1:]}\n") == 1, f"the registry has no line {before[1:]!r}"
            text = text.replace(f"{before[1:]}\n", f"{kept}{line[1:]}\n")
        before = line
    return text


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    folder = tmp_path_factory.mktemp("copy")
    for name in COPIED:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder / name)
    made = Copy(folder)
    made.add("mappings", "tuckshop")
    made.add("connectors", "postbox")
    for name, (payload, expected) in SAMPLES.items():
        made.write(f"tests/platforms/tuckshop/payloads/{name}.json", payload)
        made.write(f"tests/platforms/tuckshop/expected/{name}.json", [expected])
    made.write("commerce-sync.yaml", CONFIGURATION)
    return made


def test_examples_keep_the_rules_of_the_house(copy: Copy) -> None:
    names = ["mappings/tuckshop.py", "mappings/registry.py", "connectors/postbox.py", "connectors/registry.py"]

    copy.run("-m", "ruff", "check", "--no-cache", *names)
    copy.run("-m", "ruff", "format", "--no-cache", "--check", *names)


def test_example_of_a_platform_owes_what_every_platform_owes(copy: Copy) -> None:
    said = copy.run("-m", "pytest", "tests", "-q", "-p", "no:cacheprovider", "-k", "tuckshop")

    passed = re.search(r"(\d+) passed", said)
    assert passed is not None
    assert int(passed[1]) >= 50
    assert "skipped" not in said


def test_example_of_a_destination_is_checked_like_the_others(copy: Copy) -> None:
    said = json.loads(copy.run("-c", "from worker.commands.main import main; main()", "check", "--json"))

    assert {"status": "ok", "name": "lane postbox.people", "detail": "calls: 50 a second"} in said["checks"]


def test_webhook_of_the_example_is_delivered_to_the_example(copy: Copy) -> None:
    body = copy.write("payload.json", NEW)

    said = json.loads(copy.run("-m", "tests.contracts.one_delivery", "commerce-sync.yaml", "person.saved", str(body)))

    (call,) = said["calls"]
    assert call["method"] == "PUT"
    assert call["url"] == "https://api.postbox.example/people/tuckshop-7"
    assert call["headers"]["authorization"] == "Bearer the-key"
    assert call["body"] == {"mail": "ada@example.com", "given_name": "Ada"}
    assert said["delivered"] == {"postbox.people": 1}


def test_deletion_at_the_example_goes_as_the_options_say(copy: Copy) -> None:
    body = copy.write("payload.json", {"id": 7})

    said = json.loads(copy.run("-m", "tests.contracts.one_delivery", "commerce-sync.yaml", "person.deleted", str(body)))

    assert [(call["method"], call["body"]) for call in said["calls"]] == [("DELETE", None)]
