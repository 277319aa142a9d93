"""How an import is asked about, and what the end of its process means for each row."""

from collections.abc import Callable
from typing import Any

import pytest

from connectors.verdicts import Again, BudgetSpent, Delivered, Down, Rejected, RetryLater


def test_poll_asks_for_the_process(brevo: Any, lawful: Any) -> None:
    call = brevo().poll("78")
    lawful(call)

    assert (call.method, call.path, call.budget, call.subjects) == ("GET", "/processes/78", "brevo.other", ())
    assert brevo().poll("../x").path == "/processes/..%2Fx"


ROWS = {"a": "ada@example.com", "b": "bea@example.com"}


@pytest.fixture
def ended(brevo: Any, respond_with: Any) -> Callable[..., Any]:
    def read(body: Any, status: int = 200, **headers: str) -> Any:
        return brevo().ended(
            respond_with(status, body, {name.replace("_", "-"): one for name, one in headers.items()}), ROWS
        )

    return read


def completed(**report: Any) -> Any:
    return {"id": 78, "name": "IMPORTUSER", "status": "completed", "info": {"import": report}}


@pytest.mark.parametrize("status", ["queued", "processing"])
def test_process_that_runs_has_no_verdict_yet(ended: Any, status: str) -> None:
    assert ended({"id": 78, "name": "IMPORTUSER", "status": status}) is None


@pytest.mark.parametrize(
    "body",
    [
        completed(invalid_emails=None, duplicate_email_id=None),
        completed(invalid_emails=0, duplicate_email_id=3),
        completed(invalid_emails=[], duplicate_phone_id=[]),
        completed(invalid_emails="0"),
        completed(),
        {"status": "completed"},
        {"status": "completed", "info": {"import": []}},
    ],
)
def test_process_without_invalid_rows_delivered_all(ended: Any, body: Any) -> None:
    assert ended(body) == {"a": Delivered(), "b": Delivered()}


@pytest.mark.parametrize("named", [["BEA@example.com "], "bea@example.com; x@example.com", ["bea@example.com", 3]])
def test_row_that_is_named_invalid_is_refused_alone(ended: Any, named: Any) -> None:
    assert ended(completed(invalid_emails=named)) == {
        "a": Delivered(),
        "b": Rejected(reason="invalid_email", field="email"),
    }


@pytest.mark.parametrize("unnamed", [1, ["other@example.com"], "https://files.example.com/invalid.csv", {"count": 1}])
def test_invalid_rows_that_are_not_named_are_looked_for(ended: Any, unnamed: Any) -> None:
    assert ended(completed(invalid_emails=unnamed)) == dict.fromkeys(ROWS, Again(reason="invalid_email"))


def test_row_that_is_named_a_duplicate_goes_alone(ended: Any) -> None:
    assert ended(completed(duplicate_phone_id=["ada@example.com"])) == {
        "a": Again(reason="duplicate"),
        "b": Delivered(),
    }


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_process_that_failed_is_tried_again(ended: Any, status: str) -> None:
    assert ended({"status": status}) == dict.fromkeys(ROWS, RetryLater(reason=f"import_{status}"))


def test_process_that_nobody_knows_is_tried_again(ended: Any) -> None:
    assert ended({"code": "invalid_parameter", "message": "processId is invalid"}, 404) == dict.fromkeys(
        ROWS, RetryLater(reason="import_unknown")
    )


@pytest.mark.parametrize("body", [None, [], {}, {"status": ["queued"]}, b"<html>"])
def test_answer_that_is_no_process_is_asked_for_again(ended: Any, body: Any) -> None:
    assert ended(body) == RetryLater(reason="malformed_process")


def test_what_keeps_the_answer_from_coming_is_told(ended: Any) -> None:
    assert ended(None, 429, x_sib_ratelimit_reset="1800") == BudgetSpent(after=1800.0)
    assert ended(None, 503) == RetryLater(reason="http_503")
    assert ended(None, 401) == Down(scope="destination", reason="unauthorized")
