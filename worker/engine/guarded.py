"""Writes that go with an event, if nothing they build on has changed since it was read."""

from collections.abc import Sequence
from typing import Final

import msgspec

from worker.engine.scripts import Argument


class Guarded(msgspec.Struct, frozen=True, kw_only=True):
    """What is written with an event, if each of these keys has the revision that it had when it was read.

    `revisions` are (key, revision), "" for a key that is not there. `writes` are commands: name, key, arguments.
    """

    revisions: Sequence[tuple[str, str]]
    writes: Sequence[Sequence[Argument]]

    def arguments(self) -> list[Argument]:
        """Give the fields in the order of the script."""
        flat: list[Argument] = [len(self.revisions)]
        for revision in self.revisions:
            flat += revision
        flat.append(len(self.writes))
        for command, *rest in self.writes:
            flat += (command, len(rest), *rest)
        return flat


NOTHING_WRITTEN: Final = Guarded(revisions=(), writes=())
