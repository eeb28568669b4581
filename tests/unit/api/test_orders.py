"""Placing orders and looking at them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from shared.clock import now
from shared.domain.money import Money
from shared.domain.order import HistoryEntry, Line, Order, Reason, ReasonCode, RefusedLine, Status
from shared.store.documents import order_document
from tests.builders import a_line, an_order, bearer

LINES = [{"sku": "MUG-01", "quantity": 2}, {"sku": "PEN-01", "quantity": 1}]


@pytest.fixture
def store(database) -> Callable[[Order], str]:
    """Stores an order and returns its address."""

    def store(order: Order) -> str:
        database.orders.insert_one(order_document(order, announce_after_seconds=10))
        return f"/v1/orders/{order.order_id}"

    return store


def test_an_accepted_order_is_answered_exactly_as_the_contract_says(client):
    before = now()
    response = client.post("/v1/orders", json={"items": LINES, "reference": "cart 7"}, headers=bearer("alice"))
    assert response.status_code == 202
    assert response.content_type == "application/json"
    order = response.json
    created_at = order["created_at"]
    assert before <= datetime.fromisoformat(created_at) <= now()
    assert response.headers["Location"] == f"/v1/orders/{order['id']}"
    assert response.headers["Retry-After"] == "1"
    assert order == {
        "id": order["id"],
        "status": "pending",
        "customer": "alice",
        "reference": "cart 7",
        "items": [{**line, "unit_price": None} for line in LINES],
        "total": None,
        "reason": None,
        "history": [{"status": "pending", "at": created_at}],
        "created_at": created_at,
        "updated_at": created_at,
    }


def test_what_is_stored_is_what_was_answered(client, database):
    order = client.post("/v1/orders", json={"items": LINES}, headers=bearer("alice")).json
    created_at = datetime.fromisoformat(order["created_at"])
    assert list(database.orders.find()) == [
        {
            "_id": order["id"],
            "customer": "alice",
            "reference": None,
            "items": order["items"],
            "status": "pending",
            "total": None,
            "reason": None,
            "history": [{"status": "pending", "at": created_at}],
            "attempts": 0,
            "next_announce_at": created_at + timedelta(seconds=10),
            "announce_interval_seconds": 10,
            "created_at": created_at,
            "updated_at": created_at,
        }
    ]


def test_the_address_in_the_answer_leads_to_the_same_order(client):
    placed = client.post("/v1/orders", json={"items": LINES}, headers=bearer())
    assert client.get(placed.headers["Location"], headers=bearer()).json == placed.json


def test_lines_of_one_sku_are_added_up(client):
    lines = [{"sku": "b", "quantity": 1}, {"sku": "a", "quantity": 1}, {"sku": "b", "quantity": 10_000}]
    order = client.post("/v1/orders", json={"items": lines}, headers=bearer()).json
    assert order["items"] == [
        {"sku": "b", "quantity": 10_001, "unit_price": None},
        {"sku": "a", "quantity": 1, "unit_price": None},
    ]


def test_a_purchase_is_an_order_of_one_line(client, database):
    response = client.post("/v1/products/MUG-01/purchase", json={"quantity": 3}, headers=bearer("alice"))
    assert response.status_code == 202
    assert response.headers["Location"] == f"/v1/orders/{response.json['id']}"
    assert response.headers["Retry-After"] == "1"
    assert response.json["items"] == [{"sku": "MUG-01", "quantity": 3, "unit_price": None}]
    assert (response.json["customer"], response.json["reference"]) == ("alice", None)
    assert database.orders.count_documents({"_id": response.json["id"]}) == 1


@pytest.mark.parametrize("sku", ["-MUG", "%20", "MUG%0A", "%24where", "M" * 65])
def test_a_purchase_of_what_is_no_sku_finds_no_product_and_stores_nothing(client, database, sku):
    response = client.post(f"/v1/products/{sku}/purchase", json={"quantity": 1}, headers=bearer())
    assert response.status_code == 404
    assert response.json["type"] == "/problems/product-not-found"
    assert database.orders.count_documents({}) == 0


def test_an_order_is_taken_without_looking_whether_the_product_exists(client):
    assert client.post("/v1/products/ghost/purchase", json={"quantity": 1}, headers=bearer()).status_code == 202


AT = now()
CONFIRMED = an_order(
    status=Status.CONFIRMED,
    items=(Line("MUG-01", 2, Money(12_500, "IDR")),),
    total=Money(25_000, "IDR"),
    history=(HistoryEntry(Status.PENDING, AT), HistoryEntry(Status.CONFIRMED, AT)),
)
REJECTED = an_order(
    a_line("MUG-01", 2),
    status=Status.REJECTED,
    reason=Reason(ReasonCode.OUT_OF_STOCK, (RefusedLine("MUG-01", 2, 1),)),
    history=(HistoryEntry(Status.PENDING, AT), HistoryEntry(Status.REJECTED, AT)),
)


def test_a_confirmed_order_has_its_prices_and_no_reason_to_poll(client, store):
    response = client.get(store(CONFIRMED), headers=bearer())
    assert response.status_code == 200
    assert response.json["items"] == [
        {"sku": "MUG-01", "quantity": 2, "unit_price": {"amount": 12_500, "currency": "IDR"}}
    ]
    assert response.json["total"] == {"amount": 25_000, "currency": "IDR"}
    assert response.json["reason"] is None
    assert [entry["status"] for entry in response.json["history"]] == ["pending", "confirmed"]
    assert "Retry-After" not in response.headers


def test_a_rejected_order_says_why_with_the_figures(client, store):
    response = client.get(store(REJECTED), headers=bearer())
    assert response.json["status"] == "rejected"
    assert response.json["reason"] == {
        "code": "out_of_stock",
        "lines": [{"sku": "MUG-01", "requested": 2, "available": 1}],
    }
    assert response.json["items"] == [{"sku": "MUG-01", "quantity": 2, "unit_price": None}]
    assert response.json["total"] is None
    assert "Retry-After" not in response.headers


def test_a_pending_order_says_when_to_ask_again(client, store):
    assert client.get(store(an_order()), headers=bearer()).headers["Retry-After"] == "1"


def test_an_order_is_its_owners(client, store):
    assert client.get(store(an_order(customer="alice")), headers=bearer("alice")).status_code == 200


def test_ops_may_look_at_every_order(client, store):
    response = client.get(store(an_order(customer="alice")), headers=bearer("olga", scope="orders:read ops"))
    assert response.status_code == 200
    assert response.json["customer"] == "alice"


def test_someone_elses_order_can_not_be_told_from_one_that_is_not_there(client, store):
    others = client.get(store(an_order(customer="alice", order_id="others")), headers=bearer("bob"))
    unknown = client.get("/v1/orders/unknown", headers=bearer("bob"))
    assert (others.status_code, unknown.status_code) == (404, 404)
    bodies = [response.json for response in (others, unknown)]
    assert [body.pop("order_id") for body in bodies] == ["others", "unknown"]
    for body in bodies:
        body.pop("request_id")
    assert bodies[0] == bodies[1]
    assert bodies[0]["type"] == "/problems/order-not-found"
    assert dict(others.headers).keys() == dict(unknown.headers).keys()


@pytest.mark.parametrize("order_id", ["%00", "%FF", "x" * 5_000, "%7B%22%24gt%22%3A%22%22%7D", "..%2F"])
def test_what_can_not_be_an_order_id_is_not_found(client, order_id):
    assert client.get(f"/v1/orders/{order_id}", headers=bearer()).status_code == 404


def test_an_order_that_has_not_changed_is_not_sent_again(client, store):
    address = store(CONFIRMED)
    etag = client.get(address, headers=bearer()).headers["ETag"]
    again = client.get(address, headers={**bearer(), "If-None-Match": etag})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == etag
    assert again.headers["X-Request-ID"]


def test_an_order_that_was_decided_meanwhile_is_sent_again(client, store, database):
    order = an_order()
    address = store(order)
    etag = client.get(address, headers=bearer()).headers["ETag"]
    database.orders.update_one(
        {"_id": order.order_id},
        {"$set": {"status": "rejected"}, "$push": {"history": {"status": "rejected", "at": AT}}},
    )
    again = client.get(address, headers={**bearer(), "If-None-Match": etag})
    assert (again.status_code, again.json["status"]) == (200, "rejected")
    assert again.headers["ETag"] != etag


def test_an_entity_tag_does_not_show_someone_elses_order(client, store):
    address = store(CONFIRMED)
    etag = client.get(address, headers=bearer("alice")).headers["ETag"]
    assert client.get(address, headers={**bearer("bob"), "If-None-Match": etag}).status_code == 404


def waiting(seconds: int, sub: str = "alice") -> dict[str, str]:
    return {**bearer(sub), "Prefer": f"wait={seconds}"}


def test_who_would_wait_for_an_order_that_is_final_need_not(client, store, resources):
    resources.waiting_room.close()
    response = client.get(store(CONFIRMED), headers=waiting(30))
    assert (response.status_code, response.headers["Preference-Applied"]) == (200, "wait=30")


def test_who_waits_for_someone_elses_order_takes_no_place(client, store):
    assert client.get(store(an_order(customer="alice")), headers=waiting(30, "bob")).status_code == 404


def test_an_order_that_is_decided_meanwhile_is_answered_as_it_then_is(client, store, database, monkeypatch):
    order = an_order()
    address = store(order)

    def decide(*_):
        entry = {"status": "rejected", "at": AT}
        database.orders.update_one(
            {"_id": order.order_id}, {"$set": {"status": "rejected"}, "$push": {"history": entry}}
        )

    monkeypatch.setattr("api.waiting.Place.wait", decide)
    response = client.get(address, headers=waiting(30))
    assert (response.json["status"], response.headers["ETag"]) == ("rejected", '"rejected-2"')
    assert response.headers["Preference-Applied"] == "wait=30"
    assert "Retry-After" not in response.headers


def test_when_the_time_is_over_a_waiting_client_gets_the_pending_order(client, store):
    response = client.get(store(an_order()), headers=waiting(1))
    assert (response.status_code, response.json["status"]) == (200, "pending")
    assert (response.headers["Preference-Applied"], response.headers["Retry-After"]) == ("wait=1", "1")


def test_an_order_that_has_not_changed_after_the_wait_is_not_sent_again(client, store):
    address = store(an_order())
    etag = client.get(address, headers=bearer()).headers["ETag"]
    again = client.get(address, headers={**waiting(1), "If-None-Match": etag})
    assert (again.status_code, again.data, again.headers["Preference-Applied"]) == (304, b"", "wait=1")


def test_without_a_place_the_answer_comes_at_once_and_does_not_say_that_it_waited(client, store, resources):
    resources.waiting_room.close()
    response = client.get(store(an_order()), headers=waiting(30))
    assert (response.status_code, response.json["status"]) == (200, "pending")
    assert "Preference-Applied" not in response.headers
    assert response.headers["Retry-After"] == "1"


@pytest.mark.parametrize("prefer", ["wait=0", "wait=x", "respond-async", "return=minimal", ""])
def test_other_preferences_are_as_if_they_were_not_there(client, store, prefer):
    response = client.get(store(an_order()), headers={**bearer(), "Prefer": prefer})
    assert response.status_code == 200
    assert "Preference-Applied" not in response.headers


def test_retry_after_follows_the_present_time_to_decision(client, store, resources):
    resources.pace.observe(9.5)
    placed = client.post("/v1/orders", json={"items": LINES}, headers=bearer())
    assert placed.headers["Retry-After"] == "10"
    looked_at = client.get(store(an_order(updated_at=now() - timedelta(seconds=4))), headers=bearer())
    assert looked_at.headers["Retry-After"] == "6"


def test_an_order_that_waits_for_long_is_asked_for_ever_more_rarely(client, store):
    response = client.get(store(an_order(updated_at=now() - timedelta(seconds=20))), headers=bearer())
    assert response.headers["Retry-After"] in ("10", "11")


def test_without_notices_the_orders_that_are_read_tell_how_long_they_take(client, store, resources):
    at = now()
    created_at = at - timedelta(seconds=8)
    history = (HistoryEntry(Status.PENDING, created_at), HistoryEntry(Status.REJECTED, at))
    decided = an_order(status=Status.REJECTED, created_at=created_at, updated_at=at, history=history)
    old = at - timedelta(hours=1)
    client.get(store(replace(decided, order_id="old", created_at=old, updated_at=old)), headers=bearer())
    assert resources.pace.estimate_seconds() == 0
    client.get(store(decided), headers=bearer())
    assert 7 < resources.pace.estimate_seconds() <= 8.1
