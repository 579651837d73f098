"""The judge ends with the codes of docs/exit-codes.md."""

import os
import subprocess
import sys

import pytest

from tools.stack_checks import __main__ as judge

PROJECT = "name: mlops-drift-monitor\nconfig: {}\n"


@pytest.mark.parametrize(
    ("words", "files", "code"),
    [
        (["check"], {}, 2),
        (["check", "none"], {}, 2),
        (["--root", "{tmp}", "check", "odd"], {"Pulumi.yaml": PROJECT, "Pulumi.odd.yaml": "config: {"}, 2),
        (["--root", "{tmp}", "check", "odd"], {"Pulumi.yaml": PROJECT, "Pulumi.odd.yaml": "- config\n"}, 2),
    ],
)
def test_the_judge_ends_with(words, files, code, tmp_path):
    """Wrong words and files that are no stack are no finding."""
    for name, text in files.items():
        (tmp_path / name).write_text(text, "utf-8")
    done = run([word.format(tmp=tmp_path) for word in words], tmp_path)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr


def test_a_broken_rule_is_a_finding(root, monkeypatch):
    """And nothing else is: the rest of the judge's work is done for real."""
    monkeypatch.setattr(judge, "examine", lambda *_: ["a rule that is broken"])
    monkeypatch.setattr(judge, "cfn_lint", lambda _: [])
    assert judge.main(["--root", str(root), "check", "dev"]) == 1


def test_broken_library(tmp_path):
    """A library that breaks on import is a fault of ours, and no finding."""
    (tmp_path / "yaml.py").write_text("raise ZeroDivisionError\n")
    done = run(["check", "dev"], tmp_path)
    assert (done.returncode, len(done.stderr.splitlines())) == (70, 1)


def run(words, tmp_path):
    """A judge that has ended."""
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": path}
    command = [sys.executable, "-m", "tools.stack_checks", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
