"""The drift monitor inside the console: each event counted once, one alert a drift, and evidence on the page."""

import asyncio
import json
import sqlite3
import threading
from math import inf
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner
from drift_console import state_cache
from drift_console.acknowledge import acknowledge
from drift_console.alerts import AlertSource
from drift_console.app import Acknowledging, BadQuery, Busy, NotFound
from drift_console.console import Console
from drift_console.database import connect
from drift_console.emf import parse_line
from drift_console.events import EventStore
from drift_console.frame import Frame
from drift_console.monitoring import Asked, WhatIf, references_of
from drift_console.monitoring.effects import DRAWN
from drift_console.monitoring.windows import BLOCK
from drift_console.publishing import AlertPublisher
from drift_console.served import Served
from drift_console.settings import Settings
from drift_console.specification import Specification
from drift_console.storage import Storage
from drift_contracts import feature_set, schemas
from drift_contracts.timestamps import utc_text_of_seconds
from drift_ml.baseline.fit import fit_baseline
from drift_ml.left_out import LeftOut
from drift_ml.report import window_report
from drift_ml.rhythm import Base
from drift_ml.window import Window
from drift_monitor.keys import Series, WindowKey
from drift_monitor.policy import Policy
from drift_monitor.rhythms import Rhythms
from drift_monitor.rules import Rules
from drift_monitor.stores import Fragment, SqliteStore
from drift_monitor.verification import verify

from tests.support.house_tables import columns, price
from tests.support.predictor import BUNDLES as FOLDER
from tests.support.series import SERIES

START = 1_795_435_200.0  # a whole minute
DAY_S = 86_400
HOUSES = feature_set("house-price")
HOOK = "http://127.0.0.1:9/hook"

TRAINED = columns(5_000, seed=1)
TYPICAL = {name: (values.mean(), values.std()) for name, values in TRAINED.items()}
BASELINE = fit_baseline(HOUSES, TRAINED, predictions=price(TRAINED))
MANIFEST = {
    "model": SERIES.model,
    "model_version": SERIES.version,
    "estimator": {"kind": "none"},
    "training": {"rows": 5_000},
    "scores": {},
    "feature_set": HOUSES.version,
}
BUNDLES = {SERIES.model: SimpleNamespace(feature_set=HOUSES, baseline=BASELINE.to_json(), manifest=MANIFEST)}


def lines(rows, *, start, seconds, seed, shift=0.0, **change):
    """Event lines as the predictor writes them, spread over the seconds from `start` on."""
    table = columns(rows, seed, shift)
    prices = price(table)
    for row in range(rows):
        at = start + seconds * row / rows
        features = {name: float(values[row]) for name, values in table.items()}
        scores = [abs(value - TYPICAL[name][0]) / TYPICAL[name][1] for name, value in features.items()]
        values = {"Prediction": float(prices[row]), "DriftScore": float(np.mean(scores)), "Latency": 0.05}
        directive = {
            "Namespace": "MLOpsDriftMonitor",
            "Dimensions": [["Stack", "Model"]],
            "Metrics": [{"Name": name} for name in values],
        }
        event = {
            "_aws": {"Timestamp": round(at * 1000), "CloudWatchMetrics": [directive]},
            "contract": "prediction.event.v1",
            "Stack": "local",
            "Model": SERIES.model,
            **values,
            "timestamp": utc_text_of_seconds(at),
            "prediction_id": f"{seed}-{row}",
            "model_version": SERIES.version,
            "features": features,
            "drift": {"z": {}, "drifted": [], "severity": "normal"},
        }
        yield json.dumps(event | change)


