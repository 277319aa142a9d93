"""What is wrong with accounts: orders against what is booked, that against its entries and the destinations."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Final

from connectors.connector import State
from worker.commands.loyalty_desk import Desk
from worker.commands.loyalty_there import Asked, Inquiry, Unlike, readings
from worker.engine.subjects import SubjectRecord
from worker.loyalty.account import Ledger
from worker.loyalty.history import history
from worker.loyalty.ledger import postings
from worker.loyalty.store import Remembered
from worker.loyalty.telling import PURCHASES, version_at
from worker.routes import build_options
from worker.sync.destination import DestinationLane
from worker.sync.facets import DELETED, customer_of
from worker.sync.relations import Relations

ENTRIES: Final = "entries"
# Of an account's revisions, those whose points may still be on their way to a card.
_NEWEST: Final = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """What was found of one account: where it was compared, and what is unlike.

    `waits` names what is about to be told, `left` what cannot be compared: the customer is not there yet or no more,
    there is no way to ask for them, or another source's customer tells the same contact.
    """

    account: str
    unlike: list[Unlike] = field(default_factory=list)
    compared: list[str] = field(default_factory=list)
    waits: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Checker:
    """Checks accounts of one deployment."""

    desk: Desk
    inquiry: Inquiry

    def checked(self, account: str, ledger: Ledger, orders: Mapping[str, Remembered]) -> Checked:
        """Check an account; one that seems to differ is read once more, for workers go on meanwhile."""
        found = self._checked(account, ledger, orders)
        if not found.unlike:
            return found
        ledger = self.desk.ledger(account)
        return self._checked(account, ledger, self.desk.accounts.orders(list(self._names(account, ledger))))

    def _names(self, account: str, ledger: Ledger) -> Iterator[str]:
        yield from self.desk.books.order_names(account, ledger).values()

    def _checked(self, account: str, ledger: Ledger, orders: Mapping[str, Remembered]) -> Checked:
        found = Checked(account=account)
        found.unlike.extend(self._here(account, ledger, orders))
        for lane in self.desk.deployment.destinations:
            if lane.kind == "customer" and lane.name in self._lanes(account, "customer"):
                self._there(found, ledger, lane)
        return found

    def _lanes(self, account: str, kind: Any) -> set[str]:  # noqa: ANN401 - a kind of record
        return {target.lane for target in self.desk.books.accountant.teller.targets(account, kind)}

    def _here(self, account: str, ledger: Ledger, orders: Mapping[str, Remembered]) -> Iterator[Unlike]:
        """Compare orders, what is booked, and what was written, as of when the account was booked last."""
        programme, booked = self.desk.programme, ledger.points
        valued = self.desk.books.valued(account, ledger, orders)
        lines, _ = postings(valued, history(programme, valued, ledger.ms), ledger.ms)
        for line in lines:
            known = ledger.items[line.item].booked if line.item in ledger.items else ledger.opened
            before = sum(points for named, cause, points in known if (named, cause) == (line.line, line.cause))
            name = " ".join(part for part in (line.item, line.line, line.cause) if part)
            yield Unlike("orders", name, before + line.points, before)
        written = sum(entry[5] for entry in self.desk.accounts.entries(account))
        if written != booked:
            yield Unlike(ENTRIES, "sum", booked, written)
        for key, name in self.desk.books.order_names(account, ledger).items():
            owner = orders[name].account
            if owner and owner != account:
                yield Unlike("orders", key, self.desk.identity.stable_id(owner), "in this account too")

    def _there(self, found: Checked, ledger: Ledger, lane: DestinationLane) -> None:
        account, destination = found.account, lane.destination
        record = SubjectRecord.unpack(self.desk.deployment.lanes.record(lane.records, account))
        if self._is_pending(lane.name, account):
            found.waits.append(destination)
            return
        if is_nobody(record) or self._is_shared(lane, account, record):
            found.left.append(destination)
            return
        cards = self._lanes(account, "points")
        card = next((one for one in cards if one.partition(".")[0] == destination), "")
        moving = card and self._points_move(card, account)
        if moving:
            found.waits.append(f"{destination} card")
        options = build_options(self.desk.deployment.settings, destination)
        is_read = bool(card) and not moving
        asked = list(readings(destination, options, self._asked(account, ledger, record), card=is_read))
        found.left.extend([] if asked else [destination])
        for reading in asked:
            unlike = self.inquiry.unlike(lane.connector, reading)
            if unlike is not None:
                found.compared.append(reading.where)
                found.unlike.extend(unlike)

    def _asked(self, account: str, ledger: Ledger, record: SubjectRecord) -> Asked:
        desk, teller = self.desk, self.desk.books.accountant.teller
        now = history(desk.programme, ledger, ledger.ms)
        standing = teller.standing(account, now) if desk.programme.counts_points else None
        facets = teller.facets(standing, now.account.bought.told(), version_at(ledger.ms, ledger.revision))
        state = State(
            subject=account,
            ext_id=desk.identity.ext_id(account),
            stable_id=desk.identity.stable_id(account),
            customer=customer_of(facets),
            raw={},
            deleted=False,
            known=record.known,
            consents={},
            steps={},
            shared=False,
            now=datetime.now(timezone.utc),
        )
        return Asked(state=state, record=record, points=ledger.points)

    def _is_pending(self, lane: str, key: str) -> bool:
        return bool(self.desk.deployment.lanes.pending(lane, key, 1))

    def _is_shared(self, lane: DestinationLane, account: str, record: SubjectRecord) -> bool:
        email = record.known.get("email")
        if not email or lane.destination != "brevo":
            return False
        scripts = self.desk.deployment.scripts
        relations = Relations(store=scripts.store, prefix=scripts.prefix, identity=self.desk.identity)
        return relations.shared(lane, [(account, email)])[account]

    def _points_move(self, lane: str, account: str) -> bool:
        """Say whether points of an account are still on their way to its card."""
        revisions = sorted({entry[0] for entry in self.desk.accounts.entries(account)})[-_NEWEST:]
        rest = account.split(":", 1)[1]
        return any(self._is_pending(lane, f"points:{rest}.{number}") for number in revisions)


def is_nobody(record: SubjectRecord) -> bool:
    """Say whether a destination cannot hold anything: no e-mail is known to create a contact by, or it was deleted."""
    waits_or_gone = PURCHASES in record.kept or DELETED in record.kept or DELETED in record.versions
    return PURCHASES not in record.versions and waits_or_gone
