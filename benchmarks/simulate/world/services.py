"""Simulated services of four weeks: their structures, and two drifts at the end."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from drift_ml.left_out import LeftOut

from benchmarks.simulate.world.streams import DAY, HOUR, SHIFT, Batch, Stream, feature_set

if TYPE_CHECKING:
    import numpy.typing as npt

    from benchmarks.simulate.world.streams import Columns

    Floats = npt.NDArray[np.float64]

EVENTS_A_DAY = 10_000
#: Day to night 5 : 1, as 1 + SWING is to 1 - SWING.
SWING = 0.67
LEARNING_DAYS, DAYS = 14, 28
#: Minutes since 1970 of the first midnight of a service: a Monday's.
BEGIN = 20_003 * DAY
JOB_KIND = "batch"
#: The feature that has the structure, the one that drifts, and the one that drifts after it.
STRUCTURED, FIRST, SECOND = NUMBERS = ("load", "weight", "size")
LEVELS = ("web", "app", JOB_KIND)
SHARES = (0.6, 0.39, 0.01)
#: When `weight` moves for good, and when `size` does under it.
FIRST_AT = BEGIN + 24 * DAY + 9 * HOUR
SECOND_AT = BEGIN + 26 * DAY + 9 * HOUR
#: Rows of a session, and the part of its variance that they share.
SESSION, ALIKE = 5, 0.8
RETRIED = 0.2
LAG = 0.3
#: Begin and rows of the nightly job of ten minutes.
JOB_AT, JOB_ROWS = 2 * HOUR, 300
#: Days of the service that is a holiday: a Thursday of the third week.
HOLIDAY = 17
#: Days before the first one that the training rows are of.
TRAINED_DAYS = 14


@dataclass(frozen=True)
class Structure:
    """What a service has of the world's time."""

    key: str
    words: str
    #: Standard deviations that `load` is higher at noon than on average.
    cycle: float = 0.0
    #: The same at weekends.
    weekend: float = 0.0
    #: Standard deviations that `load` rises over four weeks.
    trend: float = 0.0
    #: Half of what `load` moves by over the year, at its steepest.
    season: float = 0.0
    #: Standard deviations that `load` is lower on the holiday, with half of the traffic.
    holiday: float = 0.0
    #: Whether the holiday is marked, as a deployment marks days that are left out.
    marked: bool = False
    sessions: bool = False
    retries: bool = False
    lag: float = 0.0
    #: Whether a job of another population calls at night.
    job: bool = False
    #: Whether the feature set names what tells sessions and callers; a named job has its kind.
    named: bool = False


STRUCTURES = (
    Structure("none", "none"),
    Structure("cycle .1", "daily cycle of .1 sd", cycle=0.1),
    Structure("cycle .2", "daily cycle of .2 sd", cycle=0.2),
    Structure("cycle .4", "daily cycle of .4 sd", cycle=0.4),
    Structure("weekend", "weekend of .3 sd", weekend=0.3),
    Structure("sessions", "sessions of 5 alike", sessions=True),
    Structure("sessions named", "sessions of 5 alike, named", sessions=True, named=True),
    Structure("retries", "20 % of the requests sent twice", retries=True),
    Structure("lag", "autocorrelation .3", lag=LAG),
    Structure("job", "nightly job of ten minutes", job=True),
    Structure("job named", "nightly job of ten minutes, its caller named", job=True, named=True),
    Structure("holiday", "a holiday of .5 sd, half of the traffic", holiday=0.5),
    Structure("holiday marked", "the same holiday, marked", holiday=0.5, marked=True),
    Structure("trend", "slow trend, .3 sd in four weeks", trend=0.3),
    Structure("season", "season, .5 sd either way in a year", season=0.5),
)
BY_KEY = {structure.key: structure for structure in STRUCTURES}


def service(structure: Structure, seed: int, step: int) -> Stream:
    """Return a service of four weeks with its two drifts; the same for the same seed.

    Args:
        structure: what it has of the world's time.
        seed: of everything in it.
        step: minutes that a window spans; a divisor of an hour.
    """
    rng = np.random.default_rng([77, seed])
    rest = np.zeros(len(NUMBERS))
    trained, batches = [], []
    for day in range(-TRAINED_DAYS, DAYS):
        day_batches, rest = _day(structure, day, rng, step, rest)
        if day < 0:
            trained += day_batches
        else:
            batches += day_batches
    names = [*NUMBERS, "kind"]
    training = {name: np.concatenate([batch.columns[name] for batch in trained]) for name in names}
    places: dict[str, dict[str, str]] = {}
    if structure.named and structure.sessions:
        places = {"session": {"header": "x-session-id"}}
    elif structure.named:
        places = {"caller": {"feature": "kind"}}
    features = feature_set("service", NUMBERS, {"kind": LEVELS}, **places)
    return Stream(features, training, batches, step, BEGIN, BEGIN + DAYS * DAY)


def left_out(structure: Structure) -> tuple[LeftOut, ...]:
    """Return the days that a deployment of a service has marked."""
    if not structure.marked:
        return ()
    begin_s = 60.0 * (BEGIN + HOLIDAY * DAY)
    return (LeftOut(begin_s, begin_s + 60.0 * DAY, "a holiday"),)


