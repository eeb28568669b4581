"""The operators' commands on real servers, each as people and as programs read it, with its exit status."""

import base64
import json
import signal
from datetime import timedelta

import pytest
from pymongo.database import Database
from redis import Redis

from shared.clock import now
from shared.domain.order import Order, Reason, ReasonCode, Status
from shared.notices import CHANNEL, read_notice
from shared.queue import ORDERS_QUEUE, announce_orders, make_celery
from shared.services.decide_orders import OrderDecider
from shared.store.attempts import fail_order
from shared.store.connection import Document
from shared.store.documents import order_document
from tests.builders import a_line, a_product, an_order, an_order_id, settings
from tests.mongo import assert_ledger_true, everything, find, put_orders, put_products, status_of, stock_of
from tests.operators import celery, complaint, orders, orders_json, rows, started
from tests.stack import Stack, wait_until

ERROR = {"text": "KeyError: 'x'", "at": now(), "worker": "worker@test"}


def put_failed(database: Database[Document], count: int, **order: str) -> list[str]:
    """Failed orders of one mug each, after three attempts."""
    order_ids = put_orders(database, *(an_order(a_line("MUG"), **order) for _ in range(count)))
    for order_id in order_ids:
        fail_order(database, order_id, Reason(ReasonCode.ATTEMPTS_EXHAUSTED), at=now())
    database.orders.update_many({"_id": {"$in": order_ids}}, {"$set": {"attempts": 3, "error": ERROR}})
    return order_ids


def announced(stack: Stack) -> list[list[str]]:
    """The order ids of each message that waits in the queue, oldest first."""
    with Redis.from_url(stack.environment["REDIS_BROKER_URL"]) as broker:
        messages = [json.loads(message) for message in broker.lrange(ORDERS_QUEUE, 0, -1)]
    bodies = [json.loads(base64.b64decode(message["body"])) for message in reversed(messages)]
    return [order_ids for [[order_ids], *_] in bodies]


class TestList:
    def test_the_last_accepted_first_with_the_filters(self, stack: Stack, database: Database[Document]) -> None:
        old = [an_order(customer=customer) for customer in ("alice", "bob", "alice")]
        put_orders(database, *old)
        [failed] = put_failed(database, 1, customer="bob")
        ids = [order.order_id for order in old]

        assert [row[0] for row in rows(orders(stack, "list"))] == [failed, *reversed(ids)]
        assert [row[:3] for row in rows(orders(stack, "list", "--status", "failed"))] == [[failed, "failed", "bob"]]
        assert rows(orders(stack, "list", "--status", "failed"))[0][5:] == ["3", "1", "-", "attempts_exhausted"]
        found = orders_json(stack, "list", "--customer", "alice", "--limit", "2")
        assert found["more"] is False
        assert [order["id"] for order in found["orders"]] == [ids[2], ids[0]]

    def test_older_than_is_by_acceptance(self, stack: Stack, database: Database[Document]) -> None:
        put_orders(database, an_order())
        assert orders(stack, "list", "--older-than", "1h") == "No orders.\n"
        assert orders_json(stack, "list", "--older-than", "1h") == {"orders": [], "more": False}
        assert len(orders_json(stack, "list", "--older-than", "0s")["orders"]) == 1

    def test_what_the_limit_leaves_out_is_told(self, stack: Stack, database: Database[Document]) -> None:
        put_orders(database, *(an_order() for _ in range(3)))
        assert orders_json(stack, "list", "--limit", "2")["more"] is True
        assert complaint(stack, "list", "--limit", "2", status=0) == "Warning: there are more than these 2: --limit\n"


