"""When what was accepted arrived at Brevo, by the sandbox's own journal."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from tests.faults.ledger import Answer
from tests.faults.traffic import SHOPIFY

# By its id at the shop, or by the address that `Customers` gives it.
CUSTOMER: Final = re.compile(r"(?:shopify-|\bc)(7\d{12})")


def arrivals(calls: Iterable[Mapping[str, Any]]) -> dict[tuple[str, int], list[float]]:
    """Give the times of the calls that Brevo took, by customer and the version that they told."""
    found: dict[tuple[str, int], list[float]] = {}
    for call in calls:
        body = call["body"] if isinstance(call["body"], dict) else {}
        name = str(body.get("attributes", {}).get("FIRSTNAME", ""))
        customer = CUSTOMER.search(f"{call['path']} {json.dumps(body)}")
        if call["status"] < 300 and customer and name.startswith("V"):
            found.setdefault((f"{SHOPIFY}-{customer[1]}", int(name[1:])), []).append(float(call["time"]))
    return found


def repeats(found: Mapping[tuple[str, int], Sequence[float]]) -> int:
    """Count the calls that told again what had been told."""
    return sum(len(times) - 1 for times in found.values())


def recoveries(
    answers: Iterable[Answer], found: Mapping[tuple[str, int], Sequence[float]], at: Sequence[float]
) -> list[float]:
    """Give the seconds from each fault to the arrival of what was accepted before it and had not arrived yet."""
    waits = []
    for answer in answers:
        times = found.get((answer.subject, answer.version))
        if answer.accepted and times:
            ended = answer.began + answer.seconds
            waits += [times[0] - moment for moment in at if ended < moment < times[0]]
    return waits


def p99(values: Sequence[float]) -> float:
    """Give the value that 99 of 100 do not pass, 0.0 of none."""
    return sorted(values)[max(0, -(-len(values) * 99 // 100) - 1)] if values else 0.0
