"""Sets whose elements come and go one by one, or are listed whole, in any order of arrival."""

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from worker.engine.subjects import Facet, SubjectRecord
from worker.sync.facets import fold
from worker.sync.kinds import KINDS
from worker.sync.news import after_telling, news
from worker.sync.sets import MOST, TAGS

Facets = dict[str, Facet]


def whole(minute: int, *tags: str) -> Facets:
    return {"tags": (list(tags), (1, minute, 20, minute))}


def added(minute: int, *tags: str) -> Facets:
    return {f"tag:{tag}": (True, (1, minute, 20, minute)) for tag in tags}


def removed(minute: int, *tags: str) -> Facets:
    return {f"tag:{tag}": (None, (1, minute, 20, minute)) for tag in tags}


def tags(*changes: Facets) -> set[str]:
    (found,) = {frozenset(TAGS.elements(fold(order)).values) for order in permutations(changes)}
    return set(found)


def test_what_was_added_after_the_list_is_in_the_set() -> None:
    assert {"a", "b"} == tags(whole(1, "a"), added(2, "b"))


def test_what_was_added_before_the_list_and_is_not_in_it_is_not_in_the_set() -> None:
    assert {"a"} == tags(whole(2, "a"), added(1, "b"))


def test_what_was_removed_after_the_list_is_not_in_the_set() -> None:
    assert {"b"} == tags(whole(1, "a", "b"), removed(2, "a"))


def test_what_was_removed_before_the_list_and_is_in_it_is_in_the_set() -> None:
    assert {"a"} == tags(whole(2, "a"), removed(1, "a"))


def test_without_a_list_the_set_is_not_whole() -> None:
    found = TAGS.elements(fold([added(1, "a"), removed(2, "b")]))

    assert (False, ["a"], ("b",)) == (found.whole, list(found.values), found.gone)


def test_a_cleared_list_is_an_empty_set() -> None:
    found = TAGS.elements({"tags": (None, (1, 1, 1, 1))})

    assert (True, {}) == (found.whole, found.values)


changes = st.lists(
    st.builds(
        lambda make, minute, names: make(minute, *names),
        st.sampled_from((whole, added, removed)),
        st.integers(1, 9),
        st.lists(st.sampled_from("abc"), max_size=3, unique=True),
    ),
    max_size=6,
)


@given(changes, changes)
def test_what_is_kept_of_a_set_gives_the_same_set_with_whatever_comes_later(
    before: list[Facets], after: list[Facets]
) -> None:
    whole_story = TAGS.elements(fold([*before, *after]))
    remembered = TAGS.elements(fold([TAGS.kept(fold(before)), *after]))

    assert (whole_story.whole, dict(whole_story.values)) == (remembered.whole, dict(remembered.values))


def test_a_set_that_grows_without_end_is_cut() -> None:
    many = fold(added(minute, f"t{minute}") for minute in range(MOST + 9))

    kept = TAGS.kept(many)

    assert MOST == len(kept)
    assert "tag:t0" not in kept


def test_the_record_forgets_the_elements_that_a_newer_list_settled() -> None:
    record = SubjectRecord()
    came_and_went: list[Facets] = [{f"tag:{n}": (None if n % 2 else True, (1, n, 0, n))} for n in range(50)]
    for facets in [*came_and_went, {"tags": (["a"], (1, 99, 0, 99))}]:
        found = news(KINDS["customer"], record, [facets])
        assert found is not None
        record = after_telling(KINDS["customer"], record, found, {})

    assert {"tags"} == set(record.versions) == set(record.kept)


def test_an_element_that_comes_after_a_newer_list_is_no_news() -> None:
    record = SubjectRecord(versions={"tags": (1, 99, 0, 99)}, kept={"tags": (["a"], (1, 99, 0, 99))})

    assert news(KINDS["customer"], record, [{"tag:b": (True, (1, 5, 0, 5))}]) is None
