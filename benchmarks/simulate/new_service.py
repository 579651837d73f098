"""A service that is started today: what the monitor says in its first hour, day, two weeks and after."""

from __future__ import annotations

if __name__ == "__main__":
    from drift_contracts.exits import run_module

    run_module("benchmarks.simulate.new_service")

import argparse
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from drift_contracts import FeatureSet
from drift_contracts.exits import SUCCESS
from drift_contracts.timestamps import utc_ms
from drift_ml.baseline.fit import fit_baseline
from drift_ml.window import Window
from drift_monitor.evaluate import Evaluator
from drift_monitor.keys import Series, WindowKey
from drift_monitor.policy import LATENESS_MINUTES, Policy
from drift_monitor.reference import Reference
from drift_monitor.stores import Fragment, MemoryStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from drift_monitor.alerts import Alert
    from drift_monitor.evaluation import Evaluation

    Columns = dict[str, npt.NDArray[np.float64]]

HOUR, DAY = 60, 1_440
#: Minutes since 1970 when the service begins: a Monday, at midnight.
BEGIN = 20_003 * DAY
SERIES = Series("new-service", "000000000000")
NAMES = ("load", "size", "weight")
#: Standard deviations that `load` is higher at noon than on average.
CYCLE = 0.4
#: Standard deviations by which a feature moves.
SHIFT = 0.5
#: When the shift begins, in hours since the service did, and how long it is watched, in days.
STARTS = {
    "first hour": (0, 1),
    "first day": (12, 3),
    "first two weeks": (7 * 24 + 9, 10),
    "day after": (15 * 24 + 9, 17),
}


def feature_set() -> FeatureSet:
    """Return three numbers."""
    number = {"type": "number", "example": 0.0, "unit": "1", "description": "A number."}
    return FeatureSet.from_json(
        {
            "contract": "feature-set.v1",
            "name": SERIES.model,
            "version": "1.0.0",
            "description": "Three numbers, of which the first follows the hour.",
            "target": {"name": "y", "unit": "1", "description": "A number."},
            "features": [{"name": name, **number} for name in NAMES],
        }
    )


def rows(rng: np.random.Generator, minute: int, minutes: int, events_a_day: int, cycle: float) -> Columns:
    """Return the events of some minutes, more by day than by night.

    Args:
        rng: the generator.
        minute: the first one, since 1970.
        minutes: how many.
        events_a_day: on average.
        cycle: standard deviations that `load` is higher at noon.
    """
    angle = 2 * np.pi * (minute % DAY - DAY / 2) / DAY
    number = int(rng.poisson(events_a_day * minutes / DAY * (1 + 0.67 * np.cos(angle))))
    columns = {name: rng.normal(size=number) for name in NAMES}
    # The mean over a day is 0 whatever the traffic of each hour.
    columns["load"] += cycle * (np.cos(angle) - 0.67 / 2)
    return columns


def reference_of(seed: int, events_a_day: int, cycle: float) -> Reference:
    """Return the baseline of two weeks of good traffic."""
    rng = np.random.default_rng(seed)
    parts = [rows(rng, minute, HOUR, events_a_day, cycle) for minute in range(0, 14 * DAY, HOUR)]
    features = feature_set()
    return Reference(
        features, fit_baseline(features, {name: np.concatenate([p[name] for p in parts]) for name in NAMES})
    )


