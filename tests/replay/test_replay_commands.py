"""`driftctl replay` and `driftctl report` as a person and a pipeline use them."""

from __future__ import annotations

import json
from importlib.metadata import entry_points

import pytest
from click.testing import CliRunner
from drift_console import report as report_module
from drift_console.report import report
from drift_console.stored_windows import Span, read_span
from drift_engine.bundle import load_bundle
from drift_ml.replay.commands import replay
from drift_ml.replay.errors import ReplayError
from drift_ml.rhythm import Base
from drift_monitor.acknowledgements import acknowledge
from drift_monitor.keys import Series, WindowKey
from drift_monitor.rhythms import Rhythms
from drift_monitor.stores import Fragment, SqliteStore, StoredWindow

NOW = 1_790_004_000.0


def run(command, *arguments):
    return CliRunner().invoke(command, [str(each) for each in arguments])


@pytest.fixture
def backtest(made):
    return lambda path, *more: run(replay, "--data", path, "--baseline", made.folder, *more)


def document(result):
    return json.loads(result.stdout)


def test_commands():
    """Both commands belong to driftctl."""
    found = {each.name: each.load() for each in entry_points(group="driftctl.commands")}
    assert (found["replay"], found["report"]) == (replay, report)


def test_no_drift(backtest, traffic):
    """No drift ends with exit code 0, and is reported."""
    result = backtest(traffic())
    assert result.exit_code == 0
    assert "No drift found in 4,000 events." in result.stdout


@pytest.mark.no_cover
@pytest.mark.parametrize("name", ["traffic.csv", "traffic.parquet"])
def test_drift(backtest, traffic, name):
    """Drift ends with exit code 1, with what drifted and when."""
    result = backtest(traffic(name, shift=1.0, begin=2000), "--time-column", "time")
    assert result.exit_code == 1
    assert "Drift in sqft: the mean rose from" in result.stdout
    for detector in ("evidence", "CUSUM", "Page-Hinkley", "ADWIN", "PSI", "KS", "mean |z|"):
        assert detector in result.stdout


@pytest.mark.no_cover
def test_csv_and_parquet(backtest, traffic):
    """CSV and Parquet of the same rows give the same report."""
    found = [document(backtest(traffic(name, shift=0.5, begin=2000), "--json")) for name in ("t.csv", "t.parquet")]
    assert found[0] == found[1]


def test_json_document(backtest, traffic):
    """The JSON has detectors, evidence and report."""
    result = backtest(traffic(shift=1.0, begin=2000), "--time-column", "time", "--json", "--budget", "5000")
    found = document(result)
    assert (result.exit_code, found["drift"], found["replay"]["budget_events"]) == (1, True, 5000)
    assert len(found["detectors"]) == 6
    assert found["report"]["verdict"]["drifted"][0] == "sqft"
    alarm = found["replay"]["alarms"][0]
    assert alarm["since_ms"] == pytest.approx(1_790_000_000_000 + 2_000_000, abs=100_000)


def test_rows_per_window(backtest, traffic):
    """The number of rows in a window does not change what is counted."""
    path = traffic(shift=1.0, begin=0)
    found = [document(backtest(path, "--json", "--rows-per-window", size)) for size in (64, 1000)]
    assert [len(each["replay"]["evidence"]) for each in found] == [63, 4]
    assert found[0]["report"]["window"]["events"] == 4000 == found[1]["report"]["window"]["events"]
    assert found[0]["detectors"] == found[1]["detectors"]


def test_forest_predicts(backtest, traffic):
    """Without predictions the forest predicts, and a named column replaces it."""
    path = traffic(predicted=False)
    assert document(backtest(path, "--json"))["drift"] is False
    named = document(backtest(path, "--json", "--prediction-column", "age"))
    prediction = next(each for each in named["report"]["channels"] if each["name"] == "prediction")
    assert prediction["level"] == "large"


def test_forest_as_estimator(made, traffic):
    """Predictions of the forest fill the prediction channel."""
    from drift_ml.replay.backtest import Request, backtest  # noqa: PLC0415

    found = backtest(load_bundle(made.folder), Request(traffic(predicted=False)))
    assert found.predicted
    assert found.windows[0].moments[-1].count == found.windows[0].events


def test_html_page(backtest, traffic, tmp_path):
    """The page is written to the path of `--html`."""
    html = tmp_path / "report.html"
    result = backtest(traffic(shift=1.0, begin=2000), "--html", html)
    assert "Report:" in result.stdout
    assert "<h2>Drift in sqft: the mean rose from" in html.read_text()


def test_unwritable_page(backtest, traffic, tmp_path):
    """A page that cannot be written ends with exit code 2."""
    result = backtest(traffic(), "--html", tmp_path / "none" / "report.html")
    assert result.exit_code == 2
    assert "expected a file that can be written" in result.stderr


