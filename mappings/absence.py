"""What every record is: a frozen value whose fields are told, cleared, or absent."""

from enum import Enum
from typing import Final, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict


class Absent(Enum):
    """The type of `ABSENT`: the payload says nothing about this field."""

    ABSENT = "absent"

    def __repr__(self) -> str:
        return "ABSENT"

    def __bool__(self) -> bool:
        return False


ABSENT: Final = Absent.ABSENT

T = TypeVar("T")
Maybe: TypeAlias = T | Literal[Absent.ABSENT] | None
Decided: TypeAlias = T | Literal[Absent.ABSENT]


class Record(BaseModel):
    """A frozen value with no defaults and no unknown fields; its errors never show a value."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
