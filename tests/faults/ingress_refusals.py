"""Webhooks that are strange, forged, too large or no JSON at all: F35."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from mappings.registry import PLATFORMS
from tests.faults.catalogue import fault
from tests.faults.ingress_load import beside, unharmed
from tests.faults.ingress_repeats import counters
from tests.faults.run import Run
from tests.faults.system import System
from tests.faults.traffic import Customers, Webhook
from tests.faults.wire import head, lines, prepared, signed
from worker.commands.posting import webhook_path

PATH: Final = "/webhooks/shopify"
MOST: Final = 2 * 2**20
SOURCES: Final = ("shopify", "woocommerce", "magento", "custom")


def _refusals(webhook: Webhook) -> Iterator[tuple[str, bytes, int, str]]:
    """Give requests that must be refused: what it is, its bytes, the status, and the counter that must count it."""
    headers, body = signed(webhook), webhook.body
    yield "unknown source", head("/webhooks/nobody", headers, len(body)) + body, 404, "refused.unknown_source"
    yield "another's path", head(f"{PATH}/orders", headers, len(body)) + body, 404, "refused.unknown_source"
    yield "another's signature", prepared(webhook, secret="another"), 401, "refused.signature"
    yield "another's source", head("/webhooks/custom", headers, len(body)) + body, 401, "refused.signature"
    yield "another body", head(PATH, headers, len(body)) + body.replace(b"V0", b"V1"), 401, "refused.signature"
    yield "declared too large", head(PATH, headers, MOST + 1), 413, "refused.too_large"
    chunked = head(PATH, headers | {"Transfer-Encoding": "chunked"}, None)
    grows = b"%x\r\n" % (MOST + 1) + b"x" * (MOST + 1) + b"\r\n"
    yield "grows too large", chunked + grows, 413, "refused.too_large"
    packed = head(PATH, headers | {"Content-Encoding": "gzip"}, len(body))
    yield "compressed", packed + body, 415, "refused.encoding"


@fault("F35", "what is refused: strangers, forgeries, sizes and encodings; and a topic that nobody knows", short=True)
def refused(run: Run) -> None:
    """Answer each as it deserves, keep nothing of it, and count it; ignore what nobody maps, with 202."""
    people = Customers(run.sized(60, 20))
    with run.system() as system, unharmed(run, system):
        kept = system.lanes()["map"].pushed
        expected: Counter[str] = Counter()
        for number in people.numbers:
            webhook = people.webhook(number)
            for name, request, status, counter in _refusals(webhook):
                with lines(system.ports[0]) as (line,):
                    given = line.ask(request)
                run.expect(given == status, f"{name}: {given} for {status}")
                expected[counter] += 1
            system.post(replace(webhook, topic="customers/unheard_of", subject="unheard"))
        found = counters(system)
        wrong = {name: found[name] for name in expected if found[name] != expected[name]}
        run.expect(not wrong, f"counted {wrong} of {dict(expected)}")
        run.fire(sum(found[name] for name in expected))
        system.await_idle()
        ignored = system.figures.ignored().get("nobody maps this topic", 0)
        run.expect(ignored == len(people.numbers), f"{ignored} of {len(people.numbers)} unknown topics were ignored")
        run.expect(system.lanes()["map"].pushed == kept + ignored, "something that was refused was kept")
        run.expect(not system.letters(), "there are dead letters")
        _forget(system, "unheard")


def _forget(system: System, *subjects: str) -> None:
    """Take answers out of the journal that no destination shall hold."""
    left = [answer for answer in system.journal.answers if answer.subject not in subjects]
    system.journal = type(system.journal)()
    for answer in left:
        system.journal.note(answer)


def _bombs(number: int) -> Mapping[str, bytes]:
    """Give bodies that no reader of JSON likes; each must become a dead letter."""
    start = b'{"id": %d, "note": ' % number
    return {
        "no JSON": b"<html>maintenance</html>",
        "empty": b"",
        "cut short": start + b'"abc',
        "depth 1 000": start + b"[" * 1_000 + b"]" * 1_000 + b"}",
        "depth 100 000": start + b"[" * 100_000 + b"]" * 100_000 + b"}",
        "depth of objects": start + b'{"a":' * 100_000 + b"1" + b"}" * 100_001,
        "depth without end": b"[" * MOST,
        "NaN": start + b"NaN}",
        "minus infinity": start + b"-Infinity}",
        "1e999": start + b"1e999}",
        "1e-999999999": start + b"1e-999999999}",
        "a whole number of a million digits": start + b"9" * 1_000_000 + b"}",
        "a fraction of a million digits": start + b"0." + b"9" * 1_000_000 + b"}",
        "a lone surrogate": start + b'"\\ud800"}',
        "a lone surrogate as a name": start + b'1, "\\udfff": 1}',
        "byte order mark": b"\xef\xbb\xbf" + start + b"1}",
        "UTF-16": (start + b"1}").decode().encode("utf-16"),
        "not UTF-8": start + b'"\xff\xfe"}',
        "150 000 keys": json.dumps({str(key): 0 for key in range(150_000)}).encode(),
        "200 000 values": start + b"[" + b"0," * 200_000 + b"0]}",
    }


@fault("F35b", "genuine signatures over bodies that are no JSON, or bombs", short=True)
def malformed(run: Run) -> None:
    """Accept each, bury it as malformed, and let nobody wait: neither at the endpoint nor in the worker."""
    rounds = run.sized(5, 1)
    number = Customers(1).numbers[0]
    with run.system() as system, unharmed(run, system):
        bombs = {
            f"{name} {one}": Webhook(
                source="shopify", topic="customers/update", delivery_id=f"bomb-{name}-{one}", body=body, subject="bombs"
            )
            for one in range(rounds)
            for name, body in _bombs(number).items()
        }
        too_many = json.dumps({str(key): 0 for key in range(1_000_000)}).encode()

        def throw() -> None:
            for name, webhook in bombs.items():
                answer = system.post(webhook)
                run.expect(answer.status == 202, f"{name}: {answer.status}")
            answer = system.post(replace(next(iter(bombs.values())), body=too_many))
            # Its connection may be closed before it has read the answer.
            run.expect(answer.status in {0, 413}, f"a million keys: {answer.status}")

        beside(run, system, throw)
        _harmless(run, system)
        system.await_idle()
        letters = Counter(letter.reason for letter in system.letters())
        run.fire(letters["malformed"])
        run.expect(letters == {"malformed": len(bombs)}, f"{len(bombs)} bombs, letters: {dict(letters)}")
        _forget(system, "bombs")


def _harmless(run: Run, system: System) -> None:
    """Send what is odd and may pass: the last of doubled names counts, and what no destination takes is left out."""
    people = Customers(3, versions=2, first=Customers(1).numbers[0] + 10**7)
    doubled, null, deep = (people.webhook(number) for number in people.numbers)
    doubled = replace(doubled, body=doubled.body.replace(b'"last_name"', b'"first_name": "V1", "last_name"'), version=1)
    null = replace(null, body=null.body.replace(b"Abel", b"A\\u0000bel"))
    deep = replace(deep, body=deep.body.replace(b'"Abel"', b'"Abel", "x": ' + b"[" * 60 + b"]" * 60))
    for webhook in (doubled, null, deep):
        run.expect(system.post(webhook).accepted, "an odd body was refused")


def _forged(headers: Mapping[str, str]) -> Iterator[list[tuple[str, str]]]:
    """Give the headers of a genuine delivery with a signature that is none."""
    name = next(name for name in headers if "hmac" in name.lower() or "signature" in name.lower())
    good = headers[name]
    rest = [pair for pair in headers.items() if pair[0] != name]
    yield rest
    yield [*rest, (name, good), (name, good)]
    yield [*rest, (name, good), (name.lower(), "x")]
    yield [*rest, (f"{name}-2", good)]
    yield [*rest, (name.replace("-", "_"), good)]
    for value in (
        "",
        " ",
        "=",
        "null",
        "0",
        "\xff" * 44,
        good[:-1],
        good + good,
        good + "," + good,
        good + ";",
        good[0].swapcase() + good[1:] if good[0].isalpha() else "x" + good[1:],
        "\xa0" + good,
        good.replace(good[5:8], "%00"),
        f'"{good}"',
        f"Basic-{good}",
        good[::-1],
        "A" * len(good),
        "A" * 600,
        good + "A" * 40_000,
        "{" * 500,
        "../../etc/passwd",
        "\t\t",
        "é" * 20,
        "v1,",
        "v1,,,," + good[-1],
    ):
        yield [*rest, (name, value)]


@fault("F35c", "signatures that are malformed, at all four platforms", short=True)
def forged(run: Run) -> None:
    """Answer each 401 on a connection that goes on to serve, and keep nothing."""
    webhook = Customers(1).webhooks()[0]
    with run.system() as system, unharmed(run, system):
        kept = system.lanes()["map"].pushed
        statuses: Counter[int] = Counter()
        for source in SOURCES:
            own = replace(webhook, source=source, topic="customer.updated" if source == "magento" else webhook.topic)
            path = webhook_path(PLATFORMS[source], source, own.topic)
            with lines(system.ports[0]) as (line,):
                for number, headers in enumerate(_forged(signed(own))):
                    status = line.ask(head(path, headers, len(own.body)) + own.body)
                    statuses[status] += 1
                    run.expect(status == 401, f"{source}, forgery {number}: {status}")
        run.fire(counters(system)["refused.signature"])
        run.expect(run.fired == statuses.total() >= 100, f"{run.fired} of {statuses.total()} refusals were counted")
        run.expect(system.lanes()["map"].pushed == kept, "a forgery was kept")