class TestShow:
    def test_everything_of_a_failed_order(self, stack: Stack, database: Database[Document]) -> None:
        [order_id] = put_failed(database, 1)

        shown = orders_json(stack, "show", order_id)

        assert shown["id"] == order_id
        assert shown["items"] == [{"sku": "MUG", "quantity": 1, "unit_price": None}]
        assert shown["reason"] == {"code": "attempts_exhausted", "lines": []}
        assert shown["error"] == {"text": "KeyError: 'x'", "at": ERROR["at"].isoformat(), "worker": "worker@test"}
        assert (shown["attempts"], shown["next_announce_at"], shown["movements"]) == (3, None, [])
        text = orders(stack, "show", order_id)
        assert "status             failed\nreason             attempts_exhausted\n" in text
        assert f"last error         KeyError: 'x' ({ERROR['at']:%Y-%m-%dT%H:%M:%SZ}, worker@test)\n" in text
        assert text.endswith("No stock was moved.\n")

    def test_a_confirmed_order_has_its_movements_and_prices(
        self, stack: Stack, database: Database[Document], decider: OrderDecider
    ) -> None:
        put_products(database, a_product("MUG", stock=5), a_product("TEE", stock=5))
        order_id, _ = put_orders(database, an_order(a_line("MUG", 2), a_line("TEE")), an_order(a_line("MUG")))
        decider.decide([order_id])

        shown = orders_json(stack, "show", order_id)

        assert shown["total"] == {"amount": 37_500, "currency": "IDR"}
        assert [(m["sku"], m["kind"], m["delta"]) for m in shown["movements"]] == [
            ("MUG", "sale", -2),
            ("TEE", "sale", -1),
        ]
        text = orders(stack, "show", order_id)
        assert "MUG         2  12500 IDR" in text
        assert "sale      MUG     -2" in text

    def test_a_rejected_order_says_what_was_missing(
        self, stack: Stack, database: Database[Document], decider: OrderDecider
    ) -> None:
        put_products(database, a_product("MUG", stock=1))
        [order_id] = put_orders(database, an_order(a_line("MUG", 2)))
        decider.decide([order_id])
        assert "MUG              2          1" in orders(stack, "show", order_id)

    def test_a_pending_order_has_its_next_announcement(self, stack: Stack, database: Database[Document]) -> None:
        [order_id] = put_orders(database, an_order())
        due = now() + timedelta(hours=1)
        database.orders.update_one({"_id": order_id}, {"$set": {"next_announce_at": due}})
        assert orders_json(stack, "show", order_id)["next_announce_at"] == due.isoformat()
        assert "next announcement" in orders(stack, "show", order_id)

    def test_what_a_customer_wrote_can_not_steer_the_terminal(self, stack: Stack, database: Database[Document]) -> None:
        [order_id] = put_orders(database, an_order(reference="\x1b[2J"))
        assert "\x1b" not in orders(stack, "show", order_id)

    def test_an_order_that_is_not_there(self, stack: Stack) -> None:
        order_id = an_order_id()
        assert complaint(stack, "show", order_id, status=1) == f"There is no order {order_id}.\n"


