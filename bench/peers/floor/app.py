import os

from flask import Flask, jsonify, request

from api.cpu_affinity import keep_to_one_cpu


def make_app() -> Flask:
    app = Flask(__name__)
    keep_to_one_cpu(port=int(os.environ["API_PORT"]))

    @app.post("/orders")
    def create_order():
        return jsonify(items=request.get_json()["items"], status="pending"), 202

    @app.get("/products/<sku>")
    def get_product(sku: str):
        return jsonify(sku=sku, name="A mug", stock=1)

    return app
