"""Brevo as the documentation and the wild describe it, in memory: contacts, imports, orders, events, products.

https://developers.brevo.com/reference/createcontact and its neighbours, as of November 2026.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from connectors.sandbox.brevo_attributes import Attributes
from connectors.sandbox.brevo_commerce import Commerce
from connectors.sandbox.brevo_contacts import Contact, Contacts, a_list, filled
from connectors.sandbox.brevo_imports import Imports
from connectors.sandbox.brevo_refusals import RefusedError
from connectors.sandbox.vendor import Answer, Standing, Windows

Json: TypeAlias = Any


class BrevoSandbox:
    """One account; without `known_attributes` it has every one there could be."""

    name = "brevo"
    prefix = "/v3"
    limits: Mapping[str, Windows] = {
        "contacts": ((10, 1.0), (36_000, 3600.0)),
        "events": ((10, 1.0), (36_000, 3600.0)),
        "orders": ((5, 1.0), (18_000, 3600.0)),
        "products": ((2, 1.0), (7_200, 3600.0)),
        "other": ((100, 3600.0),),
    }

    def __init__(self, known_attributes: frozenset[str] | None = None) -> None:
        self.now = 0.0
        self.attributes = Attributes(known_attributes)
        self.reset()

    def reset(self) -> None:
        """Forget all but the attributes there are."""
        self.book = Contacts(self.attributes)
        self.imports = Imports(self.book)
        self.commerce = Commerce(lambda email: email.lower() in self.book.by["email"])

    @property
    def ended(self) -> float:
        """When an import ended last."""
        return self.imports.ended

    @property
    def known_attributes(self) -> frozenset[str] | None:
        """The names of the attributes there are."""
        return None if self.attributes.open else frozenset(self.attributes.there)

    @property
    def contacts(self) -> dict[int, Contact]:
        """The contacts by their numbers."""
        return self.book.all

    def unsubscribe(self, **told: str) -> bool:
        """Do what a person (`user`), the account (`admin`) or a `complaint` does; False when there is no contact."""
        return self.book.unsubscribe(**told)

    def admits(self, headers: Mapping[str, str], key: str | None) -> bool:
        """Say whether these headers prove an account."""
        given = headers.get("api-key", "")
        return bool(given) and key in (None, given)

    def unauthorized(self) -> Answer:
        """Give the answer to a call without a valid key."""
        return 401, {"code": "unauthorized", "message": "Key not found"}

    def budget(self, method: str, path: str) -> str:
        """Name the class of limits that a call falls under; what is no contact and stands for one thing is named."""
        if path == "/contacts" or path.startswith("/contacts/"):
            return "contacts"
        named = {
            "/events": "events",
            "/orders/status": "orders",
            "/products": "products",
            "/ecommerce/orders": "orders",
        }
        return named.get(path, "other") if method == "POST" else "other"

    def throttled(self, standing: Standing) -> tuple[Answer, Mapping[str, str]]:
        """Give the answer to a call too many."""
        refused = {"code": "too_many_requests", "message": "Rate limit exceeded"}
        return (429, refused), self.standing_headers(standing)

    def standing_headers(self, standing: Standing) -> Mapping[str, str]:
        """Give the headers by which every answer tells of the limits."""
        return {
            "x-sib-ratelimit-limit": str(standing.limit),
            "x-sib-ratelimit-remaining": str(standing.remaining),
            "x-sib-ratelimit-reset": str(max(1, math.ceil(standing.reset))),
        }

    def control(self, method: str, name: str, content: Json) -> Answer | None:
        """Show what the account holds, set the attributes there are, unsubscribe as a person does."""
        match method, name:
            case "GET", ("contacts" | "orders" | "events" | "products" | "state"):
                state = self._state()
                return 200, state if name == "state" else state[name]
            case "POST", "attributes":
                self.attributes.set(content["names"])
            case "POST", "unsubscribe":
                return (204, None) if self.unsubscribe(**content) else (404, {"message": "no such contact"})
            case _:
                return None
        return 204, None

    def _state(self) -> dict[str, list[Json]]:
        return {
            "contacts": [contact.json() for contact in self.contacts.values()],
            "orders": list(self.commerce.orders.values()),
            "events": self.commerce.events,
            "products": list(self.commerce.products.values()),
        }

    def answer(self, method: str, path: tuple[str, ...], query: Mapping[str, str], body: Json) -> Answer:
        """Answer one request; `path` are the decoded segments that follow /v3."""
        self.imports.work(self.now)
        try:
            if path[0] == "contacts":
                return self._of_contacts(method, path[1:], query, body)
            return self._of_the_rest(method, path, body)
        except RefusedError as refused:
            return refused.answer

    def _of_contacts(self, method: str, path: tuple[str, ...], query: Mapping[str, str], body: Json) -> Answer:
        match method, path:
            case "POST", ():
                return self.book.create(filled(body))
            case "POST", ("import",):
                return self.imports.start(body, self.now)
            case _, ("attributes", *named):
                return self._of_attributes(method, named, body)
            case "GET", ("lists", list_id):
                return a_list(list_id)
            case (("GET" | "PUT" | "DELETE"), (identifier,)):
                act: Callable[[Contact, Json], Answer] = getattr(self.book, method.lower())
                return act(self.book.found(identifier, query.get("identifierType")), body)
            case _:
                raise _not_allowed(method)

    def _of_attributes(self, method: str, named: list[str], body: Json) -> Answer:
        match method, named:
            case "GET", []:
                return self.attributes.list()
            case "POST", [category, name]:
                return self.attributes.create(category, name, body)
            case "PUT", [category, name]:
                return self.attributes.extend(category, name, body)
            case _:
                raise _not_allowed(method)

    def _of_the_rest(self, method: str, path: tuple[str, ...], body: Json) -> Answer:
        if (method, path) == ("GET", ("account",)):
            return 200, {"companyName": "Sandbox", "email": "sandbox@example.com", "plan": []}
        if method == "GET" and path[0] == "processes" and len(path) == 2:
            return self.imports.tell(path[1], self.now)
        posts: Mapping[tuple[str, ...], Callable[[Json], Answer]] = {
            ("orders", "status"): self.commerce.order,
            ("orders", "status", "batch"): self.commerce.order_batch,
            ("ecommerce", "orders"): self.commerce.gateway_order,
            ("events",): self.commerce.event,
            ("events", "batch"): self.commerce.event_batch,
            ("products",): self.commerce.product,
            ("products", "batch"): self.commerce.product_batch,
        }
        if method != "POST" or path not in posts:
            raise RefusedError("document_not_found", "Path does not exist", 404)
        return posts[path](body)


def _not_allowed(method: str) -> RefusedError:
    return RefusedError("method_not_allowed", f"{method} Method is not allowed on this path", 405)
