"""Prove the ledger: `python -m tests.loyalty --histories 10000 --seed 1`."""

import argparse
import json
import logging
import random
import sys
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from tests.loyalty.runs import run_many, server


def main() -> int:
    """Read the command line and run histories; 1 when in one of them anything differed."""
    parser = argparse.ArgumentParser(prog="python -m tests.loyalty", description=__doc__)
    parser.add_argument("--histories", type=int, default=1000, help="how many")
    parser.add_argument("--seed", type=int, help="the same one draws the same histories (default: drawn)")
    parser.add_argument("--json", action="store_true", help="print one line of JSON last")
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(10**9) if options.seed is None else options.seed
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with server() as store, TemporaryDirectory() as folder:
        summary = run_many(seed, options.histories, store=store, folder=Path(folder), tell=print)
    print(
        f"{summary.histories} histories from seed {seed}: {summary.told} events, {summary.entries} entries, "
        f"{summary.shuffled} in another order too ({summary.split} of them with refunds split), "
        f"{summary.changed_rules} with rules that changed, {summary.closed} accounts partly closed; "
        f"{sum(summary.happened.values())} accidents "
        f"{summary.happened}; {summary.cpu_seconds:.0f} s of processor time; {len(summary.faults)} differences"
    )
    if options.json:
        print(json.dumps(asdict(summary)))
    return 1 if summary.faults else 0


if __name__ == "__main__":
    sys.exit(main())
