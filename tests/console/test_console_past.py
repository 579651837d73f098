"""Past traffic on the page: its own times, a store of its own, and each row once however a start ends."""

import csv
import io
import itertools
import json
import signal
from datetime import UTC, datetime, timedelta

import drift_predictor as predictor
import httpx
import pytest
from click.testing import CliRunner
from drift_console import cli, past, player, replaying, showing_past
from drift_console.replay_options import Speed
from drift_console.settings import Settings
from drift_contracts import FeatureSet, SettingsError, feature_set
from drift_contracts.pseudonyms import pseudonym
from drift_ml.tables import DataError
from drift_ml.training import Recipe, load_rows, train
from drift_predictor import open_bundles
from rich.console import Console

from tests.support.console_process import Process
from tests.support.houses import houses
from tests.support.waiting import PATIENCE, wait_until

#: A day of 2013: no clock of a machine that runs this says so.
BEGIN = datetime(2013, 11, 12, tzinfo=UTC)
ROWS = 120
FEATURES = feature_set("house-price")


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    """A small bundle of houses, trained here."""
    build = tmp_path_factory.mktemp("past")
    table = load_rows(FEATURES, data=None, ignore=(), source=None, rows=500, seed=7)
    train(FEATURES, table, build, recipe=Recipe("random-forest", 2, 5, 0.2, 7))
    return build / "bundles"


@pytest.fixture(scope="module")
def traffic(tmp_path_factory):
    """A file of two hours whose areas are two standard deviations larger after half an hour."""
    path = tmp_path_factory.mktemp("traffic") / "houses.csv"
    shifted = [*houses(1, 30), *houses(2, ROWS - 30, shift=2.0)]
    write(path, shifted, times=True)
    return path


def write(path, rows, *, times):
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*rows[0], *(["time"] if times else [])])
        for number, row in enumerate(rows):
            at = (BEGIN + timedelta(minutes=number)).isoformat()
            writer.writerow([*row.values(), *([at] if times else [])])


@pytest.fixture
def console(tmp_path, bundles, traffic):
    """Starts consoles that replay the file in one folder; ends what is left of them."""
    started = []

    def start(*options, times=("--time-column", "time")):
        words = ["--bundles", bundles, "--replay", traffic, *times, *options]
        program = ("-m", "drift_console")
        started.append(Process(tmp_path / "data", *map(str, words), program=program))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.end(signal.SIGKILL)
        one.process.stdout.close()


def test_past_alerts(console, traffic):
    """The page is at the file's times, and its alert is of then; the page stays at the end."""
    running = console("--speed", "max")
    wait_until(lambda: running.state()["service"]["replay"]["ended"])
    state = httpx.get(f"{running.url}/console/api/state?minutes=1440", timeout=PATIENCE).json()
    replay = state["service"]["replay"]
    assert (replay["file"], replay["rows"], replay["played"], replay["speed"]) == (traffic.name, ROWS, ROWS, None)
    assert state["now"].startswith("2013-11-12T02:")
    assert state["totals"]["predictions"] == ROWS
    assert state["recent"][0]["timestamp"] == "2013-11-12T01:59:00.000Z"
    assert state["scenarios"] == []
    alerts = state["evidence"]["alerts"]
    assert {alert["timestamp"][:12] for alert in alerts} <= {"2013-11-12T0"}
    assert any("sqft" in alert["drift"]["of"] for alert in alerts)
    assert running.waiting() == 0
    # A request beside it is answered, and is no traffic of the past.
    asked = httpx.post(f"{running.url}/predict", json={"features": next(houses(3, 1))}, timeout=PATIENCE)
    assert asked.status_code == 200
    assert running.state()["service"]["replay"]["played"] == ROWS == running.stored()[0]
    code, rest = running.end(signal.SIGTERM)
    assert (code, "has ended at 2013-11-12 02:" in rest) == (0, True)


def test_killed_and_started_again(console):
    """A replay that was killed goes on, says so, and counts each row once."""
    first = console("--speed", "3600")
    wait_until(lambda: first.stored()[0] > 0)
    first.end(signal.SIGKILL)
    second = console("--speed", "max")
    wait_until(lambda: second.state()["service"]["replay"]["ended"])
    assert second.stored() == (ROWS,)
    assert "goes on" in "".join(second.banner)


def invoke(bundles, *words):
    return CliRunner().invoke(cli.main, [str(word) for word in ("--port", 0, "--bundles", bundles, *words)])


USAGE = {
    "no times": (("--replay", "FILE"), "--spread-days"),
    "two kinds of times": (("--replay", "FILE", "--time-column", "time", "--spread-days", "3"), "--time-column"),
    "a webhook": (("--replay", "FILE", "--time-column", "time", "--webhook", "http://x.example"), "--webhook"),
    "fast": (("--replay", "FILE", "--time-column", "time", "--fast"), "--speed"),
    "no replay": (("--speed", "60"), "--replay"),
    "no speed": (("--replay", "FILE", "--time-column", "time", "--speed", "0"), "or max"),
}


@pytest.mark.parametrize(("words", "named"), USAGE.values(), ids=USAGE)
def test_wrong_usage(bundles, traffic, words, named):
    """Options that do not go together are refused, with the way out."""
    result = invoke(bundles, *[traffic if word == "FILE" else word for word in words])
    assert result.exit_code == 2
    assert named in result.output


def test_bad_rows(bundles, tmp_path):
    """Rows that break the feature set are named by row and line before anything starts."""
    path = tmp_path / "bad.csv"
    write(path, [*houses(1, 3), {**next(houses(2, 1)), "sqft": "large"}], times=True)
    result = CliRunner().invoke(
        cli.main, ["--port", "0", "--bundles", str(bundles), "--replay", str(path), "--time-column", "time"]
    )
    assert isinstance(result.exception, DataError) or result.exit_code == 2
    assert "line 5" in f"{result.output}{result.exception}"


