"""`python -m tests.faults [--only F13,F41] [--short] [--seed N] [--json] [--markdown]`: the fault catalogue, run.

Exit 0 when every fault that ran really happened and did no harm, 1 when one did, 2 for wrong arguments.
"""

import argparse
import json
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.faults import report
from tests.faults.cases import NOT_YET
from tests.faults.catalogue import FAULTS, Fault, in_order, rank
from tests.faults.processes import NeverHappened
from tests.faults.run import Run
from worker.embedded import EmbeddedStoreError
from worker.logs import configure


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line names and give the exit status."""
    asked = _arguments(arguments)
    configure("error")
    # What was started outlives a parent that does not end it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    runs = [_run(one, asked.seed, short=asked.short) for one in _chosen(asked.only, short=asked.short)]
    if asked.markdown:
        print(report.markdown(runs))
    elif not asked.json:
        print(report.table(runs))
    if asked.json:
        not_yet = [{"fault": number, "reason": reason} for number, reason in NOT_YET.items()]
        print(json.dumps({"seed": asked.seed, "results": [run.result() for run in runs], "not_yet": not_yet}))
    for line in (line for run in runs if not run.passed for line in report.why(run)):
        sys.stderr.write(f"{line}\n")
    return 0 if all(run.passed for run in runs) else 1


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="The fault catalogue, run.")
    parser.add_argument("--only", type=_numbers, default=(), help="numbers of faults, such as F13,F41")
    parser.add_argument("--short", action="store_true", help="the part that CI runs, in smaller numbers")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print one line of JSON last")
    parser.add_argument("--markdown", action="store_true", help="print the table as docs/guarantees.md has it")
    return parser.parse_args(arguments)


def _numbers(text: str) -> tuple[str, ...]:
    """Read F13,F41; F41 stands for F41b too.

    Raises: argparse.ArgumentTypeError.
    """
    numbers = tuple(part.strip() for part in text.split(","))
    known = {*FAULTS, *(f"F{rank(number)}" for number in FAULTS)}
    for number in numbers:
        if number in NOT_YET:
            raise argparse.ArgumentTypeError(f"{number} is not yet: {NOT_YET[number]}")
        if number not in known:
            raise argparse.ArgumentTypeError(
                f"there is no fault {number}: {', '.join(one.number for one in in_order(FAULTS))}"
            )
    return numbers


def _chosen(only: Sequence[str], *, short: bool) -> list[Fault]:
    if not only:
        return [one for one in in_order(FAULTS) if one.short or not short]
    return [one for one in in_order(FAULTS) if one.number in only or f"F{rank(one.number)}" in only]


def _run(one: Fault, seed: int, *, short: bool) -> Run:
    sys.stderr.write(f"{one.number} {one.title} ... ")
    sys.stderr.flush()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="commerce-sync-faults-") as folder:
        run = Run(number=one.number, seed=seed, folder=Path(folder), short=short)
        try:
            one.case(run)
        except (NeverHappened, EmbeddedStoreError, AssertionError) as error:
            run.complain(f"{type(error).__name__}: {error}")
        except Exception as error:  # noqa: BLE001 - one case that breaks must not hide the others
            run.complain(f"the case broke: {type(error).__name__}: {error}")
    run.seconds = time.monotonic() - began
    sys.stderr.write(f"{'ok' if run.passed else 'FAILED'} ({run.seconds:.1f} s)\n")
    return run


if __name__ == "__main__":
    sys.exit(main())
