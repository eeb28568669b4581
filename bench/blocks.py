"""The parts of README.md and docs/performance.md that are made from the results, in Markdown, by their names."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from bench import figures, tables
from bench.report import noise, shown_columns
from bench.rounds import Place, Results
from bench.targets import Verdict, verdicts

CONTENDERS_TABLES = [*map(tables.connections, (1, 16, 128, 512)), tables.HOT, tables.OPEN_LOOP]

RATES = (1_000, 10_000, 100_000)

TARGET_HEADINGS = ["figure", "target", "measured", "met"]

IN_README = [
    "decided/s against the tutorial",
    "decided/s against Express and Mongoose",
    "accept p99 at 128 connections against the tutorial",
    "one hot SKU against 1,000 SKUs, decided/s",
    "bulk endpoint, orders decided/s",
]


def readme(results: Results) -> str:
    chosen = [verdict for verdict in verdicts(results) if verdict.target.figure in IN_README]
    picture = "![Orders decided a second, and latency](bench/results/latest.svg)"
    return "\n".join([picture, "", _table(TARGET_HEADINGS, map(_target_row, chosen))])


def about(results: Results) -> str:
    machine = results.about
    few, many = machine["orders_stored"]
    programs = ", ".join(f"{name} {machine[name]}" for name in ("mongod", "redis", "wrk", "node") if machine[name])
    lines = [
        f"Measured {machine['at'][:10]} on {machine['cpus']} CPUs with {machine['memory_gb']} GB of memory "
        f"({machine['system']}): Python {machine['python']}, {programs}.",
        f"Plan: {machine['plan']}. Rounds of the contenders: {machine['rounds']}, of {machine['seconds']:g} s a "
        f"scenario; turns within an experiment: {machine['turns']}, of {machine['turn_seconds']:g} s. "
        f"Few orders stored are {few:,}, many are {many:,}.",
    ]
    if (notice := noise(results)) is not None:
        lines.append(f"{notice}.")
    return "\n".join(lines)


def all_targets(results: Results) -> str:
    return _table(TARGET_HEADINGS, map(_target_row, verdicts(results)))


def contenders(results: Results) -> str:
    return _named_tables(results, CONTENDERS_TABLES, tables.PEERS)


def processes(results: Results) -> str:
    """Microseconds of CPU per order."""
    return _named_tables(results, [tables.CPU], {})


def experiments(results: Results) -> str:
    return _named_tables(
        results,
        [
            tables.SECOND_FLOOR,
            tables.ACCEPTING,
            tables.FEATURES,
            tables.BULK,
            tables.CACHED,
            tables.STORED,
            tables.LOOKED_AT,
            tables.WORKERS,
        ],
        tables.PEERS,
    )


def cores(results: Results) -> str:
    """What so many orders a second take, if each goes on costing what it cost here."""
    parts = [column for column in shown_columns(results, tables.CPU) if column.startswith("cpu_us_")]
    rows = [
        [f"{rate:,}", where, *(figures.readable(_cores(results, where, part, rate)) for part in parts)]
        for rate in RATES
        for where in (tables.AT_128, tables.HOT)
    ]
    headings = [tables.HEADINGS[part].removesuffix(" µs") for part in parts]
    return _table(["orders/s", "measured with", *headings], rows)


BLOCKS: dict[str, Callable[[Results], str]] = {
    "readme": readme,
    "about": about,
    "targets": all_targets,
    "contenders": contenders,
    "processes": processes,
    "experiments": experiments,
    "cores": cores,
}


def _cores(results: Results, where: str, part: str, rate: int) -> float:
    microseconds = results.measured(Place(tables.CPU, where, part))
    return rate * microseconds.value / 1e6 if microseconds else 0.0


def _target_row(verdict: Verdict) -> list[str]:
    return [verdict.target.figure, figures.bound(verdict.target), figures.measured(verdict), figures.met(verdict)]


def _named_tables(results: Results, titles: Iterable[str], names: Mapping[str, str]) -> str:
    """Those that were measured."""
    return "\n\n".join(_measured_table(results, title, names) for title in titles if results.rows(title))


def _measured_table(results: Results, title: str, names: Mapping[str, str]) -> str:
    columns = shown_columns(results, title)
    rows = [
        [names.get(row, row), *(figures.with_spread(results.measured(Place(title, row, column))) for column in columns)]
        for row in results.rows(title)
    ]
    return _table([title, *(tables.HEADINGS[column] for column in columns)], rows)


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
