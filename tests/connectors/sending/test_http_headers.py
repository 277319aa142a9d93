"""A call's own headers go besides the account's and cannot change them; a notification arrives as it was signed."""

from datetime import datetime, timezone
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from connectors.connector import Call, Holder, LoyaltyState
from connectors.notifications import Notifications, NotificationsOptions
from connectors.verdicts import Delivered, RetryLater
from mappings.loyalty_records import LoyaltyEvent

SECRET = "whsec_Y29tbWVyY2Utc3luYw=="


def a_call(**headers: str) -> Call:
    return Call(method="POST", path="/x", body={}, budget="b", subjects=("s",), step="s", headers=headers)


def head_of(request: bytes) -> dict[str, list[str]]:
    """Give the headers of a request, each with every value that it stands there with."""
    found: dict[str, list[str]] = {}
    for line in request.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]:
        name, _, value = line.partition(": ")
        found.setdefault(name.lower(), []).append(value)
    return found


def test_headers_of_a_call_are_sent_besides_those_of_the_account(serve: Any, sender: Any, ok: bytes) -> None:
    seen: list[bytes] = []

    def handle(peer: Any) -> None:
        while request := peer.read():
            seen.append(request)
            peer.send(ok)

    one, url = sender(), serve(handle)
    account = {"Api-Key": "the-key", "content-type": "application/json"}
    one.send(url, account, a_call(**{"webhook-id": "1", "api-key": "another", "CONTENT-TYPE": "text/plain"}))
    one.send(url, account, a_call())

    first, second = map(head_of, seen)
    assert (first["webhook-id"], first["api-key"], first["content-type"]) == (["1"], ["the-key"], ["application/json"])
    assert second.keys() == first.keys() - {"webhook-id"}
    assert account == {"Api-Key": "the-key", "content-type": "application/json"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x", "a\r\napi-key: mine"),
        ("x", "a\n b"),
        ("x", "a\x00"),
        ("x", "ü"),
        ("x: y\r\napi-key", "mine"),
        ("", "a"),
    ],
)
def test_header_that_could_be_taken_for_two_makes_no_call(name: str, value: str) -> None:
    with pytest.raises(ValueError, match="is no header") as caught:
        a_call(**{name: value})

    assert "mine" not in str(caught.value)


def told(now: datetime) -> LoyaltyState:
    event = LoyaltyEvent(
        kind="tier_changed",
        time=now,
        points=0,
        balance=1200,
        tier="Gold",
        previous_tier="Silver",
        order=None,
        reason="größer als 1 000",
    )
    return LoyaltyState(
        subject="loyalty:shop:1",
        id="shop-1",
        event=event,
        customer=Holder(ext_id="shop-7", stable_id="shop-7", known={}),
        known={},
        steps={},
        now=now,
    )


def test_notification_arrives_as_it_was_signed(serve: Any, sender: Any) -> None:
    seen: list[bytes] = []

    def handle(peer: Any) -> None:
        seen.append(peer.read())
        peer.send(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")

    host = serve(handle).removeprefix("http://").removesuffix("/v3")
    hook = Notifications(NotificationsOptions(webhook_url=f"http://ada:word@{host}/in?key=a%2Fb", secret=SECRET))
    (call,) = hook.calls([told(datetime.now(timezone.utc))], bulk=False)
    assert isinstance(call, Call)
    answer = sender().send(hook.base_url, hook.headers(), call)

    head, _, body = seen[0].partition(b"\r\n\r\n")
    headers = {name: ",".join(values) for name, values in head_of(seen[0]).items()}
    assert head.startswith(b"POST /in?key=a%2Fb HTTP/1.1\r\n")
    assert headers["authorization"] == "Basic YWRhOndvcmQ="
    assert Webhook(SECRET).verify(body, headers) == call.body
    assert hook.judge(call, answer) == {"loyalty:shop:1": Delivered()}


def test_notification_follows_no_redirect(serve: Any, sender: Any) -> None:
    elsewhere: list[bytes] = []
    other = serve(lambda peer: elsewhere.append(peer.read()))
    url = serve(f"HTTP/1.1 307 Temporary Redirect\r\nLocation: {other}\r\nContent-Length: 0\r\n\r\n".encode())
    hook = Notifications(NotificationsOptions(webhook_url=url, secret=SECRET))
    (call,) = hook.calls([told(datetime.now(timezone.utc))], bulk=False)
    assert isinstance(call, Call)
    answer = sender().send(hook.base_url, hook.headers(), call)

    assert hook.judge(call, answer) == {"loyalty:shop:1": RetryLater(reason="unexpected_307")}
    assert elsewhere == []
