"""A plain asyncio stack: FastAPI on uvicorn, one taskiq job per order, PyMongo's asynchronous client."""
