"""Files of products on the real stack: imported and exported in bounded memory, and the same file changes nothing."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import psutil

from tests.mongo import assert_ledger_true, everything
from tests.stack import Stack

IMPORT = "/v1/products/import"
EXPORT = "/v1/products/export"

MEGABYTE = 1 << 20
GROWTH_MAX = 30 * MEGABYTE

HEADER = b"sku,name,description,price_amount,price_currency,stock,low_stock_threshold\n"


def test_what_was_exported_is_imported_and_changes_nothing(stack: Stack) -> None:
    rows = [
        '{"sku": "PLAIN", "name": "Mug", "price": {"amount": 1, "currency": "EUR"}, "stock": 5}',
        '{"sku": "QUOTES", "name": "19\\" \\"rack\\", black", "price": {"amount": 0, "currency": "EUR"}}',
        '{"sku": "UNICODE", "name": "Käse 🧀\u2028 ; \\\\n", "description": "é, ,\\"", '
        '"price": {"amount": 10000000000, "currency": "IDR"}, "stock": 1000000000000, "low_stock_threshold": 0}',
        '{"sku": "SPACES", "name": " x ", "description": "=1+1", "price": {"amount": 7, "currency": "USD"}}',
    ]
    stack.start_api()
    with stack.client() as client:
        assert counts(send(client, "\n".join(rows).encode(), "application/x-ndjson")) == (4, 4, 0, 0, 0)
        before = everything(stack.database)
        for media_type in ("application/x-ndjson", "text/csv"):
            exported = client.get(EXPORT, headers={"Accept": media_type})
            assert counts(send(client, exported.content, media_type)) == (4, 0, 0, 4, 0)
            assert client.get(EXPORT, headers={"Accept": media_type}).content == exported.content
    assert everything(stack.database) == before
    assert_ledger_true(stack.database)


def test_a_hundred_megabytes_of_junk_are_no_hundred_megabytes_of_memory(stack: Stack) -> None:
    """Lines of every sort, the longest of 10 MB, and far more problems than are listed."""
    block = b"".join([b"x" * 10 * MEGABYTE + b"\n", b"{}\n" * 100_000, b"\n" * MEGABYTE, b'{"a":' * 20_000 + b"\n"])
    blocks = 8
    api = stack.start_api()
    with stack.client() as client, growth_of(api) as growth:
        answer = send_streamed(client, [block] * blocks, blocks * len(block))
    assert answer.status_code == 200
    assert answer.json()["failed"] == blocks * 100_002
    assert len(answer.json()["problems"]) == 10_000
    assert max(growth.values()) < GROWTH_MAX
    assert stack.database.products.count_documents({}) == 0


def test_many_products_go_in_and_out_in_bounded_memory(stack: Stack) -> None:
    products = 20_000
    rows = [b"SKU-%06d,Product %d,%s,1250,EUR,7,\n" % (n, n, b"d" * 3_000) for n in range(products)]
    api = stack.start_api()
    with stack.client() as client:
        with growth_of(api) as growth:
            answer = send_streamed(client, [HEADER, *rows], len(HEADER) + sum(map(len, rows)))
            assert counts(answer) == (products, products, 0, 0, 0)
            with client.stream("GET", EXPORT, headers={"Accept": "text/csv"}) as exported:
                lines = [line for line in exported.iter_lines() if line]
        assert [line.partition(",")[0] for line in lines[1:]] == [f"SKU-{n:06d}" for n in range(products)]
        assert max(growth.values()) < GROWTH_MAX
    assert_ledger_true(stack.database)


def send(client: httpx.Client, body: bytes, media_type: str) -> httpx.Response:
    return client.post(IMPORT, content=body, headers={"Content-Type": media_type})


def send_streamed(client: httpx.Client, chunks: list[bytes], size: int) -> httpx.Response:
    media_type = "text/csv" if chunks[0] == HEADER else "application/x-ndjson"
    headers = {"Content-Type": media_type, "Content-Length": str(size)}
    return client.post(IMPORT, content=iter(chunks), headers=headers, timeout=120)


def counts(answer: httpx.Response) -> tuple[int, ...]:
    assert answer.status_code == 200, answer.text
    body = answer.json()
    return tuple(body[name] for name in ("rows", "created", "updated", "unchanged", "failed"))


@contextmanager
def growth_of(api: subprocess.Popen[bytes]) -> Iterator[dict[int, int]]:
    """How much more memory each process of the API had at its highest, in bytes, than at the start; looked at often."""
    processes = [psutil.Process(api.pid), *psutil.Process(api.pid).children(recursive=True)]
    start = {process.pid: process.memory_info().rss for process in processes}
    growth: dict[int, Any] = dict.fromkeys(start, 0)
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.02):
            for process in processes:
                growth[process.pid] = max(growth[process.pid], process.memory_info().rss - start[process.pid])

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield growth
    finally:
        done.set()
        thread.join()
