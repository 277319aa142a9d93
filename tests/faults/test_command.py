"""The command line of `python -m tests.faults`, with faults that need no system."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.faults import __main__ as command
from tests.faults.cases import NOT_YET
from tests.faults.catalogue import FAULTS, fault, rank
from tests.faults.ledger import Counts
from tests.faults.run import Run

ALL = tuple(FAULTS)


def harmless(run: Run) -> None:
    run.fire(2)
    run.figure("answer", 42, "ms", most=50)


def never_fired(run: Run) -> None:
    assert run.folder.is_dir()


def loses(run: Run) -> None:
    run.fire()
    run.add(Counts(lost=1))


def too_slow(run: Run) -> None:
    run.fire()
    run.figure("answer", 51, "ms", most=50)


def complains(run: Run) -> None:
    run.fire()
    run.expect([], "nothing came")


def breaks(run: Run) -> None:
    run.fire()
    raise RuntimeError("oops")


def gives_up(run: Run) -> None:
    run.fire()
    raise AssertionError("not idle")


@pytest.fixture(autouse=True)
def catalogue(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave four faults in the catalogue, two of them short, and one that is not yet."""
    before = dict(FAULTS)
    FAULTS.clear()
    fault("F13", "thirteen", short=True)(harmless)
    fault("F13b", "another face of it")(harmless)
    fault("F2", "two", short=True)(harmless)
    fault("F41", "forty-one")(harmless)
    monkeypatch.setitem(NOT_YET, "F54", "there is no dashboard")
    monkeypatch.setattr(command, "configure", lambda _level: None)
    yield
    FAULTS.clear()
    FAULTS.update(before)


@pytest.fixture
def report(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, dict[str, Any]]]:
    """Run the command with --json; give its exit status and what its last line says."""

    def run(*arguments: str) -> tuple[int, dict[str, Any]]:
        status = command.main([*arguments, "--json"])
        return status, json.loads(capsys.readouterr().out.splitlines()[-1])

    return run


def numbers(said: dict[str, Any]) -> list[str]:
    return [row["fault"] for row in said["results"]]


def test_whole_catalogue_runs_in_the_order_of_its_numbers(report: Any) -> None:
    status, said = report()

    assert (status, numbers(said)) == (0, ["F2", "F13", "F13b", "F41"])


def test_short_form_runs_what_is_short(report: Any) -> None:
    assert numbers(report("--short")[1]) == ["F2", "F13"]


def test_number_stands_for_all_its_faces(report: Any) -> None:
    assert numbers(report("--only", "F13,F41")[1]) == ["F13", "F13b", "F41"]
    assert numbers(report("--only", "F13b")[1]) == ["F13b"]


def test_number_that_is_named_runs_in_the_short_form_too(report: Any) -> None:
    assert numbers(report("--only", "F41", "--short")[1]) == ["F41"]


def test_json_is_one_line_with_what_the_issue_names(report: Any) -> None:
    _, said = report("--only", "F2", "--seed", "7")
    (row,) = said["results"]

    assert said.keys() == {"seed", "results", "not_yet"}
    assert said["seed"] == 7
    assert {"fault": "F54", "reason": "there is no dashboard"} in said["not_yet"]
    assert row.keys() >= {"fault", "fired", "lost", "unexpected", "duplicated", "recovered", "ok"}
    assert (row["fault"], row["fired"], row["lost"], row["ok"]) == ("F2", 2, 0, True)


@pytest.mark.parametrize("case", [never_fired, loses, too_slow, complains, breaks, gives_up])
def test_case_that_is_not_well_fails_the_run_and_the_others_go_on(report: Any, case: Callable[[Run], None]) -> None:
    fault("F1", "one")(case)
    status, said = report()

    assert status == 1
    assert [row["ok"] for row in said["results"]] == [False, True, True, True, True]


def test_case_that_broke_says_by_what(report: Any) -> None:
    fault("F1", "one")(breaks)

    assert report("--only", "F1")[1]["results"][0]["complaints"] == ["the case broke: RuntimeError: oops"]


def test_table_names_figures_complaints_and_how_many_did_no_harm(capsys: pytest.CaptureFixture[str]) -> None:
    fault("F1", "one")(complains)

    assert command.main([]) == 1
    printed = capsys.readouterr().out
    assert "F1: nothing came" in printed
    assert "F2: answer 42 ms (bar 50)" in printed
    assert printed.splitlines()[-1] == "4 of 5 faults did no harm"


def test_what_failed_is_said_last_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    for number, case in enumerate((never_fired, loses, too_slow, complains)):
        fault(f"F6{number}", "sixty")(case)

    assert command.main(["--json"]) == 1
    assert capsys.readouterr().err.splitlines()[-4:] == [
        "F60 FAILED: it never happened",
        "F61 FAILED: lost 1, unexpected 0, duplicated 0, recovered 0",
        "F62 FAILED: answer 51 ms (bar 50)",
        "F63 FAILED: nothing came",
    ]


def test_short_form_has_patience_with_time_and_with_nothing_else(report: Any) -> None:
    def slow_and_wide(run: Run) -> None:
        run.fire()
        run.figure("answer", 149, "ms", most=50)
        run.figure("calls", 1, most=1)

    fault("F1", "one", short=True)(slow_and_wide)

    assert (report("--only", "F1")[0], report("--only", "F1", "--short")[0]) == (1, 0)
    figures = report("--only", "F1", "--short")[1]["results"][0]["figures"]
    assert [one["most"] for one in figures] == [150, 1]


def test_markdown_is_a_table_with_a_row_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--markdown"]) == 0
    rows = capsys.readouterr().out.splitlines()

    assert len(rows) == 2 + 4
    assert len({row.count("|") for row in rows}) == 1


def test_unknown_number_is_refused_with_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        command.main(["--only", "F99"])

    assert "there is no fault F99: F2, F13, F13b, F41" in capsys.readouterr().err


def test_number_that_is_not_yet_is_refused_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        command.main(["--only", "F13,F54"])

    assert "F54 is not yet: there is no dashboard" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--seed", "x"], ["--nothing"], ["--only"], ["--only", ""]])
def test_wrong_arguments_are_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        command.main(arguments)


def test_same_seed_draws_the_same_and_another_another(report: Any) -> None:
    drawn: list[float] = []

    def draws(run: Run) -> None:
        run.fire()
        drawn.append(run.random.random())

    fault("F1", "one")(draws)
    for seed in ("1", "1", "2"):
        report("--only", "F1", "--seed", seed)

    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize("number", ["F13", "13", "f13", "F", "F123", "F13B", "F13bb"])
def test_number_that_is_taken_or_none_does_not_enter_the_catalogue(number: str) -> None:
    with pytest.raises(ValueError, match="no new number"):
        fault(number, "again")


def test_every_row_of_the_catalogue_is_a_case_or_has_its_reason() -> None:
    rows = {rank(number) for number in (*ALL, *NOT_YET)}

    assert set(range(1, 57)) == rows
