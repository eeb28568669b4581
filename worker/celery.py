"""The Celery app of worker, beat, Flower and the celery CLI."""

import atexit
import gc
from typing import Any

from celery import signals

from shared.queue import make_celery
from shared.settings import load_settings
from shared.startup import load_or_refuse, prepare_database_or_refuse
from shared.telemetry import start_telemetry
from worker.broker import use_transport
from worker.flower import is_flower, refuse_without_password
from worker.metrics import count_defect, serve_beat_metrics, serve_worker_metrics

settings = load_or_refuse("worker", load_settings)
use_transport()
app = make_celery(settings)
app.conf.imports = ["worker.tasks"]


@signals.setup_logging.connect
def _set_up_logging(**_: Any) -> None:
    atexit.register(start_telemetry("worker", settings))


@signals.import_modules.connect(sender=app)
def _check_flower(**_: Any) -> None:
    """Every command does this; Flower when it has read its options, before it listens."""
    if is_flower():
        refuse_without_password()


@signals.worker_init.connect
def _prepare_database(**_: Any) -> None:
    prepare_database_or_refuse("worker", settings.mongo_url)


@signals.worker_ready.connect
def _serve_worker_metrics(**_: Any) -> None:
    serve_worker_metrics(settings)


@signals.worker_ready.connect
def _freeze(**_: Any) -> None:
    """What is here now stays: the garbage collector need not look through it again and again."""
    gc.freeze()


@signals.task_failure.connect
def _count_defect(exception: BaseException, **_: Any) -> None:
    count_defect(exception)


@signals.beat_init.connect
def _serve_beat_metrics(**_: Any) -> None:
    serve_beat_metrics(settings, app)
