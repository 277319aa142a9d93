"""What the README says about the rules of loyalty is so: every box is read, every figure is worked out."""

import re
from pathlib import Path

import pytest

from connectors.values import Section
from tests.loyalty.readme_rules import Table, section, snippets, worked_out
from tests.readme_tables import README
from worker.commands.loyalty import loyalty
from worker.settings import loyalty as loyalty_settings
from worker.settings.crosschecks import at
from worker.settings.faults import ConfigurationError
from worker.settings.loyalty import LoyaltyRules
from worker.settings.reading import read_rules
from worker.settings.tree import grow

SNIPPETS = snippets()
TABLES = [table for _, tables in SNIPPETS for table in tables]


def test_every_box_of_rules_has_examples() -> None:
    boxes = re.findall(r"```yaml\n(.*?)```", section(), re.DOTALL)
    rules = [text for text in boxes if not text.startswith("sources:")]

    assert [text for text, _ in SNIPPETS] == rules
    assert len(rules) >= 10
    assert [text for text, tables in SNIPPETS if not tables] == []
    others = [
        one for one in re.findall(r"(?:^\|.*\n)+", section(), re.MULTILINE) if one.startswith(("| what", "| comm"))
    ]
    assert len(TABLES) + len(others) == len(re.findall(r"^\|---", section(), re.MULTILINE))
    assert all(len(row) == len(table.head) for table in TABLES for row in table.rows)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: f"{table.number}: {table.rows[0][0]}")
def test_examples_are_what_the_rules_give(table: Table, tmp_path: Path) -> None:
    assert worked_out(table, tmp_path) == table.rows


@pytest.mark.parametrize("column", ["points", "tier", "balance", "why"])
def test_a_wrong_figure_is_found(column: str, tmp_path: Path) -> None:
    table = next(one for one in TABLES if column in [name.split(" ")[0] for name in one.head])
    place = [name.split(" ")[0] for name in table.head].index(column)
    wrong = [[*row[:place], f"1{row[place]}", *row[place + 1 :]] for row in table.rows]

    assert worked_out(table, tmp_path) != wrong


def test_a_row_that_says_nothing_known_is_a_fault(tmp_path: Path) -> None:
    table = TABLES[0]
    unknown = Table(table.number, table.rules, table.about, table.head, [["100, on the moon", "100", ""]])

    with pytest.raises(AssertionError, match="'on the moon' says nothing"):
        worked_out(unknown, tmp_path)


def test_a_box_with_a_wrong_rule_is_a_fault(tmp_path: Path) -> None:
    table = TABLES[0]

    with pytest.raises(ConfigurationError):
        worked_out(Table(1, table.rules + "earns_when: paid\n", "", table.head, table.rows), tmp_path)


def test_page_names_every_rule_and_every_key_of_one() -> None:
    sections = [one for one in vars(loyalty_settings).values() if isinstance(one, type) and issubclass(one, Section)]
    keys = {f"{one.__name__}.{name}" for one in sections for name in one.model_fields}
    missing = {key for key in keys if not re.search(rf"\b{key.partition('.')[2]}\b", section())}

    assert len(keys) > 50
    assert missing == set()


def test_box_is_read_as_rules_under_the_skill_are(tmp_path: Path) -> None:
    for text, _ in SNIPPETS:
        path = tmp_path / "rules.yaml"
        path.write_text(text, encoding="utf-8")

        assert read_rules(path, {}) == LoyaltyRules.model_validate(at({"a": grow(text, {}).data}, "a"))


def test_commands_of_the_page_are_there() -> None:
    there = {command.callback.__name__ for command in loyalty.registered_commands if command.callback}

    assert set(re.findall(r"^\| `loyalty (\w+)", README.read_text(encoding="utf-8"), re.MULTILINE)) == there
