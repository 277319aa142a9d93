"""How many signed webhooks one server process takes: ours, the naive peer's, and an endpoint that does nothing."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from statistics import median
from typing import Any, Final

from benchmarks.ground import PREFIX, BenchmarkError, Fsync, Ground, ground, say, wait_until
from benchmarks.load import CONNECTIONS, Load, Round, load
from benchmarks.showing import Bar
from worker.commands.up import PROTOCOL

ROUNDS: Final = 3
EVENTS: Final = 40_000  # with more the store would begin to rewrite its append-only file in the middle of our rounds
WARM_UP: Final = 4 * CONNECTIONS
STORED_SECONDS: Final = 20.0

BARS: Final = (
    Bar("ratio_to_naive", at_least=10.0),
    Bar("always_ratio_to_naive", at_least=6.0),
    Bar("share_of_empty", at_least=0.3),
    Bar("ours_p99_ms", below="naive_p50_ms"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Peer:
    """A server under measurement. `stored` counts the webhooks that lie in the store, None where none shall."""

    name: str
    serve: Callable[[Ground], AbstractContextManager[int]]
    stored: Callable[[Ground], int] | None
    share: float
    fsync: Fsync = "everysec"


def run(*, events: int | None) -> dict[str, Any]:
    """Measure all peers in turn, three rounds of each, and give the medians.

    Raises: BenchmarkError when a webhook was answered 202 and is not in the store.
    """
    events = events or EVENTS
    naive = Peer(name="naive", serve=_serve_naive, stored=_stored_naive, share=0.1)
    ours = Peer(name="ours", serve=_serve_ours, stored=_stored_ours, share=1.0)
    empty = Peer(name="empty", serve=_serve_empty, stored=None, share=3.0)
    # Both peers under `appendfsync always` besides: the second ratio compares like with like.
    always = [replace(peer, name=f"{peer.name}, always", fsync="always") for peer in (naive, ours)]
    peers = [naive, ours, empty, *always]
    rounds: dict[str, list[Round]] = {peer.name: [] for peer in peers}
    with ground() as place, load(place.secret, events + WARM_UP) as sender:
        place.configure("http://127.0.0.1:9/v3")
        for number in range(ROUNDS):
            for peer in peers:
                found = _round(place, sender, peer, max(CONNECTIONS, int(events * peer.share)))
                rounds[peer.name].append(found)
                say(f"round {number + 1}, {peer.name}: {found.rps:,.0f}/s, p50 {found.p50_ms:.1f} ms")
    rps = {name: median(one.rps for one in many) for name, many in rounds.items()}
    return {
        "naive_rps": round(rps["naive"], 1),
        "ours_rps": round(rps["ours"], 1),
        "empty_rps": round(rps["empty"], 1),
        "ratio_to_naive": round(rps["ours"] / rps["naive"], 2),
        "always_ratio_to_naive": round(rps["ours, always"] / rps["naive, always"], 2),
        "share_of_empty": round(rps["ours"] / rps["empty"], 3),
        "ours_p99_ms": round(median(one.p99_ms for one in rounds["ours"]), 2),
        "naive_p50_ms": round(median(one.p50_ms for one in rounds["naive"]), 2),
    }


def _round(place: Ground, sender: Load, peer: Peer, number: int) -> Round:
    place.clear(peer.fsync)
    with peer.serve(place) as port:
        found = sender.round(port, warm_up=WARM_UP, number=number)
        if peer.stored is not None:
            _check(place, peer.stored, WARM_UP + number)
    return found


def _check(place: Ground, stored: Callable[[Ground], int], answered: int) -> None:
    """Demand that what was answered 202 is in the store; what our spool held meanwhile may come late."""
    wait_until(lambda: stored(place) >= answered, "webhooks answered 202 are not in the store", seconds=STORED_SECONDS)
    if stored(place) != answered:
        raise BenchmarkError("more webhooks are in the store than were sent")


def _serve_ours(place: Ground) -> AbstractContextManager[int]:
    configuration = str(place.folder / "commerce-sync.yaml")
    return place.server("--factory", "worker.web:create", http=PROTOCOL, COMMERCE_SYNC_CONFIG=configuration)


def _serve_naive(place: Ground) -> AbstractContextManager[int]:
    return place.server("benchmarks.naive.web:app", SHOPIFY_WEBHOOK_SECRET=place.secret)


def _serve_empty(place: Ground) -> AbstractContextManager[int]:
    return place.server("benchmarks.empty:app")


def _stored_ours(place: Ground) -> int:
    """Count the events themselves, each with its body, not what some counter says of them."""
    names = set(place.store.scan_iter(f"{{{PREFIX}}}:event:*", count=5000))
    with place.store.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.hexists(name, "body")
        bodies = [bool(held) for held in pipe.execute()]
    waiting: int = place.store.zcard(f"{{{PREFIX}}}:lane:map:due")
    return min(sum(bodies), waiting)


def _stored_naive(place: Ground) -> int:
    waiting: int = place.store.llen("celery")
    return waiting