class Machine:
    """A console whose clock and worker move only when they are told to."""

    def __init__(self, folder, *, fast, bundles=BUNDLES, **options):
        self.bundles = bundles
        self.settings = Settings(data=folder, fast=fast, webhooks=(HOOK,), **options)
        self.minute = 1 if fast else 60
        self.now = START
        self.told = []
        self.sent = 0
        self.begin()

    def begin(self):
        """Start, again if it was stopped."""
        self.storage = Storage(self.settings)
        specification = Specification(self.settings)
        served = Served.of(specification, self.bundles)
        self.publisher = AlertPublisher(
            self.storage.connection,
            AlertSource("local", "http://127.0.0.1:8123/", served.versions),
            self.settings.webhooks,
            clock=lambda: self.now,
            tell=self.told.append,
        )
        self.console = Console(
            self.settings,
            self.storage,
            specification,
            served,
            lambda *_: {},
            self.publisher,
            lambda: self.now,
        )

    def stop(self):
        self.console.worker.run = lambda: None
        self.console.start()
        self.console.stop()

    def pass_time(self, minutes, *, rate=100, shift=0.0, **change):
        """Let so many of the monitor's minutes pass, with `rate` events in each; then let the worker do its turns."""
        for _ in range(minutes):
            if rate:
                self.sent += rate
                for line in lines(rate, start=self.now, seconds=self.minute, seed=self.sent, shift=shift, **change):
                    self.storage.writer.write(line)
            self.now += self.minute
            while self.console.worker.step():
                pass

    def state(self, minutes=30):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(state_cache, "FRESH", -1.0)  # nothing is shown again
            return self.shown(minutes)

    def shown(self, minutes=30):
        """The state that a page is sent, which may be one that is shown again."""
        return json.loads(asyncio.run(self.console.read_state(next(iter(self.bundles)), minutes)).json)

    def windows(self):
        """The events in each window, fragments included, and in all."""
        store = SqliteStore(self.settings.windows)
        far = 1 << 40
        try:
            counted = [each.window["events"] for each in store.windows(SERIES, 0, far)]
            return sum(counted) + sum(each.window["events"] for each in store.fragments(SERIES, far, far))
        finally:
            store.close()

    def outbox(self):
        connection = sqlite3.connect(self.settings.database)
        try:
            return [json.loads(body) for (body,) in connection.execute("SELECT body FROM outbox ORDER BY id")]
        finally:
            connection.close()


@pytest.fixture(params=[False, True], ids=["in-minutes", "fast"])
def machine(request, tmp_path):
    running = Machine(tmp_path / "data", fast=request.param)
    yield running
    running.stop()


@pytest.fixture
def fast(tmp_path):
    running = Machine(tmp_path / "data", fast=True)
    yield running
    running.stop()


def drift_alerts(machine):
    return [alert for alert in machine.told if alert["kind"] == "drift"]


def test_small_drift(machine):
    """Half a standard deviation in one feature is named and reported once."""
    machine.pass_time(12)
    before = machine.state()["evidence"]
    assert (before["alarm"], drift_alerts(machine)) == (False, [])
    machine.pass_time(12, shift=0.5)
    evidence = machine.state()["evidence"]
    assert evidence["alarm"]
    finding = evidence["finding"]
    assert (finding["channel"], finding["kind"], finding["direction"]) == ("sqft", "location", "up")
    assert finding["size"] == pytest.approx(0.5, abs=0.25)
    assert evidence["top"][0] == {
        "channel": "sqft",
        "feature": "sqft",
        "direction": "up",
        "share": finding["shares"]["sqft"],
    }
    (alert,) = drift_alerts(machine)
    assert "segment" in alert["reason"]
    schemas.check("alert.v2", alert)
    assert (alert["name"], alert["state"]) == ("drift-evidence", "ALARM")
    assert alert["title"].startswith("house-price: drift in sqft: the mean rose from")
    assert evidence["alerts"] == [alert]
    assert [sent for sent in machine.outbox() if "drift" in sent["name"]] == [alert]


def test_older_rule(machine):
    """The older rule never moves while the evidence alarms."""
    machine.pass_time(12)
    machine.pass_time(12, shift=0.5)
    state = machine.state()
    alarms = {alarm["name"]: alarm["state"] for alarm in state["alarms"]}
    assert (alarms["drift-evidence"], alarms["high-drift"]) == ("ALARM", "OK")
    assert {entry["to"] for entry in state["history"] if entry["alarm"] == "high-drift"} <= {"OK"}
    assert max(each for each in state["series"]["drift_score"]["average"] if each is not None) < 1.2


