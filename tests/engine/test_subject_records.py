"""Subject records and events come back as they were written."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.engine.events import Event, event_id
from worker.engine.subjects import SubjectRecord, Version, pack_facets, unpack_facets

moments = st.integers(0, 2**42)
versions: st.SearchStrategy[Version] = st.tuples(st.integers(0, 2), moments, st.integers(0, 9), st.integers(0, 2**53))
names = st.text(min_size=1, max_size=8)
values: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(max_size=8)
    | st.lists(st.text(max_size=4), max_size=3)
)
facets = st.dictionaries(names, st.tuples(values, versions), max_size=5)


@given(facets)
def test_facets_come_back_as_they_were_packed(some: dict[str, Any]) -> None:
    back = unpack_facets(pack_facets(some))

    assert some == back
    assert [type(value) for value, _ in some.values()] == [type(back[name][0]) for name in some]


@given(
    record=st.builds(
        SubjectRecord,
        versions=st.dictionaries(names, versions, max_size=5),
        consents=st.dictionaries(st.sampled_from(("email", "sms")), st.tuples(st.booleans(), versions)),
        kept=facets,
        known=st.dictionaries(names, values, max_size=3),
    )
)
def test_a_record_comes_back_as_it_was_packed(record: SubjectRecord) -> None:
    packed = record.pack()
    assert record == SubjectRecord.unpack({"known": packed if isinstance(packed, bytes) else packed.encode()})


def test_a_subject_never_delivered_has_an_empty_record() -> None:
    assert SubjectRecord() == SubjectRecord.unpack({})


def test_what_other_scripts_write_is_read_beside_the_record() -> None:
    record = SubjectRecord.unpack({"image": b"abc 1763759999000", "doubt": b"1", "steps": b'{"contact":7}'})

    assert ("abc", 1_763_759_999_000, True, {"contact": 7}) == (
        record.image,
        record.image_ms,
        record.doubt,
        record.steps,
    )


def test_an_event_comes_back_from_its_head() -> None:
    event = Event(
        id="0" * 32,
        source="shop",
        topic="orders/create",
        delivery_id='ä"\n',
        received_us=1_763_759_999_123_456,
        body=b"\xff",
    )

    assert event == Event.of(event.id, event.head().encode(), event.body)
    assert "\n" not in event.head()


@pytest.mark.parametrize(
    "other",
    [
        ("s2", "t", "d", b"b"),
        ("s", "t2", "d", b"b"),
        ("s", "t", "d2", b"b"),
        ("s", "t", "d", b"b2"),
        ("s", "", "t\nd", b"b"),
    ],
)
def test_events_that_differ_have_different_ids(other: tuple[str, str, str, bytes]) -> None:
    assert event_id("s", "t", "d", b"b") != event_id(*other)


def test_the_same_delivery_has_the_same_id() -> None:
    assert event_id("s", "t", "d", b"b") == event_id("s", "t", "d", b"b")
    assert 32 == len(event_id("s", "t", "d", b"b"))
