"""What the commands are given, checked before anything is done: order ids and durations."""

import re
from datetime import timedelta
from uuid import UUID

import click

from shared.domain.order import accepted_at
from worker.cli.text import UNITS

YEARS_MAX = 50

DURATION = re.compile(r"([0-9]{1,6})([smhd])")


class OrderId(click.ParamType[str]):
    name = "ID"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            accepted_at(value)
            return str(UUID(value))
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is not the id of an order (a UUID of version 7).", param, ctx)


class Duration(click.ParamType[timedelta]):
    name = "DURATION"

    def convert(self, value: str | timedelta, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        found = DURATION.fullmatch(value)
        if found is None:
            self.fail(f"{value!r} is not a duration such as 30s, 10m, 2h or 1d.", param, ctx)
        seconds = int(found[1]) * UNITS[found[2]]
        if seconds > YEARS_MAX * 366 * UNITS["d"]:
            self.fail(f"{value!r} is longer than {YEARS_MAX} years.", param, ctx)
        return timedelta(seconds=seconds)


class Text(click.ParamType[str]):
    """What the terminal could not decode is no text that could be stored."""

    name = "TEXT"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            value.encode()
        except UnicodeEncodeError:
            self.fail(f"{value!r} is not UTF-8.", param, ctx)
        return value
