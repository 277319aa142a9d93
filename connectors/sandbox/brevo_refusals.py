"""How Brevo's sandbox refuses a call."""

from typing import Any, TypeAlias

from connectors.sandbox.vendor import Answer

Json: TypeAlias = Any


class RefusedError(Exception):
    """A call that Brevo refuses; `answer` is what it says."""

    def __init__(self, code: str, message: str, status: int = 400, metadata: Json = None) -> None:
        super().__init__(code)
        body = {"code": code, "message": message}
        self.answer: Answer = (status, body if metadata is None else {**body, "metadata": metadata})
