"""What is recorded of one subject at one destination: the versions told, and what the destination knows it by."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

# (0 unknown time, 1 known time, 2 final; milliseconds since 1970; rank of the topic; arrival in microseconds)
Version: TypeAlias = tuple[int, int, int, int]
Facet: TypeAlias = tuple[Any, Version]
Facets: TypeAlias = Mapping[str, Facet]

LONG: Final = 2048

UNKNOWN_TIME: Final = 0
KNOWN_TIME: Final = 1
FINAL: Final = 2


def pack_facets(facets: Facets) -> list[Any]:
    """Group facets by version into a JSON list of [version, {facet: value}]."""
    groups: dict[Version, dict[str, Any]] = {}
    last: Version | None = None
    for name, (value, version) in facets.items():
        if version is not last:  # mostly it is the one before, and looking one up costs more than all else here
            group, last = groups.setdefault(version, {}), version
        group[name] = value
    return [[list(version), values] for version, values in groups.items()]


def unpack_facets(packed: list[Any]) -> dict[str, Facet]:
    """Read what `pack_facets` gave."""
    facets: dict[str, Facet] = {}
    for version, values in packed:
        stamp: Version = tuple(version)
        for name, value in values.items():
            facets[name] = (value, stamp)
    return facets


@dataclass(frozen=True, kw_only=True, slots=True)
class SubjectRecord:
    """One small record, written only when a lease is settled.

    `versions` of the facets told, and a mark for a decision that may have been; `consents` the newest decision by
    channel as (granted, version), also a grant that a deletion ended; `kept` facets by value: those that wait for an
    identifier, those that later changes build on, and a deletion that waits to be told; `known` belongs to the
    connector. `image` and `image_ms` tell what was delivered last (a keyed hash) and when; `doubt` that a call may have
    changed it since; `steps` the answers that a crashed delivery already had, and when it started what may still run.
    """

    versions: Mapping[str, Version] = field(default_factory=dict)
    consents: Mapping[str, tuple[bool, Version]] = field(default_factory=dict)
    kept: Facets = field(default_factory=dict)
    known: Mapping[str, Any] = field(default_factory=dict)
    image: str = ""
    image_ms: int = 0
    doubt: bool = False
    steps: Mapping[str, Any] = field(default_factory=dict)

    def pack(self) -> str | bytes:
        """Give the part that `settle` writes as `record`; a long one (an order is kept by value) is compressed."""
        groups: dict[Version, list[str]] = {}
        for name, version in self.versions.items():
            groups.setdefault(version, []).append(name)
        packed = json.dumps(
            {
                "versions": [[list(version), names] for version, names in groups.items()],
                "consents": {channel: [granted, list(at)] for channel, (granted, at) in self.consents.items()},
                "kept": pack_facets(self.kept),
                "known": self.known,
            },
            separators=(",", ":"),
        )
        return packed if len(packed) <= LONG else zlib.compress(packed.encode(), level=1)

    @classmethod
    def unpack(cls, record: Mapping[str, bytes]) -> "SubjectRecord":
        """Read the fields of a record's hash; an empty one is a subject never delivered."""
        if not record:
            return cls()
        packed = record.get("known", b"{}")
        known = json.loads(packed if packed.startswith(b"{") else zlib.decompress(packed))
        image, _, image_ms = record.get("image", b"").decode().partition(" ")
        return cls(
            versions={name: tuple(version) for version, names in known.get("versions", ()) for name in names},
            consents={
                channel: (bool(granted), tuple(at)) for channel, (granted, at) in known.get("consents", {}).items()
            },
            kept=unpack_facets(known.get("kept", [])),
            known=known.get("known", {}),
            image=image,
            image_ms=int(image_ms or 0),
            doubt="doubt" in record,
            steps=json.loads(record.get("steps", b"{}")),
        )