def test_bad_data(backtest, traffic):
    """Bad data end with exit code 2 and row, column and rule."""
    path = traffic()
    lines = path.read_text().splitlines()
    lines[7] = lines[7].replace(lines[7].split(",")[2], "secret")
    path.write_text("\n".join(lines) + "\n")
    result = backtest(path)
    assert result.exit_code == 2
    assert "column sqft: type: expected a number (row 8)" in result.stderr
    assert "secret" not in result.output


def test_no_bundle(traffic, tmp_path):
    """A folder that is no bundle ends with exit code 2."""
    result = run(replay, "--data", traffic(), "--baseline", tmp_path)
    assert result.exit_code == 2
    assert "manifest.json" in result.stderr


def test_budget_in_days(backtest, traffic):
    """A budget in days is converted by the traffic."""
    found = document(backtest(traffic(), "--json", "--budget-days", 2, "--time-column", "time"))
    assert found["replay"]["budget_events"] == pytest.approx(2 * 86_400, rel=0.01)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--budget-days", 2], "--time-column"),
        (["--budget", 1000, "--budget-days", 2], "give one"),
        (["--budget", 1], "x>=100"),
        (["--time-column", "when"], "column when: required"),
    ],
)
def test_wrong_settings(backtest, traffic, options, expected):
    """Settings out of range end with exit code 2."""
    result = backtest(traffic(), *options)
    assert result.exit_code == 2
    assert expected in result.stderr


