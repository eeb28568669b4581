import os
from datetime import UTC, datetime

from flask import Flask, jsonify, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from marshmallow import Schema, ValidationError, fields, validate
from pymongo import MongoClient

app = Flask(__name__)
limiter = Limiter(get_remote_address, app=app, storage_uri=os.environ["REDIS_CACHE_URL"])
db = MongoClient(os.environ["MONGO_URL"]).get_default_database()


class ItemSchema(Schema):
    sku = fields.Str(required=True)
    quantity = fields.Int(required=True, validate=validate.Range(min=1))


class OrderSchema(Schema):
    items = fields.List(fields.Nested(ItemSchema), required=True, validate=validate.Length(min=1))


order_schema = OrderSchema()


@app.errorhandler(ValidationError)
def invalid(error):
    return jsonify(errors=error.messages), 400


@app.post("/orders")
@limiter.limit("600000/minute")
def create_order():
    order = order_schema.load(request.get_json())
    for item in order["items"]:
        product = db.products.find_one_and_update(
            {"sku": item["sku"], "stock": {"$gte": item["quantity"]}}, {"$inc": {"stock": -item["quantity"]}}
        )
        if product is None:
            return jsonify(error="out of stock", sku=item["sku"]), 409
    order |= {"status": "confirmed", "created_at": datetime.now(UTC)}
    order_id = str(db.orders.insert_one(order).inserted_id)
    return jsonify(id=order_id, status="confirmed"), 201
