"""`commerce-sync dead-letters`: look at what could not be delivered, deliver it again, or drop it for good."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Final

import typer
from msgspec.structs import replace

from worker.commands.deployment import Deployment, configuration, opened
from worker.commands.failures import FAILED, CommandError
from worker.commands.reporting import pairs, print_json, rows, say, stdout
from worker.commands.since import since_ms
from worker.commands.waking import wake_all
from worker.engine.dead_letters import DeadLetter, DeadLetters
from worker.engine.errors import UnknownVersionError
from worker.engine.lanes import MAP, Item
from worker.scrubbing import scrub_id, scrub_text
from worker.sync.destination import PROCESSES
from worker.sync.facets import pack, unpack
from worker.sync.mapping import REQUESTS

PROGRESS: Final = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """Which letters a person means: these ids, or those that match, or (`everything`) all."""

    ids: Sequence[str] = ()
    destination: str | None = None
    reason: str | None = None
    since: str | None = None
    everything: bool = False

    def check(self) -> None:
        """Refuse what leaves open what is meant.

        Raises: typer.BadParameter.
        """
        filtered = any(value is not None for value in (self.destination, self.reason, self.since))
        if self.ids and (filtered or self.everything):
            raise typer.BadParameter("name ids, or say which by --destination, --reason, --since or --all; not both")
        if not (self.ids or filtered or self.everything):
            raise typer.BadParameter("name ids, or say which by --destination, --reason, --since, or take --all")

    def matching(self, letters: DeadLetters) -> Iterator[DeadLetter]:
        """Give the letters that match, oldest first."""
        return letters.each(destination=self.destination, reason=self.reason, since_ms=self._since())

    def chosen(self, letters: DeadLetters) -> list[str]:
        """Give the ids of the letters meant, each once."""
        return list(dict.fromkeys(self.ids)) if self.ids else [letter.id for letter in self.matching(letters)]

    def _since(self) -> int:
        if self.since is None:
            return 0
        try:
            return since_ms(self.since, datetime.now(timezone.utc))
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--since") from None


def show_all(*, destination: str | None, reason: str | None, since: str | None, as_json: bool) -> int:
    """List dead letters, oldest first."""
    choice = Choice(destination=destination, reason=reason, since=since)
    with opened(configuration()) as deployment:
        found = [_summary(letter) for letter in choice.matching(DeadLetters(deployment.lanes))]
    if as_json:
        print_json(found)
    elif found:
        columns = ("id", "at", "lane", "subject", "reason", "field", "items")
        stdout().print(rows("dead letters", columns, ([one[name] for name in columns] for one in found)))
    else:
        say("no dead letters")
    return 0


def show(letter_id: str, *, as_json: bool) -> int:
    """Show what is known of one letter; of its facets the names, never the values.

    Raises: CommandError when there is none of this id.
    """
    with opened(configuration()) as deployment:
        letter = DeadLetters(deployment.lanes).get(letter_id)
    if letter is None:
        raise CommandError(_missing(letter_id))
    seen = {**_summary(letter), "facets": _facet_names(letter)}
    if as_json:
        print_json(seen)
    else:
        stdout().print(pairs("dead letter", {**seen, "facets": ", ".join(seen["facets"])}))
    return 0


def retry(choice: Choice, *, dry_run: bool, as_json: bool) -> int:
    """Put letters back on their lanes, each on its own: whoever stops in the middle goes on with the same command."""
    choice.check()
    with opened(configuration()) as deployment:
        letters = DeadLetters(deployment.lanes)
        slots: dict[str, str] = {}

        def put_back(letter: DeadLetter) -> bool:
            slot = letters.retry(letter, _renewed(letter.lane))
            if slot:
                slots[letter.lane] = slot
            return slot is not None

        try:
            return _each(deployment, choice.chosen(letters), "retried", None if dry_run else put_back, as_json=as_json)
        finally:
            wake_all(slots)


def discard(choice: Choice, *, sure: bool, dry_run: bool, as_json: bool) -> int:
    """Drop letters for good, after asking."""
    choice.check()
    with opened(configuration()) as deployment:
        letters = DeadLetters(deployment.lanes)
        chosen = choice.chosen(letters)
        if chosen and not dry_run and not sure:
            _ask(len(chosen))

        def drop(letter: DeadLetter) -> bool:
            return letters.discard(letter) > 0

        return _each(deployment, chosen, "discarded", None if dry_run else drop, as_json=as_json)


def _ask(number: int) -> None:
    """Demand a yes.

    Raises: CommandError when nobody can answer, typer.Abort when the answer is no.
    """
    if not sys.stdin.isatty():
        raise CommandError(f"{number} dead letters would be dropped for good: say so with --yes")
    typer.confirm(f"Drop {number} dead letters for good?", abort=True, err=True)


def _each(
    deployment: Deployment, ids: Sequence[str], done: str, act: Callable[[DeadLetter], bool] | None, *, as_json: bool
) -> int:
    """Act on letters one by one (None: only say which), and report."""
    letters = DeadLetters(deployment.lanes)
    acted: list[str] = []
    missing: list[str] = []
    stray: list[str] = []
    for number, letter_id in enumerate(ids, 1):
        letter = letters.get(letter_id)
        if letter is not None and letter.lane not in deployment.names and done == "retried":
            stray.append(letter_id)
            say(f"{letter_id}: the lane {letter.lane} is not configured, nobody would deliver it")
        elif letter is None or (act is not None and not act(letter)):
            missing.append(letter_id)
            say(_missing(letter_id))
        else:
            acted.append(letter_id)
        if number % PROGRESS == 0:
            say(f"{number} of {len(ids)}")
    if as_json:
        print_json({"dry_run": act is None, done: acted, "missing": missing, "not_configured": stray})
    else:
        stdout().print(f"{'would be ' if act is None else ''}{done}: {len(acted)}")
    return FAILED if missing or stray else 0


def _missing(letter_id: str) -> str:
    return f"{scrub_id(letter_id)}: no such dead letter (any more)"


def _renewed(lane: str) -> Callable[[Item], Item]:
    """Give how an item goes back: to a destination as forced, for nobody knows whether it holds the state already."""
    return (lambda item: item) if lane == MAP else _forced


def _forced(item: Item) -> Item:
    try:
        facets, _ = unpack(item.body)
    except UnknownVersionError:  # goes back as it is: if no newer release runs yet, it is parked again
        return item
    return replace(item, body=pack(facets, forced=True))


def _summary(letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "at": datetime.fromtimestamp(letter.at_ms / 1000, timezone.utc).isoformat(timespec="seconds"),
        "lane": letter.lane,
        "subject": scrub_id(letter.key),
        "reason": scrub_text(letter.reason),
        "field": scrub_text(letter.field),
        "detail": scrub_text(letter.detail),
        "items": len(letter.items),
    }


def _facet_names(letter: DeadLetter) -> list[str]:
    told = letter.lane not in {MAP, REQUESTS} and not letter.lane.endswith(PROCESSES)
    bodies: Iterable[bytes] = (item.body for item in letter.items) if told else ()
    return sorted({name for body in bodies for name in _names(body)})


def _names(body: bytes) -> Iterable[str]:
    try:
        return unpack(body)[0]
    except UnknownVersionError:
        return ()
