"""The load: requests as they go over the wire, what wrk says of the answers, and percentiles."""

import json

import pytest

from bench import prepared
from bench.load import Answers, LoadFailed, answers_from, percentile, refuse_errors

SAID = """Running 2s test @ http://127.0.0.1:1
  2 threads and 128 connections

{"answers": 1000, "seconds": 2.0, "refused": 10, "broken": 1, "p50_ms": 1.5, "p99_ms": 9.25}
"""


def test_an_order_is_a_whole_request():
    [request] = prepared.orders("/v1/orders", skus=1, callers=[{"Authorization": "Bearer x"}])

    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    assert first == "POST /v1/orders HTTP/1.1"
    assert dict(line.split(": ") for line in lines) == {
        "Host": "bench",
        "Content-Type": "application/json",
        "Authorization": "Bearer x",
        "Content-Length": str(len(body)),
    }
    assert json.loads(body) == {"items": [{"sku": "SKU-0", "quantity": 1}]}


@pytest.mark.parametrize(("skus", "callers"), [(1, 1), (1, 3), (3, 1), (3, 3)])
def test_every_sku_and_every_caller_has_its_turn(skus, callers):
    requests = prepared.orders("/orders", skus=skus, callers=[{"X-Caller": str(n)} for n in range(callers)])
    assert len(requests) == max(skus, callers)
    text = b"".join(requests).decode()
    assert all(f'"SKU-{number}"' in text for number in range(skus))
    assert all(f"X-Caller: {number}\r\n" in text for number in range(callers))


def test_a_bulk_request_has_as_many_orders_as_it_says():
    _, _, body = prepared.bulk_orders("/v1/orders/bulk", skus=2, size=3, caller={}).partition(b"\r\n\r\n")
    orders = json.loads(body)["orders"]
    assert [order["items"][0]["sku"] for order in orders] == ["SKU-0", "SKU-1", "SKU-0"]


def test_a_read_has_no_body():
    assert prepared.get("/products/X", {}) == b"GET /products/X HTTP/1.1\r\nHost: bench\r\n\r\n"


def test_what_is_refused_is_not_accepted():
    answers = answers_from(SAID, "")
    assert answers == Answers(accepted=990, refused=10, broken=1, seconds=2.0, p50_ms=1.5, p99_ms=9.25)
    assert answers.per_second == 495


@pytest.mark.parametrize("output", ["", "unable to connect", "[1]", "{}"])
def test_wrk_that_did_not_get_through_is_quoted(output):
    with pytest.raises(LoadFailed, match="Connection refused"):
        answers_from(output, "Connection refused")


@pytest.mark.parametrize(("accepted", "refused", "broken"), [(0, 0, 0), (9, 1, 0), (9, 0, 1)])
def test_an_experiment_takes_nothing_but_a_load_that_is_accepted_whole(accepted, refused, broken):
    with pytest.raises(LoadFailed):
        refuse_errors(Answers(accepted, refused, broken, seconds=1, p50_ms=1, p99_ms=1))
    assert refuse_errors(Answers(1, 0, 0, seconds=1, p50_ms=1, p99_ms=1)).accepted == 1


def test_a_percentile_is_one_of_the_values_in_whatever_order_they_came():
    hundred = [float(n) for n in range(100, 0, -1)]
    assert (percentile(hundred, 50), percentile(hundred, 99), percentile(hundred, 100)) == (50, 99, 100)
    assert percentile([7.0], 99) == 7
    assert percentile([1.0, 2.0, 3.0], 50) == 2
