import os
from typing import Any

from bson import ObjectId
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from taskiq_redis import RedisStreamBroker

broker = RedisStreamBroker(os.environ["REDIS_BROKER_URL"])

client: AsyncMongoClient[dict[str, Any]] | None = None


def database() -> AsyncDatabase[dict[str, Any]]:
    """One client a process, made in its event loop."""
    global client
    if client is None:
        client = AsyncMongoClient(os.environ["MONGO_URL"])
    return client.get_default_database()


@broker.task
async def process_order(order_id: str) -> str:
    db = database()
    order = await db.orders.find_one({"_id": ObjectId(order_id)})
    assert order is not None
    status = "confirmed"
    for item in order["items"]:
        product = await db.products.find_one_and_update(
            {"sku": item["sku"], "stock": {"$gte": item["quantity"]}}, {"$inc": {"stock": -item["quantity"]}}
        )
        if product is None:
            status = "rejected"
    await db.orders.update_one({"_id": order["_id"]}, {"$set": {"status": status}})
    return status
