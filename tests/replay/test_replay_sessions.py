"""A replayed file whose rows come in sessions is counted as the service counts it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner
from drift_engine.bundle import describe_files, load_bundle, model_version
from drift_ml.replay.backtest import Request, backtest
from drift_ml.replay.commands import replay
from drift_ml.replay.errors import ReplayError
from drift_ml.tables import DataError
from pyarrow import csv, parquet, table

#: Rows of a session, all of them nearly alike.
ALIKE = 20
ROWS = 2_000


@pytest.fixture
def visits(houses, tmp_path):
    """Write a file in which each row comes twenty times in a row, and return its path."""

    def write(name="visits.csv", **columns):
        rows = houses(ROWS // ALIKE, seed=9)
        repeated = {key: np.repeat(values, ALIKE) for key, values in rows.items()}
        # Alike and not equal: equal rows are found without a name.
        repeated["sqft"] = repeated["sqft"] + np.arange(ROWS) / ROWS
        numbers = np.repeat(np.arange(ROWS // ALIKE), ALIKE)
        named = {"visit": [f"v{number}" for number in numbers], "place": numbers, **columns}
        path = tmp_path / name
        (parquet.write_table if path.suffix == ".parquet" else csv.write_csv)(table({**repeated, **named}), path)
        return path

    return write


def sessions_of(folder, path, **options):
    """Return how many events of a session the windows have counted, and the result."""
    result = backtest(load_bundle(folder), Request(path, **options))
    return sum(window.sketches.sessions.events for window in result.windows), result


@pytest.mark.parametrize("session", ["visit", "place"])
@pytest.mark.parametrize("name", ["visits.csv", "visits.parquet"])
def test_sessions_of_a_column(made, visits, name, session):
    """Texts and numbers name sessions, whose rows count as repeats."""
    path = visits(name)
    plain, alarmed = sessions_of(made.folder, path)
    counted, quiet = sessions_of(made.folder, path, session=session)
    assert (plain, counted) == (0, ROWS)
    assert (bool(alarmed.replay.alarms), bool(quiet.replay.alarms)) == (True, False)


def test_rows_without_a_session(made, visits):
    """An empty cell names no session."""
    names = ["a", None, "", "a"] * (ROWS // 4)
    assert sessions_of(made.folder, visits(visit=names), session="visit")[0] == ROWS // 2


@pytest.fixture
def bundle_of(made, tmp_path):
    """Write the bundle with other places of sessions and callers, and return its folder."""

    def write(session, **more):
        folder = tmp_path / made.folder.name
        folder.mkdir()
        files = {name: (made.folder / name).read_bytes() for name in ("baseline.json", "forest.bin")}
        features = json.loads((made.folder / "feature_set.json").read_text())
        members = {"contract": "feature-set.v2", "session": session, **more}
        files["feature_set.json"] = json.dumps({**features, **members}).encode()
        described = describe_files(files)
        manifest = json.loads((made.folder / "manifest.json").read_text())
        members = {"files": described, "model_version": model_version(described)}
        files["manifest.json"] = json.dumps({**manifest, **members}).encode()
        for name, content in files.items():
            (folder / name).write_bytes(content)
        return folder

    return write


def test_a_feature_names_sessions(made, visits, bundle_of):
    """The feature that a feature set names needs no option, and a number counts by its digits."""
    path, folder = visits(), bundle_of({"feature": "age"})
    assert sessions_of(folder, path)[0] == ROWS
    assert sessions_of(made.folder, path, session="bedrooms")[0] == ROWS


def test_command(visits, bundle_of):
    """The command says which option is missing where a header names sessions."""
    words = ["--data", str(visits()), "--baseline", str(bundle_of({"header": "x-visit"})), "--json"]
    without = CliRunner().invoke(replay, words)
    assert "x-visit" in without.stderr
    assert "--session COLUMN" in without.stderr
    named = CliRunner().invoke(replay, [*words, "--session", "visit"])
    assert (without.exit_code, named.exit_code, named.stderr.strip()) == (1, 0, "")


def test_callers_of_a_header(visits, bundle_of):
    """The command says which option is missing where a header names callers."""
    folder = bundle_of({"feature": "age"}, caller={"header": "x-desk"})
    result = CliRunner().invoke(replay, ["--data", str(visits()), "--baseline", str(folder), "--json"])
    assert "x-desk; --caller COLUMN" in result.stderr


def test_columns_of_other_kinds(made, visits):
    """The column of predictions names no session, and one that is not there is named."""
    path = visits(prediction=np.ones(ROWS))
    with pytest.raises(ReplayError, match="another column"):
        sessions_of(made.folder, path, session="prediction")
    with pytest.raises(DataError, match="visitor"):
        sessions_of(made.folder, path, session="visitor")
