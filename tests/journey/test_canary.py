"""A person whose data stand nowhere else goes through everything that can happen, and nobody writes them down."""

import contextlib
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from worker.store import client

pytestmark = pytest.mark.journey

EMAIL = "zz-canary-7f3a@canary-domain.example.com"
MOVED = "zz-canary-moved-7f3a@canary-domain.example.com"
PHONE = "+4930901820"
NAME = "Zzcanaryfirst"
SURNAME = "Zzcanarylast"
SIGNS = ("canary", "30901820", "30 901820", "journey-secret", "journey-key")


@contextlib.contextmanager
def overheard(url: str) -> Iterator[list[str]]:
    """Note every command that the store is sent."""
    commands: list[str] = []
    store = client(url)

    def listen() -> None:
        with store.monitor() as monitor:  # type: ignore[no-untyped-call]
            started.set()
            for command in monitor.listen():
                commands.append(command["command"])
                if "that-is-all" in command["command"]:
                    return

    started = threading.Event()
    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    assert started.wait(5)
    yield commands
    with client(url) as other:
        other.echo("that-is-all")
    thread.join(10)
    store.close()


def live_through_everything(shop: Any, customer: Any, consent: Any) -> None:
    told = {"email": EMAIL, "first_name": NAME, "last_name": SURNAME, "phone": PHONE}
    number = next(shop.numbers)
    shop.fault(email=EMAIL, status=503, times=1)
    shop.fault(email=EMAIL, reset=True, times=1)
    shop.fault(email=EMAIL, status=429, retry_after=0, times=1)
    shop.tell("shopify", "customers/create", customer(1, number, **told))
    shop.tell("shopify", "customers/update", customer(2, number, **{**told, "email": MOVED, "phone": "030 901820 x"}))
    said = consent(number, MOVED, "subscribed", 5)
    shop.tell("shopify", "customers_email_marketing_consent/update", said)
    shop.tell("woocommerce", "customer.created", {"id": number, "email": EMAIL, "first_name": NAME, "role": "customer"})
    shop.tell("woocommerce", "customer.updated", {"id": number, "email": MOVED, "role": "customer"})
    quoting = {"code": "invalid_parameter", "message": f"{NAME} <{MOVED}> {PHONE} is invalid"}
    shop.fault(email=MOVED, status=400, body=quoting, times=None)
    guest = {"email": MOVED, "firstName": NAME}
    shop.tell("custom", "", {"event": "customer_created", "timestamp": "2026-01-01T00:00:00Z", "data": guest})
    shop.tell("shopify", "customers/update", {**customer(9, number, **told), "tags": [EMAIL, {NAME: PHONE}]})
    shop.tell("shopify", "customers/update", json.dumps({"id": number, NAME: EMAIL})[:-1].encode())
    shop.tell("shopify", EMAIL, {"id": number, "email": EMAIL})
    shop.calm()
    shop.control("POST", "key", {"key": "another"})
    assert shop.post("shopify", "customers/delete", {"id": number}) == 202
    shop.calm()
    shop.await_idle()


def test_nothing_of_a_person_is_in_logs_messages_keys_or_reports(shop: Any, customer: Any, consent: Any) -> None:
    before = shop.log.stat().st_size
    with overheard(shop.url) as commands:
        live_through_everything(shop, customer, consent)
        reports = json.dumps(
            [
                shop.command("status"),
                shop.command("dead-letters", "list"),
                *(shop.command("dead-letters", "show", letter.id) for letter in shop.letters()),
                shop.ready()[1],
            ]
        )
    with shop.log.open("rb") as log:
        log.seek(before)
        lines = log.read().decode().splitlines()
    messages = [command for command in commands if ":celery:" in command or command.startswith("PUBLISH")]
    keys = [key.decode() for key in shop.store.scan_iter("*")]

    assert len([line for line in lines if '"level": "debug"' in line]) > 20
    assert len(messages) > 20
    assert any(EMAIL in command for command in commands)  # so that it would be heard
    for sign in SIGNS:
        for told in (*lines, *messages, *keys, reports):
            assert sign not in told.lower(), told
