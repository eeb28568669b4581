"""`python -m local.metrics_document`: writes docs/metrics.md from the metrics that the code makes."""

from collections.abc import Iterator
from pathlib import Path

from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase

from api.metrics import HTTP_SECONDS
from shared.metrics import PREFIX
from worker.metrics import GAUGES

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "metrics.md"

HEAD = """\
<!-- Made by `python -m local.metrics_document`; change the code, or the text in that file, and run it again. -->
# Metrics

In Prometheus' form, at `/metrics` on a port of its own: `METRICS_PORT` of API, worker and beat, at `METRICS_HOST`
([settings](settings.md)). The API's port for clients does not have it. It asks for no token and knows no rate limit,
so never publish that port. With `docker compose` it is 9100 of `api`, 9101 of `worker` and 9102 of `beat`, inside the
project's network; `make run` prints where it is. What `/readyz` says does not depend on it, and a port that can't be
had, or a directory for the API's counts, costs the metrics alone: the log says `metrics are not served`.

- [deploy/prometheus](../deploy/prometheus): what to scrape, and alerts, each with its entry in the
  [runbook](runbook.md).
- [deploy/grafana](../deploy/grafana): a dashboard.

Any process of one API answers for all of them, and goes on counting where one that was killed stopped
([0025](decisions/0025-api-processes-count-in-files-that-outlive-them.md)). Counters begin at zero with each start of
the API, of a worker and of beat, which `rate` and `increase` allow for. A worker also has `process_` and `python_`
metrics, and so has beat. Each part exports the counters of the first table that it knows, and only moves those of its
own work: sum over all parts. What `make orders` cancels or announces is counted in that command alone, where nobody
sees it.

Counts are exact unless something dies: what is counted is counted after it is on disk, so a part that is killed in
between has done up to one batch more than it says. So has MongoDB when it was away in the middle of a batch: its
orders may be stored and were answered 503. The truth is MongoDB's: `make orders ARGS=stats`.

The routes of HTTP are the API's own, whatever address is asked for: what is none of them is `unmatched`, and a method
that HTTP does not have is `other`. A request that waits for its order (`Prefer: wait`) takes as long as it waits. No
label is a SKU, a customer or an order.
"""


def document() -> str:
    return "\n".join([HEAD, "## Counted by API and workers", "", *_table(_counted()), "", *_beats(), ""])


def metric_names() -> set[str]:
    """As Prometheus stores them: with `_total`, and of a histogram `_bucket`, `_count` and `_sum`."""
    return {name for metric in _metrics() for name in _series(metric)} | {f"{PREFIX}_{name}" for name in GAUGES}


def _metrics() -> list[MetricWrapperBase]:
    known = set(REGISTRY._names_to_collectors.values())
    ours = [metric for metric in known if isinstance(metric, MetricWrapperBase) and metric._name.startswith(PREFIX)]
    return sorted(ours, key=lambda metric: metric._name)


def _series(metric: MetricWrapperBase) -> list[str]:
    if metric._type == "histogram":
        return [f"{metric._name}_{suffix}" for suffix in ("bucket", "count", "sum")]
    return [f"{metric._name}_total"]


def _counted() -> Iterator[tuple[str, str, str, str]]:
    for metric in _metrics():
        name = metric._name if metric._type == "histogram" else f"{metric._name}_total"
        yield name, str(metric._type), _labels(metric), metric._documentation


def _labels(metric: MetricWrapperBase) -> str:
    """With the values that they have from the start; those of HTTP come with the requests."""
    names = metric._labelnames
    made = [] if not names or metric is HTTP_SECONDS else list(metric._metrics)
    values = [dict.fromkeys(column) for column in zip(*made, strict=True)] or [{}] * len(names)
    return "; ".join(
        f"`{name}`" + (f": {', '.join(known)}" if known else "") for name, known in zip(names, values, strict=True)
    )


def _beats() -> list[str]:
    rows = (
        (f"{PREFIX}_{name}", "gauge", f"`{label}`" if label else "", text) for name, (text, label) in GAUGES.items()
    )
    return [
        "## Told by beat",
        "",
        "Asked of MongoDB and Redis at each scrape, as `/readyz` does. What can't be told is left out.",
        "",
        *_table(rows),
    ]


def _table(rows: Iterator[tuple[str, str, str, str]]) -> list[str]:
    lines = (f"| `{name}` | {kind} | {labels} | {text} |" for name, kind, labels, text in rows)
    return ["| metric | type | labels | meaning |", "|---|---|---|---|", *lines]


if __name__ == "__main__":
    DOCUMENT.write_text(document())
