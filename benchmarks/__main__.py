"""`python -m benchmarks NAME [--events N] [--only KIND ...] [--json]`."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from benchmarks import drain, ingress, limits, loyalty
from benchmarks.ground import BenchmarkError
from benchmarks.limits_kinds import KINDS
from benchmarks.showing import show

BENCHMARKS: Mapping[str, tuple[Callable[..., dict[str, Any]], Callable[[dict[str, Any]], None]]] = {
    "ingress": (ingress.run, partial(show, "ingress", ingress.BARS)),
    "drain": (drain.run, partial(show, "drain", drain.BARS)),
    "limits": (limits.run, limits.show),
    "loyalty": (loyalty.run, partial(show, "loyalty", loyalty.BARS)),
}


def main() -> int:
    """Run one benchmark; give 0, or 1 when a measurement could not be trusted."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", choices=BENCHMARKS)
    parser.add_argument("--events", type=_positive, help="fewer events than a real measurement takes: for a try")
    parser.add_argument("--only", choices=KINDS, nargs="+", metavar="KIND", help=f"of limits: {', '.join(KINDS)}")
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    arguments = parser.parse_args()
    if arguments.only and arguments.name != "limits":
        parser.error("--only is for limits")
    run, tell = BENCHMARKS[arguments.name]
    try:
        figures = run(events=arguments.events, **({"only": arguments.only} if arguments.only else {}))
    except BenchmarkError as error:
        print(f"{arguments.name}: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps(figures))
    else:
        tell(figures)
    return 0


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
