"""Records as plain JSON and back: a field that is ABSENT is not there."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any, Final, TypeAlias, TypeVar, get_args

from mappings.records import ABSENT, Record

Json: TypeAlias = Any
R = TypeVar("R", bound=Record)
_AS_THEY_ARE: Final = frozenset({type(None), str, int, bool})


def plain(value: object) -> Json:
    """Give a value of a record as JSON."""
    if type(value) in _AS_THEY_ARE:  # most are, and it is asked for every field of every event
        return value
    match value:
        case Record():
            fields = value.__dict__.items()  # its own iterator is slower
            return {
                name: part if type(part) in _AS_THEY_ARE else plain(part) for name, part in fields if part is not ABSENT
            }
        case str() | int():
            return value
        case Decimal():
            return str(value)
        case date():
            return value.isoformat()
        case tuple():
            return [plain(one) for one in value]
        case _:
            raise TypeError(type(value).__name__)


def record_of(model: type[R], data: Mapping[str, Json]) -> R:
    """Build the record that `plain` was given."""
    return model.model_validate(_filled(model, data))


def _filled(model: type[Record], data: Mapping[str, Json]) -> dict[str, Json]:
    inner = _inner(model)
    values: dict[str, Json] = dict.fromkeys(model.model_fields, ABSENT)
    for name, value in data.items():
        record = inner.get(name)
        if record is None or value is None or value is ABSENT or isinstance(value, Record):
            values[name] = value
        elif isinstance(value, list):
            values[name] = [_filled(record, one) for one in value]
        else:
            values[name] = _filled(record, value)
    return values


@cache
def _inner(model: type[Record]) -> dict[str, type[Record]]:
    """Name the record that each field of a model holds, alone or many times."""
    found = {name: _record_in(field.annotation) for name, field in model.model_fields.items()}
    return {name: record for name, record in found.items() if record is not None}


def _record_in(annotation: Any) -> type[Record] | None:  # noqa: ANN401 - a type as it is written
    if isinstance(annotation, type) and issubclass(annotation, Record):
        return annotation
    return next((record for part in get_args(annotation) if (record := _record_in(part))), None)
