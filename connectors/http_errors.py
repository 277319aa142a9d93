"""What became of a call without an answer, as told by the error that urllib3 or a socket raised."""

import ssl
import traceback
from collections.abc import Iterator

from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
from urllib3.exceptions import TimeoutError as TimedOutError

from connectors.connector import UNREACHABLE, UNTRUSTED


def kind_of(error: BaseException) -> bytes:
    """Name the kind of failure, as in the body of a response of status 0."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return UNTRUSTED
        if isinstance(cause, (NewConnectionError, ConnectTimeoutError)):
            return UNREACHABLE
        if isinstance(cause, (TimedOutError, TimeoutError)):
            return b"timeout"
    return b"connection"


def forget_frames(error: BaseException) -> None:
    """Empty the frames that an error came through.

    urllib3 keeps the error in a frame that the error keeps: with them the body of the request, megabytes of it in bulk,
    would stay until Python looks for garbage.
    """
    for cause in _causes(error):
        traceback.clear_frames(cause.__traceback__)


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__ or next((a for a in cause.args if isinstance(a, Exception)), None)
