"""A request that was cut off in transit is no order, even when what came of it would make one."""

import socket
import time

from tests.stack import Stack

ORDER = b'{"items":[{"sku":"MUG-01","quantity":1}]}'
CHUNK = b"%x\r\n%s\r\n" % (len(ORDER), ORDER)

CUT_OFF = {
    "fewer bytes than announced": b"Content-Length: 500\r\n\r\n" + ORDER,
    "no last chunk": b"Transfer-Encoding: chunked\r\n\r\n" + CHUNK,
    "a broken chunk": b"Transfer-Encoding: chunked\r\n\r\n" + CHUNK + b"zz\r\n",
}


def test_no_cut_off_request_makes_an_order(stack: Stack) -> None:
    stack.start_api()
    answers = {name: send(stack, request, cut_off=True) for name, request in CUT_OFF.items()}
    assert {name: answer for name, answer in answers.items() if answer not in (b"", b"400", b"411")} == {}
    assert stack.database.orders.count_documents({}) == 0


def test_a_body_must_come_with_its_length(stack: Stack) -> None:
    """Where a chunked body was cut off, nobody can tell."""
    stack.start_api()
    assert send(stack, b"Transfer-Encoding: chunked\r\n\r\n" + CHUNK + b"0\r\n\r\n") == b"411"
    assert stack.database.orders.count_documents({}) == 0
    assert send(stack, b"Content-Length: %d\r\n\r\n%s" % (len(ORDER), ORDER)) == b"202"
    assert stack.database.orders.count_documents({}) == 1


def send(stack: Stack, rest: bytes, *, cut_off: bool = False) -> bytes:
    """The status of the answer; empty when the connection was closed without one."""
    head = f"POST /v1/orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {stack.token()}\r\n"
    with socket.create_connection(("127.0.0.1", stack.port), timeout=20) as connection:
        connection.sendall(head.encode() + b"Content-Type: application/json\r\n" + rest)
        if cut_off:
            time.sleep(0.3)  # a view that waits for the rest of the body is cut off there, as on a network
            connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(4096)
    return answer.split(b" ")[1] if answer else b""
