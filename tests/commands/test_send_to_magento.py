"""`send` to a source of Magento: the topic is the end of the address, and only a plain secret signs."""

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any, Final

from mappings.platform import Headers
from mappings.registry import PLATFORMS

BODY: Final = b'{"data": {"id": 1, "email": "greta@example.com"}}'
SETTINGS: Final = (
    "sources: {{magento: {{secrets: ['adobe:0123456789abcdef', token]}}}}\n"
    "skills: {{customer-sync: {{enabled: false}}}}\n"
    "engine: {{web: {{port: {port}}}}}\n"
)


def test_each_topic_has_an_address_of_its_own(house: Any, cli: Callable[..., Any], endpoint: Any) -> None:
    house.configure(SETTINGS.format(port=endpoint.url.rsplit(":", 1)[1]))

    done = cli("send", "magento", "customer.created", house.file(BODY))

    assert (done.code, done.out) == (0, "202 x 1\n")
    ((method, path, headers, body),) = endpoint.seen
    assert (method, path, body) == ("POST", "/webhooks/magento/customer.created", BODY)
    PLATFORMS["magento"].verify(Headers.of(headers), BODY, ["token"], datetime.now(timezone.utc))


def test_a_given_address_is_taken_as_it_is(house: Any, cli: Callable[..., Any], endpoint: Any) -> None:
    house.configure(SETTINGS.format(port=1))

    assert cli("send", "magento", "customer.created", house.file(BODY), "--url", f"{endpoint.url}/x").code == 0
    assert [path for _, path, _, _ in endpoint.seen] == ["/x"]


def test_a_source_with_nothing_but_a_client_id_cannot_send(house: Any, cli: Callable[..., Any]) -> None:
    house.configure(
        "sources: {magento: {secrets: ['adobe:0123456789abcdef']}}\nskills: {customer-sync: {enabled: false}}\n"
    )

    done = cli("send", "magento", "customer.created", house.file(BODY))

    assert done.code == 1
    assert "sources.magento.secrets" in done.err
