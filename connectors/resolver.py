"""Open a TCP connection within a time that holds for the whole of it: the name, and every address behind it."""

import socket
import threading
import time
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

Address: TypeAlias = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]
Option: TypeAlias = tuple[int, int, int] | tuple[int, int, bytes]

MOST_ADDRESSES: Final = 6


class _Lookup:
    """One question to the name server, shared by all who ask the same meanwhile."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.addresses: Sequence[Address] = ()
        self.error: OSError | None = None


_lookups: dict[tuple[str, int], _Lookup] = {}
_lock: Final = threading.Lock()


def addresses(host: str, port: int, seconds: float) -> Sequence[Address]:
    """Look a host up. The system's resolver knows no timeout, so it runs in a thread that nobody waits for any longer.

    Raises: OSError; TimeoutError when the answer does not come in time.
    """
    with _lock:
        lookup = _lookups.get((host, port))
        if lookup is None:
            lookup = _lookups[host, port] = _Lookup()
            threading.Thread(target=_look_up, args=(host, port, lookup), name="resolver", daemon=True).start()
    if not lookup.done.wait(seconds):
        raise TimeoutError("the name server does not answer")
    if lookup.error is not None:
        raise lookup.error
    return lookup.addresses


def _look_up(host: str, port: int, lookup: _Lookup) -> None:
    try:
        lookup.addresses = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
    except OSError as error:
        lookup.error = error
    except UnicodeError:
        lookup.error = OSError("not a host name")
    finally:
        with _lock:
            _lookups.pop((host, port), None)
        lookup.done.set()


def connect(host: str, port: int, seconds: float, options: Sequence[Option]) -> socket.socket:
    """Connect to the first address that answers; each gets its share of the time left, so a dead IPv6 is survived.

    Raises: OSError; TimeoutError when the last address did not answer.
    """
    until = time.monotonic() + seconds
    found = addresses(host, port, seconds)[:MOST_ADDRESSES]
    failure: OSError = OSError("the host has no address")
    for index, (family, kind, protocol, _, address) in enumerate(found):
        share = max((until - time.monotonic()) / (len(found) - index), 0.01)
        connection = socket.socket(family, kind, protocol)
        try:
            for option in options:
                connection.setsockopt(*option)
            connection.settimeout(share)
            connection.connect(address)
        except OSError as error:
            connection.close()
            failure = error
        else:
            return connection
    raise failure