def test_onset(machine):
    """The onset is dated to the minute that it began in."""
    machine.pass_time(12)
    began = machine.now
    machine.pass_time(8, shift=1.0)
    evidence = machine.state()["evidence"]
    earliest, latest = began - 2 * machine.minute, began + 2 * machine.minute
    assert utc_text_of_seconds(earliest) <= evidence["since"] <= utc_text_of_seconds(latest)


def test_end_of_drift(fast):
    """The end of a drift is reported once too."""
    fast.pass_time(5)
    fast.pass_time(3, shift=1.0)
    fast.pass_time(30)
    assert [alert["state"] for alert in drift_alerts(fast)] == ["ALARM", "OK"]
    evidence = fast.state()["evidence"]
    assert (evidence["alarm"], evidence["since"]) == (False, None)
    assert [alert["state"] for alert in evidence["alerts"]] == ["OK", "ALARM"]


def test_alarms_not_sent(fast):
    """The alarm of the same name and composites are shown and not sent again."""
    fast.pass_time(5)
    fast.pass_time(10, shift=1.0)
    changed = {entry["alarm"] for entry in fast.state()["history"] if entry["to"] == "ALARM"}
    assert {"drift-evidence", "needs-attention"} <= changed
    assert [alert["kind"] for alert in fast.told if alert["name"] == "drift-evidence"] == ["drift"]
    assert "needs-attention" not in {alert["name"] for alert in fast.told}


def test_quiet_traffic(fast):
    """Quiet traffic raises nothing, and its evidence stays under the threshold."""
    fast.pass_time(60, rate=50)
    state = fast.state()
    evidence = state["evidence"]
    shown = [value for value in evidence["value"] if value is not None]
    assert shown
    assert max(shown) < evidence["threshold"] == 1.0
    assert not evidence["alarm"]
    assert len(evidence["times"]) == len(evidence["value"]) == len(state["series"]["times"])
    json.dumps(state, allow_nan=False)


def test_evidence_at_threshold(fast):
    """Evidence is shown to reach its threshold."""
    fast.pass_time(5)
    fast.pass_time(10, shift=1.0)
    assert max(value for value in fast.state()["evidence"]["value"] if value is not None) >= 1.0


def test_silence(fast):
    """A silent console has evidence of nothing."""
    fast.pass_time(3, rate=0)
    evidence = fast.state()["evidence"]
    assert (evidence["alarm"], evidence["finding"], evidence["top"], evidence["effects"]) == (False, None, [], [])
    assert {value for value in evidence["value"] if value} == set()
    assert fast.windows() == 0


def test_restart(machine):
    """A restart doubles and loses nothing."""
    machine.pass_time(3)
    machine.stop()
    machine.begin()
    machine.pass_time(3)
    assert machine.windows() == machine.sent


@pytest.mark.parametrize("place", ["before the cursor", "before the windows", "after the alert"])
def test_crash(fast, monkeypatch, place):
    """A crash at any step doubles and loses nothing."""
    fast.pass_time(5)
    broken = {
        "before the cursor": (sqlite3.Connection, None),
        "before the windows": (SqliteStore, "add"),
        "after the alert": (SqliteStore, "save"),
    }[place]
    with monkeypatch.context() as patch:
        if place == "before the cursor":
            patch.setattr("drift_console.monitoring.turn.transaction", fail)
        else:
            patch.setattr(broken[0], broken[1], fail)
        with pytest.raises(Crash):
            fast.pass_time(6, shift=1.0)
    fast.stop()
    fast.begin()
    fast.pass_time(6, shift=1.0)
    fast.pass_time(2, rate=0)
    assert fast.windows() == fast.sent
    assert len(drift_alerts(fast)) == 1


class Crash(Exception):
    """What ends a process at the worst moment."""


def fail(*_arguments, **_options):
    raise Crash


def test_published_twice(fast):
    """An alert published twice is sent once."""
    alert = {"contract": "alert.v1", "alert_id": "one", "model": SERIES.model, "name": "x", "kind": "drift"}
    fast.publisher.publish(alert)
    fast.publisher.publish(alert)
    fast.publisher.tell_all()
    assert len(fast.told) == len(fast.outbox()) == 1


