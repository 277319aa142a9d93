"""`shops`: the shops of the sources, uploaded to Custobar once."""

from typing import Any

import pytest

from connectors.sandbox.control import Fault, Sandbox
from connectors.sandbox.custobar import CustobarSandbox
from connectors.sandbox.server import running_sandbox

CONFIGURATION = """\
sources:
  shopify: {secrets: [a]}
  outlet: {platform: shopify, secrets: [a]}
destinations:
  custobar: {api_key: the-secret-key, base_url: "%s", shops: {outlet: "42"}}
skills:
  order-sync: {enabled: true}
"""


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(CustobarSandbox(), limited=False)


def test_shops_are_uploaded(house: Any, cli: Any, sandbox: Sandbox) -> None:
    with running_sandbox(sandbox) as url:
        house.configure(CONFIGURATION % url)
        done = cli("shops", "--json")

    assert {"ok": True, "shops": {"shopify": "shopify", "outlet": "42"}, "trouble": None} == done.json
    (call,) = sandbox.journal
    assert "/shops/upload/" in call["path"]
    assert {"shopify", "42"} == {shop["external_id"] for shop in call["body"]["shops"]}


def test_what_custobar_says_is_told(house: Any, cli: Any, sandbox: Sandbox) -> None:
    sandbox.faults.append(Fault(status=401, body={"error": {"reason": "no"}}))
    with running_sandbox(sandbox) as url:
        house.configure(CONFIGURATION % url)
        done = cli("shops")

    assert 1 == done.code
    assert "custobar" in done.err
    assert "the-secret-key" not in done.err


def test_without_custobar_there_is_nothing_to_do(house: Any, cli: Any) -> None:
    house.configure("sources: {shopify: {secrets: [a]}}\ndestinations: {brevo: {api_key: a-long-key}}\n")

    done = cli("shops")

    assert 3 == done.code
    assert "Custobar" in done.err
