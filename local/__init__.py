"""The whole system on one machine without Docker: `make run`, and `make token`, `demo`, `seed`, `verify`, `orders`.

Nothing here is part of what is deployed: `api`, `worker` and `shared` never import this package.
"""
