"""The proof of the world's time at its smallest: one service, one table, and how both are scored."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from drift_monitor.keys import Series
from drift_monitor.stores import MemoryStore

from benchmarks.simulate.world import cells, others, real_tables, services
from benchmarks.simulate.world.courses import Course, lasting
from benchmarks.simulate.world.deployed import SERIES, Deployed
from benchmarks.simulate.world.happened import FOLDER, KINDS, happened, outside
from benchmarks.simulate.world.report import Proof, document
from benchmarks.simulate.world.streams import DAY, HOUR

DATA = Path(__file__).with_name("data") / "weather_jfk_2013.csv"
CYCLE = services.service(services.BY_KEY["cycle .4"], 1, HOUR)


@pytest.mark.no_cover
def test_a_cycle_is_no_drift() -> None:
    """After two weeks a daily cycle raises nothing, and two shifts of other features are told."""
    service = Deployed(CYCLE, every=DAY).live(CYCLE)
    figures = cells.service_figures(service.course(CYCLE.end), CYCLE)
    assert (figures["false"], figures["in_alarm"], figures["alerts"]) == (0, 0.0, 1)
    assert figures["first"] < 1_000
    assert figures["second"] < 1_000
    assert "24 strata" in str(service.rhythm)


@pytest.mark.no_cover
@pytest.mark.parametrize("every", [HOUR, DAY])
def test_no_window_is_passed_by(every: int) -> None:
    """Every event is evaluated by the midnight after it, and its hour is summed then."""
    days = CYCLE.between(CYCLE.begin, CYCLE.begin + 2 * DAY)
    service = Deployed(days, every=every).live(days)
    state = service.store.state(SERIES).state
    memory = service.store.state(Series(SERIES.model, f"{SERIES.version}-rhythm")).state
    assert state
    assert memory
    assert state["events"] == days.rows_until(days.end)
    assert (memory["last_hour"] + 1) * HOUR == days.end


@pytest.mark.no_cover
def test_the_quick_store_changes_nothing() -> None:
    """Alerts are the same with the store that copies and with the one that does not."""
    days = CYCLE.between(CYCLE.begin, CYCLE.begin + 3 * DAY).shifted("size", CYCLE.begin + DAY)
    quick = Deployed(days, every=DAY).live(days)
    copying = Deployed(days, every=DAY, store=MemoryStore()).live(days)
    assert quick.sent
    assert quick.sent == copying.sent


@pytest.mark.no_cover
def test_others_on_a_cycle() -> None:
    """A test of a day tells the shift late, e-detectors know no cycle, and a dummy has luck."""
    figures = cells.service_figures(others.course_of(others.PSI, CYCLE), CYCLE)
    assert figures["first"] > 1_000
    figures = cells.service_figures(others.course_of(others.EDBH, CYCLE), CYCLE)
    assert (figures["first"] is not None, figures["in_alarm"]) == (True, 1.0)
    figures = cells.service_figures(others.course_of(others.EVERY, CYCLE), CYCLE)
    assert (figures["first"] is not None, figures["luck"]) == (True, True)
    assert others.course_of(others.KS, CYCLE).count(services.FIRST_AT, CYCLE.end)
    figures = cells.service_figures(others.course_of(others.ALWAYS, CYCLE), CYCLE)
    assert (figures["first"], figures["luck"], figures["in_alarm"]) == (None, True, 1.0)


@pytest.mark.no_cover
def test_a_real_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table is trained on its first quarter; its events are scored, and shifts planted apart."""
    monkeypatch.setattr(real_tables, "bundled", lambda *_: DATA)
    monkeypatch.setattr(cells, "WATCHED", 1)
    narrow = replace(real_tables.BY_NAME["weather"], numbers=("temp", "humid"), categories=())
    monkeypatch.setitem(real_tables.BY_NAME, "weather", narrow)
    result = cells.run(cells.Cell("table", "weather", cells.OURS))["figures"]["ours"]
    assert [event["kind"] for event in result["events"]] == ["shift", "shift"]
    assert len(result["planted"]) == len(cells.PLANTED)
    assert result["quiet_days"] < result["days"] - services.LEARNING_DAYS
    stream = real_tables.service_of("weather")
    assert cells.planted_dates(stream, []) == sorted(cells.planted_dates(stream, []))
    text = document(Proof.of([(cells.Cell("table", "weather", cells.OURS), {"figures": {"ours": result}})]), "one")
    assert "dated events told" in text


def test_events_have_sources() -> None:
    """Each table has a list; each event has days in order, a kind, features and a source."""
    assert {path.stem for path in FOLDER.glob("*.toml")} == set(real_tables.BY_NAME)
    for name, table in real_tables.BY_NAME.items():
        known = {"*", *table.numbers, *table.categories}
        for event in happened(name).events:
            assert event.first <= event.last
            assert event.kind in KINDS
            assert set(event.features) <= known
            assert event.source


def test_shares_of_time() -> None:
    """Alarms that overlap count once, and time that an event excuses is left out."""
    course = Course([(10, ("x",)), (20, ())], [(10, 30), (20, 40)])
    assert course.share([(0, 100)]) == 0.3
    assert course.share([]) == 0.0
    assert course.first_of("y", 0, 50) == 20
    assert course.count(10, 20) == 1
    assert outside(0, 10, [(0, 10)]) == []
    assert lasting([(5, ("x",))], 10).spans == [(5, 15)]
