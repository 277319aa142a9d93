"""Subjects of one portion that share a call, and what its answer means for them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from connectors.verdicts import Accepted, Again, Follow, RetryLater, Verdict
from worker.sync.preparation import Prepared

Group: TypeAlias = list[Prepared]


def groups(many: Sequence[Prepared]) -> list[Group]:
    """Put those together that share a call."""
    found: dict[int, Group] = {}
    for one in many:
        found.setdefault(id(one.call), []).append(one)
    return by_size(list(found.values()))


def by_size(many: list[Group]) -> list[Group]:
    """Put the large ones first: the lease of a key is dearest while it waits for the others."""
    return sorted(many, key=len, reverse=True)


def goes_alone(verdict: Verdict) -> bool:
    """Say whether a subject is to be tried again: what follows for one of many is found out when it goes alone."""
    return isinstance(verdict, Again | Follow)


def outlasting(verdicts: Mapping[str, Verdict], seconds: float) -> Mapping[str, Verdict]:
    """Let those whose call may have started a process, and nobody knows which, wait for longer than it runs."""
    return {
        subject: replace(verdict, after=max(verdict.after or 0.0, seconds))
        if isinstance(verdict, RetryLater) and verdict.arrived
        else verdict
        for subject, verdict in verdicts.items()
    }


def starts_nothing(verdict: Verdict) -> bool:
    """Say whether it is known of a call that would start a process that it did not."""
    return not isinstance(verdict, Accepted) and not (isinstance(verdict, RetryLater) and verdict.arrived)