def test_unknown_version(fast):
    """Events of a version that is not served are set aside, are counted and raise an alarm."""
    fast.pass_time(2, rate=20)
    fast.pass_time(2, rate=20, model_version="000000000000")
    fast.pass_time(3, rate=20)
    letters = [json.loads(line) for line in fast.settings.dead_letters.read_text().splitlines()]
    assert len(letters) == 40
    assert {letter["reason"] for letter in letters} == {"no baseline for this model and version"}
    alarms = {alarm["name"]: alarm for alarm in fast.state()["alarms"]}
    assert alarms["dead-letters"]["state"] == "ALARM"
    assert fast.windows() == fast.sent - 40


def test_later_event(fast):
    """Events that a later release wrote are set aside with the versions that are read, and the others are counted."""
    fast.pass_time(2, rate=20)
    fast.pass_time(1, rate=20, contract="prediction.event.v9")
    fast.pass_time(3, rate=20)
    letters = [json.loads(line) for line in fast.settings.dead_letters.read_text().splitlines()]
    assert len(letters) == 20
    assert all("prediction.event.v2" in letter["reason"] for letter in letters)
    assert fast.windows() == fast.sent - 20


def test_retention(fast):
    """What is older than the retention is forgotten."""
    fast.pass_time(5)
    fast.console.monitor.prune(now=fast.now + 100, retention=50.0)
    assert fast.windows() <= 200  # the two seconds that were not judged yet
    connection = sqlite3.connect(fast.settings.windows)
    assert connection.execute("SELECT count(*) FROM monitor_batches").fetchone()[0] <= 1
    connection.close()
    fast.pass_time(3)
    assert fast.windows() >= 300


def test_windows_of_an_alert(fast):
    """The windows that an alert rests on outlast the retention, and its evidence is computed again from them."""
    fast.pass_time(3)
    fast.pass_time(10, shift=1.0)
    alert = json.loads(fast.storage.connection.execute("SELECT body FROM drift_alerts").fetchone()[0])
    grounds = alert["drift"]["windows"]
    fast.console.monitor.prune(now=fast.now + 10_000, retention=50.0)
    store = SqliteStore(fast.settings.windows)
    stored = store.windows(SERIES, 0, 1 << 40)
    store.close()
    assert {window.key.minute for window in stored} == set(range(grounds["first"], grounds["last"] + 1))
    assert verify(alert, stored, BASELINE).holds


def test_fast_and_slow_windows(tmp_path):
    """Windows of a minute and of a second do not mix."""
    for is_fast in (True, False):
        running = Machine(tmp_path / "data", fast=is_fast)
        running.pass_time(4, rate=60)
        assert running.windows() >= 240
        running.stop()


# --- effect sizes -----------------------------------------------------------------------------------------


def test_effects(fast):
    """Effects are those of the report over the windows shown."""
    fast.pass_time(BLOCK * 3, rate=10, shift=0.5)
    evidence = fast.state(minutes=10)["evidence"]
    store = SqliteStore(fast.settings.windows)
    total = Window.empty(BASELINE, SERIES.version)
    for kept in store.windows(SERIES, 0, 1 << 40):
        total += Window.from_json(kept.window, BASELINE)
    store.close()
    report = window_report(BASELINE, total)
    assert evidence["window"] == {**report["window"], "words": report["verdict"]["words"]}
    features = [*HOUSES.names, "prediction"]
    expected = [one for one in report["channels"] if one["name"] in features]
    assert [one["feature"] for one in evidence["effects"]] == [one["name"] for one in expected]
    for shown, one in zip(evidence["effects"], expected, strict=True):
        assert (shown["psi"], shown["ks"], shown["wasserstein"]) == tuple(
            one["effects"][name] for name in ("psi", "ks", "wasserstein")
        )
        assert shown["p_adjusted"] == one["test"]["p_adjusted"]
        assert shown["mean_shift"]["value"] == one["mean"]["shift"]
        assert len(shown["labels"]) == len(shown["baseline"]) == len(shown["window"]) <= DRAWN
        assert sum(shown["window"]) == pytest.approx(1.0, abs=1e-4)
    assert evidence["effects"][0]["feature"] == "sqft"


