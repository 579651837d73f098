"""The site that was assembled: links, generated pages, and nothing from elsewhere."""

from __future__ import annotations

import doctest

import pytest
from drift_contracts import documents

from tools import griffe_examples, site


def test_contracts():
    """The page of contracts has a section for each schema, with its members."""
    page = site.contracts_page()
    for name in documents.names(documents.folder("schemas")):
        assert f"## {name}\n" in page
    assert "`/features/*/name`" in page


def test_commands():
    """The page of commands has the help of each, those of other distributions too."""
    page = site.commands_page()
    for command in ("train", "serve", "replay", "contracts show"):
        assert f"driftctl {command}\n" in page


def test_alarms():
    """The page of alarms has the metrics and alarms of the spec that ships."""
    assert "| `high-drift` |" in site.alarms_page()


@pytest.mark.parametrize(
    ("link", "leads_to"),
    [
        ("[a](../ARCHITECTURE.md)", "[a](architecture.md)"),
        ("[a](api.md#problems)", "[a](api.md#problems)"),
        ("[a](../benchmarks/README.md)", "[a](benchmarks.md)"),
        ("[a](https://example.org/x.md)", "[a](https://example.org/x.md)"),
        ("[a](#here)", "[a](#here)"),
    ],
)
def test_page_links(link, leads_to):
    """Links lead to pages of the site, also where a page moves."""
    assert site.with_links(link, site.ROOT / "docs" / "api.md") == leads_to


def test_file_links():
    """A link to a file leads to the repository."""
    assert site.with_links("[a](../noxfile.py)", site.ROOT / "docs" / "api.md").startswith(f"[a]({site.REPOSITORY}")


@pytest.mark.parametrize(
    "text",
    [
        '<script src="https://example.org/x.js">',
        '<link rel="stylesheet" href="//example.org/x.css">',
        "a { background: url(https://example.org/x.png) }",
    ],
)
def test_foreign_loads(text, tmp_path, monkeypatch):
    """Scripts, styles and pictures of other hosts are findings, and links are none."""
    monkeypatch.setattr(site, "HTML", tmp_path)
    (tmp_path / "x.html").write_text(text)
    (tmp_path / "y.html").write_text('<a href="https://example.org">a link</a>')
    assert [place.partition(":")[0] for place in site.foreign_loads()] == ["x.html"]


def test_docstring_examples():
    """Examples of docstrings are shown as code."""
    result = doctest.testmod(griffe_examples)
    assert result.attempted > 0
    assert result.failed == 0
