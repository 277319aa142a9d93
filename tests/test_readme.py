"""What the README promises about commands and topics is so."""

import re
from pathlib import Path

from typer.main import get_command

from mappings.registry import PLATFORMS
from worker.commands.main import app

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def topic_table() -> str:
    lines = ["| platform | topics |", "|---|---|"]
    for name, platform in PLATFORMS.items():
        lines.append(f"| {name} | {' '.join(f'`{topic}`' for topic in platform.topics)} |")
    return "\n".join(lines)


def test_topics_of_every_platform_stand_in_the_readme() -> None:
    found = re.search(r"<!-- topics: .*? -->\n(.*?)\n<!-- /topics -->", README, re.DOTALL)

    assert found is not None
    assert topic_table() == found[1]


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
