"""docs/settings.md is the truth: it has every setting that the code reads, with its default, and no other."""

import re
from pathlib import Path

READ = re.compile(r'env\.\w+\(\s*"([A-Z_]+)"(?:,\s*"?([\w./]+|\[\])"?)?')
"""A setting in the code: its name, and its default unless a keyword argument follows at once."""

ROW = re.compile(r"^\| `([A-Z_]+)` \| `?([\w./]+)`? \|", re.MULTILINE)


NOTHING = {"None": "none", "[]": "none"}


def settings_in_code() -> dict[str, str]:
    source = "".join(Path(path).read_text() for path in ("shared/settings.py", "api/settings.py"))
    return {name: "required" if default in ("", "validate") else default for name, default in READ.findall(source)}


def test_every_setting_is_in_the_document_with_its_default() -> None:
    documented = dict(ROW.findall(Path("docs/settings.md").read_text()))
    in_code = {
        name: default.replace("_", "").replace("None", "none").replace("[]", "none")
        for name, default in settings_in_code().items()
    }
    assert len(in_code) > 10
    assert documented == in_code
