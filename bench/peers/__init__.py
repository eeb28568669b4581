"""What people would use instead, each written the way its own community writes it. See `bench/contenders.py`.

All take `POST /orders` with `{"items": [{"sku": ..., "quantity": ...}]}`, on the MongoDB and the Redis that the
environment names, with the same durability: it stands in MONGO_URL.
"""