@dataclass
class Service:
    """One service from its first minute on, with the monitor's own evaluator."""

    reference: Reference
    seed: int
    events_a_day: int = 10_000
    cycle: float = CYCLE
    #: Minutes between two windows that have traffic, each with all of it.
    step: int = 10
    store: MemoryStore = field(default_factory=MemoryStore)
    sent: list[Alert] = field(default_factory=list)
    minute: int = BEGIN
    policy: Policy = field(default_factory=Policy)
    #: Feature that moves, and minutes since the begin when it does.
    shifted: tuple[str, int] | None = None
    #: Minutes in which an alarm was on.
    alarmed: int = 0

    def __post_init__(self) -> None:
        """Prepare the evaluator."""
        self._rng = np.random.default_rng(self.seed)
        self.evaluator = Evaluator(
            {SERIES: self.reference},
            self.store,
            self.sent.append,
            # A window that begins now is not over: it must not be passed by.
            lambda: (self.minute + LATENESS_MINUTES) * 60.0,
            stack="simulated",
            policy=self.policy,
        )

    def live(self, hours: int, every: int = 1) -> Evaluation | None:
        """Return the last evaluation of some hours, evaluated every so many hours."""
        evaluation = None
        for _ in range(0, hours, every):
            for minute in range(self.minute, self.minute + every * HOUR, self.step):
                self._add(minute)
            self.minute += every * HOUR
            (evaluation,) = self.evaluator.run()
            self.alarmed += every * HOUR * evaluation.alarm
        return evaluation

    def _add(self, minute: int) -> None:
        columns = rows(self._rng, minute, self.step, self.events_a_day, self.cycle)
        if self.shifted and minute >= BEGIN + self.shifted[1]:
            columns[self.shifted[0]] += SHIFT
        window = Window.empty(self.reference.baseline, SERIES.version)
        window.observe_rows(columns)
        if window.events:
            name = f"b{minute}"
            self.store.add(name, [Fragment(WindowKey(SERIES, minute), name, window.to_json())])


@dataclass(frozen=True)
class Course:
    """What the page said of one service, and when."""

    #: When the feature moved.
    start: str
    #: Which feature did.
    feature: str
    #: Hours from the move to the alert that names the feature; None where there was none.
    delay: float | None
    #: Alerts before the move, and beside that one after it.
    others: int
    #: Share of the time before the move in which an alarm was on.
    in_alarm: float
    #: What the page said of the rhythm when the feature moved.
    words: str


def course(reference: Reference, seed: int, start: str, feature: str, **options: float) -> Course:
    """Return the course of one service.

    Args:
        reference: of its traffic, without a move.
        seed: of its traffic.
        start: one of STARTS.
        feature: which one moves.
        options: of `Service`.
    """
    hour, days = STARTS[start]
    service = Service(reference, seed, shifted=(feature, hour * HOUR), **options)
    before = service.live(max(hour, 1))
    # Of a service that differs from its first minute there is nothing before.
    in_alarm = service.alarmed / (hour * HOUR) if hour else 0.0
    service.live(days * 24 - hour)
    raised = [alert for alert in service.sent if alert["state"] == "ALARM"]
    hours = [(utc_ms(alert["timestamp"]) / 60_000 - BEGIN) / HOUR - hour for alert in raised]
    delays = [
        delay for delay, alert in zip(hours, raised, strict=True) if delay > 0 and alert["drift"]["channel"] == feature
    ]
    words = before.rhythm if before else ""
    return Course(start, feature, min(delays, default=None), len(raised) - len(delays[:1]), in_alarm, words or "")


def main(words: Sequence[str] | None = None) -> int:
    """Print the table of docs/evidence.md about new services."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulate.new_service", description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="services a row (default: 3)")
    parser.add_argument("--cycle", type=float, default=CYCLE, help="standard deviations of the cycle (default: 0.4)")
    options = parser.parse_args(words)
    reference = reference_of(1, 10_000, options.cycle)
    print("| begins to differ | feature | hours to its alert | other alerts | in alarm before | the page |")
    print("|---|---|---|---|---|---|")
    for start in STARTS:
        for feature in NAMES[:2]:
            seeds = range(100, 100 + options.seeds)
            courses = [course(reference, seed, start, feature, cycle=options.cycle) for seed in seeds]
            delays = ", ".join("-" if made.delay is None else f"{made.delay:.1f}" for made in courses)
            others = ", ".join(str(made.others) for made in courses)
            share = sum(made.in_alarm for made in courses) / len(courses)
            print(f"| {start} | {feature} | {delays} | {others} | {share:.0%} | {courses[0].words} |", flush=True)
    return SUCCESS
