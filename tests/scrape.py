"""Reading /metrics, as Prometheus does."""

import httpx
from prometheus_client.parser import text_string_to_metric_families


class Metrics:
    """The samples of one scrape."""

    def __init__(self, text: str) -> None:
        self.samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]

    def total(self, name: str, **labels: str) -> float:
        """The sum over all series of the name that have these labels; without the project's prefix."""
        return sum(
            sample.value
            for sample in self.samples
            if sample.name == f"order_processor_{name}" and labels.items() <= sample.labels.items()
        )

    def names(self) -> set[str]:
        return {sample.name for sample in self.samples}


def read_metrics(url: str) -> Metrics:
    answer = httpx.get(url, timeout=15, trust_env=False)
    assert answer.status_code == httpx.codes.OK, answer.text
    return Metrics(answer.text)
