"""Simulate the core: `python -m tests.simulation --minutes 2 --seed 1`; `--replay SEED` runs one history again."""

import argparse
import json
import random
import sys

from tests.simulation.history import Report
from tests.simulation.runs import run_many, server


def main() -> int:
    """Read the command line and simulate; 1 when anything was violated, or a kind of fault never fired."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--minutes", type=float, help="how long, by the clock on the wall")
    parser.add_argument("--histories", type=int, help="how many histories")
    parser.add_argument("--seed", type=int, help="the first seed; each history has the next one (default: drawn)")
    parser.add_argument("--replay", type=int, metavar="SEED", help="run the one history of a seed again")
    parser.add_argument("--json", action="store_true", help="print one line of JSON last")
    options = parser.parse_args()
    one = options.replay is not None
    seed = options.replay if one else options.seed
    seed = random.SystemRandom().randrange(10**9) if seed is None else seed
    histories = 1 if one else options.histories
    minutes = 1.0 if histories is None and options.minutes is None else options.minutes
    with server() as store:
        summary = run_many(seed, store=store, histories=histories, minutes=minutes, tell=_tell)
        if one:
            summary.never_fired = []  # nobody can ask one history for every fault
    told = summary.told()
    print(
        f"{summary.histories} histories from seed {seed}: {summary.simulated_hours:.0f} simulated hours in "
        f"{summary.cpu_minutes:.2f} minutes of processor time, {summary.hours_per_cpu_minute:.0f} hours a minute; "
        f"{summary.calls} calls, {summary.dead_letters} dead letters, {len(summary.violations)} violations"
    )
    for kind, times in summary.fired.items():
        print(f"  {kind:<22}{times:>9}{'   never fired' if kind in summary.never_fired else ''}")
    if options.json:
        print(json.dumps(told))
    return 0 if summary.ok else 1


def _tell(report: Report) -> None:
    if report.violations:
        print(f"seed {report.seed} (replay: python -m tests.simulation --replay {report.seed}), trace {report.trace}")
        for violation in report.violations:
            print(f"  {violation}")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
