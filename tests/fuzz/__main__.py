"""`python -m tests.fuzz`: tries every target, or one, for a while; an input that breaks a promise is kept in a file.

`--engine atheris` (`pip install atheris`; Linux and macOS) follows the code's branches, `random` needs nothing.
"""

import argparse
import importlib
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(".fuzz")
INSTRUMENTED: Final = ("mappings", "connectors", "worker")


def main() -> int:
    """Try what the command line says and give the status of the process: 1 when something was found."""
    options = _options()
    if options.engine == "atheris":
        return _follow_branches(options)
    return _draw(options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--target", help="one target; all in turn when left out")
    parser.add_argument("--seconds", type=float, default=60, help="for how long each is tried")
    parser.add_argument("--engine", choices=["random", "atheris"], default="random")
    parser.add_argument("--seed", type=int, default=0, help="another one gives other inputs")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where findings and the corpus are kept")
    parser.add_argument("--replay", type=Path, help="try the input in this file again; needs --target")
    return parser.parse_args()


def _draw(options: argparse.Namespace) -> int:
    engines = _engines()
    if options.replay:
        engines.once(engines.TARGETS[options.target], options.replay.read_bytes())
        print("no promise is broken by this input")
        return 0
    found = 0
    for name in [options.target] if options.target else engines.TARGETS:
        result = engines.at_random(name, options.seconds, options.seed)
        if isinstance(result, int):
            print(f"{name:16} {result:>9,} inputs, no promise broken", flush=True)
            continue
        found = 1
        _tell(name, result, options.folder)
    return found


def _engines() -> Any:
    # Imported only now: atheris must see the program come.
    importlib.import_module("worker.logs").configure("error")
    return importlib.import_module("tests.fuzz.engines")


def _tell(name: str, finding: Any, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-finding"
    path.write_bytes(finding.data)
    traceback.print_exception(finding.error, limit=-4)
    print(
        f"{name:16} broken by input {finding.tried + 1}: python -m tests.fuzz --target {name} --replay {path}",
        flush=True,
    )


def _follow_branches(options: argparse.Namespace) -> int:
    try:
        atheris: Any = importlib.import_module("atheris")
    except ImportError:
        print("atheris is not installed: pip install atheris, or leave --engine out", file=sys.stderr)
        return 2
    with atheris.instrument_imports(include=list(INSTRUMENTED)):
        engines = _engines()
    if options.target:
        engines.with_atheris(atheris, options.target, options.seconds, options.seed, options.folder)
    # libFuzzer ends its process, so each target has one of its own.
    shared = ["--engine", "atheris", "--seconds", str(options.seconds), "--seed", str(options.seed)]
    command = [sys.executable, "-m", "tests.fuzz", *shared, "--folder", str(options.folder), "--target"]
    statuses = {name: subprocess.run([*command, name], check=False).returncode for name in engines.TARGETS}
    for name, status in statuses.items():
        print(f"{name:16} {'broken, see above' if status else 'no promise broken'}")
    return int(any(statuses.values()))


if __name__ == "__main__":
    sys.exit(main())
