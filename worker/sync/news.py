"""What of the pending facets a destination has not been told: versions decide, facet by facet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from connectors.connector import Decision
from worker.engine.subjects import UNKNOWN_TIME, Facet, Facets, SubjectRecord, Version
from worker.sync.facets import CONSENTS, DELETED, EXISTS, REACHED, decided_at, fold
from worker.sync.kinds import RecordKind
from worker.sync.sets import SETS

NEVER: Final[Version] = (-1, 0, 0, 0)
# Of a decision that may have been told though no answer says so: older than any that is stamped.
PERHAPS: Final[Version] = (UNKNOWN_TIME, 0, 0, 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class News:
    """The facets to tell, whether the subject is gone, and the newest consent decisions of all time.

    `whole` are all facets that are known by value, told or not. `gone` is the newest deletion known, also of a subject
    that came back; `ended` the decisions that ended with it and must be told to have.
    """

    facets: Mapping[str, Facet]
    deleted: bool
    consents: Mapping[str, tuple[bool, Version]]
    gone: Version = NEVER
    whole: Mapping[str, Facet] = field(default_factory=dict)
    ended: frozenset[str] = frozenset()

    def decisions(self) -> dict[str, Decision]:
        """Give the newest decisions as the connector takes them.

        A grant ends with the customer who gave it; a denial stays.
        """
        ended = {CONSENTS[name]: Decision(granted=False, time=decided_at(self.gone)) for name in self.ended}
        return ended | {
            channel: Decision(granted=granted, time=decided_at(version))
            for channel, (granted, version) in self.consents.items()
            if not granted or version > self.gone
        }


def untold(record: SubjectRecord, consents: Mapping[str, tuple[bool, Version]], gone: Version) -> SubjectRecord:
    """Give the record of what could not be told: its decisions count, and its deletion waits for the next change.

    A decision may be there all the same: an earlier try may have told it, or a later change that creates its subject.
    """
    versions = _perhaps_told(record, consents)
    return replace(record, versions=versions, consents=consents, kept=_with_deletion(record, record.kept, gone))


def news(kind: RecordKind, record: SubjectRecord, pending: Sequence[Facets]) -> News | None:
    """Fold what is pending and drop what is not newer than what was told; None when nothing is left."""
    found = _news(kind, record, pending)
    return found if _worth_telling(kind, record, found) else None


def superseded(kind: RecordKind, record: SubjectRecord, pending: Sequence[Facets]) -> SubjectRecord:
    """Give the record after pending facets that are no news: their deletions, decisions and life signs still count.

    What waited is no news either.
    """
    found = _news(kind, record, pending)
    versions, remembered = told(record, found), _remembered(kind, found)
    return replace(record, versions=versions, consents=found.consents, kept=remembered)


def kept(record: SubjectRecord, found: News) -> SubjectRecord:
    """Give the record while the news wait for a later change, untold."""
    # Once this is settled no doubt is left on record.
    versions = _perhaps_told(record, found.consents) if record.doubt else record.versions
    waiting = {name: facet for name, facet in found.whole.items() if name not in found.ended}
    return replace(record, versions=versions, consents=found.consents, kept=_with_deletion(record, waiting, found.gone))


def after_telling(kind: RecordKind, record: SubjectRecord, found: News, known: Mapping[str, Any]) -> SubjectRecord:
    """Give the record once the news are told, or need not be told any more."""
    return SubjectRecord(
        versions=told(record, found), consents=found.consents, kept=_remembered(kind, found), known=known
    )


def told(record: SubjectRecord, told_news: News) -> dict[str, Version]:
    """Give the versions to record once the news are told. A milestone that was told stays told, whatever is deleted."""
    gone = told_news.gone
    if told_news.deleted:
        return {DELETED: gone, **{name: at for name, at in record.versions.items() if name.startswith(REACHED)}}
    versions = {
        name: version for name, version in record.versions.items() if version > gone or name.startswith(REACHED)
    }
    versions |= {
        name: facet[1]
        for name, facet in told_news.whole.items()
        if name in told_news.facets or (facet[1] > versions.get(name, NEVER) and _is_repeated(record, name, facet))
    }
    versions = _without_past_elements(versions, told_news.whole)
    return versions if gone == NEVER else {**versions, DELETED: gone}


def _without_past_elements(versions: dict[str, Version], whole: Facets) -> dict[str, Version]:
    """Forget the elements of sets that matter no more, else a record would grow with every tag that came and went."""
    for many in SETS:
        if any(name.startswith(many.element) for name in versions):
            matter = many.kept(whole)
            versions = {
                name: at for name, at in versions.items() if not name.startswith(many.element) or name in matter
            }
    return versions


def _remembered(kind: RecordKind, found: News) -> Facets:
    if found.deleted:
        return {}
    facets: Facets = {name: facet for name, facet in found.whole.items() if kind.remembers(name)}
    for many in SETS:
        facets = many.bounded(facets)
    return facets


def _news(kind: RecordKind, record: SubjectRecord, pending: Sequence[Facets]) -> News:
    folded = fold([record.kept, *pending])
    if follows := kind.derived(folded):
        folded = fold([folded, follows])
    gone = max(folded[DELETED][1] if DELETED in folded else NEVER, record.versions.get(DELETED, NEVER))
    here = max(folded[EXISTS][1] if EXISTS in folded else NEVER, record.versions.get(EXISTS, NEVER))
    consents = _newest(record, folded)
    if gone > here:
        return News(facets={DELETED: (True, gone)}, deleted=True, consents=consents, gone=gone, whole=folded)
    whole = {name: facet for name, facet in folded.items() if name != DELETED and facet[1] > gone}
    ended = {name: facet for name, facet in _ended(record, folded, gone).items() if name not in whole}
    whole |= ended
    for many in SETS:
        whole = many.without_overruled(whole) if many.whole in whole else whole
    facets = {name: facet for name, facet in whole.items() if _is_new(record, name, facet)}
    return News(facets=facets, deleted=False, consents=consents, gone=gone, whole=whole, ended=frozenset(ended))


def _with_deletion(record: SubjectRecord, waiting: Facets, gone: Version) -> Facets:
    """Let a deletion that was not told wait too: what ends with it is to be told with the rest."""
    return {**waiting, DELETED: (True, gone)} if gone > record.versions.get(DELETED, NEVER) else waiting


def _perhaps_told(record: SubjectRecord, consents: Mapping[str, object]) -> dict[str, Version]:
    """Give the versions with a mark for each decision that is known and of which none was told for certain."""
    return {name: PERHAPS for name, channel in CONSENTS.items() if channel in consents} | dict(record.versions)


def _ended(record: SubjectRecord, folded: Facets, gone: Version) -> dict[str, Facet]:
    """Give the denials that a deletion stands for whose subject is back before the destination heard of it.

    What was granted before may be there even if no answer says so: a worker may have died right after its call. A grant
    that only waited was never told, and needs no denial.
    """
    if record.versions.get(DELETED, NEVER) >= gone:
        return {}
    ended: dict[str, Facet] = {}
    for name, channel in CONSENTS.items():
        told_at = record.versions.get(name, NEVER)
        in_doubt = record.doubt and name in folded
        may_be_there = told_at > NEVER or in_doubt
        if told_at < gone and may_be_there and record.consents.get(channel) != (False, told_at):
            ended[name] = ([False, DELETED], gone)
    return ended


def _is_new(record: SubjectRecord, name: str, facet: Facet) -> bool:
    version, told_before = facet[1], record.versions.get(name, NEVER)
    if name.startswith(REACHED):
        return told_before == NEVER
    return version > told_before and not _is_repeated(record, name, facet)


def _is_repeated(record: SubjectRecord, name: str, facet: Facet) -> bool:
    """Tell whether a decision is the one told last: platforms say it again with every change of its customer."""
    if name not in CONSENTS:
        return False
    value, version = facet
    granted, newest = record.consents.get(CONSENTS[name], (None, NEVER))
    # The newest one known may wait or have been refused: then it was not told.
    was_told = newest == record.versions.get(name)
    # By the time of the decision alone, not by that of the change which repeats it.
    return was_told and version[0] != UNKNOWN_TIME and version[:2] == newest[:2] and bool(value[0]) == granted


def _worth_telling(kind: RecordKind, record: SubjectRecord, found: News) -> bool:
    if found.deleted:
        return kind.tells_deletions and found.gone != record.versions.get(DELETED)
    return kind.is_worth(record, found.facets)


def _newest(record: SubjectRecord, folded: Facets) -> dict[str, tuple[bool, Version]]:
    newest = dict(record.consents)
    for name, channel in CONSENTS.items():
        if name in folded:
            value, version = folded[name]
            if channel not in newest or version > newest[channel][1]:
                newest[channel] = (bool(value[0]), version)
    return newest
