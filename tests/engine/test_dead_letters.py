"""Listing, driving again and discarding what was buried."""

from dataclasses import replace

from msgspec import structs

from tests.engine.bench import LANE, Bench


def bury(bench: Bench, key: str, reason: str = "http_400", *, lane: str = LANE, items: int = 1) -> None:
    bench.push(*[key] * items, lane=lane)
    bench.settle(bench.take(lane), lane=lane, action="bury", outcome="", reason=reason)


def test_letters_are_listed_oldest_first(bench: Bench) -> None:
    for key in ("c", "a", "b"):
        bury(bench, key)
        bench.wait(1)

    assert ["c", "a", "b"] == [letter.key for letter in bench.letters.each()]


def test_letters_are_found_by_destination_reason_and_time(bench: Bench) -> None:
    bury(bench, "a")
    bury(bench, "b", lane="custobar.contacts")
    bench.wait(10)
    bury(bench, "c", "gave_up")

    assert ["a", "c"] == [letter.key for letter in bench.letters.each(destination="brevo")]
    assert ["a", "b"] == [letter.key for letter in bench.letters.each(reason="http_400")]
    assert ["c"] == [letter.key for letter in bench.letters.each(since_ms=bench.now)]
    assert [] == list(bench.letters.each(destination="brev"))


def test_more_letters_than_one_page_are_listed(bench: Bench) -> None:
    bench.push(*[f"k{number}" for number in range(601)])
    bench.settle(*bench.claim(601).keys, action="bury", outcome="", reason="r")

    assert 601 == len({letter.key for letter in bench.letters.each()})


def test_a_letter_is_got_by_its_id(bench: Bench) -> None:
    bury(bench, "a")
    (letter,) = bench.dead()

    assert letter == bench.letters.get(letter.id)
    assert bench.letters.get("nonsense") is None


def test_a_retried_letter_is_delivered_again(bench: Bench) -> None:
    bury(bench, "a", items=3)
    (letter,) = bench.dead()
    bench.fall_asleep()

    assert bench.letters.retry(letter, lambda item: structs.replace(item, body=b'{"forced":1}')), "the lane is woken"

    key = bench.take()
    assert [b'{"forced":1}'] * 3 == [item.body for item in key.items]
    assert {"pushed": 3, "leased": 3} == bench.counts()
    assert 0 == key.attempts
    bench.settle(key)
    assert {"pushed": 3, "delivered": 3} == bench.counts()
    assert not bench.store.exists("{t}:dead", "{t}:dead:reasons")


def test_a_letter_is_retried_once(bench: Bench) -> None:
    bury(bench, "a")
    (letter,) = bench.dead()
    assert bench.letters.retry(letter, lambda item: item) is not None

    assert bench.letters.retry(letter, lambda item: item) is None
    assert 0 == bench.letters.discard(letter)
    assert {"pushed": 1, "waiting": 1} == bench.counts()


def test_a_letter_with_other_items_is_not_retried(bench: Bench) -> None:
    bury(bench, "a", items=2)
    (letter,) = bench.dead()

    assert bench.letters.retry(replace(letter, items=letter.items[:1]), lambda item: item) is None
    assert {"pushed": 2, "dead": 2} == bench.counts()


def test_retried_items_wait_behind_what_the_key_waits_for(bench: Bench) -> None:
    bury(bench, "a")
    bench.push("a")
    bench.settle(bench.take(), action="retry", outcome="", health="", delay_ms=1000)
    (letter,) = bench.dead()
    bench.letters.retry(letter, lambda item: item)

    assert "idle" == bench.claim().state
    bench.wait(1000)
    assert 2 == len(bench.take().items)


def test_a_discarded_letter_is_counted(bench: Bench) -> None:
    bury(bench, "a", items=2)
    (letter,) = bench.dead()

    assert (2, 0) == (bench.letters.discard(letter), bench.letters.discard(letter))
    assert {"pushed": 2, "discarded": 2} == bench.counts()
    assert not bench.store.exists("{t}:dead", "{t}:dead:reasons", f"{{t}}:dead:{letter.id}:items")


def test_letters_are_counted_by_reason(bench: Bench) -> None:
    for key in ("a", "b"):
        bury(bench, key)
    bury(bench, "c", "gave_up")
    bench.letters.discard(bench.dead()[0])

    counted = bench.store.hgetall("{t}:dead:reasons")

    assert {b"brevo.contacts http_400": b"1", b"brevo.contacts gave_up": b"1"} == counted
