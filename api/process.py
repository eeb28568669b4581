"""What Granian loads in each of its processes: the app, once it is settled where the process keeps its counts."""

import os

import structlog
from flask import Flask
from prometheus_client import CollectorRegistry

from api.metric_files import DIRECTORY, keep_counts_in
from shared.metrics_server import serve_metrics

log = structlog.get_logger(__name__)


def make_app() -> Flask:
    counts = _settle_counts()
    # Only now: whatever counts is made when it is imported.
    from api import app
    from api.resources import EXTENSION

    made = app.make_app()
    settings = made.extensions[EXTENSION].settings.shared
    if settings.metrics_port:
        if isinstance(counts, CollectorRegistry):
            serve_metrics(settings.metrics_host, settings.metrics_port, counts, reuse_port=True)
        else:
            log.error("metrics are not served", error=counts)
    return made


def _settle_counts() -> CollectorRegistry | str:
    """Or why they are in memory, where other processes can't add them up: nobody is to be without orders for that."""
    directory = os.environ.get(DIRECTORY)
    if not directory:
        return "no directory"
    try:
        return keep_counts_in(directory)
    except (OSError, ValueError) as error:
        return repr(error)
