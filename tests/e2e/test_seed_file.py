"""`make seed FILE=...`: a file goes into the running system, and whoever sent it learns what became of each row."""

from pathlib import Path

import pytest

from tests.local_system import LocalSystem

HEADER = "sku,name,price_amount,price_currency,stock\n"


def test_a_file_is_imported_and_again_changes_nothing(system: LocalSystem, tmp_path: Path) -> None:
    file = tmp_path / "products of ours.csv"
    file.write_text(HEADER + "".join(f"SEED-{n},Name,1,EUR,2\n" for n in range(300)))

    first, second = (system.module("local.seed_file", FILE=str(file)) for _ in "12")

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert figures(first.stdout) == ["300", "300", "0", "0", "0"]
    assert figures(second.stdout) == ["300", "0", "0", "300", "0"]
    assert "100%" in first.stdout or "kB" in first.stdout


def test_bad_rows_are_shown_by_line_and_make_the_exit_status_one(system: LocalSystem, tmp_path: Path) -> None:
    file = tmp_path / "products.ndjson"
    rows = [
        '{"sku": "SEED-A", "name": "A", "price": {"amount": 1, "currency": "EUR"}}',
        "{",
        '{"sku": "SEED-B", "[/x]": 1}',
    ]
    file.write_text("\n".join(rows))

    done = system.module("local.seed_file", FILE=str(file))

    assert done.returncode == 1, done.stderr
    assert figures(done.stdout) == ["3", "1", "0", "0", "2"]
    assert "Rows that failed" in done.stdout
    assert "SEED-B" in done.stdout
    assert "[/x]" in done.stdout
    assert "Missing data for required field" in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("", None, "say which file: make seed FILE=products.csv"),
        ("none.csv", None, "there is no file"),
        ("products.xlsx", "x", "must end in .ndjson or .csv"),
        ("empty.csv", "", "There is nothing in it."),
        ("other.csv", "a;b\n", "missing: sku, name, price_amount, price_currency; unknown: a;b"),
    ],
)
def test_what_can_not_be_sent_is_told_in_one_line(
    system: LocalSystem, tmp_path: Path, name: str, content: str | None, said: str
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    done = system.module("local.seed_file", FILE=str(tmp_path / name) if name else "")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("make seed: ")
    assert said in done.stderr


def test_without_a_running_system_it_says_so(tmp_path: Path) -> None:
    file = tmp_path / "products.csv"
    file.write_text(HEADER)
    done = LocalSystem(tmp_path).module("local.seed_file", FILE=str(file))
    assert done.returncode == 2
    assert "start it with `make run`" in done.stderr
    assert done.stderr.count("\n") == 1


def test_make_seed_is_the_same(system: LocalSystem, tmp_path: Path) -> None:
    file = tmp_path / "products.csv"
    file.write_text(HEADER + "SEED-MAKE,Name,1,EUR,2\n")
    done = system.make("seed", FILE=str(file))
    assert done.returncode == 0, done.stderr
    assert figures(done.stdout) == ["1", "1", "0", "0", "0"]


def figures(output: str) -> list[str]:
    """The only row of the table of counts."""
    table = output[output.index("unchanged") :]
    row = next(line for line in table.splitlines() if line.startswith("│"))
    return [cell.strip() for cell in row.strip("│").split("│")]
