"""The vendors' own descriptions of their APIs, where they are at hand, and the check of a request against them."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import jsonschema  # type: ignore[import-untyped] # it comes without types
import yaml

from tests.contracts import loyalty_cards

SPECS: Final = Path(__file__).parents[2] / "../shared/specs"
# The gateway's dialect is no path of Brevo's, and nobody describes it.
UNDESCRIBED: Final = frozenset({"/ecommerce/orders"})

Json = Any


def _brevo() -> list[Json]:
    folder = SPECS / "brevo"
    told, newer = (
        yaml.load((folder / f"brevo-openapi-{name}.yaml").read_text(), yaml.CSafeLoader)
        for name in ("sync-subset", "additions")
    )
    schemas = told["components"]["schemas"]
    schemas["event"] = newer["components"]["schemas"]["event"]
    schemas["order"]["properties"]["products"]["items"] = newer["components"]["schemas"]["orderProductsItem"]
    told["paths"] = {**newer["paths"], **told["paths"]}
    return [told]


def _custobar() -> list[Json]:
    return [yaml.load((SPECS / "custobar/custobar-openapi-reconstructed.yaml").read_text(), yaml.CSafeLoader)]


def _voucherify() -> list[Json]:
    parts = [json.loads(path.read_text()) for path in sorted((SPECS / "voucherify").glob("*.json"))]
    for part in parts:
        # The cut has lost `nullable`, which production/readOnly-openAPI.json beside it says of all these fields.
        _allow_null(part["components"]["schemas"].get("CustomerBase", {}))
    return [*parts, loyalty_cards.DESCRIBED]


def _allow_null(schema: Json) -> None:
    for field in schema.get("properties", {}).values():
        field["nullable"] = True
        _allow_null(field)


LOADERS: Final[Mapping[str, Callable[[], list[Json]]]] = {
    "brevo": _brevo,
    "custobar": _custobar,
    "voucherify": _voucherify,
}


@cache
def described(destination: str) -> tuple[Json, ...] | None:
    """Give the descriptions of a vendor, None where they are not at hand."""
    return tuple(LOADERS[destination]()) if destination in LOADERS and (SPECS / destination).exists() else None


def _fits(template: str, path: str) -> bool:
    return re.fullmatch(re.sub(r"\\\{[^/]+?\\\}", "[^/]+", re.escape(template)), path) is not None


def operation(parts: tuple[Json, ...], method: str, path: str) -> tuple[Json, Json]:
    """Find what a request is described by, and the part of the description that it stands in."""
    found = [
        (template.count("{"), part, methods[method.lower()])
        for part in parts
        for template, methods in part["paths"].items()
        if _fits(template, path) and method.lower() in methods
    ]
    assert found, f"{method} {path} is not described"
    _, part, told = min(found, key=lambda one: one[0])
    return told, part


def check(destination: str, method: str, path: str, query: Mapping[str, str], body: Json) -> None:
    """Check a request against the vendor's description.

    Raises: AssertionError, jsonschema.ValidationError.
    """
    parts = described(destination)
    if parts is None or path in UNDESCRIBED:
        return
    told, part = operation(parts, method, path)
    known = {one["name"] for one in (_resolved(one, part, 2) for one in told.get("parameters", ()))}
    assert set(query) <= known, (set(query), known)
    assert body is None or "requestBody" in told, f"{method} {path} takes no body"
    if body is not None:
        schema = _resolved(told["requestBody"], part, 2)["content"]["application/json"]["schema"]
        jsonschema.validate(body, {**_plain(schema), "components": _plain(part["components"])})
        assert not list(_unknown(body, schema, part))


def _resolved(schema: Json, part: Json, depth: int = 9) -> Json:
    while depth and "$ref" in schema:
        found = part
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        schema, depth = found, depth - 1
    return schema


def _plain(node: Json) -> Json:
    """Write `nullable`, which is OpenAPI's, as JSON Schema does."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    written = {name: _plain(item) for name, item in node.items()}
    if node.get("nullable") is True and isinstance(node.get("type"), str):
        written["type"] = [node["type"], "null"]
    return written


def _unknown(body: Json, schema: Json, part: Json) -> Iterator[str]:
    """Give the fields that no description knows, where it knows any: vendors drop these without a word."""
    schema = _resolved(schema, part)
    choices = [_resolved(one, part) for name in ("oneOf", "anyOf") for one in schema.get(name, ())]
    if choices:
        told = [list(_unknown(body, one, part)) for one in choices]
        yield from min(told, key=len)
        return
    if isinstance(body, list):
        for item in body if "items" in schema else ():
            yield from _unknown(item, schema["items"], part)
        return
    known = _properties(schema, part)
    if not isinstance(body, dict) or not known or schema.get("additionalProperties"):
        return
    yield from (name for name in body if name not in known)
    for name, value in body.items():
        yield from _unknown(value, known.get(name, {}), part)


def _properties(schema: Json, part: Json) -> dict[str, Json]:
    schema = _resolved(schema, part)
    # Some names are demanded that are described nowhere.
    found = {**{key: {} for key in schema.get("required", ())}, **schema.get("properties", {})}
    for one in schema.get("allOf", ()):
        found |= _properties(one, part)
    return found
