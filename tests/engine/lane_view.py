"""The whole state of the lanes in one form, read from a store or from the oracle, so that the two can be compared."""

import re
from typing import Any, Final, TypeAlias

import redis

from tests.engine import lane_books
from tests.engine.lane_model import LaneModel
from tests.engine.lane_state import Key

View: TypeAlias = dict[str, Any]

FOLD_ABOVE: Final = 32
_READ: Final = {
    b"hash": lambda pipe, name: pipe.hgetall(name),
    b"zset": lambda pipe, name: pipe.zrange(name, 0, -1, withscores=True),
    b"list": lambda pipe, name: pipe.lrange(name, 0, -1),
    b"set": lambda pipe, name: pipe.smembers(name),
    b"string": lambda pipe, name: pipe.get(name),
}


def dump(store: redis.Redis) -> dict[str, Any]:
    """Read every key of a store: hashes and sorted sets as dicts of text, lists as they are."""
    names: list[bytes] = sorted(store.keys())  # type: ignore[arg-type]
    with store.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.type(name)
        for name, kind in zip(names, pipe.execute(), strict=True):
            _READ[kind](pipe, name)
        values = pipe.execute()
    return {name.decode(): _plain(value) for name, value in zip(names, values, strict=True)}


def _plain(value: Any) -> Any:
    match value:
        case bytes():
            return value.decode()
        case dict():
            return {_plain(key): _plain(one) for key, one in value.items()}
        case set():
            return {_plain(one) for one in value}
        case [[_, float()], *_]:
            return {_plain(member): int(score) for member, score in value}
        case [(_, float()), *_]:
            return {_plain(member): int(score) for member, score in value}
        case _:
            return value


def of_store(store: redis.Redis, prefix: str, now: int) -> View:
    """Read the state of the lanes; a key of the store that nobody knows is shown as a stranger."""
    found = {name.removeprefix(prefix + ":"): value for name, value in dump(store).items()}
    view: View = {"lanes": {}, "strangers": []}
    lanes: dict[str, dict[str, Any]] = {}
    for name, value in found.items():
        if match := re.fullmatch(r"lane:([^:]+):items:(.+)", name):
            lanes.setdefault(match[1], {}).setdefault("items", {})[match[2]] = value
        elif match := re.fullmatch(
            r"lane:([^:]+):(due|leased|held|tokens|taken|attempts|crashes|slots|failing|long|counts|turn|gathering)",
            name,
        ):
            lanes.setdefault(match[1], {})[match[2]] = value
        elif re.fullmatch(r"lane:[^:]+:hour:\d+", name):
            continue
        elif not re.fullmatch(r"(event|pause|dead|subject|book):.+|dead|ignored|sequence|suspect|rows|turns", name):
            view["strangers"].append(name)
    shown = {lane: _lane(parts, now) for lane, parts in lanes.items()}
    view["lanes"] = {lane: one for lane, one in shown.items() if one != _lane({}, 0)}
    view["pauses"] = {name[6:]: value for name, value in found.items() if name.startswith("pause:")}
    view["events"] = {
        name[6:]: _event(value, expires=store.pttl(f"{prefix}:{name}") > 0)
        for name, value in found.items()
        if name.startswith("event:")
    }
    view["letters"] = {
        name: (row["lane"], row["key"], row["reason"], int(row["at"]), found[f"dead:{name}:items"])
        for name in found.get("dead", {})
        if (row := found[f"dead:{name}"])
    }
    view["reasons"] = {name: int(number) for name, number in found.get("dead:reasons", {}).items()}
    view["ignored"] = {name: int(number) for name, number in found.get("ignored", {}).items()}
    view["records"] = {name[8:]: value for name, value in found.items() if name.startswith("subject:")}
    view["books"] = lane_books.of_store(found)
    return view


def _event(row: dict[str, str], *, expires: bool) -> View:
    results = {name[7:]: value for name, value in row.items() if name.startswith("result:")}
    return {"open": int(row["open"]), "body": "body" in row, "expires": expires, "results": results}


