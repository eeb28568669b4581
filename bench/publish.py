"""From the results to what is committed: `latest.json`, the picture, the tables in README.md and docs.

python -m bench.publish      makes the picture and the tables again from the file
"""

import json
import re
from pathlib import Path

from bench import rounds, targets
from bench.blocks import BLOCKS
from bench.picture import render
from bench.rounds import Results

PROJECT = Path(__file__).parent.parent
LATEST = PROJECT / "bench" / "results" / "latest.json"
PICTURE = PROJECT / "bench" / "results" / "latest.svg"
DOCUMENTS = [PROJECT / "README.md", PROJECT / "docs" / "performance.md", PROJECT / "docs" / "scaling.md"]

BLOCK = re.compile(r"(<!-- made by bench: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def write_results(results: Results, path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    content = results.as_json() | {"targets": targets.as_json(targets.verdicts(results))}
    path.write_text(json.dumps(content, indent=1) + "\n")


def publish() -> None:
    results = rounds.read(LATEST)
    PICTURE.write_text(render(results))
    for document in DOCUMENTS:
        document.write_text(with_blocks(document.read_text(), results))


def with_blocks(text: str, results: Results) -> str:
    """The text with each block between its markers made anew. Raises `KeyError` for one that nobody makes."""
    return BLOCK.sub(lambda found: f"{found[1]}{BLOCKS[found[2]](results)}\n{found[3]}", text)


if __name__ == "__main__":
    publish()
