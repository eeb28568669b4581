import os
from datetime import UTC, datetime

from flask import Flask, jsonify, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from marshmallow import Schema, ValidationError, fields, validate

from bench.peers.tutorial.tasks import database, process_order

app = Flask(__name__)
limiter = Limiter(get_remote_address, app=app, storage_uri=os.environ["REDIS_CACHE_URL"])


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
    order |= {"status": "pending", "created_at": datetime.now(UTC)}
    order_id = str(database().orders.insert_one(order).inserted_id)
    process_order.delay(order_id)
    return jsonify(id=order_id, status="pending"), 202
