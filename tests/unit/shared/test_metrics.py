"""The counters of the whole: names by Prometheus' conventions, all there from the start, batches at once."""

import pytest
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest

from shared.metrics import PREFIX, BatchHistogram
from tests.scrape import Metrics


def test_a_batch_is_observed_as_its_members_one_by_one_would_be():
    amounts = [0.0, 0.5, 1, 1.5, 2, 7, 100]
    together, one_by_one = CollectorRegistry(), CollectorRegistry()
    BatchHistogram("h", "x", buckets=(1, 2, 10), registry=together).observe_all(iter(amounts))
    histogram = BatchHistogram("h", "x", buckets=(1, 2, 10), registry=one_by_one)
    for amount in amounts:
        histogram.observe(amount)
    samples = [
        {
            (sample.name, *sample.labels.values()): sample.value
            for metric in registry.collect()
            for sample in metric.samples
        }
        for registry in (together, one_by_one)
    ]
    for sample in samples:
        del sample[("h_created",)]
    assert samples[0] == samples[1]


@pytest.mark.parametrize(
    "name",
    [
        "orders_accepted_total",
        "orders_refused_total",
        "orders_decided_total",
        "announcements_total",
        "accept_batch_orders_count",
        "order_decision_seconds_count",
        "cache_reads_total",
    ],
)
def test_a_counter_is_there_before_anything_is_counted_so_that_the_first_time_is_seen_as_a_rise(name):
    assert f"{PREFIX}_{name}" in Metrics(generate_latest(REGISTRY).decode()).names()
