"""How destinations are asked by `loyalty verify`: gently, more than once, and not for ever."""

from typing import Any

import pytest

from connectors.brevo_account import BrevoAccount
from connectors.brevo_options import BrevoOptions
from connectors.connector import Call, Response
from worker.commands import loyalty_there
from worker.commands.loyalty_there import Inquiry, Reading


class Vendor:
    """Answers what it is told to, one after the other."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)

    def send(self, _base: str, _headers: Any, _call: Call) -> Response:
        return Response(status=self.statuses.pop(0), headers={}, body=b"{}")


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    seconds: list[float] = []
    monkeypatch.setattr(loyalty_there.time, "sleep", seconds.append)
    return seconds


def asked(club: Any, vendor: Vendor, account: BrevoAccount, times: int = 1) -> tuple[list[Any], dict[str, str]]:
    call = Call(method="GET", path="/contacts/1", budget="brevo.contacts", subjects=(), step="reading")
    reading = Reading("brevo", call, lambda answer: {} if answer.status == 200 else None, {})
    with club.house.look() as deployment:
        inquiry = Inquiry(limits=deployment.limits, sender=vendor)  # type: ignore[arg-type] # answers only
        return [inquiry.unlike(account, reading) for _ in range(times)], inquiry.silent


@pytest.mark.parametrize(
    ("statuses", "silent", "left"),
    [
        ((429, 200), "", 0),
        ((503, 0, 200), "", 0),
        ((503, 503, 503, 200), "answers 503 where 200 was expected", 1),
        ((401, 200), "refuses the key (401)", 1),
    ],
)
def test_a_moment_of_trouble_is_waited_for_and_no_more(
    club: Any, waited: list[float], statuses: tuple[int, ...], silent: str, left: int
) -> None:
    vendor = Vendor(*statuses)
    free = BrevoAccount(BrevoOptions(api_key="k", limits_off=True))

    answers, why = asked(club, vendor, free, times=1 if not left else 2)

    assert answers == ([[]] if not left else [None, None])
    assert silent in why.get("brevo", "")
    assert (len(vendor.statuses), max(waited, default=0) <= loyalty_there.LONGEST_WAIT) == (left, True)


def test_only_half_of_a_budget_is_spent(club: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def waits(_seconds: float) -> None:
        raise AssertionError("it waits")

    monkeypatch.setattr(loyalty_there.time, "sleep", waits)
    account = BrevoAccount(BrevoOptions(api_key="k", limits={"contacts": ((4, 60.0),)}))
    loyal = Vendor(200, 200, 200)

    with pytest.raises(AssertionError, match="waits"):
        asked(club, loyal, account, times=3)

    assert len(loyal.statuses) == 1
