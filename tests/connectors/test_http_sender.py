"""Sending over HTTP: the answer as it is, or the kind of failure, within limits, whatever the other side does."""

import gzip
import logging
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from connectors.connector import Call, Response
from connectors.http import Limits, Sender

OK = b"HTTP/1.1 201 Created\r\nContent-Length: 9\r\nX-Sib-Ratelimit-Reset: 1\r\n\r\n" + b'{"id":21}'
QUICK = Limits(connect=0.3, read=0.3, total=0.8)

Serve = Callable[..., str]


def read_request(connection: socket.socket) -> bytes:
    """Read one request with its body."""
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = connection.recv(65536)
        if not chunk:
            return received
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    length = next((int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if b"content-length" in line), 0)
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve each connection with the next of some functions (the last one again and again)."""
    stack: list[tuple[socket.socket, threading.Thread]] = []

    def start(*handlers: Callable[[socket.socket], None], wrap: Any = None) -> str:
        listener = socket.create_server(("127.0.0.1", 0))

        def accept() -> None:
            count = 0
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with suppress(OSError), connection, wrap(connection) if wrap else connection as wrapped:
                    handlers[min(count, len(handlers) - 1)](wrapped)
                count += 1

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        stack.append((listener, thread))
        return f"http{'s' if wrap else ''}://127.0.0.1:{listener.getsockname()[1]}/v3"

    yield start
    for listener, thread in stack:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


@pytest.fixture
def sender() -> Iterator[Callable[..., Sender]]:
    made: list[Sender] = []

    def make(limits: Limits = QUICK) -> Sender:
        made.append(Sender(limits))
        return made[-1]

    yield make
    for one in made:
        one.close()


def call(method: str = "POST", body: Any = None, path: str = "/contacts") -> Call:
    return Call(method=method, path=path, body=body, budget="b", subjects=("s",), step="create")


def send(sender: Sender, url: str, asked: Call | None = None) -> Response:
    return sender.send(url, {"api-key": "xkeysib-secret"}, asked or call())


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    connection.close()


def once(answer: bytes) -> Callable[[socket.socket], None]:
    def handle(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(answer)

    return handle


def drip(connection: socket.socket, head: bytes = b"") -> None:
    read_request(connection)
    connection.sendall(head)
    for _ in range(100):
        connection.sendall(b"x")
        time.sleep(0.1)


def test_request_and_answer_arrive_whole(serve: Serve, sender: Any) -> None:
    seen: list[bytes] = []

    def handle(connection: socket.socket) -> None:
        while request := read_request(connection):
            seen.append(request)
            connection.sendall(OK)

    url = serve(handle)
    one = sender()
    answers = [
        send(one, url, call("PUT", {"email": "é@example.com"}, "/contacts/a%40b?x=1")),
        one.send(url, {}, Call(method="GET", path="/x", query={"a": "b c&d"}, budget="b", subjects=(), step="read")),
    ]

    assert (
        answers
        == [Response(status=201, headers={"content-length": "9", "x-sib-ratelimit-reset": "1"}, body=b'{"id":21}')] * 2
    )
    assert seen[0].startswith(b"PUT /v3/contacts/a%40b?x=1 HTTP/1.1\r\n")
    assert seen[0].endswith(b'{"email":"\\u00e9@example.com"}')
    assert b"api-key: xkeysib-secret" in seen[0]
    assert seen[1].startswith(b"GET /v3/x?a=b+c%26d HTTP/1.1\r\n")
    assert len(seen) == 2


def test_answer_without_a_body_is_empty(serve: Serve, sender: Any) -> None:
    answer = send(sender(), serve(once(b"HTTP/1.1 204 No Content\r\n\r\n")))

    assert (answer.status, answer.body) == (204, b"")


def test_html_with_200_is_handed_on_as_it_is(serve: Serve, sender: Any) -> None:
    answer = send(sender(), serve(once(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>")))

    assert (answer.status, answer.body, answer.json()) == (200, b"<html>", None)


def test_redirect_is_not_followed(serve: Serve, sender: Any) -> None:
    elsewhere: list[bytes] = []
    other = serve(lambda connection: elsewhere.append(read_request(connection)))
    head = f"HTTP/1.1 302 Found\r\nLocation: {other}/x\r\nContent-Length: 0\r\n\r\n"
    answer = send(sender(), serve(once(head.encode())))

    assert answer.status == 302
    assert elsewhere == []


def test_environment_is_not_asked(serve: Serve, sender: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    seen: list[bytes] = []

    def handle(connection: socket.socket) -> None:
        seen.append(read_request(connection))
        connection.sendall(OK)

    assert send(sender(), serve(handle)).status == 201
    assert b"authorization" not in seen[0].lower()


@pytest.mark.parametrize(
    "head",
    [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"],
    ids=["status line", "headers", "body", "body without a length"],
)
def test_dripping_answer_ends_in_time(serve: Serve, sender: Any, head: bytes) -> None:
    started = time.monotonic()
    answer = send(sender(), serve(lambda connection: drip(connection, head)))

    assert answer == Response(status=0, headers={}, body=b"timeout")
    assert time.monotonic() - started < QUICK.total + 0.15


def test_line_that_was_cut_is_opened_anew(serve: Serve, sender: Any) -> None:
    one = sender()
    url = serve(lambda connection: drip(connection, b"HTTP/1.1 200 OK\r\n\r\n"), once(OK))

    assert [send(one, url).status, send(one, url).status] == [0, 201]


def test_silent_server_ends_in_time(serve: Serve, sender: Any) -> None:
    started = time.monotonic()
    answer = send(sender(), serve(lambda connection: time.sleep(2) or read_request(connection) and None))

    assert answer.body == b"timeout"
    assert time.monotonic() - started < 0.6


def test_half_open_connection_ends_in_time(sender: Any) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        started = time.monotonic()
        answer = send(sender(), f"http://127.0.0.1:{listener.getsockname()[1]}")
        for filler in fillers:
            filler.close()

    assert answer.body == b"timeout"
    assert time.monotonic() - started < 0.7


@pytest.mark.parametrize("length", [True, False])
def test_large_answer_is_not_read(serve: Serve, sender: Any, *, length: bool) -> None:
    sent: list[int] = []

    def handle(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + (b"Content-Length: 10485760\r\n" if length else b"") + b"\r\n")
        for _ in range(160):
            sent.append(connection.send(b"x" * 65536))

    answer = send(sender(Limits(size=100_000)), serve(handle))

    assert answer == Response(status=0, headers={}, body=b"too_large")
    assert sum(sent) < 10_485_760


def test_largest_answer_is_read(serve: Serve, sender: Any) -> None:
    body = b"x" * 1000
    answer = send(sender(Limits(size=1000)), serve(once(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + body)))

    assert answer.body == body


def test_gzip_bomb_is_too_large(serve: Serve, sender: Any) -> None:
    bomb = gzip.compress(b"0" * 50_000_000)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)

    assert send(sender(Limits(size=100_000)), serve(once(head + bomb))).body == b"too_large"


def test_compressed_answer_is_read(serve: Serve, sender: Any) -> None:
    body = gzip.compress(b"{}")
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)

    assert send(sender(), serve(once(head + body))).json() == {}


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"no http at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnope\r\n",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_broken_answer_is_a_failed_connection(serve: Serve, sender: Any, answer: bytes, method: str) -> None:
    assert send(sender(), serve(once(answer)), call(method)) == Response(status=0, headers={}, body=b"connection")


def test_refused_connection_is_a_failure(sender: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    assert send(sender(), f"http://127.0.0.1:{port}").body == b"connection"


def test_reset_is_a_failure(serve: Serve, sender: Any) -> None:
    def handle(connection: socket.socket) -> None:
        read_request(connection)
        reset(connection)

    assert send(sender(), serve(handle)).body == b"connection"


def test_unknown_host_is_a_failure(sender: Any) -> None:
    assert send(sender(), "http://nobody.invalid").body in {b"connection", b"timeout"}


@pytest.mark.parametrize("key", ["two\r\nlines", "日本"])
def test_key_that_no_header_can_hold_is_never_told(serve: Serve, sender: Any, key: str) -> None:
    answer = sender().send(serve(once(OK)), {"api-key": key}, call())

    assert answer == Response(status=0, headers={}, body=b"connection")


@pytest.mark.parametrize(("method", "status", "arrived"), [("PUT", 201, 3), ("GET", 201, 3), ("POST", 0, 2)])
def test_kept_connection_that_was_closed_is_tried_again_where_that_is_safe(
    serve: Serve, sender: Any, method: str, status: int, arrived: int
) -> None:
    seen: list[bytes] = []

    def first(connection: socket.socket) -> None:
        seen.append(read_request(connection))
        connection.sendall(OK)
        seen.append(read_request(connection))  # taken, then hung up at that very moment
        reset(connection)

    def second(connection: socket.socket) -> None:
        seen.append(read_request(connection))
        connection.sendall(OK)

    one, url = sender(), serve(first, second)

    assert [send(one, url).status, send(one, url, call(method)).status] == [201, status]
    assert len(seen) == arrived


def test_kept_connection_closed_before_the_call_is_opened_anew(serve: Serve, sender: Any) -> None:
    one, url = sender(), serve(once(OK))
    first = send(one, url)
    time.sleep(0.05)

    assert [first.status, send(one, url).status] == [201, 201]


def test_each_thread_has_its_own_line(serve: Serve, sender: Any) -> None:
    def handle(connection: socket.socket) -> None:
        while read_request(connection):
            connection.sendall(OK)

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
    assert sum(thread.name == "call-watchdog" for thread in threading.enumerate()) == 1


def test_hanging_up_too_late_does_nothing(serve: Serve, sender: Any) -> None:
    one, url = sender(), serve(once(OK))
    answer = send(one, url)
    (line,) = one._lines
    line.grip.hang_up()

    assert answer.status == 201
    assert not line.grip.cut
    assert send(one, url).status == 201


def test_hanging_up_before_there_is_a_connection_marks_the_call(serve: Serve, sender: Any) -> None:
    grip = sender()._line(serve(once(OK))).grip
    grip.begin()
    grip.hang_up()

    assert grip.cut


def test_debug_log_tells_no_path(serve: Serve, sender: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    send(sender(), serve(once(OK)), call("PUT", None, "/contacts/ada%40example.com"))

    assert "ada" not in caplog.text


def test_nothing_tells_the_key(sender: Any) -> None:
    assert "secret" not in repr(sender()) + repr(send(sender(), "http://127.0.0.1:1"))


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


def test_certificate_of_nobody_we_trust_is_told_apart(serve: Serve, sender: Any, certificate: Path) -> None:
    assert send(sender(), serve(once(OK), wrap=tls(certificate))).body == b"tls"


def test_trusted_certificate_is_trusted(
    serve: Serve, sender: Any, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(certificate))

    assert send(sender(), serve(once(OK), wrap=tls(certificate))).status == 201


def test_tls_handshake_that_drips_ends_in_time(serve: Serve, sender: Any) -> None:
    def handle(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"\x16\x03\x03\x40\x00")  # a record of 16 KiB, a byte at a time
        for _ in range(100):
            connection.sendall(b"\x02")
            time.sleep(0.1)

    started = time.monotonic()
    answer = send(sender(), serve(handle).replace("http:", "https:"))

    assert answer.body == b"timeout"
    assert time.monotonic() - started < QUICK.total + 0.15


def test_plain_server_behind_https_is_a_failed_connection(serve: Serve, sender: Any) -> None:
    url = serve(lambda connection: connection.sendall(OK)).replace("http:", "https:")

    assert send(sender(), url, call("GET")).body == b"connection"
