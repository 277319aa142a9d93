"""The kinds of value that settings are made of; what does not fit says what to write instead."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final, Literal, TypeAlias, TypeVar
from urllib.parse import urlsplit

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    SecretStr,
    Tag,
    model_validator,
)
from pydantic_core import PydanticCustomError

from connectors.attributes import FIELDS, RAW
from connectors.signatures import SIGNING, is_base64

DAY: Final = 86_400
LONGEST: Final = 2048
# Steps that pydantic adds to the path of an error and that stand in no file.
SWITCH: Final = "[switch]"
WINDOWS: Final = "[windows]"
_LONGEST_EXPRESSION: Final = 200


def taught(wrong: str, instead: str) -> PydanticCustomError:
    """Build a validation error out of what is wrong and what to write instead; neither may quote the value."""
    return PydanticCustomError("taught", "{wrong}: {instead}", {"wrong": wrong, "instead": instead})


def snake(key: str) -> str:
    """Give the name of a key that may be written in camelCase or with hyphens."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).replace("-", "_").lower()


class Section(BaseModel):
    """A frozen group of settings; its keys may be written in snake_case, camelCase or with hyphens."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _name_keys(cls, data: Any) -> Any:  # noqa: ANN401 - the file holds anything
        if data is None:  # a key with nothing but comments under it
            return {}
        if not isinstance(data, Mapping):
            return data
        named: dict[Any, Any] = {}
        for key, value in data.items():
            name = snake(key) if isinstance(key, str) else key
            # Of two spellings of one key the second keeps its own, so that it is refused where it stands.
            free = name in cls.model_fields and name not in named and (name == key or name not in data)
            named[name if free else key] = value
        return named


def shaped(pattern: str, wrong: str, instead: str) -> Callable[[str], str]:
    """Give a check that a whole text has a form."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise taught(wrong, instead)
        return value

    return check


def address(text: str, schemes: Sequence[str]) -> str:
    """Check that a text is a URL of one of these schemes.

    Raises: PydanticCustomError.
    """
    wanted = " or ".join(f"{scheme}://" for scheme in schemes)
    if len(text) > LONGEST or re.search(r"[\s\x00-\x1f\x7f\\]", text):
        raise taught("this is no address", f"write an address that starts with {wanted}, without blanks")
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in schemes or not (parts.hostname or (parts.scheme == "unix" and parts.path)):
        raise taught("this is no address", f"write an address that starts with {wanted}")
    return text


def plain(value: Any) -> Any:  # noqa: ANN401 - a validator takes what the file holds
    """Give the text of a secret without the line end that `$(cat file)` or an editor leaves behind."""
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    return text.strip() if isinstance(text, str) else text


def header_safe(value: SecretStr) -> SecretStr:
    """Check that a key can stand in a header.

    Raises: PydanticCustomError.
    """
    if not re.fullmatch(r"[\x21-\x7e]+", value.get_secret_value()):
        raise taught("this is no API key", "a key is one word of ASCII; an empty one is none at all")
    return value


def signs(value: SecretStr) -> SecretStr:
    """Check that a secret which promises to be base64 (Standard Webhooks) is; any other text is taken as it is.

    Raises: PydanticCustomError.
    """
    secret = value.get_secret_value()
    if secret.startswith(SIGNING) and not is_base64(secret.removeprefix(SIGNING)):
        raise taught(f"a secret begins with {SIGNING} and goes on with no base64", "copy it whole")
    return value


def distinct(mapping: Mapping[str, str]) -> Mapping[str, str]:
    """Refuse two fields for one attribute.

    Raises: PydanticCustomError.
    """
    if len({target.casefold() for target in mapping.values()}) < len(mapping):
        raise taught("two fields are mapped to one attribute", "give each field an attribute of its own")
    return mapping


def _refuse_bool(value: Any) -> Any:  # noqa: ANN401 - a validator takes what the file holds
    if isinstance(value, bool):
        raise taught("this is a number, not a switch", "write a number")
    return value


