"""The table at the end: what was done to the system, how often it really happened, and what came of it."""

from collections.abc import Sequence

from tests.faults.catalogue import FAULTS
from tests.faults.run import Figure, Run

HEADINGS = ("fault", "what was done", "fired", "lost", "unexpected", "duplicated", "recovered", "s", "")


def table(runs: Sequence[Run]) -> str:
    """Give the table as text, with the figures and complaints of each run below it."""
    rows = [HEADINGS, *(_cells(run) for run in runs)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    for run in runs:
        lines += [f"{run.number}: {_figure(figure)}" for figure in run.figures]
        lines += [f"{run.number}: {complaint}" for complaint in run.complaints]
    passed = sum(run.passed for run in runs)
    return "\n".join([*lines, f"{passed} of {len(runs)} faults did no harm"])


def markdown(runs: Sequence[Run]) -> str:
    """Give the table as docs/guarantees.md holds it."""
    lines = [f"| {' | '.join((*HEADINGS[:-1], 'figures'))} |", f"|{'---|' * len(HEADINGS)}"]
    for run in runs:
        figures = "; ".join(_figure(figure) for figure in run.figures)
        lines.append(f"| {' | '.join((*_cells(run)[:-1], figures if run.passed else f'FAILED {figures}'))} |")
    return "\n".join(lines)


def why(run: Run) -> list[str]:
    """Say what failed a run, a line each."""
    wrong = [] if run.fired else ["it never happened"]
    if not run.counts.is_clean:
        wrong.append(", ".join(f"{name} {number}" for name, number in run.counts.row().items()))
    wrong += [_figure(figure) for figure in run.figures if not figure.holds]
    return [f"{run.number} FAILED: {line}" for line in [*wrong, *run.complaints]]


def _cells(run: Run) -> tuple[str, ...]:
    counts = (str(number) for number in run.counts.row().values())
    verdict = "ok" if run.passed else "FAILED"
    return (run.number, FAULTS[run.number].title, str(run.fired), *counts, f"{run.seconds:.1f}", verdict)


def _figure(figure: Figure) -> str:
    bar = "" if figure.most is None else f" (bar {figure.most:g})"
    return f"{figure.name} {figure.value:.3g} {figure.unit}".rstrip() + bar
