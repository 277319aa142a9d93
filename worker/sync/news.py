"""What of the pending facets a destination has not been told: versions decide, facet by facet."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from connectors.connector import Decision
from worker.engine.subjects import Facet, Facets, SubjectRecord, Version
from worker.sync.facets import CONSENTS, DELETED, EXISTS, decided_at, fold

_NEVER: Final[Version] = (-1, 0, 0, 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class News:
    """The facets to tell, whether the subject is gone, and the newest consent decisions of all time."""

    facets: Mapping[str, Facet]
    deleted: bool
    consents: Mapping[str, tuple[bool, Version]]

    def decisions(self) -> dict[str, Decision]:
        """Give the newest decisions as the connector takes them."""
        return {
            channel: Decision(granted=granted, time=decided_at(version))
            for channel, (granted, version) in self.consents.items()
        }


def news(record: SubjectRecord, pending: list[Facets]) -> News | None:
    """Fold what is pending and drop what is not newer than what was told; None when nothing is left."""
    folded = fold([record.kept, *pending])
    gone = max(folded[DELETED][1] if DELETED in folded else _NEVER, record.versions.get(DELETED, _NEVER))
    here = max(folded[EXISTS][1] if EXISTS in folded else _NEVER, record.versions.get(EXISTS, _NEVER))
    if gone > here:
        if gone == record.versions.get(DELETED):
            return None
        return News(facets={DELETED: (True, gone)}, deleted=True, consents=_after_deletion(record.consents))
    facets = {
        name: facet
        for name, facet in folded.items()
        if name != DELETED and facet[1] > gone and facet[1] > record.versions.get(name, _NEVER)
    }
    if not facets.keys() - {EXISTS} and EXISTS in record.versions:
        return None
    if not facets:
        return None
    return News(facets=facets, deleted=False, consents=_newest(record, facets, gone))


def _newest(record: SubjectRecord, facets: Facets, gone: Version) -> dict[str, tuple[bool, Version]]:
    before = record.consents if gone == _NEVER else _after_deletion(record.consents)
    newest = dict(before)
    for name, channel in CONSENTS.items():
        if name in facets:
            value, version = facets[name]
            if channel not in newest or version > newest[channel][1]:
                newest[channel] = (bool(value[0]), version)
    return newest


def _after_deletion(consents: Mapping[str, tuple[bool, Version]]) -> dict[str, tuple[bool, Version]]:
    """A grant ends with the customer who gave it; a denial stays."""
    return {channel: decision for channel, decision in consents.items() if not decision[0]}


def told(record: SubjectRecord, told_news: News) -> dict[str, Version]:
    """Give the versions to record once the news are told."""
    if told_news.deleted:
        return {DELETED: told_news.facets[DELETED][1]}
    versions = {name: version for name, (_, version) in told_news.facets.items()}
    return {**record.versions, **versions}
