"""The figures of `status` as tables."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from rich.console import Group, RenderableType

from worker.commands.reporting import pairs, rows

# The other columns are shown where there is anything in them.
_ALWAYS: Final = frozenset({"pushed", "delivered", "dead", "waiting", "oldest_seconds", "average_ms"})
_UNITS: Final = ((86_400, "d"), (3600, "h"), (60, "min"))


def panels(seen: Mapping[str, Any]) -> Group:
    """Give the tables for what `overview` gave; those with nothing in them are left out."""
    return Group(*_panels(seen))


def _panels(seen: Mapping[str, Any]) -> Iterator[RenderableType]:
    lanes: Mapping[str, Mapping[str, Any]] = seen["lanes"]
    names = [
        name for name in next(iter(lanes.values())) if name in _ALWAYS or any(lane[name] for lane in lanes.values())
    ]
    names = [name for name in names if name != "conserved" or not all(lane[name] for lane in lanes.values())]
    lines = [(lane, *(_cell(name, shown[name]) for name in names)) for lane, shown in lanes.items()]
    yield rows("lanes", ("lane", *(_label(name) for name in names)), lines, numbers=True)
    over_all = ("success_rate", "error_rate", "average_ms", "p95_ms", "queue_depth", "oldest_seconds")
    yield pairs("over all", {_label(name): _cell(name, seen[name]) for name in over_all})
    budgets = {
        f"{name}, {_duration(window['seconds'])}": f"{window['used']} of {window['allowed']}"
        for name, windows in seen["budgets"].items()
        for window in windows
    }
    faults = {destination: "\n".join(found) for destination, found in seen["faults"].items() if found}
    paused = {one["lane"]: f"{one['reason']}, for {_duration(one['seconds'])} more" for one in seen["paused"]}
    unconfigured = {lane: f"{number} waiting until it is" for lane, number in seen["unconfigured"].items()}
    listed = {
        "budgets used": budgets,
        "paused": paused,
        "not configured": unconfigured,
        "faults of the last day": faults,
        "requests that wait for a person": seen["requests"],
        "dead letters": seen["dead_letters"],
        "ignored": seen["ignored"],
        "webhooks": seen["ingress"],
    }
    for title, values in listed.items():
        if values:
            yield pairs(title, values)


def _label(name: str) -> str:
    return name.removesuffix("_ms").removesuffix("_seconds").replace("_", " ").replace("oldest", "oldest waiting")


def _cell(name: str, value: Any) -> str:  # noqa: ANN401 - JSON
    if value is None:
        return "-"
    if name.endswith("_rate"):
        return f"{value:.1%}"
    if name.endswith("_ms"):
        return f"{value:.0f} ms"
    if name.endswith("_seconds"):
        return _duration(value)
    if isinstance(value, bool):
        return "yes" if value else "NO"
    return str(value)


def _duration(seconds: float) -> str:
    for length, unit in _UNITS:
        if seconds >= length:
            return f"{seconds / length:g} {unit}" if seconds % length == 0 else f"{seconds / length:.1f} {unit}"
    return f"{seconds:g} s" if seconds == int(seconds) else f"{seconds:.1f} s"
