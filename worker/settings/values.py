"""The kinds of value that settings are made of; what does not fit says what to write instead."""

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic_core import PydanticCustomError

from connectors.attributes import FIELDS, RAW

LONGEST: Final = 2048
_LONGEST_EXPRESSION: Final = 200


SIGNING: Final = "whsec_"


def taught(wrong: str, instead: str) -> PydanticCustomError:
    """Build a validation error out of what is wrong and what to write instead; neither may quote the value."""
    return PydanticCustomError("taught", "{wrong}: {instead}", {"wrong": wrong, "instead": instead})


def is_base64(text: str) -> bool:
    """Say whether text is base64 that says something."""
    try:
        return bool(base64.b64decode(text + "=" * (-len(text) % 4), validate=True))
    except ValueError:
        return False


def snake(key: str) -> str:
    """Give the name of a key that may be written in camelCase or with hyphens."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).replace("-", "_").lower()


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


def _plain(value: Any) -> Any:  # noqa: ANN401 - likewise
    """Give the text of a secret without the line end that `$(cat file)` or an editor leaves behind."""
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    return text.strip() if isinstance(text, str) else text


def _shaped(pattern: str, wrong: str, instead: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise taught(wrong, instead)
        return value

    return check


def _without_blanks(values: Sequence[SecretStr]) -> tuple[SecretStr, ...]:
    return tuple(value for value in values if value.get_secret_value())


def _header_safe(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not re.fullmatch(r"[\x21-\x7e]+", text):
        raise taught("this is no API key", "a key is one word of ASCII; an empty one is none at all")
    return value


def _address(text: str, schemes: Sequence[str]) -> str:
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


def _base_url(text: str) -> str:
    parts = urlsplit(_address(text, ("https", "http")))
    if parts.username is not None or parts.password is not None or "?" in text or "#" in text:
        raise taught("the address holds more than host and path", "leave out user, password, query and fragment")
    return text.rstrip("/")


def _webhook_url(value: SecretStr) -> SecretStr:
    _address(value.get_secret_value(), ("https", "http"))
    return value


def redis_url(value: Any) -> Any:  # noqa: ANN401 - a validator takes what the file holds
    """Check the address of a store; an empty one is none."""
    text = _plain(value)
    if isinstance(text, str):
        return SecretStr(_address(text, ("redis", "rediss", "unix"))) if text else None
    return text


def field_name(key: str) -> str:
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


RESERVED: Final = frozenset({"EMAIL", "EXT_ID"})


def mapped(mapping: Mapping[str, str]) -> dict[str, str]:
    """Add the e-mail, which identifies the contact, and refuse two fields for one attribute."""
    if len({target.casefold() for target in mapping.values()}) < len(mapping):
        raise taught("two fields are mapped to one attribute", "give each field an attribute of its own")
    if {target.upper() for key, target in mapping.items() if FIELDS.get(key) != FIELDS["email"]} & RESERVED:
        raise taught("this attribute identifies the contact and is written by us", "choose another attribute")
    known = any(FIELDS.get(key) == FIELDS["email"] for key in mapping)
    return dict(mapping) if known else {"email": "email", **mapping}


_NAME: Final = r"[a-z0-9][a-z0-9_-]{0,39}"
_ATTRIBUTE: Final = r"[^\W\d]\w{0,99}"

SourceName = Annotated[
    str,
    AfterValidator(
        _shaped(_NAME, "this is no name for a source", "use up to 40 of a-z, 0-9, _ and -: it is part of the address")
    ),
]
Prefix = Annotated[
    str, AfterValidator(_shaped(r"[a-z0-9-]{1,40}", "this is no prefix", "use up to 40 of a-z, 0-9 and -"))
]
Attribute = Annotated[
    str,
    AfterValidator(_shaped(_ATTRIBUTE, "this is no attribute's name", "use letters, digits and _, such as FIRSTNAME")),
]
Host = Annotated[
    str,
    AfterValidator(_shaped(r"[A-Za-z0-9.:_-]{1,253}", "this is no host", "write 127.0.0.1, 0.0.0.0 or a host's name")),
]
FieldName = Annotated[str, AfterValidator(field_name)]
Whole = Annotated[int, BeforeValidator(_refuse_bool)]
Number = Annotated[float, BeforeValidator(_refuse_bool)]
Lowered = BeforeValidator(_lowered)
Listed = BeforeValidator(_listed)
Secret = Annotated[SecretStr, BeforeValidator(_plain)]
Secrets = Annotated[tuple[Secret, ...], AfterValidator(_without_blanks), Listed]
ApiKey = Annotated[SecretStr, AfterValidator(_header_safe), BeforeValidator(_plain)]
BaseUrl = Annotated[str, AfterValidator(_base_url)]
WebhookUrl = Annotated[SecretStr, AfterValidator(_webhook_url), BeforeValidator(_plain)]
RedisUrl = Annotated[SecretStr | None, BeforeValidator(redis_url)]