def _lane(parts: dict[str, Any], now: int) -> View:
    items = parts.get("items", {})
    states = {
        state: parts.get(name, {}) for state, name in (("waiting", "due"), ("leased", "leased"), ("held", "held"))
    }
    keys: View = {name: [] for name in items}
    for state, members in states.items():
        for name, when in members.items():
            keys.setdefault(name, []).append((state, when))
    numbers = {name: int(number) for name, number in parts.get("counts", {}).items() if int(number)}
    return {
        "keys": {name: {"states": places, "items": items.get(name, [])} for name, places in keys.items()},
        "tokens": parts.get("tokens", {}),
        "taken": _numbers(parts.get("taken", {})),
        "attempts": _numbers(parts.get("attempts", {})),
        "crashes": _numbers(parts.get("crashes", {})),
        "slots": {slot: until for slot, until in parts.get("slots", {}).items() if until > now},
        "failing": parts.get("failing", set()),
        "long": parts.get("long", set()),
        "gathering": parts.get("gathering", set()),
        "counts": numbers,
    }


def _numbers(row: dict[str, str]) -> dict[str, int]:
    return {name: int(value) for name, value in row.items()}


def of_model(model: LaneModel) -> View:
    """Show the oracle's state in the same form; the counts of what waits come from the items themselves."""
    names = {*model.lanes, *model.slots, *model.tally}
    return {
        "lanes": {lane: shown for lane in names if (shown := _model_lane(model, lane)) != _lane({}, 0)},
        "strangers": [],
        "pauses": {
            scope: {"reason": one.reason, "until": str(one.until), "since": str(one.since), "times": str(one.times)}
            | ({"probing": one.probing} if one.probing else {})
            for scope, one in model.pauses.items()
        },
        "events": {
            name: {
                "open": event.open,
                "body": not event.closed,
                "expires": event.closed,
                "results": event.results,
            }
            for name, event in model.events.items()
        },
        "letters": {
            name: (letter.lane, letter.key, letter.reason, letter.at, letter.items)
            for name, letter in model.letters.items()
        },
        "reasons": _counted(f"{letter.lane} {letter.reason}" for letter in model.letters.values()),
        "ignored": dict(model.ignored),
        "records": {f"d:{name}": record for name, record in model.records.items() if record},
        "books": model.books.view(),
    }


def _counted(names: Any) -> dict[str, int]:
    counted: dict[str, int] = {}
    for name in names:
        counted[name] = counted.get(name, 0) + 1
    return counted


def _model_lane(model: LaneModel, lane: str) -> View:
    keys = model.lanes[lane]
    return {
        "keys": {name: {"states": [(key.state, key.when)], "items": key.items} for name, key in keys.items()},
        "tokens": {name: key.token for name, key in keys.items() if key.state != "waiting"},
        "taken": {name: key.taken for name, key in keys.items() if key.state != "waiting"},
        "attempts": {name: key.attempts for name, key in keys.items() if key.attempts},
        "crashes": {name: key.crashes for name, key in keys.items() if key.crashes},
        "slots": model.live_slots(lane),
        "failing": model.failing[lane],
        "long": {name for name, key in keys.items() if len(key.items) > FOLD_ABOVE},
        "gathering": model.gathering[lane],
        "counts": _counts(model, lane, keys),
    }


def _counts(model: LaneModel, lane: str, keys: dict[str, Key]) -> dict[str, int]:
    counts = dict(model.tally[lane])
    counts["waiting"] = sum(len(key.items) - key.taken for key in keys.values())
    counts["leased"] = sum(key.taken for key in keys.values() if key.state == "leased")
    counts["held"] = sum(key.taken for key in keys.values() if key.state == "held")
    counts["dead"] = sum(len(letter.items) for letter in model.letters.values() if letter.lane == lane)
    return {name: number for name, number in counts.items() if number}
