"""The state that M out of N gives, on the worked tables of CloudWatch's documentation on missing data."""

import pytest
from drift_console.alarms import State, decide, evaluation_range
from hypothesis import given
from hypothesis import strategies as st

TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")
SYMBOLS = {"0": False, "X": True, "-": None}
RETAIN = "retain"
OK, ALARM, NO_DATA = "OK", "ALARM", "INSUFFICIENT_DATA"

# points, then the state under each treatment; "Configuring how CloudWatch alarms treat missing data"
THREE_OF_THREE = [
    ("0 - X - X", OK, OK, OK, OK),
    ("0 - - - -", OK, OK, OK, OK),
    ("- - - - -", NO_DATA, RETAIN, ALARM, OK),
    ("0 X X - X", ALARM, ALARM, ALARM, ALARM),
    ("- - X - -", ALARM, RETAIN, ALARM, OK),
    # rows of earlier editions of the same table
    ("- - - - X", NO_DATA, RETAIN, ALARM, OK),
    ("X - - - -", ALARM, RETAIN, ALARM, OK),
]
TWO_OF_THREE = [
    ("0 - X - X", ALARM, ALARM, ALARM, ALARM),
    ("0 0 X 0 X", ALARM, ALARM, ALARM, ALARM),
    ("0 - X - -", OK, OK, ALARM, OK),
    ("- - - - 0", OK, OK, ALARM, OK),
    ("- - - X -", ALARM, RETAIN, ALARM, OK),
    # a row of earlier editions
    ("- - - - X", NO_DATA, RETAIN, ALARM, OK),
]
WORKED = [
    pytest.param(
        points,
        datapoints_to_alarm,
        treatment,
        expected,
        id=f"{datapoints_to_alarm} of 3: {points} {treatment}",
    )
    for datapoints_to_alarm, table in ((3, THREE_OF_THREE), (2, TWO_OF_THREE))
    for points, *states in table
    for treatment, expected in zip(TREATMENTS, states, strict=True)
]


@pytest.mark.parametrize("current", list(State))
@pytest.mark.parametrize(("points", "datapoints_to_alarm", "treatment", "expected"), WORKED)
def test_documented_tables(points, datapoints_to_alarm, treatment, expected, current):
    """Worked tables of the documentation hold."""
    state = decide(
        [SYMBOLS[symbol] for symbol in points.split()],
        evaluation_periods=3,
        datapoints_to_alarm=datapoints_to_alarm,
        missing_data=treatment,
        current=current,
    )
    assert state == (current if expected == RETAIN else State(expected))


@pytest.mark.parametrize("points", ["- - - - X", "- - - X -"])
def test_premature_alarm(points):
    """A lone recent breach does not alarm prematurely."""
    state = decide(
        [SYMBOLS[symbol] for symbol in points.split()],
        evaluation_periods=3,
        datapoints_to_alarm=3,
        missing_data="missing",
        current=State.OK,
    )
    assert state is not State.ALARM


def test_documented_range():
    """The documented range for three periods is five."""
    assert evaluation_range(3) == 5


windows = st.integers(1, 6).flatmap(
    lambda n: st.tuples(
        st.just(n),
        st.integers(1, n),
        st.lists(st.sampled_from([True, False, None]), min_size=n + 2, max_size=n + 2),
        st.sampled_from(TREATMENTS),
        st.sampled_from(list(State)),
    )
)


def _decide(window, treatment=None):
    n, m, points, given_treatment, current = window
    return decide(
        points,
        evaluation_periods=n,
        datapoints_to_alarm=m,
        missing_data=treatment or given_treatment,
        current=current,
    )


@given(windows)
def test_enough_points(window):
    """With enough points the treatment does not matter."""
    n, m, points, _, _ = window
    present = [point for point in points if point is not None]
    if len(present) >= n:
        expected = State.ALARM if sum(present[-n:]) >= m else State.OK
        assert {_decide(window, treatment) for treatment in TREATMENTS} == {expected}


@given(windows)
def test_enough_breaches(window):
    """Enough breaching points alarm under every treatment."""
    n, m, points, _, _ = window
    if [point for point in points if point is not None][-n:].count(True) >= m:
        assert _decide(window) is State.ALARM


@given(windows)
def test_insufficient_data(window):
    """INSUFFICIENT_DATA comes only where missing is missing, or kept."""
    if _decide(window) is State.INSUFFICIENT_DATA:
        assert window[3] == "missing" or (window[3] == "ignore" and window[4] is State.INSUFFICIENT_DATA)


@given(windows)
def test_one_more_breach(window):
    """One more breaching point never ends an alarm."""
    n, m, points, treatment, current = window
    for index, point in enumerate(points):
        worse = [*points[:index], True, *points[index + 1 :]]
        if point is False and _decide(window) is State.ALARM:
            assert _decide((n, m, worse, treatment, current)) is State.ALARM
