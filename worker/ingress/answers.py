"""The answers of the webhook endpoint, built once; a refusal tells a stranger its status and nothing else."""

from typing import Final

from starlette.types import Message

from worker.ingress.commit import Outcome

_CLOSE: Final = (b"connection", b"close")
_RETRY: Final = (b"retry-after", b"5")


class Answer:
    """One complete response as the two ASGI messages it is sent in, and the name it is counted under."""

    __slots__ = ("body", "name", "start")

    def __init__(self, name: str, status: int, text: str, *headers: tuple[bytes, bytes]) -> None:
        self._say(name, status, b"application/json", b'{"status":"%s"}' % text.encode("ascii"), *headers)

    @classmethod
    def echo(cls, text: bytes) -> "Answer":
        """Build the answer to a challenge: the text itself, which no browser takes for a page."""
        answer = cls.__new__(cls)
        answer._say("challenges", 200, b"text/plain", text, (b"x-content-type-options", b"nosniff"))  # noqa: SLF001 - ours
        return answer

    def _say(self, name: str, status: int, kind: bytes, content: bytes, *headers: tuple[bytes, bytes]) -> None:
        fixed = [(b"content-type", kind), (b"content-length", b"%d" % len(content))]
        self.name = name
        self.start: Message = {"type": "http.response.start", "status": status, "headers": [*fixed, *headers]}
        self.body: Message = {"type": "http.response.body", "body": content}


class Refused(Exception):  # noqa: N818 - names what happened to the request
    """The request is answered now and nothing of it is kept."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.name)
        self.answer = answer


ACCEPTED: Final = Answer("accepted", 202, "accepted")
PING: Final = Answer("pings", 200, "ok")
UNAVAILABLE: Final = Answer("refused.full", 503, "unavailable", _RETRY)
BY_OUTCOME: Final = {
    Outcome.ACCEPTED: ACCEPTED,
    Outcome.REPEAT: ACCEPTED,
    Outcome.SPOOLED: ACCEPTED,
    Outcome.REFUSED: UNAVAILABLE,
}

KEYLESS: Final = Answer("refused.no_key", 503, "unavailable", _RETRY)
UNSIGNED: Final = Answer("refused.signature", 401, "unauthorized")
UNVERIFIABLE: Final = Answer("refused.unverifiable", 401, "unauthorized")
UNKNOWN: Final = Answer("refused.unknown_source", 404, "not found")
NO_SECRET: Final = Answer("refused.no_secret", 404, "not found")
NOT_POST: Final = Answer("refused.method", 405, "method not allowed", (b"allow", b"POST"))
ENCODED: Final = Answer("refused.encoding", 415, "unsupported media type")
BAD_LENGTH: Final = Answer("refused.headers", 400, "bad request", _CLOSE)
LONG_HEADERS: Final = Answer("refused.headers", 431, "headers too large")
# What is still on its way is not read any more, so the connection cannot be used again.
TOO_LARGE: Final = Answer("refused.too_large", 413, "too large", _CLOSE)
TOO_SLOW: Final = Answer("refused.slow", 408, "timeout", _CLOSE)
BUSY: Final = Answer("refused.busy", 503, "unavailable", _RETRY, _CLOSE)
# The same for whoever takes any 5xx for a final no.
LATER: Final = {
    UNAVAILABLE: Answer(UNAVAILABLE.name, 429, "too many requests", _RETRY),
    BUSY: Answer(BUSY.name, 429, "too many requests", _RETRY, _CLOSE),
}