@dataclass
class _Day:
    """The rows of a day: their window's place in it, their kind and their session."""

    rows: Floats
    places: npt.NDArray[np.intp]
    kinds: npt.NDArray[Any]
    sessions: npt.NDArray[np.intp]

    def take(self, order: npt.NDArray[np.intp]) -> _Day:
        """Return some of the rows in an order."""
        return _Day(self.rows[order], self.places[order], self.kinds[order], self.sessions[order])


def _day(
    structure: Structure, day: int, rng: np.random.Generator, step: int, rest: Floats
) -> tuple[list[Batch], Floats]:
    """Return the batches of a day, and what the next one's first row hangs on."""
    minutes = np.arange(0, DAY, step)
    angles = 2 * np.pi * (minutes - DAY / 2) / DAY
    rates = EVENTS_A_DAY * step / DAY * (1 + SWING * np.cos(angles))
    is_holiday = structure.holiday > 0 and day == HOLIDAY
    counts = rng.poisson(rates / 2 if is_holiday else rates)
    places = np.repeat(np.arange(len(minutes)), counts)
    rows, rest = _rows(structure, len(places), rng, rest)
    kinds = rng.choice(LEVELS, len(places), p=SHARES).astype(object)
    rows[:, 0] += structure.cycle * (np.cos(angles[places]) - SWING / 2) + _level(structure, day)
    if is_holiday:
        rows[:, 0] -= structure.holiday
    made = _Day(rows, places, kinds, np.arange(len(places)) // SESSION)
    if structure.retries:
        again = np.flatnonzero(rng.random(len(rows)) < RETRIED)
        made = made.take(np.sort(np.append(np.arange(len(rows)), again)))
    if structure.job:
        made = _with_job(made, structure, rng, step)
    starts = BEGIN + day * DAY + minutes[made.places]
    made.rows[starts >= FIRST_AT, 1] += SHIFT
    made.rows[starts >= SECOND_AT, 2] += SHIFT
    return _cut(made, structure, day, minutes), rest


def _with_job(made: _Day, structure: Structure, rng: np.random.Generator, step: int) -> _Day:
    """Return a day with the nightly job, all of whose rows are higher and closer together."""
    rows = 1.0 + 0.5 * rng.standard_normal((JOB_ROWS, len(NUMBERS)))
    # The job's rows come within its ten minutes, however many windows these are.
    places = JOB_AT // step + np.arange(JOB_ROWS) * max(1, 10 // step) // JOB_ROWS
    kinds = np.full(JOB_ROWS, JOB_KIND, dtype=object)
    if not structure.named:
        kinds = rng.choice(LEVELS, JOB_ROWS, p=SHARES).astype(object)
    both = _Day(
        np.concatenate([made.rows, rows]),
        np.concatenate([made.places, places]),
        np.concatenate([made.kinds, kinds]),
        np.concatenate([made.sessions, made.sessions[-1] + 1 + np.arange(JOB_ROWS) // SESSION]),
    )
    return both.take(np.argsort(both.places, kind="stable"))


def _cut(made: _Day, structure: Structure, day: int, minutes: npt.NDArray[Any]) -> list[Batch]:
    """Return the batches of a day."""
    edges = np.searchsorted(made.places, np.arange(len(minutes) + 1)).tolist()
    batches = []
    for minute, (low, high) in zip(minutes.tolist(), pairwise(edges), strict=True):
        if high == low:
            continue
        columns: Columns = {name: made.rows[low:high, at] for at, name in enumerate(NUMBERS)}
        columns["kind"] = made.kinds[low:high]
        sessions: tuple[str, ...] = ()
        if structure.sessions and structure.named:
            sessions = tuple(f"{day}-{each}" for each in made.sessions[low:high].tolist())
        batches.append(Batch(BEGIN + day * DAY + minute, columns, sessions))
    return batches


def _level(structure: Structure, day: int) -> float:
    """Return how much higher `load` is on a day, in standard deviations."""
    # The training days are those before the service; day 0 is a Monday.
    weekend = structure.weekend * (day % 7 >= 5)
    season = structure.season * np.sin(2 * np.pi * day / 365)
    return float(weekend + season + structure.trend * max(day, 0) / DAYS)


def _rows(
    structure: Structure, number: int, rng: np.random.Generator, rest: Floats
) -> tuple[Floats, Floats]:
    """Return rows of unit variance, and what the next day's first row hangs on."""
    rows = rng.standard_normal((number, len(NUMBERS)))
    if structure.sessions:
        middles = rng.standard_normal((number // SESSION + 1, len(NUMBERS)))
        shared = np.repeat(middles, SESSION, axis=0)[:number]
        rows = ALIKE**0.5 * shared + (1 - ALIKE) ** 0.5 * rows
    if structure.lag:
        rows *= (1 - structure.lag**2) ** 0.5
        for place in range(number):
            rows[place] += structure.lag * rest
            rest = rows[place]
    return rows, rest
