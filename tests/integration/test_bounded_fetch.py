"""What an answer can do to the one who asks: nothing that takes long, grows or leads elsewhere. On real sockets."""

import datetime
import socket
import ssl
import threading
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from api.bounded_fetch import BYTES_MAX, FetchFailed, fetch
from local.ports import free_port
from tests.http_server import Answer, answering, loopback, response
from tests.keys import ec_key, private_pem

OK = answering(response(b"{}"))
SHORT = 0.5
"""Seconds, where a test waits for the end of them."""

LONG = 20
"""What no fetch with a limit of `SHORT` takes, however slow the machine is."""


def test_the_body_of_a_plain_answer_is_returned_and_the_request_says_nothing_of_us() -> None:
    with loopback(OK) as server:
        assert fetch(server.url("/realms/shop/keys?version=1#part")) == b"{}"
        [request] = server.requests
    first, *headers = request.decode().split("\r\n")
    assert first == "GET /realms/shop/keys?version=1 HTTP/1.1"
    names = {line.partition(":")[0].lower() for line in headers if line}
    assert names == {"host", "accept", "accept-encoding", "connection"}


@pytest.mark.parametrize(("path", "target"), [("", "/"), ("/", "/"), ("?a=b", "/?a=b"), ("//x/y", "//x/y")])
def test_the_address_is_asked_for_as_it_was_given(path: str, target: str) -> None:
    with loopback(OK) as server:
        fetch(server.url(path))
        assert server.requests[0].startswith(f"GET {target} HTTP/1.1\r\n".encode())


def test_a_chunked_answer_is_put_together() -> None:
    chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    with loopback(answering(chunks)) as server:
        assert fetch(server.url()) == b"{}"


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_no_redirect_is_followed_not_even_on_the_same_host(status: str) -> None:
    with loopback(OK) as server:
        server.answer = answering(response(b"", status=status, headers=f"Location: {server.url('/elsewhere')}\r\n"))
        with pytest.raises(FetchFailed, match=status[:3]):
            fetch(server.url())
        assert len(server.requests) == 1


@pytest.mark.parametrize("status", ["204 No Content", "206 Partial", "304 Not Modified", "404 Not Found", "503 Down"])
def test_any_status_but_200_is_no_answer(status: str) -> None:
    with loopback(answering(response(b"", status=status))) as server, pytest.raises(FetchFailed, match=status[:3]):
        fetch(server.url())


BROKEN = {
    "nothing": b"",
    "not HTTP": b"SSH-2.0-OpenSSH_9.6\r\n",
    "half a header": b"HTTP/1.1 200 OK\r\nContent-Le",
    "half a body": response(b"{}")[:-1],
    "half a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{}",
    "a chunk of letters": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n{}",
    "a long line": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000,
    "many headers": b"HTTP/1.1 200 OK\r\n" + b"X: x\r\n" * 200,
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_half_an_answer_is_none(text: bytes) -> None:
    with loopback(answering(text)) as server, pytest.raises(FetchFailed):
        fetch(server.url())


def endless(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b" " * 65_536)


@pytest.mark.parametrize(
    "answer", [answering(response(b" " * (BYTES_MAX + 1))), endless], ids=["a byte too much", "without an end"]
)
def test_no_more_is_read_than_a_set_of_keys_can_be_long(answer: Answer) -> None:
    with loopback(answer) as server, pytest.raises(FetchFailed, match=f"More than {BYTES_MAX} bytes"):
        fetch(server.url())


def test_the_longest_answer_is_read_whole() -> None:
    with loopback(answering(response(b" " * BYTES_MAX))) as server:
        assert fetch(server.url()) == b" " * BYTES_MAX


def silent(connection: socket.socket) -> None:
    connection.recv(1)


def trickling(start: bytes, then: bytes) -> Answer:
    """One piece in a twentieth of a second, for ever: no single read ever takes long."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(start)
        while True:
            connection.sendall(then)
            time.sleep(0.05)

    return answer


SLOW = {
    "says nothing": silent,
    "status by bytes": trickling(b"HTTP/1.1 ", b"2"),
    "a header by bytes": trickling(b"HTTP/1.1 200 OK\r\nX: ", b"x"),
    "continue without end": trickling(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "body by bytes": trickling(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b" "),
    "body of unknown length by bytes": trickling(b"HTTP/1.1 200 OK\r\n\r\n{}", b" "),
    "chunks of a byte": trickling(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
}


@pytest.mark.parametrize("answer", SLOW.values(), ids=SLOW)
@pytest.mark.parametrize("encrypted", [False, True], ids=["http", "https"])
def test_an_answer_that_does_not_come_to_its_end_is_cut_off(
    answer: Answer, encrypted: bool, trusted: ssl.SSLContext
) -> None:
    with loopback(answer, tls=trusted if encrypted else None) as server:
        started = time.monotonic()
        with pytest.raises(FetchFailed):
            fetch(server.url(scheme="https" if encrypted else "http"), seconds_max=SHORT)
        assert time.monotonic() - started < LONG


def test_nothing_is_left_behind_of_a_fetch() -> None:
    with loopback(OK) as server:
        before = set(threading.enumerate())
        fetch(server.url(), seconds_max=LONG)
        timers = [thread for thread in set(threading.enumerate()) - before if isinstance(thread, threading.Timer)]
        for timer in timers:
            timer.join(LONG / 2)
        assert not [timer for timer in timers if timer.is_alive()]


def test_where_nobody_listens_there_is_no_answer() -> None:
    with pytest.raises(FetchFailed, match="refused"):
        fetch(f"http://127.0.0.1:{free_port()}/keys")


def test_the_environments_proxy_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with loopback(OK) as proxy, loopback(OK) as server:
        monkeypatch.setenv("http_proxy", proxy.url(""))
        monkeypatch.setenv("no_proxy", "")
        assert fetch(server.url()) == b"{}"
        assert (len(proxy.requests), len(server.requests)) == (0, 1)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For localhost, signed by itself; with its key in the same file."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, ec_key().public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(ec_key(), SHA256())
    )
    path = tmp_path_factory.mktemp("certificate") / "localhost.pem"
    path.write_text(private_pem(ec_key()) + certificate.public_bytes(Encoding.PEM).decode())
    return path


@pytest.fixture
def server_side(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def trusted(server_side: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """The server's side of a certificate that this process trusts, as an issuer within one's own walls may have."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    return server_side


def test_a_certificate_that_is_trusted_is_good(trusted: ssl.SSLContext) -> None:
    with loopback(OK, tls=trusted) as server:
        assert fetch(server.url(scheme="https")) == b"{}"


def test_one_that_nobody_vouches_for_is_not(server_side: ssl.SSLContext) -> None:
    with loopback(OK, tls=server_side) as server, pytest.raises(FetchFailed, match="CERTIFICATE_VERIFY_FAILED"):
        fetch(server.url(scheme="https"))
    assert server.requests == []


def test_nor_is_that_of_another_host(trusted: ssl.SSLContext) -> None:
    with loopback(OK, tls=trusted) as server, pytest.raises(FetchFailed, match="CERTIFICATE_VERIFY_FAILED"):
        fetch(f"https://127.0.0.1:{server.port}/keys")
    assert server.requests == []


def test_an_https_address_never_speaks_plainly() -> None:
    with loopback(OK) as server, pytest.raises(FetchFailed, match="SSL"):
        fetch(server.url(scheme="https"), seconds_max=SHORT)
