"""Imports that are cut off, refused early or lose MongoDB: whole rows stay, and the same file can be sent again."""

import json
import socket
from collections.abc import Iterator

import httpx
import pytest

from local.servers import Server
from tests.mongo import assert_ledger_true
from tests.stack import Stack, wait_until

HEADER = b"sku,name,price_amount,price_currency,stock\n"
ROWS = 450
BODY = HEADER + b"".join(b"SKU-%03d,Name,1,EUR,1\n" % n for n in range(ROWS))
HALF_A_ROW = b"LAST,Name,1,EUR,1"
"""Of a stock of 1000, say: what came would pass for a row."""


@pytest.mark.parametrize("how", ["half closed", "closed"])
def test_of_an_import_that_is_cut_off_whole_rows_stay(stack: Stack, how: str) -> None:
    stack.start_api()
    with connect(stack, b"Content-Length: %d\r\n\r\n" % (len(BODY) + 500)) as connection:
        connection.sendall(BODY + HALF_A_ROW)
        if how == "half closed":
            connection.shutdown(socket.SHUT_WR)
            head, _, answer = received(connection).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 400 ")
            assert json.loads(answer)["type"] == "/problems/incomplete-body"
            assert json.loads(answer)["created"] == ROWS
    wait_until(lambda: "an import was cut off" in stack.log("api"), "the log to tell of it")
    assert stack.database.products.count_documents({}) == ROWS
    assert stack.database.products.find_one({"_id": "LAST"}) is None
    assert_ledger_true(stack.database)


def test_a_chunked_import_is_refused_since_nobody_can_tell_whether_it_is_whole(stack: Stack) -> None:
    stack.start_api()
    with connect(stack, b"Transfer-Encoding: chunked\r\n\r\n") as connection:
        connection.sendall(b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY))
        assert received(connection).startswith(b"HTTP/1.1 411 ")
    assert stack.database.products.count_documents({}) == 0


def test_a_client_that_still_sends_reads_why_it_was_refused(stack: Stack) -> None:
    stack.start_api()
    body = b"no,such,columns\n" + b"x" * 20_000_000
    answer = httpx.post(f"{stack.url}/v1/products/import", content=body, headers=headers(stack), timeout=30)
    assert answer.status_code == 400
    assert "unknown: no, such, columns" in answer.json()["detail"]


def test_an_import_that_loses_mongodb_says_how_far_it_came_and_can_be_sent_again(stack: Stack, mongod: Server) -> None:
    stack.start_api()

    def sent() -> Iterator[bytes]:
        yield BODY + more[:half]
        wait_until(lambda: stack.database.products.count_documents({}) >= 200, "the first rows to be in")
        mongod.kill()
        yield more[half:]

    more = b"".join(b"MORE-%05d,Name,1,EUR,1\n" % n for n in range(20_000))
    half = len(more) // 2
    length = {"Content-Length": str(len(BODY) + len(more))}
    url = f"{stack.url}/v1/products/import"
    answer = httpx.post(url, content=sent(), headers=headers(stack) | length, timeout=60)
    assert answer.status_code == 503, answer.text
    problem = answer.json()
    assert problem["type"] == "/problems/unavailable"
    assert "same file again" in problem["detail"]
    assert answer.headers["Retry-After"] == "2"

    mongod.start()
    wait_until(lambda: httpx.get(f"{stack.url}/readyz").status_code == 200, "the API to take writes again")
    in_before = stack.database.products.count_documents({})
    # A commit of which nobody heard may be in too.
    assert problem["created"] <= in_before <= problem["created"] + 200
    again = httpx.post(url, content=BODY + more, headers=headers(stack), timeout=120).json()
    assert (again["rows"], again["unchanged"], again["failed"]) == (ROWS + 20_000, in_before, 0)
    assert again["created"] == ROWS + 20_000 - in_before
    assert_ledger_true(stack.database)


def headers(stack: Stack) -> dict[str, str]:
    return {"Authorization": f"Bearer {stack.token()}", "Content-Type": "text/csv"}


def connect(stack: Stack, rest: bytes) -> socket.socket:
    """A connection on which the head of an import was sent, with what `rest` says of its body."""
    connection = socket.create_connection(("127.0.0.1", stack.port), timeout=20)
    fields = "".join(f"{name}: {value}\r\n" for name, value in headers(stack).items())
    connection.sendall(f"POST /v1/products/import HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{fields}".encode() + rest)
    return connection


def received(connection: socket.socket) -> bytes:
    answer = b""
    while some := connection.recv(65_536):
        answer += some
    return answer
