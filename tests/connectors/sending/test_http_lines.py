"""Connections that are kept, and those that go by TLS."""

import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connectors.http import Limits


@pytest.mark.parametrize(("method", "status", "arrived"), [("PUT", 201, 3), ("GET", 201, 3), ("POST", 0, 2)])
def test_kept_connection_that_was_closed_is_tried_again_where_that_is_safe(
    serve: Any, sender: Any, send: Any, call: Any, ok: bytes, *, method: str, status: int, arrived: int
) -> None:
    seen: list[bytes] = []

    def first(peer: Any) -> None:
        seen.append(peer.read())
        peer.send(ok)
        seen.append(peer.read())  # taken, then hung up at that very moment
        peer.reset()

    def second(peer: Any) -> None:
        seen.append(peer.read())
        peer.send(ok)

    one, url = sender(), serve(first, second)

    assert [send(one, url).status, send(one, url, call(method)).status] == [201, status]
    assert len(seen) == arrived


def test_kept_connection_closed_before_the_call_is_opened_anew(serve: Any, sender: Any, send: Any, ok: bytes) -> None:
    one, url = sender(), serve(ok)
    first = send(one, url)
    time.sleep(0.05)

    assert [first.status, send(one, url).status] == [201, 201]


def test_each_thread_has_its_own_line(serve: Any, sender: Any, send: Any, ok: bytes) -> None:
    def handle(peer: Any) -> None:
        while peer.read():
            peer.send(ok)

    one, answers = sender(), []
    url = serve(handle)

    def run() -> None:
        answers.append(send(one, url).status)

    for _ in range(3):
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()

    assert answers == [201, 201, 201]
    assert len(one._lines) <= 1


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl to make a certificate with")
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1"]
    subprocess.run(
        [*command, "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", path, "-out", f"{path}.crt"],
        check=True,
        capture_output=True,
    )
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


def tls(certificate: Path) -> Callable[[socket.socket], socket.socket]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return lambda connection: context.wrap_socket(connection, server_side=True)


def test_certificate_of_nobody_we_trust_is_told_apart(
    serve: Any, sender: Any, certificate: Path, send: Any, ok: bytes
) -> None:
    assert send(sender(), serve(ok, wrap=tls(certificate))).body == b"tls"


def test_trusted_certificate_is_trusted(
    serve: Any, sender: Any, send: Any, ok: bytes, *, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(certificate))

    assert send(sender(), serve(ok, wrap=tls(certificate))).status == 201


def test_tls_handshake_that_drips_ends_in_time(serve: Any, sender: Any, send: Any, quick: Limits) -> None:
    def handle(peer: Any) -> None:
        peer.socket.recv(65536)
        peer.drip(b"\x16\x03\x03\x40\x00")  # a record of 16 KiB

    started = time.monotonic()
    answer = send(sender(), serve(handle).replace("http:", "https:"))

    assert answer.body == b"timeout"
    assert time.monotonic() - started < quick.total + 0.15


def test_plain_server_behind_https_is_a_failed_connection(
    serve: Any, sender: Any, send: Any, call: Any, ok: bytes
) -> None:
    url = serve(lambda peer: peer.send(ok)).replace("http:", "https:")

    assert send(sender(), url, call("GET")).body == b"connection"