class TestRetry:
    def test_failed_orders_are_pending_and_announced_together_and_others_are_refused(
        self, stack: Stack, database: Database[Document]
    ) -> None:
        failed = put_failed(database, 2)
        confirmed = an_order(status=Status.CONFIRMED)
        put_orders(database, confirmed)
        missing = an_order_id()

        told = orders(stack, "retry", failed[0], confirmed.order_id, missing, failed[1], failed[0], status=1)

        assert told.splitlines() == [
            f"{failed[0]}  retried",
            f"{confirmed.order_id}  refused: it is confirmed",
            f"{missing}  refused: no such order",
            f"{failed[1]}  retried",
            "2 retried, 2 refused",
        ]
        assert [status_of(database, order_id) for order_id in failed] == ["pending", "pending"]
        assert announced(stack) == [failed]

    def test_for_programs(self, stack: Stack, database: Database[Document]) -> None:
        [failed] = put_failed(database, 1)
        again = {"orders": [{"id": failed, "status": "pending", "problem": None}], "complete": True}
        assert orders_json(stack, "retry", failed) == again | {"announced": 1, "dry_run": False}
        # Pending now: it is announced once more, and nothing else happens to it.
        before = everything(database)
        assert orders_json(stack, "retry", failed) == again | {"announced": 1, "dry_run": False}
        assert announced(stack) == [[failed]] * 2
        assert everything(database) == before

    def test_all_failed_in_order_of_acceptance_and_in_messages_of_500(
        self, stack: Stack, database: Database[Document]
    ) -> None:
        failed = [an_order(status=Status.FAILED) for _ in range(1_001)]
        database.orders.insert_many([order_document(order, announce_after_seconds=10) for order in failed])
        put_orders(database, an_order())
        ids = [order.order_id for order in failed]

        document = orders_json(stack, "retry", "--all-failed")

        assert [order["id"] for order in document["orders"]] == ids
        assert (document["complete"], document["announced"]) == (True, 1_001)
        assert database.orders.count_documents({"status": "pending"}) == 1_002
        with Redis.from_url(stack.environment["REDIS_BROKER_URL"]) as broker:
            assert broker.llen(ORDERS_QUEUE) == 3
        assert orders(stack, "retry", "--all-failed") == "0 retried, 0 refused\n"

    def test_a_dry_run_changes_nothing(self, stack: Stack, database: Database[Document]) -> None:
        failed = put_failed(database, 2)
        rejected = an_order(status=Status.REJECTED)
        put_orders(database, rejected)
        before = everything(database)

        told = orders(stack, "retry", "--all-failed", "--dry-run")
        one = orders_json(stack, "retry", "--dry-run", rejected.order_id, status=1)

        assert told.splitlines() == [f"{order_id}  would be retried" for order_id in failed] + [
            "2 would be retried, 0 refused"
        ]
        assert one["orders"] == [{"id": rejected.order_id, "status": "rejected", "problem": "order-not-retryable"}]
        assert one["dry_run"] is True
        assert everything(database) == before
        assert announced(stack) == []

    def test_it_may_be_interrupted_and_repeated(self, stack: Stack, database: Database[Document]) -> None:
        failed = [an_order(status=Status.FAILED) for _ in range(3_000)]
        database.orders.insert_many([order_document(order, announce_after_seconds=10) for order in failed])
        pending = {"status": "pending"}
        with started(stack, "retry", "--all-failed", "--json") as process:
            wait_until(lambda: database.orders.count_documents(pending) > 600, "it to be in the middle", process)
            process.send_signal(signal.SIGINT)
            document = json.loads(process.communicate(timeout=30)[0])

        assert (process.returncode, document["complete"]) == (1, False)
        done = database.orders.count_documents(pending)
        assert 500 <= document["announced"] == len(document["orders"]) <= done < 3_000
        assert len(orders_json(stack, "retry", "--all-failed")["orders"]) == 3_000 - done
        assert database.orders.count_documents(pending | {"history": {"$size": 2}}) == 3_000

    def test_a_worker_decides_what_was_retried(self, stack: Stack, database: Database[Document]) -> None:
        """No beat runs: nothing but the announcement of the command can have reached the worker."""
        put_products(database, a_product("MUG", stock=5))
        failed = put_failed(database, 3)
        stack.start_worker()

        orders(stack, "retry", "--all-failed")

        wait_until(lambda: {status_of(database, order_id) for order_id in failed} == {"confirmed"}, "the orders")
        statuses = [entry["status"] for entry in find(database, failed[0])["history"]]
        assert statuses == ["pending", "failed", "pending", "confirmed"]
        assert stock_of(database, "MUG") == 2
        assert_ledger_true(database)


class TestCall:
    """`celery -A worker call orders.process`, which is celery's own."""

    def test_a_pending_order_that_nobody_announced_is_decided(self, stack: Stack, database: Database[Document]) -> None:
        put_products(database, a_product("MUG", stock=5))
        [order_id] = put_orders(database, an_order(a_line("MUG")))
        stack.start_worker()

        called = celery(stack, "call", "orders.process", "--args", json.dumps([[order_id]]))

        assert called.returncode == 0, called.stderr
        wait_until(lambda: status_of(database, order_id) == "confirmed", "the order")
        assert_ledger_true(database)

    def test_a_failed_order_is_tried_once_more(self, stack: Stack, database: Database[Document]) -> None:
        put_products(database, a_product("MUG", stock=5))
        [failed] = put_failed(database, 1)
        stack.start_worker()

        celery(stack, "call", "orders.process", "--args", json.dumps([[failed]]))

        wait_until(lambda: status_of(database, failed) == "confirmed", "the order")
        assert [entry.get("by") for entry in find(database, failed)["history"]] == [None, None, "celery call", None]

    def test_a_late_message_of_the_system_does_not_bring_it_back(
        self, stack: Stack, database: Database[Document]
    ) -> None:
        put_products(database, a_product("MUG", stock=5))
        [failed] = put_failed(database, 1)
        [other] = put_orders(database, an_order(a_line("MUG")))
        stack.start_worker()

        for again in (False, True):
            announce_orders(
                make_celery(settings(redis_broker_url=stack.environment["REDIS_BROKER_URL"])),
                [failed, other],
                again=again,
            )

        wait_until(lambda: status_of(database, other) == "confirmed", "the order beside it")
        wait_until(lambda: stack.messages_left() == 0, "the second message")
        assert status_of(database, failed) == "failed"


