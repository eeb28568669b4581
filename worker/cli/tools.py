"""What the commands work with: the app and its settings, MongoDB, and one way to say that something is away."""

import getpass
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import click
from celery import Celery
from pymongo.database import Database

from shared.domain.errors import Unavailable
from shared.log import configure_logging
from shared.queue import announce_orders
from shared.services.sweep_orders import Announce
from shared.settings import Settings
from shared.startup import MONGO_TIMEOUT_MILLISECONDS
from shared.store.connection import Document, MongoUnsuitable, check_replica_set, connect

TIMEOUT_MILLISECONDS = 20_000

EXIT_FOUND = 1
EXIT_UNTOLD = 2

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document, for programs.")


class CanNotTell(click.ClickException):
    """Something that is needed is away."""

    exit_code = EXIT_UNTOLD


@dataclass(frozen=True, slots=True)
class Tools:
    app: Celery
    settings: Settings
    database: Database[Document]

    @property
    def announce(self) -> Announce:
        """Returns when the broker has the message, and raises `Unavailable` when it does not take it."""
        return partial(announce_orders, self.app)


@contextmanager
def opened(*, timeout_milliseconds: int = TIMEOUT_MILLISECONDS) -> Iterator[Tools]:
    """Raises `CanNotTell` when MongoDB is not there, or goes away meanwhile."""
    # Here, because it reads the settings: `--help` needs none.
    from worker.celery import app, settings

    # Standard output is for the answer alone, and what was done is in it.
    configure_logging("console", stream=sys.stderr, level=logging.WARNING)
    try:
        _check_mongodb(settings.mongo_url)
        yield Tools(app, settings, connect(settings.mongo_url, timeout_milliseconds=timeout_milliseconds))
    except MongoUnsuitable as error:
        raise CanNotTell(str(error)) from error
    except Unavailable as error:
        raise CanNotTell(f"{error.what} can't be reached, or is too slow: try again") from error


def _check_mongodb(mongo_url: str) -> None:
    """With a client of its own: a person should not wait as long for a refusal as for an answer."""
    database = connect(mongo_url, timeout_milliseconds=MONGO_TIMEOUT_MILLISECONDS)
    try:
        check_replica_set(database)
    finally:
        database.client.close()


def operator() -> str:
    """Who does it, for the ledger and the log: `cli:` and the name in LOGNAME or USER, else that of the process."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        return f"cli:{os.getuid()}"  # one without a name, as in a container


def warn(text: str) -> None:
    click.echo(f"Warning: {text}", err=True)
