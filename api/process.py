"""What Granian loads in each of its processes: the app, once it is settled where the process keeps its counts."""

import os

from flask import Flask

from api.metric_files import DIRECTORY, keep_counts_in, registry_of
from shared.metrics_server import serve_metrics


def make_app() -> Flask:
    directory = os.environ.get(DIRECTORY)
    if directory:
        keep_counts_in(directory)
    # Only now: whatever counts is made when it is imported.
    from api import app
    from api.resources import EXTENSION

    made = app.make_app()
    settings = made.extensions[EXTENSION].settings.shared
    if directory and settings.metrics_port:
        serve_metrics(settings.metrics_host, settings.metrics_port, registry_of(directory), reuse_port=True)
    return made
