"""An account whose tiers have lists, and conversations with a Brevo that holds them."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

import pytest

from connectors.connector import Call, Response
from connectors.sandbox.brevo import BrevoSandbox
from connectors.verdicts import Delivered
from tests.connectors.brevo_lists.samples import LISTS


@pytest.fixture
def account(brevo: Any) -> Callable[..., Any]:
    mapping = {"email": "email", "loyalty_points": "LOYALTY_POINTS", "first_name": "FIRSTNAME"}
    return lambda **options: brevo(**{"loyalty_lists": LISTS, "field_mapping": mapping, **options})


class Vendor:
    """Brevo, asked in this process."""

    def __init__(self, respond: Any) -> None:
        self.brevo, self.respond = BrevoSandbox(), respond

    def __call__(self, call: Call) -> Response:
        path = tuple(unquote(part) for part in call.path.strip("/").split("/"))
        answer: Response = self.respond(*self.brevo.answer(call.method, path, call.query, call.body))
        return answer

    @property
    def lists(self) -> list[int]:
        (contact,) = self.brevo.contacts.values()
        return contact.lists


@pytest.fixture
def vendor(respond_with: Any) -> Vendor:
    return Vendor(respond_with)


@pytest.fixture
def told(account: Any, state: Any, converse: Any, vendor: Vendor) -> Callable[..., tuple[Any, Mapping[str, Any]]]:
    """Tell the sandbox one state after the other; give the last conversation and what is known then."""

    def tell(*changes: Mapping[str, Any], known: Mapping[str, Any] | None = None, **options: Any) -> Any:
        known = known or {}
        for change in changes:
            talk = converse(account(**options), state(**change, known=known), vendor)
            assert isinstance(talk.end, Delivered), talk.end
            known = talk.end.known
        return talk, known

    return tell
