"""Brevo refuses, throttles, fails and revokes the key; nothing is lost, and nothing is asked more than it should be."""

import itertools
import json
import time
from typing import Any

import pytest

pytestmark = pytest.mark.journey

LANE = "brevo.contacts"
ATTEMPTS = "{commerce-sync}:lane:brevo.contacts:attempts"
REFUSAL = {"code": "invalid_parameter", "message": "Invalid email address"}


def post_all(shop: Any, bodies: list[Any], topic: str = "customers/update") -> None:
    assert [shop.post("shopify", topic, body) for body in bodies] == [202] * len(bodies)


def dead(shop: Any) -> int:
    number: int = shop.lanes()[1].outcomes["dead"]
    return number


def test_refused_record_is_one_dead_letter_and_its_neighbours_arrive(shop: Any, customer: Any) -> None:
    people = [customer(1) for _ in range(20)]
    shop.fault(email=people[7]["email"], status=400, body=REFUSAL, times=None)
    before = dead(shop)
    post_all(shop, people)
    shop.await_idle()
    (letter,) = shop.letters(f"customer:shopify:{people[7]['id']}")

    assert (letter.reason, letter.field, dead(shop) - before) == ("invalid_parameter", "email", 1)
    assert [shop.contact(one["email"]) is not None for one in people] == [one is not people[7] for one in people]


def test_dead_letter_that_is_retried_sends_the_newest_state_only(shop: Any, customer: Any) -> None:
    first = customer(1, phone="+4930123888")
    number, email = first["id"], first["email"]
    shop.fault(email=email, status=400, body=REFUSAL, times=None)
    shop.tell("shopify", "customers/create", first)
    shop.tell("shopify", "customers/update", customer(2, number, first_name="Second"))
    letters = shop.letters(f"customer:shopify:{number}")
    assert len(letters) == 2

    shop.calm()
    shop.tell("shopify", "customers/update", customer(3, number, first_name="Third"))
    said = shop.command("dead-letters", "retry", *(letter.id for letter in letters))
    shop.await_idle()
    held = shop.contact(email)["attributes"]

    assert said["retried"] == [letter.id for letter in letters]
    assert shop.letters(f"customer:shopify:{number}") == []
    # The number was told by the first only; the name of the third is newer than what the letters say.
    assert (held["FIRSTNAME"], held["SMS"]) == ("Third", "4930123888")
    assert "Second" not in json.dumps([call for call in shop.calls(f"shopify-{number}") if call["status"] < 300])


def test_throttling_is_obeyed_and_burns_no_attempt(shop: Any, customer: Any) -> None:
    one = customer(1)
    shop.fault(email=one["email"], status=429, retry_after=1, times=2)
    shop.tell("shopify", "customers/create", one)
    times = [call["time"] for call in shop.calls(one["email"])]

    assert [call["status"] for call in shop.calls(one["email"])] == [429, 429, 201]
    assert all(later - earlier >= 1.0 for earlier, later in itertools.pairwise(times))
    assert (shop.store.hgetall(ATTEMPTS), shop.letters(f"customer:shopify:{one['id']}")) == ({}, [])


def test_outage_pauses_the_lane_and_ends_without_a_dead_letter(shop: Any, customer: Any, until: Any) -> None:
    people = [customer(1) for _ in range(30)]
    shop.fault(status=503, times=None)
    before = dead(shop)
    post_all(shop, people)
    until(lambda: shop.lanes()[1].paused)
    time.sleep(1.0)
    shop.control("DELETE", "journal")
    time.sleep(2.5)
    probes = shop.control("GET", "journal")

    assert shop.lanes()[1].paused == "failing"
    assert 1 <= len(probes) <= 5

    shop.calm()
    shop.await_idle()

    assert all(shop.contact(one["email"]) for one in people)
    assert (dead(shop) - before, shop.lanes()[1].paused) == (0, "")


def test_revoked_key_pauses_the_destination_until_it_works_again(shop: Any, customer: Any, until: Any) -> None:
    people = [customer(1) for _ in range(40)]
    shop.control("POST", "key", {"key": "another"})
    shop.control("DELETE", "journal")
    post_all(shop, people)
    until(lambda: shop.lanes()[1].paused)
    time.sleep(2.0)
    calls = shop.control("GET", "journal")

    assert {call["status"] for call in calls} == {401}
    assert len(calls) <= 12
    assert shop.command("status")["paused"][0]["reason"] == "unauthorized"

    shop.calm()
    shop.await_idle()

    assert all(shop.contact(one["email"]) for one in people)
    assert shop.store.hgetall(ATTEMPTS) == {}


def test_answer_that_is_lost_does_not_make_a_second_contact(shop: Any, customer: Any) -> None:
    one = customer(1)
    shop.fault(email=one["email"], reset=True, applied=True, times=1)
    shop.tell("shopify", "customers/create", one)

    assert shop.contact(one["email"])["attributes"]["FIRSTNAME"] == "Ada"
    assert shop.contact(one["email"])["attributes"]["EXT_ID"] == f"shopify-{one['id']}"


def test_nonsense_with_a_good_status_is_tried_again(shop: Any, customer: Any, consent: Any) -> None:
    born = customer(1)
    shop.tell("shopify", "customers/create", born)
    shop.fault(email=f"shopify-{born['id']}", status=200, body="<html>maintenance</html>", times=2)
    said = consent(born["id"], born["email"], "subscribed", 5)
    shop.tell("shopify", "customers_email_marketing_consent/update", said)

    assert shop.contact(born["email"])["emailBlacklisted"] is False
    assert shop.letters(f"customer:shopify:{born['id']}") == []


def test_contact_that_was_deleted_at_brevo_by_hand_is_made_again(shop: Any, customer: Any) -> None:
    born = customer(1)
    shop.tell("shopify", "customers/create", born)
    shop.control("POST", "reset")
    shop.tell("shopify", "customers/update", customer(2, born["id"], first_name="Again"))

    assert shop.contact(born["email"])["attributes"]["FIRSTNAME"] == "Again"
