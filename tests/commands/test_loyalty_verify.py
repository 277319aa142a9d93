"""`loyalty verify`: what is booked, written and held at the sandboxes is compared, and told again where it differs."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.commands.club import PREFIX
from worker.commands import loyalty_verify
from worker.commands.loyalty_checking import is_nobody
from worker.engine.lanes import MAP
from worker.engine.subjects import SubjectRecord
from worker.loyalty.store import Remembered
from worker.sync.kinds import KINDS
from worker.sync.news import kept, news

WHERE = {"brevo": 2, "custobar": 2, "voucherify": 2, "voucherify card": 2}


@pytest.fixture
def told(club: Any, woken: list[str]) -> Any:
    """Give a club of two whom all three destinations know."""
    club.start_sandboxes()
    for customer in ("1", "2"):
        club.customer(customer)
        club.buy(int(customer), "123.45", customer=customer)
    club.work(tell=True)
    return club


def found(done: Any) -> set[tuple[str, str, str]]:
    return {(one["customer"], one["where"], one["field"]) for one in done.json["differences"]}


def contact(told: Any, customer: str) -> Any:
    (one,) = [one for one in told.vendors["brevo"].contacts.values() if one.ext_id == f"custom-{customer}"]
    return one


def profile(told: Any, customer: str) -> Any:
    (one,) = [
        one for one in told.vendors["voucherify"].customers.by_id.values() if one["source_id"] == f"custom-{customer}"
    ]
    return one


def test_what_agrees_everywhere_is_no_difference(told: Any, cli: Callable[..., Any]) -> None:
    done = cli("loyalty", "verify", "--json")

    assert (done.code, done.json["ok"]) == (0, True)
    assert (done.json["accounts"], done.json["different"], done.json["compared"]) == (2, 0, WHERE)
    assert contact(told, "1").attributes["LOYALTY_POINTS"] == 143


def test_a_person_reads_what_was_compared(told: Any, cli: Callable[..., Any]) -> None:
    done = cli("loyalty", "verify", "custom-1")

    assert done.code == 0
    assert "1 account, no difference" in done.out
    assert "brevo 1, custobar 1, voucherify 1, voucherify card 1" in done.out


def test_a_field_that_is_held_otherwise_is_found_and_repaired(
    told: Any, cli: Callable[..., Any], woken: list[str]
) -> None:
    contact(told, "1").attributes["LOYALTY_POINTS"] = 7.0
    contact(told, "1").attributes.pop("LOYALTY_TIER")
    profile(told, "2")["metadata"]["loyalty_points"] = 8
    (row,) = [one for one in told.vendors["custobar"].customers if one["external_id"] == "custom-2"]
    row["ACME__loyalty_tier"] = "Platinum"

    done = cli("loyalty", "verify", "--json", "--repair")

    assert (done.code, done.json["different"], done.json["repaired"], woken) == (1, 2, 2, [MAP])
    assert found(done) == {
        ("custom-1", "brevo", "loyalty_points"),
        ("custom-1", "brevo", "loyalty_tier"),
        ("custom-2", "voucherify", "loyalty_points"),
        ("custom-2", "custobar", "loyalty_tier"),
    }
    told.work(tell=True)
    again = cli("loyalty", "verify", "--json")
    assert (again.code, again.json["different"], again.json["compared"]) == (0, 0, WHERE)
    assert contact(told, "1").attributes["LOYALTY_POINTS"] == 143


def test_what_is_changed_there_twice_is_told_twice(told: Any, cli: Callable[..., Any]) -> None:
    for _ in range(2):
        contact(told, "1").attributes["LOYALTY_POINTS"] = 7.0
        cli("loyalty", "verify", "--repair")
        told.work(tell=True)

        assert contact(told, "1").attributes["LOYALTY_POINTS"] == 143


def test_telling_again_moves_no_points_and_tells_no_event(told: Any, cli: Callable[..., Any]) -> None:
    contact(told, "1").attributes["LOYALTY_POINTS"] = 7.0
    events = len(told.vendors["voucherify"].events)

    cli("loyalty", "verify", "--repair")
    told.work(tell=True)

    cards = [card["loyalty_card"]["balance"] for card in told.vendors["voucherify"].cards.shown()]
    assert cards == [143, 143]
    assert len(told.vendors["voucherify"].events) == events


def test_the_difference_is_shown_with_both_values(told: Any, cli: Callable[..., Any]) -> None:
    contact(told, "1").attributes["LOYALTY_POINTS"] = 7.0

    done = cli("loyalty", "verify", "custom-1")

    assert done.code == 1
    (line,) = [line for line in done.out.splitlines() if "loyalty_points" in line]
    assert line.split() == ["custom-1", "brevo", "loyalty_points", "143", "7.0"]
    assert "1 of 1 account differs, in 1 field" in done.out
    assert "@" not in done.out + done.err


def test_a_contact_that_is_gone_lacks_every_field(told: Any, cli: Callable[..., Any]) -> None:
    gone = contact(told, "1")
    told.vendors["brevo"].contacts.pop(gone.id)

    done = cli("loyalty", "verify", "custom-1", "--json")

    assert ("custom-1", "brevo", "loyalty_points") in found(done)


def test_a_card_that_holds_other_points_is_found_and_left_alone(told: Any, cli: Callable[..., Any]) -> None:
    (card,) = [one for one in told.vendors["voucherify"].cards.by_code.values() if one.source_id == "custom-1"]
    card.balance = 5

    done = cli("loyalty", "verify", "--json", "--repair")
    told.work(tell=True)

    assert found(done) == {("custom-1", "voucherify card", "balance")}
    assert card.balance == 5


def test_entries_that_do_not_add_up_are_found(told: Any, cli: Callable[..., Any]) -> None:
    told.store.rpop(f"{PREFIX}:loyalty:entries:customer:custom:1")

    done = cli("loyalty", "verify", "--json")

    assert (done.code, found(done)) == (1, {("custom-1", "entries", "sum")})


def test_what_cannot_be_repaired_is_not_said_to_be(told: Any, cli: Callable[..., Any], woken: list[str]) -> None:
    told.store.rpop(f"{PREFIX}:loyalty:entries:customer:custom:1")
    woken.clear()

    done = cli("loyalty", "verify", "--repair")

    assert (done.code, woken) == (1, [])
    assert "computed anew" not in done.err
    assert "not repaired: 1 account" in done.err


def test_a_damaged_account_is_named_and_the_others_are_checked(told: Any, cli: Callable[..., Any]) -> None:
    told.store.hset(f"{PREFIX}:loyalty:account:customer:custom:1", "head", "garbage")

    done = cli("loyalty", "verify", "--repair", "--json")

    assert (done.code, found(done)) == (1, {("custom-1", "store", "account")})
    assert (done.json["accounts"], done.json["repaired"], done.json["not_repaired"]) == (2, 0, 1)
    shown = cli("loyalty", "show", "custom-1")
    assert (shown.code, shown.out) == (1, "")
    assert "custom-1: the account is damaged in the store" in shown.err


def test_an_account_of_a_newer_program_is_not_called_damaged(told: Any, cli: Callable[..., Any]) -> None:
    told.store.hset(f"{PREFIX}:loyalty:account:customer:custom:1", "head", "[99,0]")

    done = cli("loyalty", "verify")

    assert done.code == 1
    assert "damaged" not in done.err


def test_orders_that_were_booked_otherwise_are_found_and_booked_anew(told: Any, cli: Callable[..., Any]) -> None:
    key = f"{PREFIX}:loyalty:order:custom:O1"
    order = Remembered.unpack(told.store.hgetall(key))
    facets = {**order.facets, "total": (["200", "EUR"], order.facets["total"][1])}
    told.store.hset(key, "facets", Remembered(1, order.account, facets).fields()[-1])

    done = cli("loyalty", "verify", "--json", "--repair")

    assert found(done) == {("custom-1", "orders", "o:O1 purchase")}
    told.work(tell=True)
    assert cli("loyalty", "verify", "--json").code == 0
    assert cli("loyalty", "show", "custom-1", "--json").json["balance"] == 220


def test_what_is_not_delivered_yet_is_no_difference(told: Any, cli: Callable[..., Any]) -> None:
    told.buy(7, "50", customer="1")
    told.work()

    seen = cli("loyalty", "verify", "--json").json

    assert (seen["different"], seen["waiting"]) == (0, 1)
    assert seen["compared"] == dict.fromkeys(WHERE, 1)


def test_nobody_there_is_told_as_not_compared(club: Any, cli: Callable[..., Any]) -> None:
    club.start_sandboxes()
    club.buy(1, "10", email=None)
    club.work(tell=True)

    done = cli("loyalty", "verify", "--json")

    assert (done.code, done.json["different"], done.json["not_compared"]) == (0, 0, 1)
    assert done.json["compared"] == dict.fromkeys(list(WHERE)[1:], 1)


def test_a_guest_is_compared_where_one_can_ask_for_them(club: Any, cli: Callable[..., Any]) -> None:
    club.start_sandboxes()
    club.keep("customer_created", {"email": "guest@example.com", "firstName": "Gus"})
    club.buy(1, "10", customer="", email="guest@example.com")
    club.work(tell=True)

    done = cli("loyalty", "verify", "--json")

    assert (done.code, done.json["different"], done.json["not_compared"]) == (0, 0, 1)
    assert done.json["compared"] == {"brevo": 1, "voucherify": 1, "voucherify card": 1}


def test_a_contact_of_two_sources_is_not_compared(told: Any, cli: Callable[..., Any]) -> None:
    told.customer("1", source="outlet")
    told.buy(8, "10", customer="1", source="outlet")
    told.work(tell=True)

    seen = cli("loyalty", "verify", "--json").json

    assert (seen["different"], seen["compared"]["brevo"], seen["not_compared"]) == (0, 1, 2)


def test_a_destination_that_gives_no_answer_is_named_once(told: Any, cli: Callable[..., Any]) -> None:
    told.destinations["brevo"]["base_url"] = "http://127.0.0.1:1/v3"
    told.rules(told.rules_now)

    done = cli("loyalty", "verify", "--json")

    assert (done.code, done.json["different"]) == (1, 0)
    assert list(done.json["silent"]) == ["brevo"]
    assert done.json["compared"] == {name: 2 for name in WHERE if name != "brevo"}
    assert "brevo gives no answer" in cli("loyalty", "verify").err


def test_an_unknown_customer_is_refused(told: Any, cli: Callable[..., Any]) -> None:
    done = cli("loyalty", "verify", "custom-77")

    assert (done.code, done.out) == (1, "")
    assert "no such account" in done.err


def test_a_destination_that_was_never_told_lacks_every_field(told: Any, cli: Callable[..., Any]) -> None:
    told.store.delete(f"{PREFIX}:subject:voucherify:customer:custom:1")
    profile(told, "1")["metadata"].clear()

    done = cli("loyalty", "verify", "--json", "--repair")

    assert ("custom-1", "voucherify", "loyalty_points") in found(done)
    told.work(tell=True)
    assert cli("loyalty", "verify", "--json").code == 0


def test_a_deleted_customer_is_not_compared(told: Any, cli: Callable[..., Any]) -> None:
    told.keep("customer_deleted", {"id": "1"})
    told.work(tell=True)

    done = cli("loyalty", "verify", "custom-1", "--json")

    assert (done.code, done.json["not_compared"]) == (0, 3)


def test_an_order_in_two_accounts_is_found(told: Any, cli: Callable[..., Any]) -> None:
    told.store.hset(f"{PREFIX}:loyalty:order:custom:O1", "account", "customer:custom:2")

    done = cli("loyalty", "verify", "--json")

    assert found(done) == {("custom-1", "orders", "o:O1")}
    assert done.json["differences"][0]["should_be"] == "custom-2"


def test_points_on_their_way_to_a_card_are_no_difference(told: Any, cli: Callable[..., Any]) -> None:
    told.buy(7, "50", customer="1")
    told.work(tell=True, but="voucherify.points")

    seen = cli("loyalty", "verify", "--json").json

    assert (seen["different"], seen["waiting"]) == (0, 1)
    assert seen["compared"] == {**WHERE, "voucherify card": 1}


def test_of_very_many_differences_the_first_are_shown(
    told: Any, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loyalty_verify, "MOST_SHOWN", 1)
    monkeypatch.setattr(loyalty_verify, "SAY_EVERY", 0.0)
    for customer in ("1", "2"):
        contact(told, customer).attributes["LOYALTY_POINTS"] = 7.0

    done = cli("loyalty", "verify")

    assert "not shown: 1 more" in done.err
    assert "2 accounts\n" in done.err
    assert "2 of 2 accounts differ, in 2 fields" in done.out


def test_who_was_deleted_before_an_email_was_known_is_nobody_there() -> None:
    kind, record = KINDS["customer"], SubjectRecord()
    bought = {"exists": (True, (1, 1, 0, 1)), "purchases": ({"orders": 1}, (1, 1, 0, 1))}
    gone = {"deleted": (True, (1, 2, 0, 2))}
    back = {"exists": (True, (1, 3, 0, 3)), "first_name": ("Ann", (1, 3, 0, 3))}

    for pending in ([bought], [gone, back]):  # each waits for an e-mail
        found = news(kind, record, pending)
        assert found is not None
        record = kept(record, found)

    assert is_nobody(record)
