"""Two ways to think of inputs: atheris, which follows the code's branches, and a seeded mutator that needs nothing."""

import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.fuzz.corpus import NASTY_HEADERS, NASTY_VALUES, NASTY_WAITS
from tests.fuzz.targets import TARGETS, Target

LARGEST: Final = 1 << 16
SLOWEST: Final = 10.0
WORDS: Final = tuple(
    dict.fromkeys(
        [
            *(word for word in NASTY_HEADERS if len(word) < 100),
            *(text.encode("latin-1", "replace") for text in NASTY_WAITS if len(text) < 100),
            *(value.encode() for value in NASTY_VALUES if isinstance(value, str) and len(value) < 100),
            *(b'{"', b'":', b"[[", b"]]", b"\\ud800", b"\\u0000", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"1e400", b"NaN"),
        ]
    )
)


class SlowError(Exception):
    """An input took longer than any may."""


@dataclass(frozen=True)
class Finding:
    """An input that broke a promise."""

    data: bytes
    error: BaseException
    tried: int


def once(target: Target, data: bytes) -> None:
    """Try one input.

    Raises: whatever the target finds; SlowError.
    """
    begun = time.process_time()
    target.run(data)
    if time.process_time() - begun > SLOWEST:
        raise SlowError(f"more than {SLOWEST:.0f} s of processor time")


def mutants(seeds: tuple[bytes, ...], draw: random.Random) -> Iterator[bytes]:
    """Give the seeds, then changes of what was given before, without end."""
    kept = list(seeds) or [b""]
    yield from kept
    while True:
        data = bytearray(draw.choice(kept))
        for _ in range(draw.randint(1, 6)):
            _change(data, kept, draw)
        yield bytes(data[:LARGEST])
        if draw.random() < 0.02:
            kept[draw.randrange(len(seeds) // 2, len(kept)) if len(kept) > 2_000 else len(kept) - 1] = bytes(
                data[:4_096]
            )
            kept.append(draw.choice(seeds) if seeds else b"")


def _change(data: bytearray, kept: list[bytes], draw: random.Random) -> None:
    at = draw.randint(0, len(data))
    match draw.randrange(7):
        case 0 if data:
            data[at % len(data)] ^= 1 << draw.randrange(8)
        case 1 if data:
            data[at % len(data)] = draw.randrange(256)
        case 2:
            data[at:at] = draw.randbytes(draw.randint(1, 12))
        case 3:
            del data[at : at + draw.randint(1, 8)]
        case 4:
            data[at:at] = draw.choice(WORDS)
        case 5:
            other = draw.choice(kept)
            data[at:] = other[draw.randint(0, len(other)) :]
        case _:
            data[at:at] = data[at : at + draw.randint(1, 64)] * draw.randint(1, 4)


def at_random(name: str, seconds: float, seed: int) -> Finding | int:
    """Try inputs for so long; give how many there were, or the first that broke a promise."""
    target, until = TARGETS[name], time.monotonic() + seconds
    for tried, data in enumerate(mutants(target.seeds, random.Random(f"{name} {seed}"))):
        try:
            once(target, data)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what was looked for
            return Finding(data, error, tried)
        if tried >= len(target.seeds) and time.monotonic() >= until:
            return tried + 1
    raise AssertionError("the mutants do not end")


def with_atheris(atheris: Any, name: str, seconds: float, seed: int, folder: Path) -> None:
    """Let atheris try one target; libFuzzer ends the process, with a status that is not 0 when it found something."""
    target, corpus = TARGETS[name], folder / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(target.seeds):
        (corpus / f"seed-{number}").write_bytes(data)
    words = folder / f"{name}.words"
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in WORDS if word))
    options = [f"-max_total_time={int(seconds)}", f"-seed={seed or 1}", f"-max_len={LARGEST}", f"-dict={words}"]
    options += [
        f"-artifact_prefix={folder}/{name}-",
        f"-timeout={int(SLOWEST)}",
        "-rss_limit_mb=4096",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], lambda data: once(target, data))
    atheris.Fuzz()


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)