def test_span_of_effects(fast):
    """Only the windows of the span shown count."""
    fast.pass_time(70, rate=5)
    short, long = (fast.state(minutes=minutes)["evidence"]["window"]["events"] for minutes in (1, 10))
    assert short < long <= fast.sent


@pytest.fixture
def reader(tmp_path):
    """A function that gives a reader over so many stored windows of one second; shifted from the middle on."""
    opened = []

    def of(seconds, rows=20, **policy):
        store = SqliteStore(tmp_path / "windows.sqlite")
        connection = connect(tmp_path / "console.sqlite")
        opened.extend((store, connection))
        for second in range(seconds):
            window = Window.empty(BASELINE, SERIES.version)
            table = columns(rows, second, shift=0.5 if second >= seconds / 2 else 0.0)
            window.observe_rows(table, price(table), np.full(rows, (START + second) * 1000))
            store.add(str(second), [Fragment(WindowKey(SERIES, int(START) + second), str(second), window.to_json())])
        references = references_of(BUNDLES)
        from drift_monitor.compact import compact  # noqa: PLC0415 - what the evaluator does first

        compact(store, SERIES, BASELINE, before=1 << 40, evaluated=0)
        of.store = store
        return WhatIf(store, references, policy=Policy(period=1, **policy))

    yield of
    for one in opened:
        one.close()


FRAME = Frame(int(START), 1, 120)


def take_shift_as_normal(store):
    """Hold every channel against the traffic after the shift, as once it is the new normal."""
    window = Window.empty(BASELINE, SERIES.version)
    table = columns(2_000, 77, shift=0.5)
    window.observe_rows(table, price(table))
    counts = window.channel_counts().items()
    bases = {name: Base(START, START + 86_400, tuple(values)) for name, values in counts}
    rhythms = Rhythms(store, 1)
    memory = rhythms.memory(SERIES, BASELINE, 0)
    rhythms.take_as_normal(SERIES, memory, dict.fromkeys(bases, START), bases, "")


def test_what_if_after_a_new_normal(reader):
    """A replay holds windows against what the evaluator holds them against, and says so."""
    what_if = reader(100)
    trained = what_if.replay("house-price", FRAME, Asked(10_000, 0.1))
    take_shift_as_normal(reader.store)
    renewed = what_if.replay("house-price", FRAME, Asked(10_000, 0.1))
    first = [found["alarms"][0] for found in (trained, renewed)]
    assert [(alarm["channel"], alarm["direction"]) for alarm in first] == [("sqft", "up"), ("sqft", "down")]
    assert "training rows, as in the service until" in trained["held"]
    assert "held against the traffic from" in renewed["held"]


def test_what_if_without_bases(reader):
    """Where settings or a damaged state leave the training rows alone, a replay says so."""
    for policy in ({"references": Rules(is_rolling=False)}, {"learns_rhythm": False}):
        what_if = reader(10, **policy)
        take_shift_as_normal(reader.store)
        assert "training rows" in what_if.replay("house-price", FRAME, Asked(10_000, 0.1))["held"]


def test_what_if_of_a_stored_state(reader):
    """A replay holds what varies against whole days, and goes on where the state cannot be read."""
    place, what_if = Series(SERIES.model, f"{SERIES.version}-rhythm"), reader(10)
    young = {"first_hour": 0, "last_hour": 9, "learned_hour": None, "superseded": None, "rhythm": None}
    reader.store.save(place, 0, {**young, "whole_days": ["age"]})
    assert what_if.replay("house-price", FRAME, Asked(10_000, 0.1))["held"].endswith("against whole days: age")
    reader.store.save(place, 1, {"first_hour": 0})
    assert "cannot be read" in what_if.replay("house-price", FRAME, Asked(10_000, 0.1))["held"]


def test_what_if_without_days_left_out(reader):
    """Windows of a marked day are not replayed, as they are no evidence."""
    marked = LeftOut(START + 10, START + 1e6, "a sale")
    assert reader(30, left_out=(marked,)).replay("house-price", FRAME, Asked(10_000, 0.1))["windows"] == 10


