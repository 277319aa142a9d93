"""What of the pending facets a destination has not been told: versions decide, facet by facet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from connectors.connector import Decision
from worker.engine.subjects import Facet, Facets, SubjectRecord, Version
from worker.sync.facets import CONSENTS, DELETED, EXISTS, decided_at, fold

_NEVER: Final[Version] = (-1, 0, 0, 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class News:
    """The facets to tell, whether the subject is gone, and the newest consent decisions of all time.

    `gone` is the newest deletion known, also of a subject that came back.
    """

    facets: Mapping[str, Facet]
    deleted: bool
    consents: Mapping[str, tuple[bool, Version]]
    gone: Version = _NEVER

    def decisions(self) -> dict[str, Decision]:
        """Give the newest decisions as the connector takes them.

        A grant ends with the customer who gave it; a denial stays.
        """
        return {
            channel: Decision(granted=granted, time=decided_at(version))
            for channel, (granted, version) in self.consents.items()
            if not granted or version > self.gone
        }


def news(record: SubjectRecord, pending: Sequence[Facets]) -> News | None:
    """Fold what is pending and drop what is not newer than what was told; None when nothing is left."""
    found = _news(record, pending)
    return found if _worth_telling(record, found) else None


def superseded(record: SubjectRecord, pending: Sequence[Facets]) -> SubjectRecord:
    """Give the record after pending facets that are no news: their deletions, decisions and life signs still count.

    What was kept is no news either.
    """
    found = _news(record, pending)
    return replace(record, versions=told(record, found), consents=found.consents, kept={})


def kept(record: SubjectRecord, found: News) -> SubjectRecord:
    """Give the record while the news wait for a later change, untold."""
    versions = {**record.versions, DELETED: found.gone} if found.gone > _NEVER else record.versions
    return replace(record, versions=versions, kept=found.facets, consents=found.consents)


def told(record: SubjectRecord, told_news: News) -> dict[str, Version]:
    """Give the versions to record once the news are told."""
    gone = told_news.gone
    if told_news.deleted:
        return {DELETED: gone}
    versions = {name: version for name, version in record.versions.items() if version > gone}
    versions |= {name: version for name, (_, version) in told_news.facets.items()}
    return versions if gone == _NEVER else {**versions, DELETED: gone}


def _news(record: SubjectRecord, pending: Sequence[Facets]) -> News:
    folded = fold([record.kept, *pending])
    gone = max(folded[DELETED][1] if DELETED in folded else _NEVER, record.versions.get(DELETED, _NEVER))
    here = max(folded[EXISTS][1] if EXISTS in folded else _NEVER, record.versions.get(EXISTS, _NEVER))
    consents = _newest(record, folded)
    if gone > here:
        return News(facets={DELETED: (True, gone)}, deleted=True, consents=consents, gone=gone)
    facets = {
        name: facet
        for name, facet in folded.items()
        if name != DELETED and facet[1] > gone and facet[1] > record.versions.get(name, _NEVER)
    }
    return News(facets=facets, deleted=False, consents=consents, gone=gone)


def _worth_telling(record: SubjectRecord, found: News) -> bool:
    if found.deleted:
        return found.gone != record.versions.get(DELETED)
    return bool(found.facets.keys() - {EXISTS}) or (EXISTS in found.facets and EXISTS not in record.versions)


def _newest(record: SubjectRecord, folded: Facets) -> dict[str, tuple[bool, Version]]:
    newest = dict(record.consents)
    for name, channel in CONSENTS.items():
        if name in folded:
            value, version = folded[name]
            if channel not in newest or version > newest[channel][1]:
                newest[channel] = (bool(value[0]), version)
    return newest
