"""Customers on their way from a signed webhook to a contact at Brevo, through real processes."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from worker.engine.events import event_id

pytestmark = pytest.mark.journey


def test_shopify_customer_is_created_updated_and_deleted(shop: Any, customer: Any) -> None:
    born = customer(1, phone="+4930123001")
    number, email = born["id"], born["email"]
    shop.tell("shopify", "customers/create", born)
    made = shop.contact(f"shopify-{number}")

    assert (made["email"], made["attributes"]["FIRSTNAME"], made["listIds"]) == (email, "Ada", [5])
    assert made["attributes"]["SMS"] == "4930123001"

    shop.tell("shopify", "customers/update", customer(2, number, first_name="Grace", last_name=None))
    changed = shop.contact(email)

    assert changed["id"] == made["id"]
    assert (changed["attributes"]["FIRSTNAME"], "LASTNAME" in changed["attributes"]) == ("Grace", False)

    shop.tell("shopify", "customers/delete", {"id": number})

    assert shop.contact(email) is None
    assert [call["method"] for call in shop.calls(f"shopify-{number}")] == ["POST", "PUT", "DELETE"]


def test_woocommerce_customer_is_created_updated_and_deleted(shop: Any) -> None:
    number = next(shop.numbers)
    email = f"woo{number}@example.com"
    body = {
        "id": number,
        "email": email,
        "first_name": "João",
        "last_name": "Ito",
        "role": "customer",
        "billing": {"country": "DE", "phone": "030 123002", "email": email},
    }
    shop.tell("woocommerce", "customer.created", body)
    shop.tell("woocommerce", "customer.updated", {**body, "first_name": "Élodie"})
    changed = shop.contact(f"woocommerce-{number}")

    assert (changed["email"], changed["attributes"]["FIRSTNAME"]) == (email, "Élodie")
    assert changed["attributes"]["SMS"] == "4930123002"

    shop.tell("woocommerce", "customer.deleted", {"id": number})

    assert shop.contact(email) is None


def test_customer_of_ones_own_system_is_created_updated_and_deleted(shop: Any, at: Any) -> None:
    number = next(shop.numbers)
    email = f"own{number}@example.com"
    person = {"id": number, "email": email, "firstName": "Ada", "acceptsMarketing": True}
    shop.tell("custom", "", {"event": "customer_created", "timestamp": at(1), "data": person})
    made = shop.contact(f"custom-{number}")

    assert (made["attributes"]["FIRSTNAME"], made["emailBlacklisted"]) == ("Ada", False)

    changes = {"id": number, "changes": {"firstName": {"old": "Ada", "new": "Ingrid"}}}
    shop.tell("custom", "", {"event": "customer_updated", "timestamp": at(2), "data": changes})

    assert shop.contact(email)["attributes"]["FIRSTNAME"] == "Ingrid"

    shop.tell("custom", "", {"event": "customer_deleted", "timestamp": at(3), "data": {"id": number}})

    assert shop.contact(email) is None


def test_older_news_that_arrive_later_change_nothing(shop: Any, customer: Any) -> None:
    newest = customer(9, first_name="Newest")
    shop.tell("shopify", "customers/update", newest)
    shop.tell("shopify", "customers/update", customer(5, newest["id"], first_name="Older"))
    shop.tell("shopify", "customers/create", customer(1, newest["id"], first_name="Oldest"))

    assert shop.contact(newest["email"])["attributes"]["FIRSTNAME"] == "Newest"
    assert len(shop.calls(f"shopify-{newest['id']}")) == 1


def test_update_after_the_deletion_brings_nobody_back(shop: Any, customer: Any) -> None:
    born = customer(1)
    shop.tell("shopify", "customers/create", born)
    shop.tell("shopify", "customers/delete", {"id": born["id"]})
    shop.tell("shopify", "customers/update", customer(30, born["id"]))

    assert shop.contact(born["email"]) is None


def test_deletion_before_the_creation_leaves_nobody(shop: Any, customer: Any) -> None:
    born = customer(1)
    shop.tell("shopify", "customers/delete", {"id": born["id"]})
    shop.tell("shopify", "customers/create", born)

    assert shop.contact(born["email"]) is None


def test_same_delivery_five_times_at_once_has_one_effect(shop: Any, customer: Any) -> None:
    born = customer(1)
    before = shop.lanes()[0].pushed
    with ThreadPoolExecutor(5) as pool:
        answers = list(
            pool.map(lambda _: shop.post("shopify", "customers/create", born, delivery_id="again"), range(5))
        )
    shop.await_idle()

    assert answers == [202] * 5
    assert shop.lanes()[0].pushed == before + 1
    assert len(shop.calls(born["email"])) == 1


def test_unknown_consent_is_blocklisted_and_a_later_grant_is_written_after_a_read(
    shop: Any, customer: Any, consent: Any
) -> None:
    born = customer(1, email_marketing_consent={"state": "not_subscribed", "consent_updated_at": None})
    shop.tell("shopify", "customers/create", born)

    assert shop.contact(born["email"])["emailBlacklisted"] is True

    said = consent(born["id"], born["email"], "subscribed", 5)
    shop.tell("shopify", "customers_email_marketing_consent/update", said)
    _, read, written = shop.calls(f"shopify-{born['id']}")

    assert (read["method"], written["method"], written["body"]["emailBlacklisted"]) == ("GET", "PUT", False)
    assert shop.contact(born["email"])["emailBlacklisted"] is False


def test_grant_older_than_an_unsubscription_at_brevo_is_not_sent_and_the_event_says_why(
    shop: Any, customer: Any, consent: Any
) -> None:
    born = customer(1)
    shop.tell("shopify", "customers/create", born)
    shop.control("POST", "unsubscribe", {"email": born["email"], "by": "user"})
    said = consent(born["id"], born["email"], "subscribed", 5)
    topic = "customers_email_marketing_consent/update"
    shop.tell("shopify", topic, said, delivery_id="late-grant")
    raw = next(body for _, _, delivery_id, body in shop.ledger if delivery_id == "late-grant")

    assert shop.contact(born["email"])["emailBlacklisted"] is True
    assert not [call for call in shop.calls(f"shopify-{born['id']}") if "emailBlacklisted" in (call["body"] or {})][1:]
    kept = shop.event(event_id("shopify", topic, "late-grant", raw))
    assert "blocklisted at Brevo without proof" in kept["result:brevo.contacts"]


def test_denial_is_written_without_a_question(shop: Any, customer: Any, consent: Any) -> None:
    subscribed = {"state": "subscribed", "consent_updated_at": customer()["updated_at"]}
    born = customer(1, email_marketing_consent=subscribed)
    shop.tell("shopify", "customers/create", born)
    assert shop.contact(born["email"])["emailBlacklisted"] is False

    said = consent(born["id"], born["email"], "unsubscribed", 5)
    shop.tell("shopify", "customers_email_marketing_consent/update", said)

    assert shop.contact(born["email"])["emailBlacklisted"] is True
    assert [call["method"] for call in shop.calls(f"shopify-{born['id']}")] == ["POST", "PUT"]


def test_changed_address_reaches_the_same_contact_and_keeps_it_blocklisted(shop: Any, customer: Any) -> None:
    born = customer(1)
    shop.tell("shopify", "customers/create", born)
    made = shop.contact(born["email"])
    moved = customer(2, born["id"], email=f"moved{born['id']}@example.com")
    shop.tell("shopify", "customers/update", moved)
    now = shop.contact(moved["email"])

    assert (now["id"], now["emailBlacklisted"]) == (made["id"], True)
    assert shop.contact(born["email"]) is None


def test_address_of_another_contact_is_a_dead_letter_that_names_the_field(shop: Any, customer: Any) -> None:
    one, other = customer(1), customer(1)
    shop.tell("shopify", "customers/create", one)
    shop.tell("shopify", "customers/create", other)
    shop.tell("shopify", "customers/update", customer(2, other["id"], email=one["email"]))
    (letter,) = shop.letters(f"customer:shopify:{other['id']}")

    assert (letter.reason, letter.field, "@" in letter.detail) == ("identity", "email", False)
    assert shop.contact(one["email"])["attributes"]["EXT_ID"] == f"shopify-{one['id']}"
    assert shop.contact(other["email"])["attributes"]["EXT_ID"] == f"shopify-{other['id']}"


@pytest.mark.parametrize("deleted", ["shopify", "woocommerce"])
def test_one_contact_of_two_sources_keeps_its_id_and_goes_with_the_last_of_them(
    shop: Any, customer: Any, deleted: str
) -> None:
    born = customer(1)
    numbers = {"shopify": born["id"], "woocommerce": next(shop.numbers)}
    member = {"id": numbers["woocommerce"], "email": born["email"].upper(), "first_name": "Grace", "role": "customer"}
    shop.tell("shopify", "customers/create", born)
    shop.tell("woocommerce", "customer.created", member)
    shared = shop.contact(born["email"])

    assert (shared["attributes"]["EXT_ID"], shared["attributes"]["FIRSTNAME"]) == (f"shopify-{born['id']}", "Grace")

    topics = {"shopify": "customers/delete", "woocommerce": "customer.deleted"}
    last = next(source for source in topics if source != deleted)
    shop.tell(deleted, topics[deleted], {"id": numbers[deleted]})

    assert shop.contact(born["email"]) == shared

    shop.tell(last, topics[last], {"id": numbers[last]})

    assert shop.contact(born["email"]) is None


def test_number_of_another_contact_is_left_out_and_the_contact_arrives(shop: Any, customer: Any) -> None:
    one, other = customer(1, phone="+4930123777"), customer(1, phone="+4930123777")
    shop.tell("shopify", "customers/create", one)
    shop.tell("shopify", "customers/create", other)

    assert "SMS" not in shop.contact(other["email"])["attributes"]
    assert shop.contact(one["email"])["attributes"]["SMS"] == "4930123777"
