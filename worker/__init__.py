"""Celery in: the app, thin tasks. `celery -A worker ...` finds the app in `worker/celery.py`."""
