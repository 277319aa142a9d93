"""What the faults of destinations share: who is where, what was answered, and the verdict of the ledger."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from tests.faults.ledger import Counts, count
from tests.faults.processes import until
from tests.faults.system import System
from tests.faults.traffic import at_brevo, at_custobar, at_voucherify
from worker.engine.lanes import MAP

ALL: Final = ("brevo", "custobar", "voucherify")
LANES: Final = {"brevo": "brevo.contacts", "custobar": "custobar.customers", "voucherify": "voucherify.customers"}
BUDGETS: Final = {"brevo": "brevo.contacts", "custobar": "custobar.calls", "voucherify": "voucherify.calls"}
_TABLES: Final[Mapping[str, tuple[str, Callable[[Sequence[Mapping[str, Any]]], dict[str, list[int]]]]]] = {
    "brevo": ("contacts", at_brevo),
    "custobar": ("customers", at_custobar),
    "voucherify": ("customers", at_voucherify),
}


def versions(system: System, vendor: str) -> dict[str, list[int]]:
    """Give the versions that a vendor holds of each customer."""
    table, read = _TABLES[vendor]
    return read(system.ask(vendor, table))


def counted(system: System) -> Counts:
    """Count at all destinations what became of the customers."""
    counts = Counts()
    for vendor in system.sandboxes:
        counts += count(system.journal.answers, versions(system, vendor))
    return counts


def answered(system: System, vendor: str, *statuses: int) -> list[Any]:
    """Give the calls of a vendor's journal that were answered so, in their order."""
    return [call for call in system.calls(vendor) if call["status"] in statuses]


def attempts(system: System, vendor: str) -> int:
    """Give the number of customers of a vendor whose delivery counts as tried before."""
    number: Any = system.store.hlen(f"{system.scripts.prefix}:lane:{LANES[vendor]}:attempts")
    return int(number)


def await_mapped(system: System, seconds: float = 120.0) -> None:
    """Wait until all events that were accepted have been mapped."""

    def is_mapped() -> bool:
        return not any(system.lanes()[MAP].states.values()) and not system.ready()[1]["spool"]["waiting"]

    until(is_mapped, "events are not mapped", seconds=seconds)
