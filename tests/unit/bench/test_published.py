"""What is committed of the last run agrees: the file, the picture, and the tables in the documents."""

import json
import re
import xml.etree.ElementTree as ET

import pytest

from bench import publish, rounds, tables
from bench.blocks import BLOCKS
from bench.picture import render
from bench.rounds import Results
from bench.targets import as_json, verdicts

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def latest() -> Results:
    return rounds.read(publish.LATEST)


def test_the_picture_is_what_the_file_renders_to(latest):
    assert publish.PICTURE.read_text() == render(latest)


@pytest.mark.parametrize("document", publish.DOCUMENTS, ids=lambda path: path.name)
def test_the_tables_in_the_documents_are_what_the_file_gives(document, latest):
    assert document.read_text() == publish.with_blocks(document.read_text(), latest)


def test_the_targets_in_the_file_are_what_its_rounds_give(latest):
    assert json.loads(publish.LATEST.read_text())["targets"] == as_json(verdicts(latest))


def test_every_block_stands_in_one_of_the_documents():
    text = "".join(document.read_text() for document in publish.DOCUMENTS)
    assert sorted(name for _, name, _ in publish.BLOCK.findall(text)) == sorted(BLOCKS)
    assert text.count("<!-- made by bench") == len(BLOCKS)


def test_a_block_is_made_anew_and_the_rest_is_left_as_it_is(latest):
    text = "before\n<!-- made by bench: targets -->\noutdated\n<!-- end -->\nafter <!-- end -->\n"
    made = publish.with_blocks(text, latest)
    assert made.startswith("before\n<!-- made by bench: targets -->\n| figure | target | measured | met |\n")
    assert made.endswith("|\n<!-- end -->\nafter <!-- end -->\n")
    assert "outdated" not in made
    assert publish.with_blocks(made, latest) == made


def test_a_block_that_nobody_makes_is_an_error(latest):
    with pytest.raises(KeyError):
        publish.with_blocks("<!-- made by bench: other -->\n<!-- end -->", latest)


def test_every_figure_has_a_heading_and_every_contender_a_name(latest):
    for table in latest.tables():
        assert set(latest.columns(table)) <= tables.HEADINGS.keys()
    assert set(latest.rows(tables.AT_128)) <= tables.PEERS.keys()


def test_the_picture_shows_who_was_measured_and_bars_that_are_as_long_as_their_figures():
    results = Results()
    for row, decided in ((tables.OURS, 1_000), ("tutorial", 250)):
        results.add(tables.AT_128, row, {"decided_per_second": decided, "p99_ms": 10, "p50_ms": 5})

    picture = ET.fromstring(render(results))

    ours, theirs = [[float(bar.get("width")) for bar in group.iter(f"{SVG}rect")] for group in picture.iter(f"{SVG}g")]
    assert ours[0] == pytest.approx(4 * theirs[0])
    assert ours[1:] == theirs[1:] == [ours[0], ours[0] / 2]
    texts = [text.text for text in picture.iter(f"{SVG}text")]
    assert {tables.PEERS[tables.OURS], tables.PEERS["tutorial"], "1,000", "250"} <= set(texts)
    assert tables.PEERS["express"] not in texts


def test_the_picture_is_for_light_and_for_dark():
    picture = render(Results())
    light, dark = re.split("@media", picture)
    assert "prefers-color-scheme: dark" in dark
    for name in (".paper", "text", ".first", ".second", ".ours .first"):
        assert f"  {name} {{" in light or f" {name} {{" in light
        assert f" {name} {{" in dark
