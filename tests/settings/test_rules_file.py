"""Rules of loyalty in a file of their own: read like those of the configuration, with its words for their faults."""

from pathlib import Path

import pytest

from worker.settings.faults import ConfigurationError
from worker.settings.loyalty import LoyaltyRules
from worker.settings.reading import read_rules


def written(folder: Path, text: str) -> Path:
    path = folder / "rules.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_file_holds_what_stands_under_rules(tmp_path: Path) -> None:
    text = "points_per_unit: ${RATE}\ntiers:\n  levels:\n    - {name: Member, threshold: 0}\n"

    rules = read_rules(written(tmp_path, text), {"RATE": "2.5"})

    assert str(rules.points_per_unit["*"]) == "2.5"
    assert [level.name for level in rules.tiers.levels] == ["Member"]


def test_an_empty_mapping_is_the_rules_by_default(tmp_path: Path) -> None:
    assert read_rules(written(tmp_path, "{}\n"), {}) == LoyaltyRules()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rounding: sideways\n", ["rules.yaml:1: rounding: ", "none of the words known here", "half_up"]),
        ("\ntiers:\n  levels:\n    - {name: A, threshold: 5}\n", [":3: tiers.levels", "begin with a tier from 0"]),
        ("points_per_unti: 2\n", [":1: points_per_unti: unknown key", "did you mean `points_per_unit`?"]),
        ("bonuses:\n  review: {grant: credit}\n", [":2: bonuses.review.points: `points` is missing"]),
        (
            "campaigns: [{name: A, first_day: 2026-01-01, last_day: 2026-01-02, points: 1, tiers: [X]}]\n",
            ["tier that is not there"],
        ),
        ("tax: ${NOT_THERE}\n", [":1: tax: the environment variable NOT_THERE is not set"]),
        ("tax: true\ntax: false\n", [":2: tax: this key is given twice"]),
        ("tax: [\n", ["rules.yaml:"]),
        ("- tax\n", [":1: ", "the file holds no rules"]),
        ("", ["the file holds no rules"]),
    ],
)
def test_faults_are_told_with_their_lines(tmp_path: Path, text: str, said: list[str]) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_rules(written(tmp_path, text), {})

    assert [part for part in said if part not in str(refused.value)] == []
    assert "skills.loyalty.rules." not in str(refused.value)


def test_several_faults_come_in_the_order_of_their_lines(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_rules(written(tmp_path, "rounding: x\ntax: maybe\nbase: y\n"), {})

    assert [fault.line for fault in refused.value.faults] == [1, 2, 3]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigurationError, match=r"there is no such file: write what stands under `skills\.loyalty\.rules`"
    ):
        read_rules(tmp_path / "none.yaml", {})
