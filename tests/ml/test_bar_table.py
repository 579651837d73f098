"""The table of what is promised: how runs are scored, and what is said of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from benchmarks.simulate import promises as of
from benchmarks.simulate.bar_table import Figures, figures_of, measured, released_commit, rows, share_text, verdicts
from benchmarks.simulate.courses import Course, Reference, course_of
from benchmarks.simulate.promises import Traffic, promises, traffic

#: A change at event 100 of 200, of which 100 go before it.
SHORT = of.Promise("all", "all features: mean of events", "8", 100, "all", 1.0, batch=10, told="x1")
STREAM = Traffic(np.zeros((300, 2)), 100, 200)
FOUND_LATE = [False] * 12 + [True] * 8 + [False] * 10


def test_scores_of_a_run() -> None:
    """An alarm counts where it names what changed; one without a change is false."""
    course = Course([(50, ("x0",)), (110, ("x0",)), (130, ("x1",)), (140, ("x0", "x1"))], FOUND_LATE)
    scored = figures_of(SHORT, course, STREAM)
    assert (scored["alarms"], scored["alerts"], scored["delay"], scored["luck"]) == (1, 3, 30.0, False)
    assert (scored["in_alarm"], scored["in_drift"], scored["end"]) == (0.0, 0.8, 10.0)
    missed = figures_of(SHORT, Course([], [False] * 30), STREAM)
    assert (missed["delay"], missed["end"], missed["luck"]) == (None, 10.0, False)


def test_scores_of_dummies() -> None:
    """A detector that is always in alarm tells everything at once, by luck alone."""
    reference = Reference(replace(SHORT, rows=200), np.random.default_rng(1))
    scored = figures_of(SHORT, course_of(of.ALWAYS, reference, STREAM.rows), STREAM)
    assert (scored["delay"], scored["luck"], scored["in_alarm"]) == (0.0, True, 1.0)
    scored = figures_of(SHORT, course_of(of.EVERY, reference, STREAM.rows), STREAM)
    assert (scored["delay"], scored["luck"]) == (None, False)


def test_a_run_of_each_kind() -> None:
    """Numbers, categories and single events go through our detector, and a level that appears is named."""
    rng = np.random.default_rng(2)
    by_key = {promise.key: promise for promise in promises()}
    for key, most in (("all", 60), ("levels 60", 400)):
        promise = replace(by_key[key], rows=2000, most=most)
        stream = traffic(promise, rng)
        course = course_of(of.OURS, Reference(promise, rng), stream.rows)
        assert len(course.standing) == len(stream.rows) // promise.batch
        assert figures_of(promise, course, stream)["delay"] is not None
    assert course_of(of.CUSUM_SUM, Reference(replace(by_key["all"], rows=50), rng), np.ones((30, 5))).raised


def test_what_the_table_says() -> None:
    """Each bar is beside what is reached, with the share's interval, and what is not measured is said."""
    run = {"alarms": 0, "quiet": 1000, "in_alarm": 0.0, "luck": False, "delay": 7.0, "alerts": 1, "in_drift": 1.0}
    found = {("all", of.OURS): Figures(SHORT, [{**run, "end": None}] * 40)}
    text, holds = measured(SHORT, of.OURS, found)
    assert holds is True
    assert "7" in text
    assert share_text(40, 40) in text
    (row,) = rows(found)
    assert row[2] == "40"
    said = {line[0]: line for line in verdicts(found)}
    assert said[next(each.words for each in promises() if each.key == "second")][1] == "not measured"
    assert released_commit() == "19011ed"
