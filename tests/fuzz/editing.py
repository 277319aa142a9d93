"""JSON with some of it changed: the shapes of a real payload, with anything in them."""

import copy
from collections.abc import Sequence
from typing import Any

from tests.fuzz.choices import Choices
from tests.fuzz.corpus import NASTY_VALUES

MOST_EDITS = 6


def edited(value: Any, choices: Choices, donors: Sequence[Any]) -> Any:
    """Give a copy that a few places were changed in; what stands elsewhere in it, or in a donor, may come there."""
    box = [copy.deepcopy(value)]
    for _ in range(choices.below(MOST_EDITS + 1)):
        container, key = choices.pick(places(box))
        match choices.below(8):
            case 0:
                container[key] = copy.deepcopy(choices.pick(NASTY_VALUES))
            case 1 if container is not box:
                del container[key]
            case 2:
                container[key] = choices.text()
            case 3:
                container[key] = int.from_bytes(choices.take(choices.below(12)), "little", signed=True)
            case 4:
                container[key] = [container[key]] if choices.chance() else {"value": container[key]}
            case 5:
                container[key] = _taken_from(choices.pick([box, choices.pick(donors)] if donors else [box]), choices)
            case 6:
                container[key] = _spoilt(container[key], choices)
            case _:
                container[key] = _with_more(container[key], choices)
    return box[0]


def places(value: Any) -> list[tuple[Any, Any]]:
    """Give every (container, key) of a JSON value, the outermost first."""
    found, waiting = [], [value]
    while waiting:
        container = waiting.pop()
        pairs = list(container.items()) if isinstance(container, dict) else list(enumerate(container))
        for key, item in pairs:
            found.append((container, key))
            if isinstance(item, (dict, list)):
                waiting.append(item)
    return found


def _taken_from(value: Any, choices: Choices) -> Any:
    found = places([value])
    container, key = choices.pick(found)
    return copy.deepcopy(container[key])


def _spoilt(value: Any, choices: Choices) -> Any:
    """Give a text with one more, one less or another character; anything else as a text."""
    text = str(value) if not isinstance(value, (dict, list)) else ""
    at = choices.below(len(text) + 1)
    return text[:at] + choices.text(3) + text[at + choices.below(3) :]


def _with_more(value: Any, choices: Choices) -> Any:
    """Give a list with an item twice, an object with a key that is not its own, or a number times ten."""
    if isinstance(value, list):
        return [*value, *copy.deepcopy(value)]
    if isinstance(value, dict):
        return {**value, choices.text(8): copy.deepcopy(choices.pick(NASTY_VALUES))}
    return value * 10 if isinstance(value, int) and not isinstance(value, bool) else [value, copy.deepcopy(value)]