class TestCancel:
    @pytest.fixture
    def order(self, database: Database[Document], decider: OrderDecider) -> Order:
        """A confirmed one, of two mugs out of five."""
        put_products(database, a_product("MUG", stock=5))
        order = an_order(a_line("MUG", 2))
        decider.decide(put_orders(database, order))
        return order

    def test_it_is_as_visible_as_through_the_api(
        self, stack: Stack, database: Database[Document], order: Order
    ) -> None:
        stack.start_api()
        with stack.client() as client, Redis.from_url(stack.environment["REDIS_CACHE_URL"]) as redis:
            assert [client.get("/v1/products/MUG").headers["X-Cache"] for _ in range(2)] == ["miss", "hit"]
            notices = redis.pubsub(ignore_subscribe_messages=True)
            notices.subscribe(CHANNEL)
            wait_until(lambda: redis.pubsub_numsub(CHANNEL)[0][1], "the subscription")

            told = orders(stack, "cancel", order.order_id)

            assert told.splitlines() == [f"{order.order_id}  cancelled", "1 cancelled, 0 refused"]
            product = client.get("/v1/products/MUG")
            assert (product.json()["stock"], product.headers["X-Cache"]) == (5, "miss")
            heard = [message for _ in range(3) if (message := notices.get_message(timeout=0.2))]
            assert [read_notice(message["data"]).order_ids for message in heard] == [(order.order_id,)]
            notices.close()
        assert_ledger_true(database)

    def test_the_ledger_has_who_did_it(self, stack: Stack, database: Database[Document], order: Order) -> None:
        orders(stack, "cancel", order.order_id)
        movement = database.stock_movements.find_one({"_id": f"{order.order_id}:MUG:return"})
        assert movement["by"] == "cli:olga"

    def test_refusals_are_named_and_the_others_go_on(
        self, stack: Stack, database: Database[Document], order: Order
    ) -> None:
        [failed], [pending] = put_failed(database, 1), put_orders(database, an_order(a_line("MUG")))
        missing = an_order_id()
        words = ["cancel", failed, missing, pending, order.order_id]
        expected = [
            {"id": failed, "status": "failed", "problem": "order-not-cancellable"},
            {"id": missing, "status": None, "problem": "order-not-found"},
            {"id": pending, "status": "cancelled", "problem": None},
            {"id": order.order_id, "status": "cancelled", "problem": None},
        ]

        assert orders_json(stack, *words, status=1) == {"orders": expected, "complete": True}
        before = everything(database)
        assert orders_json(stack, *words, status=1) == {"orders": expected, "complete": True}
        assert everything(database) == before
        assert stock_of(database, "MUG") == 5
        assert_ledger_true(database)


class TestSweep:
    def test_what_is_due_is_announced_once(self, stack: Stack, database: Database[Document]) -> None:
        stack.environment["ANNOUNCE_INTERVAL_MAX_SECONDS"] = "300"  # a date beyond twice this is taken for a mistake
        due = put_orders(database, an_order(), an_order())
        assert orders(stack, "sweep") == "2 orders announced\n"
        assert [sorted(message) for message in announced(stack)] == [due]
        database.orders.update_many({}, {"$set": {"next_announce_at": now() + timedelta(minutes=5)}})
        assert orders_json(stack, "sweep") == {"announced": 0, "more": False}

    def test_more_than_one_sweep_takes_is_told(self, stack: Stack, database: Database[Document]) -> None:
        put_orders(database, *(an_order() for _ in range(3)))
        stack.environment["SWEEP_BATCH_MAX"] = "2"
        assert orders(stack, "sweep") == "2 orders announced, and others are due: sweep again\n"


