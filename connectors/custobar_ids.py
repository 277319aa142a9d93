"""Our ids in Custobar's alphabet, and back.

"The external_id must consist of letters, numbers and dashes only": https://www.custobar.com/docs/api/customers/, as of
November 2026. A plain id stays as it is. Of others, each byte outside the alphabet becomes `--` and two hexadecimal
digits, and so does a dash that stands before such a byte or another dash: a doubled dash always begins an escape.
"""

import re
from typing import Final

_ESCAPED: Final = re.compile(r"[^A-Za-z0-9-]|-(?![A-Za-z0-9]|\Z)")
_ESCAPES: Final = re.compile(r"(?:--[0-9a-f]{2})+")
# A lone surrogate cannot come from JSON that we read, yet no id may be what stops a batch.
_SURROGATES: Final = "surrogatepass"


def external_id(our_id: str) -> str:
    """Write an id of ours in Custobar's alphabet; no two ids become one."""
    return _ESCAPED.sub(
        lambda found: "".join(f"--{byte:02x}" for byte in found[0].encode("utf-8", _SURROGATES)), our_id
    )


def our_id(external: str) -> str:
    """Read what `external_id` wrote.

    Raises: ValueError for what it cannot have written.
    """
    found = _ESCAPES.sub(
        lambda escapes: bytes.fromhex(escapes[0].replace("--", "")).decode("utf-8", _SURROGATES), external
    )
    if external_id(found) != external:
        raise ValueError("not an id that we wrote")
    return found


def row_id(order_id: str, line_id: str) -> str:
    """Name the row of an order's line; no two lines of any orders have one name."""
    return external_id(f"{order_id}-{line_id.replace('~', '~0').replace('-', '~1')}")


def order_and_line(row: str) -> tuple[str, str]:
    """Read what `row_id` wrote.

    Raises: ValueError for what it cannot have written.
    """
    order_id, _, line_id = our_id(row).rpartition("-")
    return order_id, line_id.replace("~1", "-").replace("~0", "~")
