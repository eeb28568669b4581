"""The pictures of docs/img: shown, whole, and small enough for whoever reads on a telephone."""

import re
import struct
from pathlib import Path

import pytest

from local import pictures
from local.errors import PicturesFailed
from local.pictures import find_browser, pictures_of
from tests.unit.local.test_parts import SYSTEM

TAKEN = pictures_of(SYSTEM)


@pytest.mark.parametrize("picture", TAKEN, ids=lambda picture: picture.file)
def test_it_is_what_make_pictures_takes(picture: pictures.Picture) -> None:
    content = (pictures.FOLDER / picture.file).read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", content[16:24]) == (picture.width, picture.height)
    assert len(content) < 200_000


def test_the_readme_shows_them_all() -> None:
    shown = re.findall(r'docs/img/([\w.-]+)"', Path("README.md").read_text())
    assert {picture.file for picture in TAKEN} == set(shown) == {path.name for path in pictures.FOLDER.iterdir()}


def test_without_a_browser_it_says_which_would_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(PicturesFailed, match="on Debian: apt install chromium"):
        find_browser()
