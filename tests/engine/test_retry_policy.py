"""The waits between attempts."""

from hypothesis import given
from hypothesis import strategies as st

from worker.engine.retry import RetryPolicy

POLICY = RetryPolicy()


def test_the_steps_grow_up_to_the_cap() -> None:
    assert [2, 8, 32, 128, 512, 2048, 3600, 3600, 3600, 3600] == [POLICY.step(attempt) for attempt in range(1, 11)]


@given(
    attempt=st.integers(1, 10),
    random=st.floats(0, 1, exclude_max=True),
    asked=st.none() | st.floats(0, 7200),
)
def test_a_wait_lies_in_its_step_and_is_never_sooner_than_asked(
    attempt: int, random: float, asked: float | None
) -> None:
    wait = POLICY.wait(attempt, random=random, asked=asked)
    step = POLICY.step(attempt)

    assert wait is not None
    assert max(step / 2, asked or 0) <= wait <= max(step, asked or 0)


@given(
    base=st.floats(0.01, 10),
    factor=st.floats(1, 10),
    cap=st.floats(10, 10_000),
    attempts=st.integers(0, 50),
    random=st.floats(0, 1, exclude_max=True),
)
def test_every_policy_keeps_its_word(base: float, factor: float, cap: float, attempts: int, random: float) -> None:
    policy = RetryPolicy(base=base, factor=factor, cap=cap, attempts=attempts)
    waits = [policy.wait(attempt, random=random) for attempt in range(1, attempts + 2)]

    assert waits.pop() is None
    for attempt, wait in enumerate(waits, 1):
        step = min(cap, base * factor ** (attempt - 1))
        assert wait is not None
        assert step / 2 * 0.999 <= wait <= step * 1.001


def test_the_default_attempts_last_two_hours_at_least() -> None:
    shortest = [POLICY.wait(attempt, random=0.0) or 0.0 for attempt in range(1, POLICY.attempts + 1)]

    assert 2 * 3600 <= sum(shortest) < 2.5 * 3600


def test_the_random_number_decides_within_the_step() -> None:
    assert (1.0, 1.5) == (POLICY.wait(1, random=0.0), POLICY.wait(1, random=0.5))


def test_there_is_no_wait_after_the_last_attempt() -> None:
    assert POLICY.wait(10, random=0.0) is not None
    assert POLICY.wait(11, random=0.0, asked=5.0) is None
