"""What destinations tell in return: about whom it is, and what nobody but the owner of a balance may tell."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from mappings.platform import Platform, Said
from mappings.records import ABSENT, NOTHING_SAID, Change, Ignored
from worker.sync.identity import Identity

NOT_ITS_OWN: Final = "loyalty left out: its owner is another"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answers:
    """Judges what a source tells: `shops` tell of their own customers, `destinations` of those that we told them of.

    `owner` owns the balance of points: a platform, `internal`, or None while nobody counts: then shops may tell it.
    """

    identity: Identity
    shops: tuple[str, ...]
    destinations: frozenset[str]
    owner: str | None

    def admitted(self, platform: Platform, source: str, told: Iterable[Said] | Ignored) -> list[Said] | Ignored:
        """Leave out loyalty that its owner does not tell, and whom a destination does not know from us."""
        if isinstance(told, Ignored):
            return told
        believed = self.owner == platform.name or (self.owner is None and not platform.about_ours)
        found = list(told) if believed else [_without_loyalty(one) for one in told]
        if source not in self.destinations:
            return found
        said = [one for one in found if isinstance(one, Change) and one.customer != NOTHING_SAID]
        if not said:
            return Ignored(reason="this destination does not own the balance")
        ours: list[Said] = [one for one in said if self.subject(one)]
        return ours or Ignored(reason="the customer is none of ours")

    def subject(self, change: Change) -> str | None:
        """Name the customer of ours whom a destination tells about; None when it is none."""
        return self.identity.subject_of(change.id or "", self.shops)


def _without_loyalty(one: Said) -> Said:
    if not isinstance(one, Change) or one.customer.loyalty is ABSENT:
        return one
    customer = one.customer.model_copy(update={"loyalty": ABSENT})
    return one.model_copy(update={"customer": customer, "notes": (*one.notes, NOT_ITS_OWN)})
