"""What `check --live` says of the destinations: whether they answer, take our key, and have what we refer to."""

from collections.abc import Callable, Iterator
from contextlib import closing

from connectors.connector import Call, Connector, Response
from connectors.http import Sender
from worker.commands.findings import Finding, broken, fine, noted
from worker.settings.models import Settings
from worker.wiring import build_connectors


def live_findings(settings: Settings) -> Iterator[Finding]:
    """Ask each destination that a skill tells."""
    with closing(Sender()) as sender:
        for connector in build_connectors(settings).values():

            def ask(call: Call, connector: Connector = connector) -> Response:
                return sender.send(connector.base_url, connector.headers(), call)

            yield from _destination(settings, connector, ask)


def _destination(settings: Settings, connector: Connector, ask: Callable[[Call], Response]) -> Iterator[Finding]:
    name = connector.name
    reached = judged(name, ask(connector.probe()))
    yield reached
    skill = settings.skills.customer_sync
    list_id = skill.options.list_id if skill else None
    probe: Callable[[int], Call] | None = getattr(connector, "list_probe", None)
    if reached.status != "ok" or list_id is None or probe is None:
        return
    answer = ask(probe(list_id))
    if answer.status == 404:
        wrong = f"there is no list {list_id}: correct options.list_id of customer-sync; contacts join none meanwhile"
        yield broken(f"{name} list", wrong)
    elif answer.status == 200:
        yield fine(f"{name} list", f"list {list_id} is there")
    else:
        yield judged(f"{name} list", answer)


def judged(name: str, answer: Response) -> Finding:
    """Say what the answer to a probe means, and what to do about it."""
    section = f"destinations.{name.split(maxsplit=1)[0]}"
    key = f"{section}.api_key"
    match answer.status:
        case 200:
            return fine(name, "answers and takes the key")
        case 401:
            return broken(name, f"refuses the key (401): put a valid one into {key}, and allow this machine's IP there")
        case 403:
            return broken(name, f"the key may not do this (403): give it the permission there, or change {key}")
        case 429:
            return noted(name, "answers, but its budget of calls is spent (429)")
        case 0:
            kind = answer.body.decode("ascii", "replace")
            return broken(name, f"gives no answer ({kind}): check {section}.base_url")
        case status:
            return broken(name, f"answers {status} where 200 was expected")
