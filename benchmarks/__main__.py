"""`python -m benchmarks NAME [--events N] [--json]`."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks import drain, ingress
from benchmarks.ground import BenchmarkError
from benchmarks.showing import Bar, show

BENCHMARKS: dict[str, tuple[Callable[..., dict[str, Any]], Sequence[Bar]]] = {
    "ingress": (ingress.run, ingress.BARS),
    "drain": (drain.run, drain.BARS),
}


def main() -> int:
    """Run one benchmark; give 0, or 1 when a measurement could not be trusted."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", choices=BENCHMARKS)
    parser.add_argument("--events", type=_positive, help="fewer events than a real measurement takes: for a try")
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    arguments = parser.parse_args()
    run, bars = BENCHMARKS[arguments.name]
    try:
        figures = run(events=arguments.events)
    except BenchmarkError as error:
        print(f"{arguments.name}: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps(figures))
    else:
        show(arguments.name, figures, bars)
    return 0


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
