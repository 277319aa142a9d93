"""The figures of a deployment as `status` gives them: those of each lane, and what they come to."""

from collections.abc import Sequence
from typing import Any

from worker.commands.deployment import Deployment
from worker.engine.figures import LaneFigures
from worker.engine.lanes import MAP
from worker.scrubbing import scrub_text
from worker.sync.destination import PROCESSES


def overview(deployment: Deployment) -> dict[str, Any]:
    """Give everything `status` shows, as JSON. Rates and latencies are None while there is nothing to tell."""
    figures = deployment.figures
    left = deployment.left()
    lanes = [*(figures.lane(name) for name in deployment.names), *left]
    told = [lane for lane in lanes if lane.lane != MAP]
    return {
        "lanes": {lane.lane: _lane(lane) for lane in lanes},
        **_rates(lanes),
        **_latency(told),
        "queue_depth": sum(sum(lane.states.values()) for lane in lanes),
        "oldest_seconds": round(max(lane.oldest_seconds for lane in lanes), 3),
        "budgets": _budgets(deployment),
        "paused": [
            {"lane": lane.lane, "reason": scrub_text(lane.paused), "seconds": round(max(0.0, lane.paused_seconds), 1)}
            for lane in lanes
            if lane.paused and not lane.lane.endswith(PROCESSES)
        ],
        "unconfigured": {lane.lane: sum(lane.states.values()) for lane in left},
        "faults": {
            lane.destination: [scrub_text(fault) for fault in figures.faults(lane.destination)]
            for lane in deployment.destinations
        },
        "requests": _scrubbed(deployment.requests()),
        "ignored": _scrubbed(figures.ignored()),
        "ingress": figures.ingress(),
        "dead_letters": _scrubbed(figures.dead()),
    }


def _lane(lane: LaneFigures) -> dict[str, Any]:
    return {
        "pushed": lane.pushed,
        **lane.outcomes,
        **lane.states,
        "conserved": lane.conserved,
        "oldest_seconds": round(lane.oldest_seconds, 3),
        **_latency([lane]),
    }


def _rates(lanes: Sequence[LaneFigures]) -> dict[str, float | None]:
    """Give the shares of what has ended: at the destinations, and in the lane of events what could not be mapped."""
    dead = sum(lane.outcomes["dead"] for lane in lanes)
    given_up = dead + sum(lane.outcomes["discarded"] for lane in lanes)
    told = [sum(lane.outcomes.values()) for lane in lanes if lane.lane != MAP]
    unmapped = [lane.outcomes["dead"] + lane.outcomes["discarded"] for lane in lanes if lane.lane == MAP]
    finished = sum(told) + sum(unmapped)
    return {
        "success_rate": round(1 - given_up / finished, 4) if finished else None,
        "error_rate": round(dead / finished, 4) if finished else None,
    }


def _latency(lanes: Sequence[LaneFigures]) -> dict[str, float | None]:
    """Give the latencies of the last 24 hours; of several lanes, the 95th percentile of the slowest."""
    recent = sum(lane.recent for lane in lanes)
    if not recent:
        return {"average_ms": None, "p95_ms": None}
    average = sum(lane.average_ms * lane.recent for lane in lanes) / recent
    return {"average_ms": round(average, 1), "p95_ms": round(max(lane.p95_ms for lane in lanes), 1)}


def _budgets(deployment: Deployment) -> dict[str, list[dict[str, float]]]:
    """Give for each budget the calls that its windows allow and have seen."""
    return {
        name: [
            {"seconds": seconds, "allowed": calls, "used": deployment.limits.used(name, seconds)}
            for calls, seconds in budget.windows
        ]
        for lane in deployment.destinations
        for name, budget in lane.budgets.items()
    }


def _scrubbed(numbers: dict[str, int]) -> dict[str, int]:
    return {scrub_text(name): number for name, number in numbers.items()}
