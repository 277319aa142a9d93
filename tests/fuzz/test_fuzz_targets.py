"""Every target is tried for a few seconds with what hypothesis thinks of, and with every input to begin with."""

import random
from itertools import islice

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.fuzz.deliveries import BrokenPromiseError, demand
from tests.fuzz.engines import Finding, at_random, mutants, once
from tests.fuzz.targets import TARGETS, Target

every_target = pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
calmly = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@every_target
def test_no_promise_is_broken_by_what_fuzzing_begins_with(target: Target) -> None:
    for data in target.seeds:
        once(target, data)


@every_target
def test_no_promise_is_broken_by_what_becomes_of_it(target: Target) -> None:
    for data in islice(mutants(target.seeds, random.Random(0)), len(target.seeds), len(target.seeds) + 200):
        once(target, data)


@every_target
@calmly
@given(data=st.data())
def test_no_promise_is_broken_by_any_bytes(target: Target, data: st.DataObject) -> None:
    once(target, data.draw(st.sampled_from(target.seeds)) + data.draw(st.binary(max_size=120)))


@every_target
@example(b"")
@example(b"\xff" * 200)
@calmly
@given(data=st.binary(max_size=300))
def test_no_promise_is_broken_by_bytes_alone(target: Target, data: bytes) -> None:
    once(target, data)


def test_a_target_that_finds_something_says_what_was_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(data: bytes) -> None:
        demand("nothing begins with a b", kept=not data.startswith(b"b"))

    monkeypatch.setitem(TARGETS, "letters", Target(run, (b"a",)))

    found = at_random("letters", 20, 1)

    assert isinstance(found, Finding)
    assert isinstance(found.error, BrokenPromiseError)
    assert found.data.startswith(b"b")
    assert str(found.error) == "nothing begins with a b"


def test_the_same_seed_gives_the_same_inputs() -> None:
    def first(seed: int) -> list[bytes]:
        return list(islice(mutants((b"ab", b"cd"), random.Random(seed)), 200))

    assert first(1) == first(1)
    assert first(1) != first(2)
