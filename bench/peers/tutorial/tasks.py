import os

from bson import ObjectId
from celery import Celery
from pymongo import MongoClient

celery = Celery("tasks", broker=os.environ["REDIS_BROKER_URL"], backend=os.environ["REDIS_CACHE_URL"])

_database = None


def database():
    """One client a process, made after the fork."""
    global _database
    if _database is None:
        _database = MongoClient(os.environ["MONGO_URL"]).get_default_database()
    return _database


@celery.task(bind=True, max_retries=3)
def process_order(self, order_id):
    db = database()
    order = db.orders.find_one({"_id": ObjectId(order_id)})
    status = "confirmed"
    for item in order["items"]:
        product = db.products.find_one_and_update(
            {"sku": item["sku"], "stock": {"$gte": item["quantity"]}}, {"$inc": {"stock": -item["quantity"]}}
        )
        if product is None:
            status = "rejected"
    db.orders.update_one({"_id": order["_id"]}, {"$set": {"status": status}})
    return status
