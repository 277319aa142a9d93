"""Two workers book the same few accounts at the same time: nobody's work is lost, nobody's is done twice."""

import random
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.loyalty.bench import Bench, TrickyLanes, Worked
from tests.loyalty.checks import faults
from tests.loyalty.histories import History, history
from tests.loyalty.orders import SECOND
from worker.engine.lanes import MAP, Finish, Lanes, Mapped
from worker.sync import map_drain

RULES: dict[str, Any] = {
    "tiers": {"levels": [{"name": "Bronze", "threshold": 0}, {"name": "Gold", "threshold": 300, "multiplier": 2}]},
    "bonuses": {"first_purchase": 20, "referral": {"buyer": 10, "referrer": 50}},
    "window_days": 2000,
}


def busy(draw: random.Random) -> History:
    """Give several histories of the same customers as one."""
    whole = max((history(draw) for _ in range(30)), key=lambda one: len(one.told))
    assert len(whole.told) > 20
    return whole


class Meeting:
    """A place between booking and writing, where the workers wait for each other."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.finishes: Counter[Finish] = Counter()
        self.failed: list[BaseException] = []
        self.barrier = threading.Barrier(2)
        monkeypatch.setattr(map_drain, "KEYS_PER_CLAIM", 2)
        monkeypatch.setattr(TrickyLanes, "finish_map", self.finish_map)

    def finish_map(self, mapped: Sequence[Mapped]) -> tuple[list[Finish], list[tuple[str, str]]]:
        try:
            self.barrier.wait(timeout=0.1)
        except threading.BrokenBarrierError:
            self.barrier.reset()
        answer = self.lanes.finish_map(mapped)
        self.finishes.update(answer[0])
        return answer

    def work(self, workers: Sequence[Worked]) -> None:
        """Let each worker run in a thread until nothing is due."""
        self.lanes = Lanes(workers[0].lanes.scripts, workers[0].lanes.times)
        threads = [threading.Thread(target=self._run, args=(one, f"w{at}")) for at, one in enumerate(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)

    def _run(self, worked: Worked, name: str) -> None:
        try:
            for _ in range(100):
                if not worked.lanes.due(MAP):
                    return
                replace(worked.drain, slots=1000).run(name)  # those that claims wake never come
        except BaseException as error:  # noqa: BLE001 - told by the test
            self.failed.append(error)


@pytest.mark.parametrize("seed", range(4))
def test_two_workers_book_the_same_accounts(
    real_store: redis.Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    meeting, whole = Meeting(monkeypatch), busy(random.Random(seed))
    real_store.flushall()
    benches = [Bench(real_store, tmp_path) for _ in range(2)]
    workers = [bench.worked(RULES) for bench in benches]
    for bench in benches:
        bench.now = whole.end
    people = [one for one in whole.told if one.event.startswith("customer")]
    for told in people:
        benches[0].keep(workers[0], told)
    meeting.work(workers[:1])
    for told in whole.told:
        if told not in people:
            benches[0].keep(workers[0], told)

    meeting.work(workers)
    benches[0].now += 10 * SECOND
    meeting.work(workers[:1])

    assert meeting.failed == []
    assert faults(benches[0], workers[0], RULES, whole) == []
    assert meeting.finishes["lost"] == 0
    assert meeting.finishes["outdated"] > 0
