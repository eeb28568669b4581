"""The picture of the README, as SVG: orders decided a second, and latency, of every contender.

Written as text, since it is two columns of bars. It brings its own background, light or dark as the reader's system is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from bench import figures, tables
from bench.rounds import Place, Results

WIDTH, MARGIN, LABELS, GAP = 860, 24, 215, 70
BAR, ROW, TOP = 13, 46, 78
BARS = (WIDTH - 2 * MARGIN - LABELS - 2 * GAP) // 2
"""The longest of a panel; the gap beside it holds its figure."""

STYLE = """
  svg { font: 13px system-ui, sans-serif }
  .paper { fill: #ffffff; stroke: #d0d7de }
  text { fill: #1f2328 }
  .title { font-weight: 600 }
  .small { font-size: 11px; fill: #59636e }
  .first { fill: #9aa4af } .second { fill: #c9d1d9 }
  .ours .first { fill: #0969da } .ours .second { fill: #80b8f2 }
  .ours text { font-weight: 600 }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0d1117; stroke: #3d444d }
    text { fill: #f0f6fc }
    .small { fill: #9198a1 }
    .first { fill: #6e7681 } .second { fill: #3d444d }
    .ours .first { fill: #4493f8 } .ours .second { fill: #1f4f8f }
  }
"""


@dataclass(frozen=True, slots=True)
class Bars:
    """Two bars of every contender, each a column of a table; with what they show."""

    title: str
    what: tuple[str, str]
    tables: tuple[str, str]
    columns: tuple[str, str]

    def values(self, results: Results, row: str) -> list[float | None]:
        places = [Place(table, row, column) for table, column in zip(self.tables, self.columns, strict=True)]
        return [found.value if (found := results.measured(place)) else None for place in places]


PANELS = [
    Bars(
        "Orders decided per second",
        ("1,000 SKUs", "one hot SKU"),
        (tables.AT_128, tables.HOT),
        ("decided_per_second", "decided_per_second"),
    ),
    Bars(
        "Milliseconds until an order is accepted",
        ("99 of 100 orders", "half of them"),
        (tables.AT_128, tables.AT_128),
        ("p99_ms", "p50_ms"),
    ),
]


def render(results: Results) -> str:
    rows = [row for row in tables.PEERS if row in results.rows(tables.AT_128)]
    height = TOP + ROW * len(rows) + 40
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'role="img" aria-label="Orders decided per second, and milliseconds until an order is accepted">',
        f"<style>{STYLE}</style>",
        f'<rect class="paper" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8"/>',
        *_headings(),
        *(_contender(results, row, TOP + ROW * number) for number, row in enumerate(rows)),
        _text(MARGIN, height - 16, "128 connections, all on one machine; see docs/performance.md", "small"),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _headings() -> list[str]:
    parts = []
    for left, panel in zip(_lefts(), PANELS, strict=True):
        first, second = panel.what
        parts += [
            _text(left, 32, panel.title, "title"),
            f'<rect class="first" x="{left}" y="43" width="9" height="9"/>',
            _text(left + 14, 52, first, "small"),
            f'<rect class="second" x="{left + 120}" y="43" width="9" height="9"/>',
            _text(left + 134, 52, second, "small"),
        ]
    return parts


def _contender(results: Results, row: str, top: int) -> str:
    parts = [_text(MARGIN, top + BAR + 4, tables.PEERS[row])]
    for left, panel in zip(_lefts(), PANELS, strict=True):
        parts += _bars(panel.values(results, row), left, top, _greatest(results, panel))
    return f'<g class="{"ours" if row == tables.OURS else "peer"}">' + "".join(parts) + "</g>"


def _bars(values: Sequence[float | None], left: int, top: int, greatest: float) -> list[str]:
    parts = []
    for number, (value, kind) in enumerate(zip(values, ("first", "second"), strict=True)):
        y = top + number * (BAR + 3)
        if value is None:
            parts.append(_text(left, y + 11, "–", "small"))  # noqa: RUF001 - a dash: there is nothing to measure
        else:
            width = max(1.0, BARS * value / greatest)
            parts.append(f'<rect class="{kind}" x="{left}" y="{y}" width="{width:.1f}" height="{BAR}" rx="2"/>')
            parts.append(_text(round(left + width + 6), y + 11, figures.readable(value), "small"))
    return parts


def _greatest(results: Results, panel: Bars) -> float:
    values = [value for row in tables.PEERS for value in panel.values(results, row) if value is not None]
    return max(values, default=1.0) or 1.0


def _lefts() -> list[int]:
    first = MARGIN + LABELS
    return [first, first + BARS + GAP]


def _text(x: int, y: int, text: str, kind: str = "") -> str:
    css = f' class="{kind}"' if kind else ""
    return f'<text{css} x="{x}" y="{y}">{escape(text)}</text>'
