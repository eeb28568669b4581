"""What the logs of all parts say: an order can be followed through them, and no secret is in them."""

import httpx

from tests.builders import a_product
from tests.mongo import put_products
from tests.stack import SECRET, Stack, wait_until

KEY = "an-idempotency-key-of-a-customer"
REFERENCE = "a-reference-of-a-customer"


def test_an_order_can_be_followed_from_its_request_to_its_task(stack: Stack) -> None:
    order_id, headers = place_an_order(stack)
    [request] = [entry for entry in stack.log_entries("api") if entry.get("order_id") == order_id]
    assert request.pop("timestamp")
    assert request.pop("milliseconds") > 0
    assert request == {
        "event": "request",
        "level": "info",
        "logger": "api.access_log",
        "method": "POST",
        "route": "/v1/orders",
        "status": 202,
        "subject": "alice",
        "order_id": order_id,
        "request_id": headers["X-Request-ID"],
    }
    [task] = [entry for entry in stack.log_entries("worker") if order_id in entry.get("order_ids", ())]
    assert task["event"] == "orders to decide"
    assert task["request_ids"] == [headers["X-Request-ID"]]
    assert len(task["task_id"]) == 36


def test_nobody_writes_an_access_log_unasked(stack: Stack) -> None:
    stack.start_api()
    with stack.client() as client:
        client.get("/livez")
    assert [entry for entry in stack.log_entries("api") if entry["event"] == "request"] == []


def test_no_secret_and_nothing_that_callers_send_is_in_a_log(stack: Stack) -> None:
    _, headers = place_an_order(stack)
    token = headers["Authorization"].removeprefix("Bearer ")
    forged = stack.token("mallory")[:-4] + "AAAA"
    for bad in (forged, "not-a-token", stack.token("mallory", seconds=-60)):
        answer = httpx.get(f"{stack.url}/v1/orders/x?token={bad}", headers={"Authorization": f"Bearer {bad}"})
        assert answer.status_code == 401
    body = {"items": [{"sku": "MUG", "quantity": "made-up-quantity"}]}
    assert (
        httpx.post(f"{stack.url}/v1/orders", json=body, headers={"Authorization": f"Bearer {token}"}).status_code == 400
    )
    assert httpx.get(f"{stack.url}/made-up-address").status_code == 404

    logs = "".join(stack.log(part) for part in ("api", "worker", "beat"))
    assert '"status": 404' in logs, "the access log must be on"
    sent = [token, forged, "not-a-token", SECRET, KEY, REFERENCE, "made-up-quantity", "made-up-address", "mallory"]
    assert [secret for secret in sent if secret in logs] == []
    assert "password" not in logs.lower()


def place_an_order(stack: Stack) -> tuple[str, dict[str, str]]:
    """Its id, and the headers that it was placed with; it is decided, by parts that log all that they can."""
    put_products(stack.database, a_product("MUG"))
    stack.environment["ACCESS_LOG"] = "true"
    stack.start_api()
    stack.start_worker()
    stack.start_beat()
    headers = {"Authorization": f"Bearer {stack.token()}", "Idempotency-Key": KEY, "X-Request-ID": "request-of-alice"}
    body = {"items": [{"sku": "MUG", "quantity": 1}], "reference": REFERENCE}
    answer = httpx.post(f"{stack.url}/v1/orders", json=body, headers=headers)
    assert answer.status_code == 202
    stack.wait_until_decided()
    order_id = answer.json()["id"]
    wait_until(lambda: order_id in stack.log("worker"), "the task's line")
    return order_id, headers
