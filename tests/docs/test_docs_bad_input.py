"""docs/bad-input.md quotes what the product says: each message outside of the contracts' part is produced anew.

The contracts' part is compared by tests/contracts/test_contracts_docs.py.
"""

from __future__ import annotations

import csv
import io
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas
import pytest
from click.testing import CliRunner
from drift_console.cli import main as serve
from drift_contracts import DriftError, SettingsError, feature_set
from drift_ml import export
from drift_ml.handover.commands import main as pack
from drift_ml.proposal.commands import main as init
from drift_ml.training import DataError, read_table
from drift_predictor import read_settings
from drift_predictor.start import open_bundles
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, PowerTransformer

from tests.support.onnx_bytes import field, graph, model, sum_of_two, tensor
from tests.support.predictor import BUNDLES

PAGE = (Path(__file__).parents[2] / "docs/bad-input.md").read_text("utf-8")
OTHERS = PAGE.partition("## Contracts")[2].partition("\n## ")[2]
QUOTED = re.findall(r"^```text\n(.*?)\n```", OTHERS, re.MULTILINE | re.DOTALL)
HEADER = "bedrooms,bathrooms,sqft,age,location_score,price\n"
ROW = "3,2,2000,10,7,690000\n"
WITHOUT_CLICK = (
    "import sys; sys.modules['click'] = None; sys.argv = ['driftctl']; import drift_contracts.exits as e; e.driftctl()"
)


def of_table(content: bytes, folder: Path) -> str:
    """Return what reading a table of houses says."""
    path = folder / "houses.csv"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_table(path, feature_set("house-price"))
    return str(caught.value)


def of_proposal(folder: Path) -> str:
    """Return what a proposal for a table without the target says."""
    path = folder / "houses.csv"
    path.write_text(HEADER + ROW)
    result = CliRunner().invoke(init, ["--data", str(path), "--target", "prize"])
    # Alone it is called by its function's name.
    return result.output.strip().removeprefix("main: ")


def of_class(folder: Path) -> str:
    """Return what reading a flight of no class says."""
    flights = feature_set("flight-delay")
    text = io.StringIO()
    csv.writer(text).writerows([[*flights.example, flights.target.name], [*flights.example.values(), "maybe"]])
    path = folder / "flights.csv"
    path.write_text(text.getvalue())
    with pytest.raises(DataError) as caught:
        read_table(path, flights)
    return str(caught.value)


def of_export() -> str:
    """Return what an export without held-out rows says."""
    houses = feature_set("house-price")
    with pytest.raises(DriftError) as caught:
        export(object(), [], feature_set=houses)
    return str(caught.value)


def of_settings(**texts: str) -> str:
    """Return what the service's settings say."""
    with pytest.raises(SettingsError) as caught:
        open_bundles(read_settings({f"DRIFT_{name}": text for name, text in texts.items()}))
    return str(caught.value)


def of_command() -> str:
    """Return what `driftctl` says where click is not installed."""
    ended = subprocess.run([sys.executable, "-c", WITHOUT_CLICK], check=False, capture_output=True, text=True)
    assert ended.returncode == 5
    return ended.stderr.strip()


def double(values):
    """Stand for a function of a user's own."""
    return values * 2


def handed_over() -> list[tuple[str, object, tuple[str, ...], int]]:
    """Return models that `driftctl pack` refuses: file, content or estimator, options, exit code."""
    size = [60.0 + place * 7 % 30 for place in range(30)]
    rows = pandas.DataFrame({"size": size, "age": [place % 7.0 for place in range(30)]})
    price = np.arange(200.0, 290.0, 3.0)
    trees = ExtraTreesRegressor(2, random_state=0).fit(rows, price)
    target, answers = ("--target", "price"), ("--answers", "price")
    elsewhere = tensor("w", 1, [1], b"", field(14, 1))
    return [
        ("model.cbm", b"CBM1", target, 2),
        ("model.pkl", pickle.dumps(trees)[:200], target, 2),
        ("model.pkl", {"model": Ridge().fit(rows, price)}, target, 2),
        ("model.pkl", ExtraTreesRegressor(), target, 2),
        ("model.pkl", KNeighborsRegressor(2).fit(rows, price), target, 2),
        ("model.pkl", make_pipeline(FunctionTransformer(double), Ridge()).fit(rows, price), target, 2),
        ("model.pkl", make_pipeline(PowerTransformer(), Ridge()).fit(rows, price), target, 2),
        ("model.pkl", Ridge().fit(rows.rename(columns={"age": "garden"}), price), target, 2),
        ("model.pkl", trees, (), 2),
        ("model.pkl", trees, (*target, *answers), 70),
        ("model.onnx", model(graph([], [], [], [elsewhere])), target, 2),
        ("model.onnx", sum_of_two(), target, 5),
    ]


