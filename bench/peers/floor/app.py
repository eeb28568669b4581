from flask import Flask, jsonify, request


def make_app() -> Flask:
    app = Flask(__name__)

    @app.post("/orders")
    def create_order():
        return jsonify(items=request.get_json()["items"], status="pending"), 202

    @app.get("/products/<sku>")
    def get_product(sku: str):
        return jsonify(sku=sku, name="A mug", stock=1)

    return app