def test_spread_rows(tmp_path):
    """Rows without times are spread evenly over the days that end with the file's."""
    path = tmp_path / "rows.csv"
    write(path, list(houses(1, 8)), times=False)
    rows = list(past.PastTraffic(past.Asked(path, spread_days=2.0), FEATURES).rows(2))
    assert {after.time_ms - before.time_ms for before, after in itertools.pairwise(rows)} == {21_600_000}
    assert len(rows) == 6
    assert rows[-1].time_ms < past.PastTraffic(past.Asked(path, spread_days=2.0), FEATURES).survey.last_ms
    empty = tmp_path / "empty.csv"
    write(empty, list(houses(1, 1)), times=True)
    empty.write_text(empty.read_text().splitlines()[0] + "\n")
    with pytest.raises((SettingsError, DataError)):
        past.PastTraffic(past.Asked(empty, time="time"), FEATURES)


def test_store_of_a_replay(tmp_path):
    """A replay finds its own store, begins in another where asked, and takes none of other traffic."""
    place = lambda identity="a" * 64, anew=False: replaying.place_of(  # noqa: E731 - said once
        tmp_path, "shop", identity, is_chosen=False, anew=anew
    )
    first = place()
    assert (place().goes_on, place().folder, first.goes_on) == (True, first.folder, False)
    again = place(anew=True)
    assert (again.goes_on, place().folder) == (False, again.folder)
    assert not place("b" * 64).goes_on
    chosen = tmp_path / "chosen"
    take = lambda identity, anew=False: replaying.place_of(  # noqa: E731 - as above
        chosen, "shop", identity, is_chosen=True, anew=anew
    )
    assert [take("a").goes_on, take("a").goes_on] == [False, True]
    for identity, anew in (("b", False), ("a", True)):
        with pytest.raises(SettingsError, match="--data-dir"):
            take(identity, anew)
    with pytest.raises(SettingsError, match="--data-dir"):
        replaying.refuse_replayed(Settings(data=chosen))
    (chosen / replaying.MARK).unlink()
    (chosen / "console.sqlite").touch()
    with pytest.raises(SettingsError, match="live traffic"):
        take("a")
    with pytest.raises(SettingsError, match="cannot use"):
        replaying.place_of(chosen / "console.sqlite", "shop", "a", is_chosen=False, anew=False)


def test_speed_and_steps():
    """A step is a quarter of a second of traffic, in whole minutes up to an hour."""
    assert Speed().convert("max", None, None) is None
    steps = {}
    for speed in (1.0, 3_600.0, 1e6, None):
        survey = past.Survey(1, 0, 90 * 86_400_000)
        feed = player.Feed(type("", (), {"survey": survey}), "", speed, player.PastClock(0), print, print)
        steps[speed] = player.Player(feed, *[None] * 4, settings=None, after_evaluation=print).step_s
    assert steps == {1.0: 60, 3_600.0: 900, 1e6: 3_600, None: 3_600}


def naming(**sources):
    """Return the features of houses, with places of sessions and callers."""
    return FeatureSet.from_json({**FEATURES.to_json(), "contract": "feature-set.v2", **sources})


def test_sessions_and_callers(bundles, tmp_path):
    """Rows are asked with what their columns name, so that events have the digests of a service."""
    path = tmp_path / "visits.csv"
    rows = [{**row, "visit": number // 2, "desk": "" if number else "a"} for number, row in enumerate(houses(1, 4))]
    write(path, rows, times=True)
    features = naming(session={"header": "x-visit"}, caller={"context": "/authorizer/iam/userArn"})
    loaded = open_bundles(predictor.Settings(bundles=str(bundles), model="house-price"))
    vars(loaded["house-price"])["feature_set"] = features
    lines = []
    answer = player.make_answering(Settings(), loaded, lines.append)
    asked = past.Asked(path, time="time", session="visit", caller="desk")
    traffic = past.PastTraffic(asked, features)
    for row in traffic.rows(0):
        answer(row)
    events = [json.loads(line) for line in lines]
    visits = [pseudonym("house-price", "session", text) for text in ("0", "0", "1", "1")]
    assert [event["session"] for event in events] == visits
    assert [event.get("caller") for event in events] == [pseudonym("house-price", "caller", "a"), None, None, None]
    plain = past.PastTraffic(past.Asked(path, time="time"), features)
    assert traffic.identity() != plain.identity()


def test_unnamed_sessions(tmp_path, bundles):
    """The banner says which option is missing, and a column without a place is refused."""
    path = tmp_path / "rows.csv"
    write(path, [{**row, "visit": "a"} for row in houses(1, 2)], times=True)
    loaded = open_bundles(predictor.Settings(bundles=str(bundles), model="house-price"))
    vars(loaded["house-price"])["feature_set"] = naming(session={"header": "x-visit"}, caller={"feature": "age"})
    terminal = Console(file=io.StringIO(), width=200)
    asked = past.Asked(path, time="time", data_is_chosen=True)
    showing_past.open_past(Settings(data=tmp_path / "data"), loaded, asked, terminal).announce(terminal)
    assert "the header x-visit; --session COLUMN" in terminal.file.getvalue()
    assert "--caller" not in terminal.file.getvalue()
    for option, features in (("session", FEATURES), ("caller", naming(caller={"feature": "age"}))):
        chosen = past.Asked(path, time="time", **{option: "visit"})
        with pytest.raises(SettingsError, match=f"--{option}"):
            past.PastTraffic(chosen, features)