def test_what_if(reader):
    """A replay finds the drift and names it."""
    found = reader(100).replay("house-price", FRAME, Asked(10_000, 0.1))
    (alarm,) = found["alarms"]
    assert (alarm["channel"], alarm["direction"], alarm["over"]) == ("sqft", "up", None)
    assert utc_text_of_seconds(START + 50) < alarm["at"] <= utc_text_of_seconds(START + 90)
    assert (found["windows"], found["events"], found["from"]) == (100, 2_000, utc_text_of_seconds(START))
    assert len(found["value"]) == len(found["times"]) == FRAME.count
    assert found["value"][100:] == [None] * 20


def test_larger_budget(reader):
    """A larger budget never alarms earlier."""
    read = reader(100)
    moments = [
        read.replay("house-price", FRAME, Asked(budget, 0.1))["alarms"][0]["at"]
        for budget in (1_000, 100_000, 10_000_000)
    ]
    assert moments == sorted(moments)


def test_minimum_effect(reader):
    """A minimum effect over the shift keeps the alarm away."""
    assert reader(100).replay("house-price", FRAME, Asked(10_000, 3.0))["alarms"] == []


def test_empty_what_if(reader):
    """A replay of nothing is empty."""
    found = reader(0).replay("house-price", FRAME, Asked(10_000, 0.1))
    assert (found["windows"], found["alarms"], found["from"]) == (0, [], None)
    assert set(found["value"]) == {None}


def test_what_if_as_decided(fast):
    """The replay of what was decided gives the real alarm."""
    fast.pass_time(20)
    fast.pass_time(10, shift=0.5)
    real = fast.state()["evidence"]
    found = asyncio.run(fast.console.replay(SERIES.model, 30, Asked(100_000.0, 0.1)))
    (alarm,) = found["alarms"]
    assert alarm["since"] == real["since"]
    assert alarm["at"][:19] == real["alerts"][0]["timestamp"][:19]


def test_what_if_of_unknown_model(fast):
    """A replay of an unknown model names the choices."""
    with pytest.raises(NotFound, match="house-price"):
        asyncio.run(fast.console.replay("castles", 30, Asked(1_000.0, 0.1)))


# --- runs of events ---------------------------------------------------------------------------------------


def test_acknowledged_alert(fast):
    """An acknowledgement is kept with who, why and when, is shown, and is taken back by page and command."""
    fast.pass_time(12)
    fast.pass_time(12, shift=0.5)
    alert, *_ = drift_alerts(fast)

    def ask(alert_id, **more):
        asking = Acknowledging(SERIES.model, "Ada", "a sale", **more)
        return asyncio.run(fast.console.acknowledge(alert_id, asking))

    def shown():
        return fast.state()["evidence"]["acknowledged"]

    entry = ask(alert["alert_id"])
    assert shown() == {alert["alert_id"]: entry}
    assert (entry["who"], entry["why"], entry["undone"]) == ("Ada", "a sale", False)
    ask(alert["alert_id"], undo=True)
    assert shown() == {}
    with pytest.raises(NotFound):
        ask("00000000-0000-0000-0000-000000000000")
    words = [alert["alert_id"], "--why", "a sale", "--who", "Bo", "--store", str(fast.settings.database)]
    result = CliRunner().invoke(acknowledge, words)
    assert result.exit_code == 0, result.output
    assert shown()[alert["alert_id"]]["who"] == "Bo"
    CliRunner().invoke(acknowledge, [*words, "--undo"])
    assert shown() == {}
    result = CliRunner().invoke(acknowledge, [*words, "--new-normal"])
    assert "a day of it" in result.output
    assert shown()[alert["alert_id"]]["new_normal"] is True


