"""Order ids and durations are checked before anything is done."""

from datetime import timedelta

import click
import pytest

from tests.builders import an_order_id
from worker.cli.parameters import Duration, OrderId


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("30s", timedelta(seconds=30)),
        ("10m", timedelta(minutes=10)),
        ("2h", timedelta(hours=2)),
        ("1d", timedelta(days=1)),
        ("0s", timedelta()),
    ],
)
def test_a_duration_is_a_number_and_a_unit(text, duration):
    assert Duration().convert(text, None, None) == duration


@pytest.mark.parametrize("text", ["", "10", "m", "-5m", "1.5h", "10 m", "10M", "1w", "1h30m", "9999999d", "٣m"])
def test_anything_else_is_none(text):
    with pytest.raises(click.BadParameter):
        Duration().convert(text, None, None)


def test_an_order_id_is_a_uuid_of_version_7_however_it_is_written():
    order_id = an_order_id()
    assert OrderId().convert(order_id, None, None) == order_id
    assert OrderId().convert(order_id.upper(), None, None) == order_id
    assert OrderId().convert(order_id.replace("-", ""), None, None) == order_id


@pytest.mark.parametrize("text", ["", "x", "1", "3f2b8a52-5c1e-4d6b-9a70-0d8f5a2f7b11", '{"$gt": ""}'])
def test_anything_else_is_no_order_id(text):
    with pytest.raises(click.BadParameter):
        OrderId().convert(text, None, None)