def of_pack(folder: Path) -> list[str]:
    """Return what `driftctl pack` says of each model that it refuses."""
    lines = [f"{60 + place * 7 % 30},{place % 7},{200 + 3 * place}.5\n" for place in range(30)]
    data = folder / "rows.csv"
    data.write_text("size,age,price\n" + "".join(lines))
    messages = []
    for name, content, words, code in handed_over():
        path = folder / name
        path.write_bytes(content if isinstance(content, bytes) else pickle.dumps(content))
        options = ["--model", str(path), "--data", str(data), "--out", str(folder / "out"), *words]
        result = CliRunner().invoke(pack, options)
        assert result.exit_code == code, result.output
        messages.append(result.output.strip().removeprefix("main: "))
    return messages


def of_replay(folder: Path) -> list[str]:
    """Return what `driftctl serve --replay` says of options and files that it refuses."""
    header = "time," + HEADER.removesuffix(",price\n") + "\n"
    row = "2026-11-02T08:00:00Z,3,2,2000,10,7\n"
    for name, text in (("houses", row), ("traffic", row + row.replace("2000", "large")), ("header", "")):
        (folder / f"{name}.csv").write_text(header + text)
    (folder / "live").mkdir()
    (folder / "live" / "console.sqlite").touch()
    times, one = ("--time-column", "time"), ("--model", "house-price")
    chosen = [
        ("houses.csv",),
        (None, "--speed", "60"),
        ("houses.csv", *times, "--webhook", "http://x.example"),
        ("houses.csv", *times, "--fast"),
        ("houses.csv", *times),
        ("traffic.csv", *times, *one),
        ("houses.csv", "--time-column", "when", *one),
        ("header.csv", *times, *one),
        ("houses.csv", *times, *one, "--session", "visit"),
        ("houses.csv", *times, *one, "--data-dir", "live"),
    ]
    messages = []
    for name, *words in chosen:
        replay = [] if name is None else ["--replay", name]
        result = CliRunner().invoke(serve, ["--port", "0", "--bundles", str(BUNDLES), *replay, *words])
        assert result.exit_code == 2, result.output
        messages.append(result.output.strip().removeprefix("main: "))
    return messages


def test_quoted_messages(tmp_path, monkeypatch):
    """Every quoted message is the one that the product prints, in the same order."""
    # Where it is installed it would answer.
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.chdir(tmp_path)
    text = HEADER + ROW
    produced = [
        of_table(text.replace(",", ";").encode(), tmp_path),
        of_table(text.encode("utf-16"), tmp_path),
        of_table(text.replace("sqft", "Sqft").encode(), tmp_path),
        of_table((ROW + ROW).encode(), tmp_path),
        of_proposal(tmp_path),
        of_class(tmp_path),
        of_export(),
        *of_pack(tmp_path),
        of_settings(THRESHOLD="high", STACK="-x"),
        of_settings(BUNDLES=str(tmp_path / "nothing")),
        *of_replay(tmp_path),
        of_command(),
    ]
    assert produced == QUOTED


def test_no_values(tmp_path):
    """No message holds the offending value, which may be secret or personal."""
    messages = [of_settings(MODEL="Secret/7"), of_table(f"{HEADER}3,2,secret,10,7,690000\n".encode(), tmp_path)]
    assert not any("ecret" in message for message in messages)
    assert issubclass(SettingsError, DriftError)