def test_acknowledged_difference(fast):
    """A feature that differs from training is acknowledged by its name, on the page and by the command."""
    asking = Acknowledging(SERIES.model, "Ada", "a sale")
    asyncio.run(fast.console.acknowledge("training:sqft", asking))
    assert fast.state()["evidence"]["acknowledged"]["training:sqft"]["who"] == "Ada"
    with pytest.raises(NotFound, match="one of bedrooms, bathrooms, sqft") as caught:
        asyncio.run(fast.console.acknowledge("training:castle", asking))
    assert "castle" not in str(caught.value)
    words = ["training:sqft", "--why", "a sale", "--who", "Bo", "--store", str(fast.settings.database)]
    words += ["--bundles", str(FOLDER)]
    assert CliRunner().invoke(acknowledge, words).exit_code == 2
    result = CliRunner().invoke(acknowledge, [*words, "--model", SERIES.model])
    assert result.exit_code == 0, result.output
    assert fast.state()["evidence"]["acknowledged"]["training:sqft"]["who"] == "Bo"
    result = CliRunner().invoke(acknowledge, [*words, "--model", SERIES.model, "--new-normal"])
    assert (result.exit_code, "--new-normal" in result.output) == (2, True)
    result = CliRunner().invoke(acknowledge, ["training:castle", *words[1:], "--model", SERIES.model])
    assert (result.exit_code, "castle" in result.output) == (2, False)
    assert "age, location_score, prediction" in result.output
    for folder in (fast.settings.data, FOLDER):
        elsewhere = ["training:sqft", *words[1:-1], str(folder), "--model", "castles"]
        result = CliRunner().invoke(acknowledge, elsewhere)
        assert (result.exit_code, "--bundles" in result.output) == (2, True)