class TestVerifyStock:
    def test_a_true_ledger_and_one_that_drifts(
        self, stack: Stack, database: Database[Document], decider: OrderDecider
    ) -> None:
        put_products(database, a_product("MUG", stock=5), a_product("TEE", stock=5))
        decider.decide(put_orders(database, an_order(a_line("MUG"))))
        true = "The ledger is true: 2 SKUs and 1 confirmed orders were looked at\n"
        assert orders(stack, "verify-stock") == true
        database.products.update_one({"_id": "MUG"}, {"$inc": {"stock": 1}})

        drift = {"kind": "stock_differs", "subject": "MUG", "detail": "stock is 5, its movements sum up to 4"}
        assert orders_json(stack, "verify-stock", status=1) == {"skus": 2, "orders": 1, "drifts": [drift]}
        assert orders_json(stack, "verify-stock", "--sku", "MUG", status=1)["drifts"] == [drift]
        assert orders_json(stack, "verify-stock", "--sku", "TEE") == {"skus": 1, "orders": 0, "drifts": []}
        assert orders(stack, "verify-stock", status=1).splitlines() == [
            "what           where  how",
            "stock_differs  MUG    stock is 5, its movements sum up to 4",
            "The ledger drifts, 1 times: 2 SKUs and 1 confirmed orders were looked at",
        ]

    def test_a_product_that_never_was(self, stack: Stack) -> None:
        assert "there is no product GHOST" in complaint(stack, "verify-stock", "--sku", "GHOST")


class TestRelistProducts:
    def test_the_list_is_made_anew(self, stack: Stack, database: Database[Document]) -> None:
        put_products(database, a_product("MUG"), a_product("TEE"))
        database.product_listings.delete_one({"_id": "MUG"})
        database.product_listings.update_one({"_id": "TEE"}, {"$set": {"price.amount": 1}})

        assert orders(stack, "relist-products") == "2 products listed\n"

        assert_ledger_true(database)
        assert orders_json(stack, "relist-products") == {"products": 2}


class TestStats:
    def test_everything_is_counted(self, stack: Stack, database: Database[Document], decider: OrderDecider) -> None:
        put_products(database, a_product("MUG", stock=5))
        decider.decide(put_orders(database, an_order(a_line("MUG"))))
        put_failed(database, 2)
        pending = put_orders(database, an_order(), an_order(), an_order())
        database.orders.update_one({"_id": pending[2]}, {"$set": {"attempts": 1}})
        database.heartbeats.insert_one({"_id": "worker", "at": now() - timedelta(minutes=2)})
        orders(stack, "sweep")

        figures = orders_json(stack, "stats")

        counts = {"pending": 3, "confirmed": 1, "rejected": 0, "failed": 2, "cancelled": 0}
        assert figures["orders"] == {status: {"count": count, "more": False} for status, count in counts.items()}
        assert figures["pending_with_attempts"] == {"count": 1, "more": False}
        assert figures["oldest_pending"]["id"] == pending[0]
        assert 0 <= figures["oldest_pending"]["age_seconds"] < 60
        assert figures["queues"] == {"orders": 1, "maintenance": 0}
        assert 120 <= figures["worker_heartbeat_age_seconds"] < 180
        assert (figures["products"], figures["movements"]) == (1, 2)
        table = dict(rows(orders(stack, "stats")))
        assert (table["orders pending"], table["messages in queue orders"]) == ("3", "1")
        assert table["oldest pending"].endswith(f"({pending[0]})")
        assert table["last heartbeat of a worker"].startswith("2m ")

    def test_an_empty_system(self, stack: Stack) -> None:
        figures = orders_json(stack, "stats")
        assert (figures["oldest_pending"], figures["worker_heartbeat_age_seconds"]) == (None, None)
        assert figures["queues"] == {"orders": 0, "maintenance": 0}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["list", "--older-than", "10x"], "'10x' is not a duration such as 30s, 10m, 2h or 1d."),
        (["list", "--status", "lost"], "'lost' is not one of 'pending', 'confirmed'"),
        (["list", "--limit", "0"], "0 is not in the range"),
        (["show", "42"], "'42' is not the id of an order"),
        (["cancel"], "Missing argument 'ID...'"),
        (["cancel", "42"], "'42' is not the id of an order"),
        (["retry"], "Give either the ids of orders or --all-failed."),
        (["retry", "--all-failed", "018f3b5e-0000-7000-8000-000000000000"], "Give either the ids"),
        (["reopen"], "No such command 'reopen'."),
    ],
)
def test_wrong_usage_is_told_before_anything_is_done(stack: Stack, words: list[str], said: str) -> None:
    assert said in complaint(stack, *words)


def test_without_its_settings_it_says_which_are_missing(stack: Stack) -> None:
    done = celery(stack, "orders", "stats", MONGO_URL="nowhere")
    assert (done.returncode, done.stdout) == (78, "")
    assert done.stderr == "worker refuses to start: MONGO_URL: Must start with mongodb:// or mongodb+srv://\n"
