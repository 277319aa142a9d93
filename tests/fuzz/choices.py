"""Bytes as decisions: what a fuzzer changes in them changes what is tried."""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Choices:
    """Takes decisions from the front of some bytes; when they are used up, every decision is the first there is."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        """Take up to so many bytes."""
        taken = self._data[self._at : self._at + count]
        self._at += len(taken)
        return taken

    def rest(self) -> bytes:
        """Take all that is left."""
        return self.take(len(self._data))

    def below(self, bound: int) -> int:
        """Take a number from 0 up to, not including, the bound."""
        return int.from_bytes(self.take(1 if bound <= 256 else 2), "little") % bound

    def pick(self, options: Sequence[T]) -> T:
        """Take one of these."""
        return options[self.below(len(options))]

    def chance(self) -> bool:
        """Take yes or no; no when nothing is left."""
        return bool(self.below(2))

    def text(self, longest: int = 40) -> str:
        """Take a text of any characters but lone surrogates."""
        return self.take(self.below(longest + 1)).decode("utf-8", "replace")

    def latin(self, longest: int = 40) -> str:
        """Take a text as headers hold it."""
        return self.take(self.below(longest + 1)).decode("latin-1")