def test_what_if_by_feature(fast):
    """A what-if takes minimum effects and mutings of single features, and refuses others."""
    fast.pass_time(12)
    fast.pass_time(12, shift=0.5)

    def ask(**more):
        return asyncio.run(fast.console.replay(SERIES.model, 30, Asked(10_000.0, 0.1, **more)))["alarms"]

    (alarm,) = [alarm for alarm in ask() if alarm["of"] == ["sqft"]]
    assert alarm["words"].startswith("sqft: the mean rose from")
    assert not alarm["muted"]
    day = DAY_S * (START // DAY_S + 1)
    for end_s, is_muted in ((inf, True), (day, True), (START, False)):
        found = ask(muted={"sqft": end_s})
        assert [alarm["muted"] for alarm in found if alarm["of"] == ["sqft"]] == [is_muted]
    assert [alarm for alarm in ask(minimum_effects={"sqft": 3.0}) if alarm["of"] == ["sqft"]] == []
    with pytest.raises(BadQuery, match=r"expected one of .*sqft"):
        ask(muted={"colour": inf})


def test_what_if_in_days(fast):
    """A budget in days is the evaluator's: at the traffic of the span, shared by all models; PSI is told beside it."""
    fast.pass_time(20, rate=100, shift=1.0)
    asked = Asked(None, 0.1, false_alarm_days=2.0, psi_alarm=0.2)
    found = asyncio.run(fast.console.replay(SERIES.model, 5, asked))
    budget = Policy(budget_days=2.0).events(100 * DAY_S, len(fast.bundles))
    assert (found["budget"], found["false_alarm_days"]) == (pytest.approx(budget, rel=1), 2.0)
    assert "1 of 1 blocks" in found["psi"]


def test_runs(tmp_path):
    """Runs are read in order each once."""
    connection = connect(tmp_path / "console.sqlite")
    events = EventStore(connection)
    for batch in range(3):
        made = [line.encode() for line in lines(batch + 1, start=START, seconds=1, seed=batch)]
        events.add((line, parse_line(line)) for line in made)
    runs, number = [], 0
    while (run := events.next_run(number)) is not None:
        runs.append((run.first, run.last, len(run.lines), run.model))
        number = run.last
    connection.close()
    assert runs == [(1, 1, 1, "house-price"), (2, 3, 2, "house-price"), (4, 6, 3, "house-price")]


def alarm_state(machine, name):
    return {alarm["name"]: alarm["state"] for alarm in machine.state()["alarms"]}[name]


def test_no_data(fast):
    """The alarm no-data is raised only after there was data, over a restart too."""
    fast.pass_time(20, rate=0)
    assert alarm_state(fast, "no-data") == "INSUFFICIENT_DATA"
    assert fast.told == []
    fast.pass_time(1, rate=10)
    fast.stop()
    fast.begin()
    fast.pass_time(40, rate=0)
    assert alarm_state(fast, "no-data") == "ALARM"


def test_saved_no_data_alarm(fast):
    """An earlier release raised no-data for models that nobody ever asked, and its state is kept."""
    fast.pass_time(2, rate=0)
    fast.stop()
    connection = sqlite3.connect(fast.settings.database)
    with connection:
        connection.execute("UPDATE alarms SET state = 'ALARM' WHERE name = 'no-data'")
    connection.close()
    fast.begin()
    fast.pass_time(2, rate=0)
    assert alarm_state(fast, "no-data") == "INSUFFICIENT_DATA"
    assert [(alert["name"], alert["state"]) for alert in fast.told] == [("no-data", "INSUFFICIENT_DATA")]
    fast.pass_time(2, rate=0)
    assert len(fast.told) == 1


def test_service_health(fast, monkeypatch):
    """The page shows how the console itself fares."""
    fast.pass_time(3)
    assert fast.state()["service"] == {"lines_lost": 0, "lag_seconds": 0, "dead": []}
    fast.storage.writer.lost = 3
    fast.now += 90
    monkeypatch.setattr(fast.console, "dead", lambda: ["worker"])
    assert fast.state()["service"] == {"lines_lost": 3, "lag_seconds": 90, "dead": ["worker"]}


def test_lag_metric(fast):
    """The lag of the evaluation is a metric."""
    fast.pass_time(3)
    fast.console.monitor.evaluate(fast.now, fast.now + 42)
    connection = sqlite3.connect(fast.settings.database)
    query = "SELECT MAX(maximum) FROM points JOIN series ON series.id = points.series WHERE metric = 'EvaluationLag'"
    assert connection.execute(query).fetchone() == (42.0,)
    connection.close()


def test_far_clock(fast, monkeypatch):
    """A clock that was ahead by 400 days costs the page nothing."""
    fast.pass_time(3)
    right, fast.now = fast.now, fast.now + 400 * 86400
    fast.pass_time(1)
    asked = []
    windows = SqliteStore.windows
    monkeypatch.setattr(SqliteStore, "windows", lambda *arguments: asked.append(1) or windows(*arguments))
    fast.state()
    fast.now = right
    fast.state()
    assert len(asked) < 100


def test_document_of_wrong_clock(fast):
    """A document of a clock that was ahead is made anew."""
    fast.now += 3600
    ahead = fast.shown()["now"]
    fast.now -= 3600
    assert fast.shown()["now"] < ahead


def test_concurrent_what_ifs(fast):
    """A second what-if at the same time is refused."""
    fast.pass_time(3)
    begun, go_on = threading.Event(), threading.Event()

    def slow(*_arguments, **_options):
        begun.set()
        go_on.wait()

    async def replay():
        return await fast.console.replay(None, 30, Asked(10_000.0, 0.1))

    async def two_at_once():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(WhatIf, "replay", slow)
            first = asyncio.create_task(replay())
            await asyncio.to_thread(begun.wait)
            try:
                with pytest.raises(Busy):
                    await replay()
            finally:
                go_on.set()
            await first

    asyncio.run(two_at_once())
    assert asyncio.run(replay())


def test_broken_event(fast):
    """An event that breaks its contract is left out of the page."""
    fast.pass_time(2)
    for line in list(lines(3, start=fast.now, seconds=1, seed=1)):
        fast.storage.writer.write(json.dumps({**json.loads(line), "drift": None}))
    fast.pass_time(1, rate=0)
    assert len(fast.state()["recent"]) == 47


def test_psi_alarm(tmp_path):
    """An alarm of PSI rings where it is chosen, though there is no evidence yet, and its alert says what it is of."""
    machine = Machine(tmp_path / "data", fast=True, psi_alarm=0.2)
    machine.pass_time(2, rate=600, shift=2.0)
    machine.pass_time(15, rate=1)
    alerts = [alert for alert in machine.told if alert["name"] == "psi"]
    machine.stop()
    assert [alert["state"] for alert in alerts] == ["ALARM"]
    assert "PSI" in alerts[0]["title"]
