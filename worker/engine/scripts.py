"""The Lua scripts of the engine: each file of `lua/` behind the shared prelude, called by name."""

from collections.abc import Callable, Mapping
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
    """Runs scripts on a blocking client. `now_ms` gives milliseconds since 1970, None is the server's own clock."""

    def __init__(self, store: redis.Redis, prefix: str, *, now_ms: Callable[[], int] | None = None) -> None:
        self.store = store
        self.prefix = prefix_key(prefix)
        self.now_ms = now_ms
        self._known: dict[str, Any] = {}

    def run(self, name: str, *arguments: Argument) -> Any:  # noqa: ANN401 - each script documents its answer
        """Run a script; its file says what it takes and gives."""
        script = self._known.get(name)
        if script is None:
            script = self._known[name] = self.store.register_script(source(name))
        return script(keys=[self.prefix], args=["" if self.now_ms is None else self.now_ms(), *arguments])

    def time_ms(self) -> int:
        """Give the time that the scripts live by: the server's, so that workers' clocks need not agree."""
        if self.now_ms is not None:
            return self.now_ms()
        seconds, micros = self.store.time()
        return int(seconds) * 1000 + int(micros) // 1000


class AsyncScripts:
    """Runs scripts on an asyncio client."""

    def __init__(self, store: redis.asyncio.Redis, prefix: str) -> None:
        self.store = store
        self.prefix = prefix_key(prefix)
        self._known: dict[str, Any] = {}

    async def run(self, name: str, *arguments: Argument) -> Any:  # noqa: ANN401 - each script documents its answer
        """Run a script; its file says what it takes and gives."""
        return await self._script(name)(keys=[self.prefix], args=["", *arguments])

    async def run_copied(self, name: str, replicas: int, wait_ms: int, *arguments: Argument) -> tuple[Any, int]:
        """Run a script and wait in the same round trip until so many replicas have what it wrote; say how many do."""
        sha = self._script(name).sha
        for known in (True, False):
            if not known:
                await self.store.script_load(source(name))
            async with self.store.pipeline(transaction=False) as pipe:
                pipe.evalsha(sha, 1, self.prefix, "", *arguments)
                pipe.execute_command("WAIT", replicas, wait_ms)
                answer, copies = await pipe.execute(raise_on_error=False)
            if not isinstance(answer, redis.exceptions.NoScriptError):
                break
        for said in (answer, copies):
            if isinstance(said, Exception):
                raise said
        return answer, copies

    def _script(self, name: str) -> Any:  # noqa: ANN401 - redis has no public name for the type
        script = self._known.get(name)
        if script is None:
            script = self._known[name] = self.store.register_script(source(name))
        return script


def texts(pairs: list[bytes]) -> Mapping[str, bytes]:
    """Read the flat list of a HGETALL inside a script."""
    return {name.decode(): value for name, value in zip(pairs[::2], pairs[1::2], strict=True)}
