"""The usual tutorial: Flask on gunicorn, Flask-Limiter, and one Celery task per order on prefork workers."""
