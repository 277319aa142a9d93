"""The merchant's own webhook: what a message says, how it is signed, and what its answers mean."""

import base64
import copy
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from connectors.calls import encoded
from connectors.connector import Call, Holder, LoyaltyState, Nothing, Response
from connectors.notifications import BUDGET, DESTINATION, Notifications, NotificationsOptions
from connectors.verdicts import BudgetSpent, Delivered, Down, Rejected, RetryLater
from mappings.loyalty_records import LoyaltyEvent

NOW = datetime.now(timezone.utc).replace(microsecond=0)
URL = "https://shop.example.com/hooks/a%20b?token=t%2Bt&empty="
KEY = base64.b64encode(b"a key of twenty-four byte").decode()
AWARDED = LoyaltyEvent(
    kind="points_awarded",
    time=datetime(2026, 11, 20, 13, 30, tzinfo=timezone(timedelta(hours=1))),
    points=310,
    balance=2853,
    tier="Gold",
    previous_tier="Silver",
    order="shopify-1001",
    reason="order",
)


def state(**fields: Any) -> LoyaltyState:
    """Make a state: what is an event's goes there."""
    of_event = {name: fields.pop(name) for name in list(fields) if name in LoyaltyEvent.model_fields}
    defaults: dict[str, Any] = {
        "subject": "loyalty:shopify:e1",
        "id": "shopify-e1",
        "customer": Holder(ext_id="shopify-7", stable_id="shopify-7", known={"email": "ada@example.com"}),
        "known": {},
        "steps": {},
        "now": NOW,
    }
    return LoyaltyState(event=AWARDED.model_copy(update=of_event), **{**defaults, **fields})


def hook(url: str = URL, **options: Any) -> Notifications:
    return Notifications(NotificationsOptions(webhook_url=url, **options))


def message(connector: Notifications, told: LoyaltyState) -> Call:
    (call,) = connector.calls([told], bulk=False)
    assert isinstance(call, Call)
    return call


def judged(status: int, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Any:
    call = message(hook(), state())
    found = hook().judge(call, Response(status=status, headers=headers or {}, body=body))
    assert found.keys() == {"loyalty:shopify:e1"}
    return found["loyalty:shopify:e1"]


def test_message_about_points_says_what_happened_and_to_whose_id() -> None:
    call = message(hook(), state())

    assert (call.method, call.budget, call.subjects) == ("POST", BUDGET, ("loyalty:shopify:e1",))
    assert call.body == {
        "id": "shopify-e1",
        "type": "loyalty.points.awarded",
        "timestamp": "2026-11-20T12:30:00Z",
        "data": {
            "customer_id": "shopify-7",
            "points": 310,
            "balance": 2853,
            "tier": "Gold",
            "previous_tier": "Silver",
            "order_id": "shopify-1001",
            "reason": "order",
        },
    }
    assert hook().image(state()) == call.body


def test_message_about_a_tier_without_an_order_says_that_there_was_none() -> None:
    told = state(kind="tier_changed", points=0, order=None, customer=Holder(ext_id=None, stable_id=None, known={}))
    body: Any = message(hook(), told).body

    assert body["type"] == "loyalty.tier.changed"
    assert (body["data"]["order_id"], body["data"]["points"], body["data"]["customer_id"]) == (None, 0, None)


def test_guest_goes_by_the_hash_and_nobody_by_the_contact() -> None:
    guest = Holder(ext_id=None, stable_id="shopify-guest-0a1b", known={"email": "ada@example.com"})
    call = message(hook(), state(customer=guest))

    assert call.body["data"]["customer_id"] == "shopify-guest-0a1b"
    assert "example.com" not in json.dumps(call.body)


@pytest.mark.parametrize(
    ("url", "base", "path"),
    [
        (URL, "https://shop.example.com", "/hooks/a%20b?token=t%2Bt&empty="),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080", "/"),
        ("https://[::1]:80/x/#part", "https://[::1]:80", "/x/"),
        ("https://user:word@shop.test?a=b", "https://shop.test", "/?a=b"),
    ],
)
def test_path_and_query_of_the_address_are_kept_as_written(url: str, base: str, path: str) -> None:
    call = message(hook(url), state())

    assert (hook(url).base_url, call.path, dict(call.query)) == (base, path, {})


@pytest.mark.parametrize(
    ("url", "proof"),
    [
        ("https://shop.test/x", None),
        ("https://ada:pass%3Aw%C3%B6rd@shop.test/x", "ada:pass:wörd"),
        ("https://token@shop.test/x", "token:"),
    ],
)
def test_user_and_password_of_the_address_become_a_header(url: str, proof: str | None) -> None:
    headers = hook(url).headers()

    assert headers["content-type"] == "application/json"
    given = headers.get("authorization", "").removeprefix("Basic ")
    assert base64.b64decode(given).decode() == (proof or "")
    assert ("authorization" in headers) is (proof is not None)


def test_event_that_was_not_chosen_is_not_sent() -> None:
    connector = hook(events=("loyalty.tier.changed", "sync_failed"))
    awarded, changed = connector.calls([state(), state(kind="tier_changed")], bulk=False)

    assert isinstance(awarded, Nothing)
    assert not awarded.keep
    assert awarded.reason == "loyalty.points.awarded is not among the events of notifications"
    assert isinstance(changed, Call)


def test_each_of_many_has_a_call_of_its_own() -> None:
    many = [state(subject=f"loyalty:shopify:{number}", id=f"shopify-{number}") for number in range(3)]
    calls = hook().calls(many, bulk=False)

    assert [(one.subject,) for one in many] == [call.subjects for call in calls if isinstance(call, Call)]


@pytest.mark.parametrize("secret", [f"whsec_{KEY}", f"whsec_{KEY.rstrip('=')}", KEY])
def test_the_reference_library_believes_the_signature(secret: str) -> None:
    now = datetime.now(timezone.utc)  # the library asks the clock itself
    call = message(hook(secret=secret), state(now=now))
    body = encoded(call.body)

    assert Webhook(secret).verify(body, dict(call.headers)) == call.body
    assert call.headers["webhook-id"] == "shopify-e1"
    assert call.headers["webhook-timestamp"] == str(int(now.timestamp()))
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body.replace(b"310", b"311"), dict(call.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, dict(call.headers) | {"webhook-id": "shopify-e2"})


@pytest.mark.parametrize("secret", ["correct horse", "passwort-mit-ü", "abcdabcd"])
def test_secret_that_people_made_up_signs_as_it_is_written(secret: str) -> None:
    call = message(hook(secret=secret), state(now=datetime.now(timezone.utc)))

    assert Webhook(secret.encode()).verify(encoded(call.body), dict(call.headers)) == call.body


def test_secret_with_a_prefix_signs_once_and_one_that_may_be_two_things_twice() -> None:
    once, twice, text = (
        message(hook(secret=secret), state()).headers["webhook-signature"].split(" ")
        for secret in (f"whsec_{KEY}", KEY, "not base64!")
    )

    assert (len(once), len(twice), len(text)) == (1, 2, 1)
    assert once[0] == twice[0]
    assert all(one.startswith("v1,") for one in (*once, *twice, *text))


def test_without_a_secret_there_is_no_signature_but_the_name_by_which_a_repeat_is_known() -> None:
    first, again = (message(hook(), state(now=NOW + timedelta(hours=hours))) for hours in (0, 1))

    assert "webhook-signature" not in first.headers
    assert first.headers["webhook-id"] == again.headers["webhook-id"]
    assert int(again.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 3600
    assert first.body == again.body


def test_name_of_a_message_is_one_word_of_a_header_whatever_the_id() -> None:
    names = [message(hook(), state(id=one)).headers["webhook-id"] for one in ("a.b", "a%2Eb", "ü\r\nx: y", "a/b c")]

    assert names[0] == "a%2Eb"
    assert len(set(names)) == 4
    assert all(name.isascii() and name.isprintable() and not {" ", "."} & set(name) for name in names)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_success_is_delivered_whatever_it_says(status: int) -> None:
    assert judged(status, body=b"<html>") == Delivered()


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (410, Rejected(reason="http_410")),
        (400, Rejected(reason="http_400")),
        (404, Rejected(reason="http_404")),
        (405, Rejected(reason="http_405")),
        (401, Down(scope="destination", reason="unauthorized")),
        (403, Down(scope="lane", reason="forbidden")),
        (408, RetryLater(reason="http_408")),
        (425, RetryLater(reason="http_425")),
        (429, BudgetSpent(after=60.0)),
        (500, RetryLater(reason="http_500")),
        (503, RetryLater(reason="http_503")),
        (302, RetryLater(reason="unexpected_302")),
    ],
)
def test_other_answers_are_judged_by_the_one_table(status: int, verdict: Any) -> None:
    assert judged(status) == verdict


