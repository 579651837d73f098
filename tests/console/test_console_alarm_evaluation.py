"""Alarms over the store's periods: windows that slide, reasons in words, changes told once."""

import pytest
from drift_console.alarm_evaluator import AlarmEvaluator, alarm_states, history
from drift_console.alarms import (
    CompositeAlarm,
    MetricAlarm,
    State,
    datapoints,
    evaluate_composite,
    evaluate_metric,
    window_end,
)
from drift_console.database import connect
from drift_console.histogram import Distribution
from drift_contracts import Query

END = 1_795_435_200
SAID = {"title": "t", "severity": "high", "runbook": ()}


def alarm(**changes):
    given = {
        "name": "high-drift",
        **SAID,
        "inputs": {"value": Query("DriftScore", "Average")},
        "period": 300,
        "evaluation_periods": 2,
        "datapoints_to_alarm": 2,
        "comparison": "GreaterThanThreshold",
        "threshold": 2.0,
        "missing_data": "notBreaching",
    }
    return MetricAlarm(**{**given, **changes})


def reader(points):
    """A store of (metric, epoch second, value) triples."""

    def read(metric, start, period, count):
        found = [[] for _ in range(count)]
        for name, at, value in points:
            if name == metric and start <= at < start + period * count:
                found[(at - start) // period].append(value)
        return [Distribution.of(values) if values else None for values in found]

    return read


def drift(*values, period=300):
    """One value per period, the last period ending at END; None leaves a gap."""
    return [
        ("DriftScore", END - period * back, value)
        for back, value in enumerate(reversed(values), 1)
        if value is not None
    ]


def test_window_end():
    """Windows end on the evaluation interval."""
    assert [window_end(END + offset) - END for offset in (0, 59.9, 60, 61)] == [0, 0, 60, 60]
    assert window_end(END + 7.9, interval=1) == END + 7


def test_last_period():
    """The last period ends where the window ends and excludes it."""
    points = datapoints(alarm(), reader([("DriftScore", END - 1, 5.0), ("DriftScore", END, 9.0)]), END)
    assert [(point.start - END, point.value) for point in points] == [
        (-1200, None),
        (-900, None),
        (-600, None),
        (-300, 5.0),
    ]


def test_sliding_window():
    """The window slides between whole periods."""
    read = reader(drift(3.0, 3.0))
    assert evaluate_metric(alarm(), read, END, State.OK).state is State.ALARM
    moved = datapoints(alarm(), read, END + 60)
    assert [point.start - END for point in moved] == [-1140, -840, -540, -240]


@pytest.mark.parametrize(
    ("comparison", "value", "expected"),
    [
        ("GreaterThanThreshold", 2.0, State.OK),
        ("GreaterThanOrEqualToThreshold", 2.0, State.ALARM),
        ("LessThanThreshold", 2.0, State.OK),
        ("LessThanOrEqualToThreshold", 2.0, State.ALARM),
    ],
)
def test_value_at_threshold(comparison, value, expected):
    """A value at the threshold breaches only where the comparison includes it."""
    outcome = evaluate_metric(alarm(comparison=comparison), reader(drift(value, value)), END, State.OK)
    assert outcome.state is expected


def test_reason_of_breach():
    """The reason names the breaching values and their times."""
    reason = evaluate_metric(alarm(), reader(drift(2.41, 2.52)), END, State.OK).reason
    assert reason == "2 of 2 datapoints were above the threshold 2: 2.41 at 11:50, 2.52 at 11:55"


def test_reason_of_missing():
    """The reason names how missing points were treated."""
    silent = alarm(missing_data="breaching", comparison="LessThanThreshold", threshold=1, evaluation_periods=3)
    reason = evaluate_metric(silent, reader([]), END, State.OK).reason
    assert reason == "0 of 3 datapoints were below the threshold 1; 3 missing, treated as breaching"


def test_expression():
    """An expression is evaluated for each period over all its metrics."""
    share = alarm(
        inputs={"errors": Query("Errors", "Sum"), "answered": Query("DriftScore", "SampleCount")},
        expression={
            "divide": [
                {"multiply": [100, {"fill": ["errors", 0]}]},
                {"add": [{"fill": ["errors", 0]}, "answered"]},
            ]
        },
        threshold=5.0,
    )
    points = [*drift(0.1, 0.1, 0.1), ("Errors", END - 1, 1.0)]
    assert [point.value for point in datapoints(share, reader(points), END)] == [None, 0.0, 0.0, 50.0]


def test_few_samples():
    """A percentile with too few samples keeps the state where the alarm asks for it."""
    few = reader([("DriftScore", END - 1, 9.0)] * 999)
    many = reader([("DriftScore", END - 1, 9.0)] * 1000)
    slow = alarm(inputs={"value": Query("DriftScore", "p99")}, datapoints_to_alarm=1, low_samples="ignore")
    assert evaluate_metric(slow, few, END, State.OK) is None
    assert evaluate_metric(slow, many, END, State.OK).state is State.ALARM
    assert evaluate_metric(alarm(inputs=slow.inputs, datapoints_to_alarm=1), few, END, State.OK).state is State.ALARM


COMPOSITE = CompositeAlarm(name="needs-attention", **SAID, rule={"alarm": "high-drift"})


def test_composite():
    """A composite alarm follows the states it names."""
    assert evaluate_composite(COMPOSITE, {"high-drift": State.ALARM}).state is State.ALARM
    assert evaluate_composite(COMPOSITE, {"high-drift": State.INSUFFICIENT_DATA}).state is State.OK
    assert "high-drift is ALARM" in evaluate_composite(COMPOSITE, {"high-drift": State.ALARM}).reason


@pytest.fixture
def watched(tmp_path):
    """A watch over mutable points; gives the function that evaluates, the points and what was announced."""
    connection = connect(tmp_path / "console.sqlite")
    points, announced = [], []

    def make():
        return AlarmEvaluator(
            connection,
            {"house-price": [COMPOSITE, alarm()]},
            lambda _model: reader(points),
            announce=announced.append,
        )

    yield make, points, announced, connection
    connection.close()


def test_actions_on_change(watched):
    """Actions happen on a change of state only."""
    make, points, announced, _ = watched
    watch = make()
    points += drift(3.0, 3.0)
    for _ in range(3):
        watch.evaluate(END)
    alarms = [(change.alarm.name, change.before, change.after) for change in announced if change.is_alert]
    assert alarms == [
        ("high-drift", State.INSUFFICIENT_DATA, State.ALARM),
        ("needs-attention", State.INSUFFICIENT_DATA, State.ALARM),
    ]


def test_restart(watched):
    """An alarm that began before a restart lasts and is not announced again."""
    make, points, announced, connection = watched
    points += drift(3.0, 3.0)
    make().evaluate(END)
    announced.clear()
    assert make().evaluate(END) == []
    assert announced == []
    assert alarm_states(connection, "house-price")["high-drift"].state is State.ALARM


def test_end_of_alarm(watched):
    """An alarm ends with a change that is announced."""
    make, points, _, connection = watched
    watch = make()
    points += drift(3.0, 3.0)
    watch.evaluate(END)
    changes = watch.evaluate(END + 3600)
    assert [(change.alarm.name, change.after, change.is_alert) for change in changes] == [
        ("high-drift", State.OK, True),
        ("needs-attention", State.OK, True),
    ]
    rows = history(connection, "house-price")
    assert [(row.alarm, row.before, row.after) for row in rows[:2]] == [
        ("needs-attention", "ALARM", "OK"),
        ("high-drift", "ALARM", "OK"),
    ]


def test_first_look(watched):
    """The first look at quiet traffic changes states without alerting."""
    make, _, announced, _ = watched
    make().evaluate(END)
    assert [change.is_alert for change in announced] == [False, False]


def test_failing_announcement(watched):
    """A change that cannot be announced is not recorded."""
    _, points, _, connection = watched
    points += drift(3.0, 3.0)

    def fail(_change):
        raise OSError("outbox")

    watch = AlarmEvaluator(connection, {"m": [alarm()]}, lambda _model: reader(points), announce=fail)
    with pytest.raises(OSError, match="outbox"):
        watch.evaluate(END)
    assert alarm_states(connection, "m") == {}
    assert history(connection, "m") == []
