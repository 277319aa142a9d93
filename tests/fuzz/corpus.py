"""What fuzzing begins with: bodies, headers and texts that broke some program before, and sample payloads of ours."""

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from mappings.platform import Platform
from mappings.reading import parse
from mappings.registry import PLATFORMS

ROOT: Final = Path(__file__).parents[2]
CANARY: Final = "canary-7f3a"
PLAIN: Final = b'{"id": 1, "email": "ada@example.com"}'

NASTY_BODIES: Final[Mapping[str, bytes]] = {
    "empty": b"",
    "deep lists": b"[" * 100_000,
    "deep objects": b'{"a":' * 1_000 + b"1" + b"}" * 1_000,
    "64 levels": b"[" * 64 + b"]" * 64,
    "65 levels": b"[" * 65 + b"]" * 65,
    "NaN": b'{"id": NaN}',
    "minus infinity": b'{"id": -Infinity}',
    "1e999": b'{"id": 1e999}',
    "1e-999": b'{"id": 1e-999}',
    "large exponent": b'{"id": 1, "total_price": 1e400}',
    "endless exponent": b"1e99999999999999999999",
    "endless number": b"1" * 5_000,
    "endless fraction": b"0." + b"1" * 5_000,
    "lone surrogate": b'{"id": 1, "note": "\\ud800"}',
    "lone surrogate in a key": b'{"\\udfff": 1}',
    "swapped surrogates": b'"\\ude00\\ud83d"',
    "encoded surrogate": b'"\xed\xa0\x80"',
    "doubled key": b'{"id": 1, "id": 2}',
    "NUL as text": b'{"id": "a\\u0000b", "email": "a\\u0000@example.com"}',
    "NUL as it is": b'{"id": "a\x00b"}',
    "BOM": b'\xef\xbb\xbf{"id": 1}',
    "UTF-16": '{"id": 1}'.encode("utf-16"),
    "UTF-32": '{"id": 1}'.encode("utf-32"),
    "gzip": gzip.compress(b"0" * 100_000, mtime=0),
    "many values": b"[" + b"0," * 100_001 + b"0]",
    "overlong UTF-8": b'"\xc0\xaf"',
    "HTML": b"<!doctype html><title>502</title>",
    "two documents": b"{}{}",
    "null": b"null",
    "true": b"true",
    "minus zero": b'{"id": -0, "total": -0.0}',
    "escaped names": b'{"\\u0069d": 1, "pass\\u0077ord": "x"}',
    "right to left": '{"id": 1, "name": "\u202e\u2066\u200b"}'.encode(),
}

# In place of the one value of the header that proves a delivery. None of them does.
NASTY_HEADERS: Final[tuple[bytes, ...]] = (
    b"",
    b" ",
    b"\t",
    b"=",
    b"====",
    b"A",
    b"AA==",
    b"AAAA",
    b"0",
    b"null",
    b"None",
    b"undefined",
    b"true",
    b"{}",
    b"[]",
    b'""',
    b"\x00",
    b"\x00" * 44,
    b"\xff" * 32,
    b"\xc3\xa9" * 22,
    b"A" * 44,
    b"A" * 43 + b"=",
    b"A" * 512,
    b"A" * 513,
    b"A" * 65_536,
    b"0" * 64,
    b"f" * 64,
    b"-" * 44,
    b"_" * 44,
    b"v1,",
    b"v1," + b"A" * 43 + b"=",
    b"v1,v1,v1,",
    b"v1 , ",
    b"v1a," + b"A" * 43 + b"=",
    b"sha256=" + b"0" * 64,
    b"Bearer AAAA",
    b"../../etc/passwd",
    b"$(id)",
    b"' OR '1'='1",
    b"%00%0d%0a",
    "\uff21".encode() * 14,
    b"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
)

NASTY_WAITS: Final[tuple[str, ...]] = (
    *("0", "-0", "-1", "1e309", "-1e309", "nan", "-nan", "inf", "-inf", "infinity", "1_0", "0x10", "1e-400", "7;q=1"),
    *("9" * 400, "1" + "0" * 5_000, "\u0661", "\xb2", "soon", ",", "()", "\x00", "Fri", "Fri, 20 Nov 2026"),
    *("Fri, 20 Nov 2026 12:00:30 GMT", "Fri, 20 Nov 0001 00:00:00 +2359", "Fri, 31 Dec 9999 23:59:59 -2359"),
    *("Fri, 20 Nov 99999 12:00:30 GMT", "Fri, 20 Nov 2026 99:99:99 GMT", "Fri, 20 Nov 2026 12:00:30 +9999999999"),
    *("Fri, 20 Nov 99999999999999999999 12:00:30 GMT", "20 Nov 2026 12:00:99999999999999999999 GMT"),
)

# Values that a field may be given in place of its own; 10 ** 30 and the texts that only look like numbers break floats.
NASTY_VALUES: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 10**30, -(10**70), 1.5, "", " ", "0", "-1", "1e999", "1e64", "-1e-64"),
    *("NaN", "Infinity", "0" * 64, "1" * 300, "\x00", "\u202e", "\u2028", "\U0001f600", "a\nb", "x" * 5_000, "~", "@"),
    *("0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "2026-01-20T09:00:00+14:00", "0000-00-00 00:00:00"),
    *(
        "1900-01-01",
        "2026-W03-2",
        "20260120",
        "2026-01-20T24:00:00",
        "gid://shopify/Customer/1",
        "gid://",
        "a:b:c",
        "/",
        ".",
        "..",
    ),
    *("ada@example.com", "ADA@EXAMPLE.COM", "+4520123456", "+", "EUR", "eur", "DE", "XX", CANARY, [], {}, [None], [[]]),
    *({"a": {}}, [CANARY], {CANARY: CANARY}, {"id": 1}, [{"id": 1}, {"id": 1}], ["x"] * 300, {"0": {}, "1": None}),
)


@dataclass(frozen=True)
class Payload:
    """A sample of what a platform sends for a topic."""

    platform: Platform
    topic: str
    body: Any


def _payloads() -> tuple[Payload, ...]:
    found = []
    for platform in PLATFORMS.values():
        topics = {topic.replace("/", "_"): topic for topic in platform.topics}
        for path in sorted((ROOT / "tests/platforms" / platform.name / "payloads").glob("*.json")):
            topic = topics.get(path.stem.partition("__")[0])
            if topic:
                found.append(Payload(platform, topic, parse(path.read_bytes()).value))
    return tuple(found)


PAYLOADS: Final = _payloads()


def written(value: Any) -> bytes:
    """Write JSON; json itself knows no way to write a Decimal as a number."""
    if isinstance(value, dict):
        return b"{%b}" % b",".join(b"%b:%b" % (written(key), written(one)) for key, one in value.items())
    if isinstance(value, list):
        return b"[%b]" % b",".join(map(written, value))
    return (str(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)).encode()
