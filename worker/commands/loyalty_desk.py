"""What the loyalty commands work with: the programme, its accounts, and how a customer's name leads to one."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from worker.commands.deployment import Deployment, configuration, opened
from worker.commands.failures import CommandError
from worker.engine.errors import UnknownVersionError
from worker.loyalty.account import Ledger
from worker.loyalty.booking import Bookkeeper
from worker.loyalty.programme import Programme
from worker.loyalty.store import Accounts
from worker.routes import build_books, build_mapper
from worker.scrubbing import scrub_id
from worker.settings.loyalty import ID
from worker.settings.models import LoyaltySkill
from worker.sync.identity import Identity
from worker.sync.relations import Relations
from worker.wiring import build_identity

OFF = "loyalty is not enabled: write it under `skills`"


class Part(NamedTuple):
    """Some accounts, and the names of those whose stored form cannot be read."""

    ledgers: dict[str, Ledger]
    unreadable: list[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """A deployment with a loyalty programme."""

    deployment: Deployment
    skill: LoyaltySkill
    books: Bookkeeper

    @property
    def programme(self) -> Programme:
        """The rules that hold now."""
        return self.books.programme

    @property
    def accounts(self) -> Accounts:
        """The accounts as they are stored."""
        return self.books.accounts

    @property
    def identity(self) -> Identity:
        """Who is who."""
        return self.books.identity

    def now(self) -> int:
        """Give the store's time, which events are stamped by."""
        return self.deployment.lanes.scripts.time_ms()

    def ledger(self, account: str) -> Ledger:
        """Read one account."""
        return self.accounts.ledgers([account])[account]

    def parts(self, account: str | None, size: int) -> Iterator[Part]:
        """Read one account or all of them, so many at a time; one that is damaged keeps nobody from the others."""
        for names in batches(iter(self.accounts.all()) if account is None else iter([account]), size):
            yield self._read(names)

    def _read(self, accounts: Sequence[str]) -> Part:
        part = Part({}, [])
        for account, stored in self.accounts.packed(accounts).items():
            try:
                part.ledgers[account] = Ledger.unpack(stored)
            except UnknownVersionError:  # the store is not damaged, this program is older
                raise
            except (msgspec.DecodeError, ValueError, LookupError):
                part.unreadable.append(account)
        return part

    def demand_points(self) -> None:
        """Demand that points are counted here.

        Raises: CommandError that names who counts them.
        """
        if not self.programme.counts_points:
            owner = self.skill.balance_owner
            raise CommandError(f"{owner} owns the balance (skills.loyalty.balance_owner): points are counted there")

    def found(self, name: str) -> str:
        """Give the account of a customer, named by our stable id, a bare id of the platform, a subject or an e-mail.

        Raises: CommandError when there is none, or more than one.
        """
        by_email = "@" in name and not name.startswith("customer:")
        candidates = self._of_email(name) if by_email else self._named(name)
        ledgers, unreadable = self._read(list(dict.fromkeys(candidates)))
        if unreadable:
            raise CommandError(f"{self.identity.stable_id(unreadable[0])}: the account is damaged in the store")
        there = [account for account, ledger in ledgers.items() if not ledger.is_new]
        if len(there) == 1:
            return there[0]
        if there:
            several = ", ".join(sorted(self.identity.stable_id(account) for account in there))
            raise CommandError(f"several customers are meant: name one of {several}")
        if by_email:
            wrong = "no account of a guest with this e-mail, and no contact that it tells of"
            raise CommandError(f"{wrong}: accounts are kept by the customer's id, name that (such as shopify-123)")
        raise CommandError(f"{scrub_id(name)}: no such account; name the customer's id with its source (shopify-123)")

    def _named(self, name: str) -> Iterator[str]:
        sources = self.deployment.settings.sources
        if name.startswith("customer:"):
            if name.count(":") >= 2:
                yield name
            return
        head, tail = self.programme.rules.account_id.split(ID)
        inner = name.removeprefix(head).removesuffix(tail)
        for one in dict.fromkeys((name, inner)):
            if subject := self.identity.subject_of(one, sources):
                yield subject
        for source in sources if name else ():
            yield self.identity.customer(source, name, None)

    def _of_email(self, email: str) -> Iterator[str]:
        """Name the guests of an e-mail, and whoever a destination knows a contact of it by."""
        for source in self.deployment.settings.sources:
            yield self.identity.customer(source, None, email)
        scripts = self.deployment.scripts
        relations = Relations(store=None, prefix=scripts.prefix, identity=self.identity)
        for destination in dict.fromkeys(lane.destination for lane in self.deployment.destinations):
            members: set[bytes] = scripts.store.smembers(  # type: ignore[assignment]
                f"{scripts.prefix}:{relations.holders(destination, email)}"
            )
            yield from sorted(one.decode() for one in members if one.startswith(b"customer:"))


@contextmanager
def opened_desk() -> Iterator[Desk]:
    """Connect with the store of a deployment that has a loyalty programme.

    Raises: CommandError when it has none, or no store runs.
    """
    settings = configuration()
    skill = settings.skills.loyalty
    if skill is None or not skill.enabled:
        raise CommandError(OFF)
    with opened(settings) as deployment:
        scripts = deployment.scripts
        mapper = build_mapper(settings, build_identity(settings, scripts.store))
        books = build_books(settings, mapper, Accounts(scripts))
        assert books is not None  # noqa: S101 - the skill is on
        yield Desk(deployment=deployment, skill=skill, books=books)


def batches(names: Iterator[str], size: int) -> Iterator[Sequence[str]]:
    """Cut a stream of names into parts of a size."""
    part: list[str] = []
    for name in names:
        part.append(name)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part
