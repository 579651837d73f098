"""Tests read without help: what the check finds, and what it leaves alone."""

from __future__ import annotations

import pytest

from tools import clear_tests


@pytest.fixture
def rules(tmp_path):
    """rules(text): what is found in a file of tests."""

    def found(text):
        path = tmp_path / "test_example.py"
        path.write_text(text, "utf-8")
        return [finding.rule for finding in clear_tests.findings(path, tmp_path)]

    return found


GOOD = '''
def test_{name}(reader{words}):
    """{sentence}"""
    {step}
'''


def example(name="rows", sentence="Rows are in order.", step="reader.rows()"):
    """Return a test of which a part is replaced."""
    return GOOD.format(name=name, words="", sentence=sentence, step=step)


@pytest.mark.parametrize(
    "text",
    [
        example(),
        example(name="six_words_are_not_too_many"),
        example(sentence="As in version 2.0 of `x.y`, e.g. that of May, rows are in order."),
        example(step="self._rows = row._replace(a=1)"),
        example(step='with pytest.raises(ValueError, match="column age: type .* row 3"): reader()'),
        example(step='monkeypatch.setattr("drift_client.Retry.delay", None)'),
        "from numpy import _core\n",
        "def helper():\n    return 1\n",
    ],
)
def test_clear(rules, text):
    """A test that keeps the rules, and code that is no test of ours, is no finding."""
    assert rules(text) == []


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        (example(name="a_row_that_is_no_row_is_refused"), "too long"),
        (example(name="unreasonably_long_characteristics_of_interpolation"), "too long"),
        (example(sentence=""), "without a docstring"),
        (example(sentence="Rows are in order"), "full stop"),
        (example(sentence="Rows are in order. Columns are not."), "one sentence"),
        (example(step="reader._rows()"), "_rows is private"),
        (example(step='monkeypatch.setattr("drift_client.Retry._sleep", None)'), "Retry._sleep"),
        (example(step='monkeypatch.setattr(reader, "_rows", None)'), "_rows is private"),
        (
            example(step='with pytest.raises(E, match="we expect that a row has seven cells"): 1'),
            "place and rule",
        ),
        ("from drift_ml.tables import _private\n", "_private is private"),
    ],
)
def test_unclear(rules, text, fact):
    """What breaks a rule is reported with the rule."""
    (rule,) = rules(text)
    assert fact in rule


def test_private_module(rules, tmp_path):
    """A module that is internal to its package may be imported, as its functions may be public."""
    package = tmp_path / "ml/src/drift_ml"
    package.mkdir(parents=True)
    (package / "_bins.py").touch()
    assert rules("from drift_ml import _bins\n") == []


def test_check(monkeypatch, tmp_path, capsys):
    """The check prints each place and ends with 1, or prints nothing and ends with 0."""
    monkeypatch.setattr(clear_tests, "ROOT", tmp_path)
    for name, text in (("good", example()), ("bad", example(sentence=""))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "test_example.py").write_text(text, "utf-8")
    assert clear_tests.main(["good"]) == 0
    assert capsys.readouterr().out == ""
    assert clear_tests.main(["good", "bad"]) == 1
    assert capsys.readouterr().out.startswith("bad/test_example.py:2: ")
