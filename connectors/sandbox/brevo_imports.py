"""The imports of Brevo's sandbox: processes that work by themselves and tell in the end what they could not take.

https://developers.brevo.com/reference/importcontacts, as of November 2026.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from connectors.sandbox.brevo_contacts import LISTS, Contacts
from connectors.sandbox.brevo_refusals import RefusedError
from connectors.sandbox.vendor import Answer

Json: TypeAlias = Any

QUEUED_SECONDS: Final = 0.5
SECONDS: Final = 2.0
SECONDS_PER_ROW: Final = 0.0005
MOST_PROCESSES: Final = 10_000


@dataclass(slots=True)
class _Process:
    id: int
    starts: float
    ends: float
    rows: list[Json]
    lists: list[int]
    updates: bool
    report: dict[str, Json] = field(default_factory=dict)
    done: bool = False


class Imports:
    """The processes of one account; they run side by side and write when they end."""

    def __init__(self, contacts: Contacts) -> None:
        self.contacts = contacts
        self.processes: dict[int, _Process] = {}
        self.running: deque[_Process] = deque()
        self.ended = 0.0

    def start(self, body: Json, now: float) -> Answer:
        """Take an import and answer before anything is written."""
        if not isinstance(body, dict) or not isinstance(body.get("jsonBody"), list) or not body["jsonBody"]:
            raise RefusedError("missing_parameter", "Either fileUrl, fileBody or jsonBody is required")
        lists = body.get("listIds")
        if not isinstance(lists, list) or not lists:
            raise RefusedError("missing_parameter", "Either listIds or newList is required")
        for list_id in lists:
            if list_id not in LISTS:
                raise RefusedError("invalid_parameter", f"List with id {list_id} does not exist")
        rows = body["jsonBody"]
        if not all(isinstance(row, dict) and isinstance(row.get("attributes", {}), dict) for row in rows):
            raise RefusedError("invalid_parameter", "jsonBody is invalid")
        number = len(self.processes) + 1
        if number > MOST_PROCESSES:
            raise RefusedError("out_of_range", "No more processes in this account")
        starts = now + QUEUED_SECONDS
        ends = now + SECONDS + SECONDS_PER_ROW * len(rows)
        updates = body.get("updateExistingContacts", True) is True
        process = _Process(id=number, starts=starts, ends=ends, rows=rows, lists=lists, updates=updates)
        self.processes[number] = process
        self.running.append(process)
        return 202, {"processId": number}

    def work(self, now: float) -> None:
        """Write what has come to its end meanwhile."""
        due = sorted((one for one in self.running if one.ends <= now), key=lambda one: one.ends)
        for process in due:
            self.running.remove(process)
            process.report = self._write(process)
            process.rows, process.done, self.ended = [], True, process.ends

    def _write(self, process: _Process) -> dict[str, Json]:
        invalid: list[str] = []
        numbers: list[str] = []
        for row in process.rows:
            try:
                taken = self.contacts.import_row(row, process.lists, updates=process.updates)
            except RefusedError:
                invalid.append(str(row.get("email", "")))
                continue
            if not taken:
                numbers.append(str(row["email"]))
        return {"invalid_emails": invalid or None, "duplicate_phone_id": numbers or None}

    def tell(self, number: str, now: float) -> Answer:
        """Tell how far a process is."""
        process = self.processes.get(int(number)) if number.isascii() and number.isdecimal() else None
        if process is None:
            raise RefusedError("invalid_parameter", "processId is invalid", 404)
        said: Mapping[str, Json] = {"id": process.id, "name": "IMPORTUSER"}
        if process.done:
            return 200, {**said, "status": "completed", "info": {"import": process.report}}
        return 200, {**said, "status": "queued" if now < process.starts else "processing"}
