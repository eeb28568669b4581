"""What people would use instead, each written the way its own community writes it. See `bench/contenders.py`.

All take `POST /orders` with `{"items": [{"sku": ..., "quantity": ...}]}`, on the MongoDB and the two Redis that the
environment names: queues on one of them, results and rate limits on the other. Durability is the same for all, it
stands in MONGO_URL.
"""
