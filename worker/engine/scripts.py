"""The Lua scripts of the engine: each file of `lua/` behind the shared prelude, called by name."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final, TypeAlias

import redis
import redis.asyncio

Argument: TypeAlias = str | bytes | int | float

_FOLDER: Final = files("worker.engine") / "lua"


@cache
def source(name: str) -> str:
    """Give the text of a script with its prelude."""
    prelude = (_FOLDER / "prelude.lua").read_text(encoding="utf-8")
    return prelude + (_FOLDER / f"{name}.lua").read_text(encoding="utf-8")


def prefix_key(prefix: str) -> str:
    """Give the prefix of all keys: one hash tag, so that a script may touch several lanes at once."""
    return f"{{{prefix}}}"


class Scripts:
    """Runs scripts on a blocking client. `clock` gives milliseconds since 1970, None for the server's own clock."""

    def __init__(self, store: redis.Redis, prefix: str, *, now_ms: int | None = None) -> None:
        self.store = store
        self.prefix = prefix_key(prefix)
        self.now_ms = now_ms
        self._known: dict[str, Any] = {}

    def run(self, name: str, *arguments: Argument) -> Any:  # noqa: ANN401 - each script documents its answer
        """Run a script; its file says what it takes and gives."""
        script = self._known.get(name)
        if script is None:
            script = self._known[name] = self.store.register_script(source(name))
        return script(keys=[self.prefix], args=["" if self.now_ms is None else self.now_ms, *arguments])


class AsyncScripts:
    """Runs scripts on an asyncio client."""

    def __init__(self, store: redis.asyncio.Redis, prefix: str) -> None:
        self.store = store
        self.prefix = prefix_key(prefix)
        self._known: dict[str, Any] = {}

    async def run(self, name: str, *arguments: Argument) -> Any:  # noqa: ANN401 - each script documents its answer
        """Run a script; its file says what it takes and gives."""
        script = self._known.get(name)
        if script is None:
            script = self._known[name] = self.store.register_script(source(name))
        return await script(keys=[self.prefix], args=["", *arguments])


def texts(pairs: list[bytes]) -> Mapping[str, bytes]:
    """Read the flat list of a HGETALL inside a script."""
    return {name.decode(): value for name, value in zip(pairs[::2], pairs[1::2], strict=True)}
