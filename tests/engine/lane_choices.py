"""What the machine of the lanes chooses from."""

from typing import Final, TypeAlias

from hypothesis import strategies as st

from worker.engine.lanes import LaneTimes

Lease: TypeAlias = tuple[str, str, str]

START: Final = 1_763_759_999_000
TIMES: Final = LaneTimes()
LANES: Final = ("d.contacts", "d.orders")
SLOTS: Final = {"map": 2, "d.contacts": 2, "d.orders": 1}
RECORDS: Final = "subject:d"
KEYS: Final = ("k0", "k1", "k2", "k3", "k4")
EVENTS: Final = tuple(digit * 32 for digit in "abcde")
STEPS_MS: Final = (1, 1, 900, 900, 3_999, 4_000, 5_000, 12_000, 60_000, 48 * 3_600_000, 30 * 86_400_000)

a_lane: Final = st.sampled_from(LANES)
any_lane: Final = st.sampled_from(("map", *LANES, *LANES))
a_key: Final = st.sampled_from(KEYS)
pick: Final = st.integers(0, 999)
a_delay: Final = st.sampled_from((0, 0, 500, 2_000, 4_000, 60_000))
an_ending: Final = st.sampled_from(
    (
        {"action": "done", "outcome": "delivered", "health": "ok", "record": '{"v":1}', "image": "i 1"},
        {"action": "done", "outcome": "delivered", "health": "ok", "record": '{"v":2}', "image": "-", "reason": "part"},
        {"action": "done", "outcome": "unchanged"},
        {"action": "done", "outcome": "superseded", "record": "-"},
        {"action": "done", "outcome": "ignored", "reason": "nothing"},
        {"action": "bury", "reason": "http_400", "field": "email", "health": "ok"},
        {"action": "bury", "reason": "gave_up", "health": "fail"},
        {"action": "retry", "health": "fail"},
        {"action": "retry", "health": "fail"},
        {"action": "retry"},
        {"action": "defer"},
        {"action": "defer", "health": "aside"},
        {"action": "hold"},
        {"action": "hold", "record": '{"h":1}', "image": "h 1"},
        {"action": "done", "outcome": "delivered", "health": "ok", "record": "="},
    )
)
