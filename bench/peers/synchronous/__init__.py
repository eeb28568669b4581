"""Synchronous: Flask on gunicorn takes the stock and stores the order in the request."""
