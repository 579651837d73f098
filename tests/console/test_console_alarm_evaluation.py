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


def test_windows_end_on_the_evaluation_interval():
    assert [window_end(END + offset) - END for offset in (0, 59.9, 60, 61)] == [0, 0, 60, 60]
    assert window_end(END + 7.9, interval=1) == END + 7


def test_the_last_period_ends_where_the_window_ends_and_excludes_it():
    points = datapoints(alarm(), reader([("DriftScore", END - 1, 5.0), ("DriftScore", END, 9.0)]), END)
    assert [(point.start - END, point.value) for point in points] == [
        (-1200, None),
        (-900, None),
        (-600, None),
        (-300, 5.0),
    ]


def test_the_window_slides_between_whole_periods():
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
def test_a_value_at_the_threshold_breaches_only_where_the_comparison_says_so(comparison, value, expected):
    outcome = evaluate_metric(alarm(comparison=comparison), reader(drift(value, value)), END, State.OK)
    assert outcome.state is expected


def test_the_reason_names_the_breaching_values_and_their_times():
    reason = evaluate_metric(alarm(), reader(drift(2.41, 2.52)), END, State.OK).reason
    assert reason == "2 of 2 datapoints were above the threshold 2: 2.41 at 11:50, 2.52 at 11:55"


def test_the_reason_says_how_missing_points_were_treated():
    silent = alarm(missing_data="breaching", comparison="LessThanThreshold", threshold=1, evaluation_periods=3)
    reason = evaluate_metric(silent, reader([]), END, State.OK).reason
    assert reason == "0 of 3 datapoints were below the threshold 1; 3 missing, treated as breaching"


def test_an_expression_is_evaluated_for_each_period_over_all_its_metrics():
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


def test_a_percentile_with_too_few_samples_keeps_the_state_where_the_alarm_asks_for_it():
    few = reader([("DriftScore", END - 1, 9.0)] * 999)
    many = reader([("DriftScore", END - 1, 9.0)] * 1000)
    slow = alarm(inputs={"value": Query("DriftScore", "p99")}, datapoints_to_alarm=1, low_samples="ignore")
    assert evaluate_metric(slow, few, END, State.OK) is None
    assert evaluate_metric(slow, many, END, State.OK).state is State.ALARM
    assert evaluate_metric(alarm(inputs=slow.inputs, datapoints_to_alarm=1), few, END, State.OK).state is State.ALARM


COMPOSITE = CompositeAlarm(name="needs-attention", **SAID, rule={"alarm": "high-drift"})


def test_a_composite_alarm_follows_the_states_it_names():
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


def test_actions_happen_on_a_change_of_state_only(watched):
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


def test_an_alarm_that_began_before_a_restart_goes_on_and_is_not_told_again(watched):
    make, points, announced, connection = watched
    points += drift(3.0, 3.0)
    make().evaluate(END)
    announced.clear()
    assert make().evaluate(END) == []
    assert announced == []
    assert alarm_states(connection, "house-price")["high-drift"].state is State.ALARM


def test_an_alarm_ends_with_a_change_that_is_told(watched):
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


def test_the_first_look_at_quiet_traffic_changes_states_without_alerting(watched):
    make, _, announced, _ = watched
    make().evaluate(END)
    assert [change.is_alert for change in announced] == [False, False]


def test_a_change_that_cannot_be_announced_is_not_recorded(watched):
    _, points, _, connection = watched
    points += drift(3.0, 3.0)

    def fail(_change):
        raise OSError("outbox")

    watch = AlarmEvaluator(connection, {"m": [alarm()]}, lambda _model: reader(points), announce=fail)
    with pytest.raises(OSError, match="outbox"):
        watch.evaluate(END)
    assert alarm_states(connection, "m") == {}
    assert history(connection, "m") == []
