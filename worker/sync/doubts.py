"""What is kept of calls before they start: it is all that is known if their answers never come."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from worker.engine.lanes import Lanes
from worker.sync.destination import DestinationLane
from worker.sync.groups import Group
from worker.sync.preparation import ALONE, STARTED, Prepared


@dataclass(frozen=True, kw_only=True)
class Doubts:
    """The doubts of one lane. `store_ms` is the store's time, by which all workers wait."""

    lane: DestinationLane
    lanes: Lanes
    store_ms: Callable[[], int]

    def keep(self, many: Group) -> Sequence[bool]:
        """Put subjects in doubt before their calls; False for each whose lease is lost."""
        started = {STARTED: self.store_ms()} if any(one.call.starts for one in many) else {}
        doubts = [{**one.call.doubt, **started} if one.call.starts else one.call.doubt for one in many]
        return self._mark(
            [(one, {**one.state.steps, **doubt} if doubt else None) for one, doubt in zip(many, doubts, strict=True)]
        )

    def remember(self, one: Prepared, steps: Mapping[str, Any]) -> bool:
        """Keep the steps that were answered; False when the lease is lost."""
        return self._mark([(one, steps)])[0]

    def go_alone(self, many: Group) -> Group:
        """Let subjects share no call from then on; give them as they are then."""
        alone = [replace(one, state=replace(one.state, steps={**one.state.steps, ALONE: True})) for one in many]
        self._mark([(one, one.state.steps) for one in alone])
        return alone

    def forget_start(self, many: Group) -> None:
        """Take back that calls may have started anything for these, so that nobody waits for that."""
        self._mark([(one, one.state.steps) for one in many if one.call.starts])

    def _mark(self, many: Sequence[tuple[Prepared, Mapping[str, Any] | None]]) -> Sequence[bool]:
        marks = [
            (one.key.key, one.key.token, "" if steps is None else json.dumps(steps, separators=(",", ":")))
            for one, steps in many
        ]
        return self.lanes.mark(self.lane.name, self.lane.records, marks) if marks else ()
