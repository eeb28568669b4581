"""The whole system on one machine without Docker: `make run`, `make token`, `make demo`, `make verify`.

Nothing here is part of what is deployed: `api`, `worker` and `shared` never import this package.
"""
