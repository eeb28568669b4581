"""`make seed FILE=products.csv`: sends a file of products to the running system, as any client would.

Exit status 1 when rows failed (all others are in), 2 when the file could not be sent.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import httpx
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn, TransferSpeedColumn
from rich.table import Table
from rich.text import Text

from api.product_rows import FORMATS
from local.errors import LocalError, SeedFailed
from local.loopback import loopback_client
from local.readiness import refuse_unless_it_answers
from local.settings import load_local_settings
from local.system import System, running_system
from local.terminal import complain
from local.token import make_token
from shared.settings import SettingsInvalid

EXIT_ROWS_FAILED = 1
EXIT_NOT_SENT = 2
EXIT_INTERRUPTED = 130

MEDIA_TYPES = {f".{file_format.extension}": file_format.media_type for file_format in FORMATS}

CHUNK_BYTES = 65_536
PROBLEMS_SHOWN = 10
PATIENCE = httpx.Timeout(120, connect=5)
"""Seconds without any progress: the system reads as fast as it writes."""


def main() -> int:
    console = Console()
    try:
        path = find_file(os.environ.get("FILE", ""))
        system = running_system(load_local_settings())
        refuse_unless_it_answers(system)
        answer = send(system, path, console)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except (LocalError, SettingsInvalid) as error:
        complain(f"make seed: {error}")
        return EXIT_NOT_SENT
    return conclude(console, answer)


def find_file(name: str) -> Path:
    """Raises `SeedFailed`."""
    path = Path(name).expanduser()
    if not name:
        raise SeedFailed("say which file: make seed FILE=products.csv")
    if path.suffix.lower() not in MEDIA_TYPES:
        raise SeedFailed(f"{name} must end in {' or '.join(MEDIA_TYPES)}, which says how it is to be read")
    if not path.is_file():
        raise SeedFailed(f"there is no file {name}")
    return path


def send(system: System, path: Path, console: Console) -> dict[str, Any]:
    """The system's answer. Raises `SeedFailed`, with what it refuses."""
    try:
        with path.open("rb") as file, shown(console) as progress:
            answer = _post(system, path, file, progress)
    except OSError as error:
        raise SeedFailed(f"{path} can't be read: {error.strerror}") from error
    except httpx.HTTPError as error:
        raise SeedFailed(
            f"{path} could not be sent: {error!r}. Send it again: rows that are in change nothing"
        ) from error
    body: dict[str, Any] = answer.json()
    if answer.status_code != httpx.codes.OK:
        raise SeedFailed(f"{path} was refused: {body['title']}. {body['detail']}")
    return body


def shown(console: Console) -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=console, transient=console.is_terminal)


def conclude(console: Console, answer: dict[str, Any]) -> int:
    """Prints what became of the rows; the exit status."""
    counts = Table("rows", "created", "updated", "unchanged", "failed")
    counts.add_row(*(f"{answer[str(column.header)]:,}" for column in counts.columns))
    console.print(counts)
    if not answer["failed"]:
        return 0
    problems = Table("line", "SKU", "what is wrong", title=_heading(answer["failed"]))
    for problem in answer["problems"][:PROBLEMS_SHOWN]:
        problems.add_row(str(problem["line"]), problem.get("sku", ""), Text(_said(problem)))
    console.print(problems)
    return EXIT_ROWS_FAILED


def _post(system: System, path: Path, file: BinaryIO, progress: Progress) -> httpx.Response:
    size = path.stat().st_size
    token = make_token(system.jwt_secret, "seed", "products:write", seconds=3600)
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": MEDIA_TYPES[path.suffix.lower()],
        "Content-Length": str(size),
    }
    with loopback_client(base_url=system.api_url, timeout=PATIENCE) as client:
        return client.post("/v1/products/import", content=_sent(file, size, progress), headers=headers)


def _sent(file: BinaryIO, size: int, progress: Progress) -> Iterator[bytes]:
    task = progress.add_task("sending", total=size)
    while chunk := file.read(CHUNK_BYTES):
        yield chunk
        progress.advance(task, len(chunk))
    progress.update(task, description="sent, waiting for the last rows")


def _heading(failed: int) -> str:
    return (
        f"The first {PROBLEMS_SHOWN} of {failed:,} rows that failed" if failed > PROBLEMS_SHOWN else "Rows that failed"
    )


def _said(problem: dict[str, Any]) -> str:
    errors = problem.get("errors")
    return "; ".join(f"{name}: {_plain(said)}" for name, said in errors.items()) if errors else problem["detail"]


def _plain(said: Any) -> str:
    return " ".join(map(str, said)) if isinstance(said, list) else str(said)


if __name__ == "__main__":
    sys.exit(main())
