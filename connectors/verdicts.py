"""What a destination's answer means for the worker: one class per next action."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from connectors.calls import Call


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivered:
    """The destination holds the state now. `known` replaces what is known of the subject there."""

    known: "Mapping[str, Any]" = field(default_factory=dict, repr=False)
    notes: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryLater:
    """It did not work this time; counts an attempt. `after` is the seconds to wait at least: as a rule those that the
    destination asked for. `arrived` says that the call may have arrived all the same.
    """

    reason: str
    after: float | None = None
    arrived: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Rejected:
    """The destination will never take this; a person must look. `field` names what it refused.

    `told` are the milestones of an order that it took all the same.
    """

    reason: str
    field: str | None = None
    detail: str = ""
    told: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class BudgetSpent:
    """Too many calls of this class; `after` seconds until the next may start. Counts no attempt."""

    after: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Down:
    """Nothing will get through until somebody acts: the whole destination, or this lane only. Counts no attempt."""

    scope: Literal["destination", "lane"]
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Follow:
    """Another call comes next. `step` is kept before that call starts and is never asked again after a crash."""

    call: Call
    step: "Mapping[str, Any]" = field(default_factory=dict, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Again:
    """The call was refused as a whole, perhaps for another's sake; this subject is to be tried without the bad ones.

    Of a call in which every subject has this verdict the halves are tried, down to single subjects.
    """

    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Accepted:
    """The destination works on it by itself: the subject is held until its process has ended.

    `process` names it there, `row` is by what its report will name the subject (JSON). `known` replaces what is known
    of the subject once the process has ended well.
    """

    process: str
    row: Any = field(default=None, repr=False)
    known: "Mapping[str, Any]" = field(default_factory=dict, repr=False)
    notes: tuple[str, ...] = ()


Verdict: TypeAlias = Delivered | RetryLater | Rejected | BudgetSpent | Down | Follow | Again | Accepted