def test_no_answer_is_tried_again_and_a_wait_is_counted_from_the_states_clock() -> None:
    date = (NOW + timedelta(seconds=90)).strftime("%a, %d %b %Y %H:%M:%S GMT")

    assert judged(0, body=b"timeout") == RetryLater(reason="timeout")
    assert judged(503, {"retry-after": date}) == RetryLater(reason="http_503", after=90.0)
    assert judged(429, {"retry-after": "17"}) == BudgetSpent(after=17.0)


def test_same_state_gives_the_same_call_and_is_left_untouched() -> None:
    one = state()
    before = copy.deepcopy(one)

    assert hook(secret=KEY).calls([one], bulk=False) == hook(secret=KEY).calls([copy.deepcopy(one)], bulk=True)
    assert one == before
    assert hook().image(one) == hook().image(replace(one, steps={"x": 1}, now=NOW + timedelta(days=1)))


def test_connector_has_one_way_without_a_limit_and_a_probe_that_leaves_the_hook_alone() -> None:
    connector = hook()
    probe = connector.probe()

    assert connector.name == DESTINATION.name == "notifications"
    assert [(one.name, one.windows) for one in connector.budgets] == [(BUDGET, ())]
    assert [way.budget for way in connector.ways] == [BUDGET]
    assert connector.allowance(Response(status=200, headers={"x-ratelimit-remaining": "1"}, body=b"")) is None
    assert (probe.method, probe.path, probe.subjects, probe.budget) == ("GET", "/", (), BUDGET)
    assert connector.judge(probe, Response(status=200, headers={}, body=b"")) == {}


def test_neither_secret_nor_address_nor_signature_shows() -> None:
    connector = hook("https://ada:word@shop.test/hooks/t0ken?key=canary", secret="whsec_canarycanary12")
    call = message(connector, state())

    shown = f"{connector} {connector!r} {connector.options} {call!r} {connector.base_url}"
    assert not [part for part in ("canary", "t0ken", "word", "v1,", "ada") if part in shown]


def test_destination_is_built_from_its_section() -> None:
    told = DESTINATION.section.model_validate({"webhookUrl": f" {URL}\n", "secret": "whsec_" + KEY})
    options = told.options()

    assert (options["webhook_url"], options["secret"]) == (URL, "whsec_" + KEY)
    assert "secret" not in DESTINATION.section.model_validate({"webhook_url": URL, "secret": ""}).options()
    assert {name: spec.kind for name, spec in DESTINATION.lanes.items()} == {"loyalty": "loyalty"}
    assert isinstance(DESTINATION.lanes["loyalty"].connector(hook().options), Notifications)
