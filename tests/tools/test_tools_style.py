"""The figures of style are counted as CONTRIBUTING.md and the table say."""

from __future__ import annotations

import re
import subprocess

import pytest

from tools import style

SOURCE = '''"""A module."""

import os  # why it is needed
import sys  # noqa: F401

#: A field's comment counts.
one, value = 1, [given for given in os.environ]


def first(path):
    """Return the path."""
    return path


async def second():
    """The path."""
    text = """a long
    string"""
    return text
'''


@pytest.fixture
def counts(tmp_path):
    """What is counted in the source above."""
    file = tmp_path / "module.py"
    file.write_text(SOURCE + "#" * 101 + "\n", "utf-8")
    return style.measure([file], tmp_path)


def test_lines_and_comments(counts):
    """Directives count as no comments, and the inside of a string as no line of code."""
    assert counts.totals["lines"] == 20
    assert counts.totals["long lines"] == 1
    assert counts.totals["comments"] == 3
    assert counts.totals["code lines"] == 11


def test_tokens(counts):
    """Every token counts but comments and layout."""
    assert counts.totals["tokens"] == 41


def test_formatted_string(tmp_path):
    """A formatted string is a single token on every interpreter, though 3.12 gives its parts."""
    file = tmp_path / "module.py"
    file.write_text("""text = f"{a + b} and {f'{c}'}" + d\n""", "utf-8")
    assert style.measure([file], tmp_path).totals["tokens"] == 5


def test_docstrings_and_names(counts):
    """Nouns and words of grammar are counted with their places."""
    assert (counts.totals["docstrings"], counts.totals["verbs"]) == (2, 1)
    assert (counts.totals["names"], counts.totals["grammar names"]) == (4, 2)
    assert ("module.py", 15, "the") in [place[1:] for place in counts.places]
    assert {place.word for place in counts.places if place.figure == style.GRAMMAR} == {
        "one",
        "given",
    }


def test_function_lengths(tmp_path):
    """A function is measured from `def` to its last line, without decorators."""
    file = tmp_path / "module.py"
    file.write_text("@property\ndef length(self):\n    return 1\n", "utf-8")
    assert style.measure([file], tmp_path).functions == [2]


def test_empty_folder(tmp_path):
    """A folder without functions misses no bar."""
    file = tmp_path / "module.py"
    file.write_text("# a reason\nvalue = 1\n", "utf-8")
    assert style.measure([file], tmp_path).missed() == []
    assert style.measure([], tmp_path).missed() == [style.COMMENTS]


@pytest.mark.parametrize(
    ("side", "value", "met"),
    [
        ("at most", 7.2, True),
        ("at most", 7.21, False),
        ("at least", 7.2, True),
        ("at least", 7.19, False),
    ],
)
def test_limits_included(side, value, met):
    """Both sides of a bar include their limit."""
    assert style.Bar(side, 7.2).is_met(value) is met


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository whose room misses a bar beside one that keeps all."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    for name, name_of_value in (("clear", "value"), ("unclear", "given")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "module.py").write_text(f"# a reason\n{name_of_value} = 1\n", "utf-8")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_module.py").write_text("given = 1\n", "utf-8")
    monkeypatch.setattr(style, "ROOT", tmp_path)
    return tmp_path


def test_product_files(repository):
    """Files under version control or new are measured, without tests and removed files."""
    subprocess.run(["git", "add", "."], cwd=repository, check=True)
    (repository / "clear" / "module.py").unlink()
    assert list(style.product_files()) == [repository / "unclear" / "module.py"]


@pytest.mark.usefixtures("repository")
def test_check(capsys):
    """The check prints each missed bar with its places and ends with 1, else with 0 and nothing."""
    assert style.main(["--check", "clear"]) == 0
    assert capsys.readouterr().out == ""
    assert style.main(["--check", "clear", "unclear"]) == 1
    first, second = capsys.readouterr().out.splitlines()
    assert first == f"unclear: {style.GRAMMAR}: 100.00, expected at most 1"
    assert second == f"unclear/module.py:2: {style.GRAMMAR} given"


@pytest.mark.usefixtures("repository")
def test_table(capsys):
    """The table has a column for the product and one for each anchor."""
    assert style.main(["unclear"]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split()[:2] == ["bar", "product"]
    (row,) = [row for row in rows if row.startswith(style.GRAMMAR)]
    assert row.endswith("missed")
    assert style.anchor_counts("no_such_package") is None


def test_installed_package():
    """An installed package is measured by the same script."""
    assert style.anchor_counts("pytest").totals["lines"] > 0


def test_documented_bars():
    """CONTRIBUTING.md has a row for every bar, in the same order."""
    text = (style.ROOT / "CONTRIBUTING.md").read_text("utf-8")
    rows = re.findall(r"\| (at most|at least) ([\d.]+)", text)
    assert [(side, float(limit)) for side, limit in rows] == list(style.BARS.values())


def test_drawn_comments(tmp_path):
    """Comments to be read have their place and the line below, and directives are left out."""
    file = tmp_path / "module.py"
    file.write_text(SOURCE, "utf-8")
    drawn = style.draw_comments([file], tmp_path, 17)
    assert sorted(drawn) == [
        "module.py:3: why it is needed\n    import sys  # noqa: F401",
        "module.py:6: A field's comment counts.\n    one, value = 1, [given for given in os.environ]",
    ]
