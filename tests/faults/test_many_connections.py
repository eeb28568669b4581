"""Clients that keep their connections open and idle do not keep others out."""

import socket
from contextlib import ExitStack

from shared.startup import allow_many_files
from tests.builders import a_product
from tests.mongo import put_products
from tests.stack import Stack

IDLE = 1_500


def test_an_order_is_accepted_beside_fifteen_hundred_idle_connections(stack: Stack) -> None:
    allow_many_files()
    put_products(stack.database, a_product("MUG"))
    stack.start_api()
    with ExitStack() as idle:
        for _ in range(IDLE):
            connection = idle.enter_context(socket.create_connection(("127.0.0.1", stack.port), timeout=5))
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(1024).startswith(b"HTTP/1.1 200")

        for _ in range(20):  # to each of the processes
            with stack.client() as client:
                answer = client.post("/v1/orders", json={"items": [{"sku": "MUG", "quantity": 1}]}, timeout=5)
            assert answer.status_code == 202
