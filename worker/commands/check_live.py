"""What `check --live` says of the destinations: whether they answer, take our key, and have what we refer to."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial

from connectors import notifications
from connectors.connector import Call, Connector, Response
from connectors.http import Sender
from worker.commands.findings import Finding, broken, fine, noted
from worker.routes import build_connectors, build_options
from worker.settings.models import Settings


def live_findings(settings: Settings) -> Iterator[Finding]:
    """Ask each destination that a skill tells."""
    with closing(Sender()) as sender:
        for destination, lanes in build_connectors(settings).items():
            yield from _destination(settings, destination, list(lanes.values()), sender)


def _destination(settings: Settings, name: str, connectors: Sequence[Connector], sender: Sender) -> Iterator[Finding]:
    """Ask what the lanes of one account ask for, each question once."""

    def ask(connector: Connector, call: Call) -> Response:
        return sender.send(connector.base_url, connector.headers(), call)

    reached: dict[tuple[str, str], Finding] = {}
    for connector in connectors:
        call = connector.probe()
        if (call.method, call.path) not in reached:
            judge = _hook if name == notifications.NAME else partial(judged, name)
            reached[call.method, call.path] = judge(ask(connector, call))
    yield from reached.values()
    probing = next((one for one in connectors if hasattr(one, "list_probe")), None)
    if probing is None or any(one.status != "ok" for one in reached.values()):
        return
    probe: Callable[[int], Call] = probing.list_probe
    settings_of: dict[int, list[str]] = {}
    for setting, list_id in _lists(settings, name):
        settings_of.setdefault(list_id, []).append(setting)
    for list_id, named in settings_of.items():
        yield _list(f"{name} list", " and ".join(named), list_id, ask(probing, probe(list_id)))


def _lists(settings: Settings, name: str) -> Iterator[tuple[str, int]]:
    """Give the lists that contacts are to join, each with the setting that names it."""
    skill = settings.skills.customer_sync
    if skill is not None and skill.options.list_id is not None:
        yield "options.list_id of customer-sync", skill.options.list_id
    own = getattr(settings.destinations.configured()[name], "import_list_id", None)
    if own is not None:
        yield f"destinations.{name}.import_list_id", own
    loyalty, managed = settings.skills.loyalty, getattr(build_options(settings, name), "loyalty_lists", ())
    if loyalty is not None and managed:
        named = {f"tier {level.name}": level.list_id for level in loyalty.rules.tiers.levels}
        if loyalty.rules.new_customers is not None:
            named["new_customers"] = loyalty.rules.new_customers.list_id
        for rule, list_id in named.items():
            if list_id is not None:
                yield f"the list_id of {rule} in the rules of loyalty", list_id


def _list(name: str, setting: str, list_id: int, answer: Response) -> Finding:
    if answer.status == 404:
        return broken(name, f"there is no list {list_id}: correct {setting}; contacts join none meanwhile")
    if answer.status == 200:
        return fine(name, f"list {list_id} is there")
    return judged(name, answer)


def _hook(answer: Response) -> Finding:
    """Say whether the server of the merchant's webhook is there; what it answers to this is its own affair."""
    if answer.status:
        return fine(notifications.NAME, f"its server answers ({answer.status})")
    kind = answer.body.decode("ascii", "replace")
    return broken(notifications.NAME, f"its server gives no answer ({kind}): check notifications.webhook_url")


def judged(name: str, answer: Response) -> Finding:
    """Say what the answer to a probe means, and what to do about it."""
    section = f"destinations.{name.split(maxsplit=1)[0]}"
    key = f"{section}.api_key"
    match answer.status:
        case 200:
            return fine(name, "answers and takes the key")
        case 401:
            wrong = f"refuses the key (401): put a valid one into {key}; if it is, allow this machine's IP there"
            return broken(name, f"{wrong}, and see that the address is that of the account's region")
        case 403:
            return broken(name, f"the key may not do this (403): give it the permission there, or change {key}")
        case 429:
            return noted(name, "answers, but its budget of calls is spent (429)")
        case 0:
            kind = answer.body.decode("ascii", "replace")
            return broken(name, f"gives no answer ({kind}): check {section}.base_url")
        case status:
            return broken(name, f"answers {status} where 200 was expected")
