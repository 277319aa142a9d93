"""Every fuzz target by its name: a function of bytes that raises when a promise of the program is broken."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from mappings.registry import PLATFORMS
from tests.fuzz.answer_targets import answers, polls, questions, waits
from tests.fuzz.corpus import NASTY_BODIES, NASTY_HEADERS, NASTY_WAITS, PAYLOADS, written
from tests.fuzz.endpoint_target import endpoint
from tests.fuzz.mapping_targets import contact_points, events, json_gate, mappings, news, raw_fields
from tests.fuzz.signature_targets import public_keys, signatures

Try: TypeAlias = Callable[[bytes], None]

_SHORT: Final = tuple(body for body in NASTY_BODIES.values() if len(body) < 10_000)
_TEXTS: Final = (
    b"+45 20 12 34 56",
    b"ada@example.com",
    b"(415) 555-0132",
    b"DE",
    "jane@ex\u00e4mple.com".encode(),
    b"",
)
_PATHS: Final = (
    b"default_address.address2",
    b"length(@)",
    b"lines[?price > `1`].sku | [0]",
    b"*.*.*",
    b"@",
    b"sort(@)",
)


@dataclass(frozen=True)
class Target:
    """What is tried, and the inputs to begin with."""

    run: Try
    seeds: tuple[bytes, ...]


def _numbered(count: int, tails: tuple[bytes, ...] = (b"",)) -> tuple[bytes, ...]:
    """Give seeds that begin with each of the first choices in turn."""
    return tuple(bytes([at % 256]) + tail for at in range(count) for tail in tails)


TARGETS: Final[Mapping[str, Target]] = {
    "answers": Target(
        answers,
        # The vendor's own answer; a refusal that names somebody; answers with what cannot be stored.
        _numbered(
            len(questions()),
            (b"\x01", b"\x01\x07\x00\x01\x04\x00", b"\x01\x00\x00\x01\x05\x00", b"\x01\x02\x00\x01\x06\x00"),
        ),
    ),
    "contact_points": Target(contact_points, tuple(b"\x02DE" + text for text in _TEXTS)),
    "endpoint": Target(endpoint, _numbered(len(PLATFORMS) + 2, (b"", b"\x01\x02\x03", b"\x00" * 20))),
    "events": Target(
        events, _numbered(len(PLATFORMS), tuple(b"\x00" + written(one.body) for one in PAYLOADS[::9]) + _SHORT[::4])
    ),
    "json_gate": Target(json_gate, (*NASTY_BODIES.values(), *(written(one.body) for one in PAYLOADS[::9]))),
    "mappings": Target(mappings, _numbered(len(PAYLOADS), (b"", b"\x03\x01\x00\x05\x02\x00\x07\x09\x06\x01"))),
    "news": Target(news, _numbered(len(PAYLOADS), (b"\x01", b"\x07\x03\x01\x00\x05\x02\x00\x07\x09\x06\x01"))),
    "polls": Target(polls, _numbered(4, (b"\x01a\x00\x01\x02\x03", b"\x02../\x00\x02"))),
    "public_keys": Target(public_keys, _numbered(5, (b"", b"\x01\x00\x00\x05", b"\x03\x01\x02\x03\x04\x05"))),
    "raw_fields": Target(raw_fields, tuple(b"\x01\x00" + path for path in _PATHS)),
    "signatures": Target(
        signatures,
        _numbered(
            len(PLATFORMS),
            # Whole and hours too late, then with each of the nasty headers.
            (b"\x01\x00\x01\x00\x00", *(bytes([1, 0, 0, 0, 1, 3, 0, at]) for at in range(len(NASTY_HEADERS)))),
        ),
    ),
    "waits": Target(waits, tuple(b"\x00" + text.encode("latin-1", "replace") for text in NASTY_WAITS)),
}
