"""What the README promises about commands, topics, records, limits and settings is so."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from tests.readme_tables import README as PATH
from tests.readme_tables import marked, tables
from worker.commands.main import app
from worker.settings.reading import read

README = PATH.read_text(encoding="utf-8")
# The other boxes are rules of loyalty, see tests/loyalty/test_readme_rules.py.
CONFIGURATIONS = re.findall(r"```yaml\n(sources:.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("name", ["topics", "records", "limits", "loyalty"])
def test_generated_tables_are_those_of_the_registries(name: str) -> None:
    found = marked(name, README)

    assert found is not None
    assert tables()[name] == found[2], "run `python -m tests.readme_tables`"


def test_every_command_stands_in_the_readme() -> None:
    table = README.split("## Commands")[1].split("## ")[0]

    assert all(f"`{name}" in table or f"`{name} " in table for name in get_command(app).commands)  # type: ignore[attr-defined]


def test_both_set_up_commands_are_one_line_in_a_block_of_their_own() -> None:
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)

    assert blocks[0].endswith("commerce-sync demo\n")
    assert blocks[0].count("\n") == 1
    assert "pytest" in blocks[1]
    assert blocks[1].count("\n") == 1
    assert blocks[1].strip() == next(line for line in README.splitlines() if "pytest" in line)


@pytest.mark.parametrize("text", CONFIGURATIONS, ids=["smallest", "larger", "loyalty", "owner"])
def test_configurations_shown_are_valid(text: str, tmp_path: Path) -> None:
    environ = dict.fromkeys(re.findall(r"\$\{(\w+)\}", text), "a-value")
    path = tmp_path / "commerce-sync.yaml"
    path.write_text(text, encoding="utf-8")

    settings = read(path, environ)

    assert settings.skills.on()


def test_names_of_the_page_are_where_it_says() -> None:
    root = PATH.parent
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)

    assert {"mappings/README.md", "connectors/README.md"} <= set(links)
    assert [link for link in links if not (root / link).exists()] == []
