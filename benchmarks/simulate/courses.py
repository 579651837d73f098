"""The course of each detector over one stream: which alarms it raised, and when it was in alarm."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from drift_ml.baseline import Baseline, Channel
from drift_ml.baseline.fit import fit_baseline
from drift_ml.evidence import Budget, MixtureDetector, Settings

from benchmarks.simulate import promises as of
from benchmarks.simulate.coding import codes, counted
from benchmarks.simulate.limit import cusum_threshold
from benchmarks.simulate.rivals import ks, psi
from benchmarks.simulate.streams import feature_set

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.simulate.promises import Promise

BUDGET = 100_000
#: Kinds of channels that the released detector knows.
RELEASED_KINDS = frozenset(
    {"values", "quantiles", "categories", "missing", "out_of_range", "new", "product", "sum_of_squares"}
)
TUNED_KS, TUNED_ADWIN, PSI_BAR = 0.00204, 0.0076, 0.2
EVERY_EVENTS = 500


@dataclass
class Course:
    """What a detector did. raised: events seen, and the features that the alarm is of, () for nobody knows.

    standing: after each batch, whether an alarm stood.
    """

    raised: list[tuple[int, tuple[str, ...]]] = field(default_factory=list)
    standing: list[bool] = field(default_factory=list)


class Reference:
    """A reference, and what is watched of a stream against it."""

    def __init__(self, promise: Promise, rng: np.random.Generator) -> None:
        self.promise = promise
        self.rows: np.ndarray | None = None
        if promise.levels:
            names = tuple(f"k{place}" for place in range(promise.levels))
            counts = rng.multinomial(promise.rows, of.level_shares(promise)).tolist()
            self._level = Channel("level", "categories", ("level",), tuple(counts), categories=names)
        else:
            self.rows = of.reference(promise, rng)

    @cached_property
    def baseline(self) -> Baseline:
        """Return the baseline of the rows; the others need the rows alone."""
        assert self.rows is not None
        columns = {f"x{place}": column for place, column in enumerate(self.rows.T)}
        return fit_baseline(feature_set(self.promise.columns), columns)

    @property
    def channels(self) -> tuple[Channel, ...]:
        """Return what is watched."""
        return (self._level,) if self.promise.levels else self.baseline.channels

    def batches(self, rows: np.ndarray) -> list[dict[str, Any]]:
        """Return the counts of each batch by channel; for batches of one the bin of each."""
        size, names = self.promise.batch, [channel.name for channel in self.channels]
        if self.promise.levels:
            listed = rows[: len(rows) // size * size, 0].reshape(-1, size)
            return [{"level": np.bincount(each, minlength=self.promise.levels).tolist()} for each in listed]
        if size == 1:
            return [dict(zip(names, row, strict=True)) for row in codes(self.baseline, rows).tolist()]
        return counted(self.baseline, rows, size)


def course_of(detector: str, reference: Reference, rows: np.ndarray) -> Course:
    """Return the course of a detector, by its name."""
    makers: dict[str, Callable[[Reference, np.ndarray], Course]] = {
        of.OURS: ours,
        of.RELEASED: released,
        of.ALWAYS: always,
        of.EVERY: every,
        of.KS: partial(daily, statistic=ks, bar=-TUNED_KS),
        of.PSI: partial(daily, statistic=psi, bar=PSI_BAR),
        of.ADWIN: adwin,
        of.CUSUMS: cusums,
        of.CUSUM_SUM: cusum_of_sum,
    }
    return makers[detector](reference, rows)


# --- ours, and the one before ---------------------------------------------------------------------------


def ours(reference: Reference, rows: np.ndarray) -> Course:
    """Return the course of the detector of this tree."""
    detector = MixtureDetector(Settings(reference.channels, Budget(BUDGET)))
    features = {channel.name: channel.of for channel in reference.channels}
    course, size = Course(), reference.promise.batch
    for place, batch in enumerate(reference.batches(rows), 1):
        if size == 1:
            detector.update_event(batch, timestamp_s=float(place))
        else:
            detector.update(batch, events=size, timestamp_s=float(place * size))
        course.raised += [(place * size, features[alarm.finding.channel]) for alarm in detector.raised]
        detector.end_recovered()
        course.standing.append(bool(detector.alarms))
    return course


class Worker:
    """A process that runs the released detector."""

    process: subprocess.Popen[str] | None = None

    def ask(self, job: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to a job."""
        if self.process is None:
            tree = Path(os.environ["DRIFT_RELEASED_TREE"])
            rooms = [str(tree / room) for room in ("contracts/src", "ml/src")]
            environment = {**os.environ, "PYTHONPATH": os.pathsep.join(rooms)}
            script = Path(__file__).with_name("released_worker.py")
            command = [sys.executable, str(script)]
            pipe = subprocess.PIPE
            self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environment, text=True)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the released detector ended with exit code {self.process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer


WORKER = Worker()


def released(reference: Reference, rows: np.ndarray) -> Course:
    """Return the course of the released detector, run in a process of its own."""
    channels = [channel for channel in reference.channels if channel.kind in RELEASED_KINDS]
    names = [channel.name for channel in channels]
    job = {
        "channels": [channel.to_json() for channel in channels],
        "budget": BUDGET,
        "batch": reference.promise.batch,
        "batches": [[batch[name] for name in names] for batch in reference.batches(rows)],
    }
    answer = WORKER.ask(job)
    features = {channel.name: channel.of for channel in channels}
    raised = [(place, features[name]) for place, name in answer["raised"]]
    return Course(raised, answer["standing"])


# --- the others -----------------------------------------------------------------------------------------


def _standing(alarms: list[int], lasts: int, reference: Reference, rows: np.ndarray) -> list[bool]:
    """Return after each batch whether an alarm stood, each for so many events."""
    size = reference.promise.batch
    steps = np.arange(1, len(rows) // size + 1) * size
    ended = np.zeros(len(steps), dtype=bool)
    for alarm in alarms:
        ended |= (steps >= alarm) & (steps < alarm + max(lasts, size))
    return ended.tolist()


def always(reference: Reference, rows: np.ndarray) -> Course:
    """Return the course of a detector that is always in alarm: whatever happens, it stood before."""
    return Course([(1, ())], [True] * (len(rows) // reference.promise.batch))


def every(reference: Reference, rows: np.ndarray) -> Course:
    """Return the course of a detector that alarms every so many events."""
    alarms = list(range(EVERY_EVENTS, len(rows) + 1, EVERY_EVENTS))
    return Course([(at, ()) for at in alarms], _standing(alarms, 1, reference, rows))


def daily(
    reference: Reference, rows: np.ndarray, *, statistic: Callable[[np.ndarray, np.ndarray], float], bar: float
) -> Course:
    """Return the course of a test of each whole day per feature; its alarm lasts until the next day's test."""
    assert reference.rows is not None
    ordered = np.sort(reference.rows, axis=0)
    raised: list[tuple[int, tuple[str, ...]]] = []
    for start in range(0, len(rows) - of.DAY + 1, of.DAY):
        day = rows[start : start + of.DAY]
        for column in range(rows.shape[1]):
            one = slice(column, column + 1)
            if statistic(ordered[:, one], day[:, one]) > bar:
                raised.append((start + of.DAY, (f"x{column}",)))
    return Course(raised, _standing([at for at, _ in raised], of.DAY, reference, rows))


def adwin(reference: Reference, rows: np.ndarray) -> Course:
    """Return the course of an ADWIN per feature, which starts anew after its alarm."""
    from river.drift import ADWIN  # noqa: PLC0415 - only where it is asked for

    raised: list[tuple[int, tuple[str, ...]]] = []
    for place, column in enumerate(rows.T):
        detector = ADWIN(delta=TUNED_ADWIN)
        for step, value in enumerate(column.tolist()):
            detector.update(value)
            if detector.drift_detected:
                raised.append((step + 1, (f"x{place}",)))
    raised.sort()
    return Course(raised, _standing([at for at, _ in raised], 1, reference, rows))


def cusums(reference: Reference, rows: np.ndarray) -> Course:
    """Return the course of ten one-sided CUSUMs that know the law and the size of the shift."""
    shift = reference.promise.size
    both = np.concatenate([rows, -rows], axis=1)
    bar = cusum_threshold(shift, BUDGET * both.shape[1])
    return _cusum(shift * (both - shift / 2), bar, reference, rows)


def cusum_of_sum(reference: Reference, rows: np.ndarray) -> Course:
    """Return the course of one CUSUM that knows that all features move by so much in one direction."""
    shift = reference.promise.size * rows.shape[1] ** 0.5
    total = rows.sum(axis=1, keepdims=True) / rows.shape[1] ** 0.5
    return _cusum(shift * (total - shift / 2), cusum_threshold(shift, BUDGET), reference, rows)


def _cusum(gains: np.ndarray, bar: float, reference: Reference, rows: np.ndarray) -> Course:
    sums = np.zeros(gains.shape[1])
    raised: list[tuple[int, tuple[str, ...]]] = []
    for step, gain in enumerate(gains, 1):
        sums = np.maximum(0, sums + gain)
        over = np.flatnonzero(sums >= bar).tolist()
        if over:
            raised += [(step, (f"x{place % rows.shape[1]}",)) for place in over]
            sums[:] = 0
    return Course(raised, _standing([at for at, _ in raised], 1, reference, rows))