@pytest.fixture
def store(tmp_path, made, cut, monkeypatch):
    """A store with an hour of windows, drifting from half an hour on; the last minute not summed yet."""
    path = tmp_path / "console.sqlite"
    version = load_bundle(made.folder).manifest["model_version"]
    series = Series("house-price", version)
    kept = SqliteStore(path)
    for window in cut(rows=3600, size=60, shift=1.5, begin=1800):
        minute = window.first_ms // 60_000
        state = {**window.to_json(), "model_version": version}
        kept.add(f"batch-{minute}", [Fragment(WindowKey(series, minute), f"batch-{minute}", state)])
    for fragment in kept.fragments(series, int(NOW // 60), 100)[:-1]:
        kept.compact(StoredWindow(fragment.key, 0, {}), fragment.window, [fragment])
    kept.close()
    monkeypatch.setattr(report_module.time, "time", lambda: NOW)
    return path


def stored(made, store, *more):
    return run(report, "--store", store, "--bundles", made.folder.parent, *more)


def test_stored_windows(made, store):
    """Stored windows give the same report."""
    result = stored(made, store, "--window", "last-24h", "--json", "--model", "house-price")
    found = document(result)
    assert (result.exit_code, found["replay"]["events"]) == (1, 3600)
    assert found["report"]["verdict"]["drifted"][0] == "sqft"
    (psi, ks) = found["detectors"]
    assert (psi["detector"], psi["column"], psi["direction"]) == ("PSI", "sqft", "up")
    assert (ks["detector"], ks["column"], ks["direction"]) == ("KS", "sqft", "up")
    assert 1800 < ks["row"] <= psi["row"] < 3600
    assert ks["since_row"] in (1020, 2040), "blocks are whole windows of 60, a thousand events or more"
    assert "ADWIN" in found["not_run"]


def test_stored_windows_left_out(made, store):
    """Windows of a marked day are counted and are no evidence."""
    result = stored(made, store, "--window", "last-24h", "--json", "--left-out", "2026-09-21=a trial")
    found = document(result)
    assert (result.exit_code, found["replay"]["events"], found["replay"]["alarms"]) == (0, 3600, [])
    assert "with 3,600 rows: 21 September 2026 (a trial)" in found["rhythm"]["words"]


def test_window_before_drift(made, store):
    """A window that ends before the drift has none."""
    result = stored(made, store, "--window", "2026-09-21T13:00..2026-09-21T14:40")
    assert (result.exit_code, "No drift found" in result.stdout) == (0, True)


def test_stored_report(made, store, tmp_path):
    """The page of stored windows names them, and the detectors that need single values."""
    shown = stored(made, store, "--window", "last-24h", "--html", tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert "console.sqlite, last-24h" in page
    assert "want single values, which no stored window keeps" in page
    assert "want single values" in " ".join(shown.stdout.split())


def test_base_of_the_service(made, store):
    """A report says where the service holds the traffic against other traffic than it does itself."""
    words = lambda: document(stored(made, store, "--window", "last-24h", "--json"))["rhythm"]["words"]  # noqa: E731
    assert "the service" not in words()
    version = load_bundle(made.folder).manifest["model_version"]
    series, rhythms = Series("house-price", version), Rhythms(SqliteStore(store), 60)
    memory = rhythms.memory(series, made.baseline, 0)
    base = Base(NOW - 86_400, NOW, made.baseline.channel("age").counts)
    rhythms.take_as_normal(series, memory, {"age": NOW - 86_400}, {"age": base}, "")
    assert "; the service holds it against the traffic from 2" in words()
    broken = rhythms.memory(series, made.baseline, 0)
    SqliteStore(store).save(Series("house-price", f"{version}-rhythm"), broken.revision, {"first_hour": 0})
    assert stored(made, store, "--window", "last-24h").exit_code == 5


@pytest.fixture
def differing(made, store):
    """The monitor has found age to differ from training, and somebody has seen it."""
    version = load_bundle(made.folder).manifest["model_version"]
    channel = {"channel": "age", "of": ["age"], "level": "small", "words": "age is higher", "since_s": 0.0}
    channel |= {"size": 0.2, "low": 0.1, "high": 0.3, "unit": "standard deviations", "alerts": ["one"]}
    other = channel | {"channel": "sqft", "of": ["sqft"], "words": "sqft is <higher>", "alerts": []}
    kept = SqliteStore(store)
    kept.save(Series("house-price", f"{version}-differs"), 0, {"day": 1, "channels": [channel, other]})
    acknowledge(kept, "house-price", "training:age", who="Ann", why="older houses", now=0.0)
    kept.close()


@pytest.mark.usefixtures("differing")
def test_differs_from_training(made, store, tmp_path):
    """What the monitor has found to differ from training is in text and page, with who has seen it."""
    path = tmp_path / "report.html"
    shown = " ".join(stored(made, store, "--window", "last-24h", "--html", path).stdout.split())
    assert "age is higher, since 1 January 1970, acknowledged by Ann: older houses" in shown
    page = path.read_text()
    assert "<h2>Differs from training</h2>" in page
    assert "by Ann: older houses" in page
    assert "sqft is &lt;higher&gt;, since 1 January 1970" in page


@pytest.mark.usefixtures("differing")
def test_differences_as_json(made, store):
    """The JSON document names what differs from training, and who has seen it."""
    age, sqft = json.loads(stored(made, store, "--window", "last-24h", "--json").stdout)["differs"]
    assert (age["of"], age["size"], age["low"], age["high"]) == (["age"], 0.2, 0.1, 0.3)
    assert (age["since"], age["alerts"]) == ("1970-01-01T00:00:00.000Z", ["one"])
    at = "1970-01-01T00:00:00.000Z"
    assert age["acknowledged"] == {"who": "Ann", "why": "older houses", "at": at}
    assert (sqft["channel"], sqft["acknowledged"]) == ("sqft", None)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--window", "yesterday"], "--window: expected last-24h"),
        (["--window", "2026-11-23..2026-11-22"], "FROM to be before TO"),
        (["--window", "1970-01-01..1970-01-02"], "holds no window of house-price"),
        (["--window", "last-1h", "--model", "other"], "expected one of the bundles"),
        (["--window", "last-1h", "--store", "none.sqlite"], "expected a file of stored windows"),
    ],
)
def test_no_report(made, store, options, expected):
    """A report that cannot be made ends with exit code 2."""
    result = stored(made, store, *options)
    assert result.exit_code == 2
    assert expected in " ".join(result.stderr.split())


@pytest.mark.no_cover
def test_store_unchanged(made, store):
    """Reading changes nothing in the store."""

    def held():
        kept = SqliteStore(store)
        series = Series("house-price", load_bundle(made.folder).manifest["model_version"])
        found = kept.windows(series, 0, 10**9), kept.fragments(series, 10**9, 100)
        kept.close()
        return found

    before = held()
    assert [len(each) for each in before] == [59, 1]
    stored(made, store, "--window", "last-24h")
    assert held() == before


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("last-90m", Span(29_833_310, 29_833_400)),
        ("last-2d", Span(29_833_400 - 2880, 29_833_400)),
        ("2026-09-21T00:00Z..2026-09-21T02:00+01:00", Span(29_832_480, 29_832_539)),
    ],
)
def test_spans(text, span):
    """Spans of time are whole minutes."""
    assert read_span(text, 29_833_400 * 60.0) == span


@pytest.mark.parametrize("text", ["last-0h", "last-1y", "..", "2026-09-21", "", "2026-09-21..soon"])
def test_other_spans(text):
    """Another text for a span is refused with what was expected."""
    with pytest.raises(ReplayError, match="--window: expected"):
        read_span(text, NOW)


def test_help():
    """The help has examples and the exit codes."""
    for command in (replay, report):
        text = run(command, "--help").stdout
        assert "Examples:" in text
        assert "Exit codes: 0 no drift found, 1 drift found" in " ".join(text.split())
