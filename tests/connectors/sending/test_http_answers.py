"""Sending over HTTP: the answer as it is, or the kind of failure."""

import gc
import gzip
import logging
import socket
from pathlib import Path
from typing import Any

import pytest

from connectors.connector import Call, Response


def test_request_and_answer_arrive_whole(serve: Any, sender: Any, send: Any, call: Any, ok: bytes) -> None:
    seen: list[bytes] = []

    def handle(peer: Any) -> None:
        while request := peer.read():
            seen.append(request)
            peer.send(ok)

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


def test_answer_without_a_body_is_empty(serve: Any, sender: Any, send: Any) -> None:
    answer = send(sender(), serve(b"HTTP/1.1 204 No Content\r\n\r\n"))

    assert (answer.status, answer.body) == (204, b"")


def test_html_with_200_is_handed_on_as_it_is(serve: Any, sender: Any, send: Any, ok: bytes) -> None:
    answer = send(sender(), serve(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>"))

    assert (answer.status, answer.body, answer.json()) == (200, b"<html>", None)


def test_redirect_is_not_followed(serve: Any, sender: Any, send: Any) -> None:
    elsewhere: list[bytes] = []
    other = serve(lambda peer: elsewhere.append(peer.read()))
    head = f"HTTP/1.1 302 Found\r\nLocation: {other}/x\r\nContent-Length: 0\r\n\r\n"
    answer = send(sender(), serve(head.encode()))

    assert answer.status == 302
    assert elsewhere == []


def test_environment_is_not_asked(
    serve: Any, sender: Any, send: Any, ok: bytes, *, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    seen: list[bytes] = []

    def handle(peer: Any) -> None:
        seen.append(peer.read())
        peer.send(ok)

    assert send(sender(), serve(handle)).status == 201
    assert b"authorization" not in seen[0].lower()


def test_compressed_answer_is_read(serve: Any, sender: Any, send: Any, ok: bytes) -> None:
    body = gzip.compress(b"{}")
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)

    assert send(sender(), serve(head + body)).json() == {}


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
def test_broken_answer_is_a_failed_connection(
    serve: Any, sender: Any, send: Any, call: Any, *, answer: bytes, method: str
) -> None:
    assert send(sender(), serve(answer), call(method)) == Response(status=0, headers={}, body=b"connection")


@pytest.mark.parametrize("head", [b"HTTP/1.1 400 Bad Request\r\n", b"HTTP/1.1 400 Bad Request\r\ncontent-ty"])
def test_refusal_whose_head_was_cut_is_a_failed_connection(serve: Any, sender: Any, send: Any, head: bytes) -> None:
    assert send(sender(), serve(head)) == Response(status=0, headers={}, body=b"connection")


@pytest.mark.parametrize("status", [401, 403, 404, 429, 503])
def test_status_that_says_all_needs_no_body(serve: Any, sender: Any, send: Any, status: int) -> None:
    answer = f"HTTP/1.1 {status} Whatever\r\nRetry-After: 7\r\nConnection: close\r\n\r\n".encode()
    said = send(sender(), serve(answer))

    assert (said.status, said.headers["retry-after"]) == (status, "7")


def test_refusal_that_says_it_has_no_body_is_one(serve: Any, sender: Any, send: Any) -> None:
    answer = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"

    assert send(sender(), serve(answer)).status == 400


def test_refused_connection_is_a_failure(sender: Any, send: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    assert send(sender(), f"http://127.0.0.1:{port}").body == b"unreachable"


def test_reset_is_a_failure(serve: Any, sender: Any, send: Any) -> None:
    def handle(peer: Any) -> None:
        peer.read()
        peer.reset()

    assert send(sender(), serve(handle)).body == b"connection"


def test_failure_leaves_no_garbage(serve: Any, sender: Any, send: Any) -> None:
    def handle(peer: Any) -> None:
        peer.read()
        peer.reset()

    one, url = sender(), serve(handle)
    send(one, url)
    gc.collect()
    gc.disable()
    try:
        answers = [send(one, url) for _ in range(20)]
        left = gc.collect()
    finally:
        gc.enable()

    assert {b"connection"} == {answer.body for answer in answers}
    assert left < 20, "a cycle for each of them would hold its body"


def test_unknown_host_is_a_failure(sender: Any, send: Any) -> None:
    assert send(sender(), "http://nobody.invalid").body in {b"unreachable", b"timeout"}


@pytest.mark.parametrize("key", ["two\r\nlines", "日本"])
def test_key_that_no_header_can_hold_is_never_told(serve: Any, sender: Any, key: str, call: Any, ok: bytes) -> None:
    answer = sender().send(serve(ok), {"api-key": key}, call())

    assert answer == Response(status=0, headers={}, body=b"connection")


def test_debug_log_tells_no_path(
    serve: Any, sender: Any, send: Any, call: Any, ok: bytes, *, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    send(sender(), serve(ok), call("PUT", None, "/contacts/ada%40example.com"))

    assert "ada" not in caplog.text


def test_nothing_tells_the_key(sender: Any, send: Any) -> None:
    assert "secret" not in repr(sender()) + repr(send(sender(), "http://127.0.0.1:1"))
