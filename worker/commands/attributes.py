"""`commerce-sync attributes`: whether Brevo has an attribute, of the right type, for all that the mapping writes."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Final, TypeAlias

from connectors.brevo_account import BrevoAccount
from connectors.brevo_answers import throttled
from connectors.brevo_attributes import CHOICES, Attribute, Finding, findings, listed, listing, refused_because, wanted
from connectors.brevo_options import BrevoOptions
from connectors.connector import Call, Response
from connectors.http import Sender
from worker.commands.check_live import judged
from worker.commands.deployment import configuration
from worker.commands.failures import FAILED, CommandError
from worker.commands.findings import SIGNS
from worker.commands.reporting import print_json, rows, say, stdout
from worker.routes import build_options
from worker.settings.faults import ConfigurationError, Fault
from worker.settings.models import Settings
from worker.settings.reading import find_path

Ask: TypeAlias = Callable[[Call], Response]

_SECTION: Final = "destinations.brevo"
_GAP: Final = 0.2
_TRIES: Final = 3
_LONGEST_WAIT: Final = 5.0
_CREATE: Final = "`commerce-sync attributes --create` does it"


@dataclass(frozen=True, kw_only=True, slots=True)
class Looked:
    """An attribute that was not as it should be; `to_do` is empty when that was put right."""

    name: str
    found: str
    to_do: str


def run(*, create: bool, ready: bool, as_json: bool) -> int:
    """Compare the mapping with the account, and create what is missing when asked; 1 when something is left to do.

    Raises: ConfigurationError without a Brevo account, CommandError when it gives no list of attributes.
    """
    options = _options(configuration())
    account = BrevoAccount(options)
    asked = {one.name: one for one in wanted(options, ready=ready)}
    with closing(Sender()) as sender:

        def ask(call: Call) -> Response:
            return _patiently(lambda: sender.send(account.base_url, account.headers(), call))

        found = findings(list(asked.values()), _there(ask))
        seen = [
            Looked(name=one.name, found=one.text, to_do=_to_do(one, asked, ask if create else None)) for one in found
        ]
    left = [one for one in seen if one.to_do]
    if as_json:
        print_json({"ok": not left, "wanted": list(asked), "findings": [asdict(one) for one in seen]})
    else:
        _show(seen)
        say(
            f"{len(left)} of {len(asked)} attributes need something"
            if left
            else f"all {len(asked)} attributes are there"
        )
    return FAILED if left else 0


def _patiently(send: Callable[[], Response]) -> Response:
    """Ask at half the pace that the smallest plan allows: workers may be telling the same account."""
    for _ in range(_TRIES - 1):
        time.sleep(_GAP)
        answer = send()
        if answer.status != 429:
            return answer
        time.sleep(min(throttled(answer).after, _LONGEST_WAIT))
    time.sleep(_GAP)
    return send()


def _options(settings: Settings) -> BrevoOptions:
    if settings.destinations.brevo is None:
        wrong, instead = (
            "attributes are Brevo's, and it is not configured",
            'write `brevo: {api_key: "${BREVO_API_KEY}"}`',
        )
        raise ConfigurationError(
            [Fault(file=str(find_path(os.environ)), line=None, path="destinations", wrong=wrong, instead=instead)]
        )
    options: BrevoOptions = build_options(settings, "brevo")
    return options


def _there(ask: Ask) -> Mapping[str, Attribute]:
    answer = ask(listing())
    there = listed(answer)
    if there is None:
        wrong = (
            judged("brevo", answer).detail if answer.status != 200 else "answers with something else than attributes"
        )
        raise CommandError(f"brevo {wrong}")
    return there


def _to_do(finding: Finding, asked: Mapping[str, Attribute], ask: Ask | None) -> str:
    """Say what is left to do, after it was tried where somebody may be asked."""
    if finding.call is not None:
        why = refused_because(ask(finding.call)) if ask else ""
        return "" if ask and not why else f"Brevo refuses it: {why}" if why else _CREATE
    one = asked[finding.name]
    if one.type is None:
        return f"tell its type in {_SECTION}.attribute_types"
    if one.type == CHOICES and not one.options:
        return f"tell its options in {_SECTION}.attribute_options"
    return f"map the field to another attribute, or tell the type that it has in {_SECTION}.attribute_types"


def _show(seen: list[Looked]) -> None:
    if seen:
        stdout().print(rows("attributes", ("", "found", "to do"), _lines(seen)))


def _lines(seen: list[Looked]) -> Iterator[tuple[str, str, str]]:
    for one in seen:
        yield SIGNS["failed" if one.to_do else "ok"], one.found, one.to_do or "done"