def _listed(value: Any) -> Any:  # noqa: ANN401 - likewise
    """Take one value where a list is expected: `source: shopify` is `source: [shopify]`."""
    if value is None:
        return ()
    return (value,) if isinstance(value, (str, SecretStr)) else value


def _lowered(value: Any) -> Any:  # noqa: ANN401 - likewise
    return value.lower() if isinstance(value, str) else value


def _base_url(text: str) -> str:
    parts = urlsplit(address(text, ("https", "http")))
    if parts.username is not None or parts.password is not None or "?" in text or "#" in text:
        raise taught("the address holds more than host and path", "leave out user, password, query and fragment")
    return text.rstrip("/")


def _webhook_url(value: SecretStr) -> SecretStr:
    address(value.get_secret_value(), ("https", "http"))
    return value


def _field_name(key: str) -> str:
    """Check that a customer field is known by this name, or that what follows `raw:` is JMESPath."""
    if not key.startswith(RAW):
        if key not in FIELDS:
            raise PydanticCustomError("unknown_field", "no field of a customer has this name")
        return key
    if not _is_jmespath(key.removeprefix(RAW)):
        raise taught(
            "what follows `raw:` is no JMESPath", 'write a path into the payload, such as "raw:addresses[0].zip"'
        )
    return key


def _is_jmespath(expression: str) -> bool:
    if len(expression) > _LONGEST_EXPRESSION:
        return False
    try:
        jmespath.compile(expression)
    except (JMESPathError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return False
    return True


def _are_windows(value: Any) -> Any:  # noqa: ANN401 - a validator takes what the file holds
    pairs = isinstance(value, (list, tuple)) and all(isinstance(one, (list, tuple)) and len(one) == 2 for one in value)
    if not pairs or not value:
        raise taught("this is no list of windows", "write pairs of calls and seconds, such as [[20, 1], [72000, 3600]]")
    return value


def _kind_of_limits(value: Any) -> Literal["[switch]", "[windows]"]:  # noqa: ANN401 - likewise
    return WINDOWS if isinstance(value, Mapping) else SWITCH


Whole = Annotated[int, BeforeValidator(_refuse_bool)]
Number = Annotated[float, BeforeValidator(_refuse_bool)]
Lowered = BeforeValidator(_lowered)
Listed = BeforeValidator(_listed)
Secret = Annotated[SecretStr, BeforeValidator(plain)]
ApiKey = Annotated[SecretStr, AfterValidator(header_safe), BeforeValidator(plain)]
SigningSecret = Annotated[SecretStr, AfterValidator(signs), BeforeValidator(plain)]
WebhookUrl = Annotated[SecretStr, AfterValidator(_webhook_url), BeforeValidator(plain)]
BaseUrl = Annotated[str, AfterValidator(_base_url)]
FieldName = Annotated[str, AfterValidator(_field_name)]
Attribute = Annotated[
    str,
    AfterValidator(
        shaped(r"[^\W\d]\w{0,99}", "this is no attribute's name", "use letters, digits and _, such as FIRSTNAME")
    ),
]
Label = Annotated[
    str,
    AfterValidator(shaped(r"\S(?:.{0,253}\S)?", "this is no name", "write up to 255 letters, no blanks around")),
]

Calls = Annotated[Whole, Field(ge=1, le=1_000_000)]
Seconds = Annotated[Number, Field(ge=0.1, le=DAY)]
Windows: TypeAlias = Annotated[tuple[tuple[Calls, Seconds], ...], Field(max_length=5), BeforeValidator(_are_windows)]
Class = TypeVar("Class")
# Whether the vendor's limits are obeyed, or windows for some of its classes of calls, the others obeyed as they are.
Limits: TypeAlias = Annotated[
    Annotated[bool, Tag(SWITCH)] | Annotated[dict[Class, Windows], Tag(WINDOWS)], Discriminator(_kind_of_limits)
]
