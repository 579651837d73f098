"""What is promised of the detector: each bar as a kind of traffic, with the figure that it must reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.simulate.streams import normals

if TYPE_CHECKING:
    from collections.abc import Callable

    Rows = np.ndarray
    #: Changes rows in place.
    Change = Callable[[Rows, np.random.Generator], None]

OURS, RELEASED = "ours", "released"
ALWAYS, EVERY = "always in alarm", "an alarm every 500 events"
KS, PSI, ADWIN = "KS a day, matched", "PSI a day > .2", "ADWIN, matched"
CUSUMS, CUSUM_SUM = "CUSUMs that know the shift", "CUSUM of the sum that knows the shift"
DUMMIES = (ALWAYS, EVERY)
OTHERS = (KS, PSI, ADWIN, *DUMMIES)
BOTH = (OURS, RELEASED)


@dataclass(frozen=True)
class Promise:
    """A kind of traffic: as the reference for a while, then changed, then as the reference again."""

    key: str
    words: str
    #: The figure that must be reached, in words.
    bar: str
    #: Events after the change within which an alarm counts as told; as many go before it, in which an alarm is luck.
    most: int
    change: str | None = None
    #: In standard deviations; CUSUMs know it.
    size: float = 0.0
    columns: int = 5
    #: Of the reference.
    rows: int = 20_000
    batch: int = 20
    #: Events after the change has ended.
    healed: int = 0
    #: Levels of a category that are watched instead of numbers; 0 for none.
    levels: int = 0
    detectors: tuple[str, ...] = BOTH
    #: The feature whose drift must be told; None where any alarm counts.
    told: str | None = None
    #: Events from the beginning of the change at which a second one begins.
    second: int = 0


def _by_half(rows: Rows, _rng: np.random.Generator) -> None:
    rows[:, 0] += 0.5


def _mean(size: float) -> Change:
    def change(rows: Rows, _rng: np.random.Generator) -> None:
        rows[:, 0] += size

    return change


def _variance(rows: Rows, _rng: np.random.Generator) -> None:
    rows[:, 0] *= 1.5


def _correlation(rows: Rows, _rng: np.random.Generator) -> None:
    rows[:, 1] = 0.6 * rows[:, 0] + 0.8 * rows[:, 1]


def _all(rows: Rows, _rng: np.random.Generator) -> None:
    rows += 1.0


def _frozen(rows: Rows, rng: np.random.Generator) -> None:
    rows[rng.random(len(rows)) < 0.05, 0] = 0.01


def _part(rows: Rows, rng: np.random.Generator) -> None:
    rows[rng.random(len(rows)) < 0.1, 0] += 1.0


def _pair(rows: Rows, rng: np.random.Generator) -> None:
    first, second = rng.choice(rows.shape[1], 2, replace=False)
    rows[:, second] = 0.6 * rows[:, first] + 0.8 * rows[:, second]


def _tail(rows: Rows, rng: np.random.Generator) -> None:
    # Beyond the 95 % quantile both are alike in half of the events; below nothing changes.
    far = (rows[:, 0] > 1.645) & (rng.random(len(rows)) < 0.5)
    rows[far, 1] = rows[far, 0]


def _three(rows: Rows, _rng: np.random.Generator) -> None:
    # The sign of each follows from the two others, while each pair stays independent.
    rows[:, 2] = np.abs(rows[:, 2]) * np.sign(rows[:, 0] * rows[:, 1])


def _second(rows: Rows, _rng: np.random.Generator) -> None:
    rows[:, 0] += 1.0
    rows[SECOND_AFTER:, 1] += 0.5


def _second_alone(rows: Rows, _rng: np.random.Generator) -> None:
    rows[SECOND_AFTER:, 1] += 0.5


SECOND_AFTER = 1000
DAY = 1000
"""Events of a day, after which the detectors of whole days look."""
CHANGES: dict[str, Change] = {
    "mean .25": _mean(0.25),
    "mean .5": _by_half,
    "mean 1": _mean(1.0),
    "variance": _variance,
    "correlation": _correlation,
    "all": _all,
    "frozen": _frozen,
    "part": _part,
    "pair": _pair,
    "tail": _tail,
    "three": _three,
    "second": _second,
    "second alone": _second_alone,
    "sparse": _by_half,
}


def _nulls() -> list[Promise]:
    words = "false alarms in 10,000 events, reference of {:,} rows"
    return [
        Promise(
            f"null {rows}",
            words.format(rows),
            "at most .1",
            10_000,
            rows=rows,
            batch=50,
            detectors=(*BOTH, *OTHERS) if rows == 10_000 else BOTH,
        )
        for rows in (500, 1000, 10_000, 100_000)
    ]


def _shifts() -> list[Promise]:
    listed = []
    for size, most, bar in ((0.25, 1500, 1.2), (0.5, 800, 1.2), (1.0, 400, 1.3)):
        name = f"mean {size:g}".replace("0.", ".")
        listed.append(
            Promise(
                name,
                f"one feature by {size:g} sd: mean delay over that of ten CUSUMs",
                f"{bar} times",
                most,
                name,
                size,
                rows=100_000,
                batch=1,
                detectors=(*BOTH, CUSUMS, *(OTHERS if size == 0.5 else DUMMIES)),
            )
        )
    return listed


def promises() -> list[Promise]:
    """Return every bar, the old ones first."""
    numbers = (*BOTH, *OTHERS)
    return [
        *_nulls(),
        *_shifts(),
        Promise("variance", "variance by 1.5: median of events", "80", 800, "variance", rows=100_000, batch=1),
        Promise(
            "correlation", "correlation 0 to .6: median of events", "84", 800, "correlation", rows=100_000, batch=1
        ),
        Promise(
            "all",
            "all features by 1 sd in one direction: mean of events",
            "8",
            100,
            "all",
            1.0,
            rows=100_000,
            batch=1,
            detectors=(*BOTH, CUSUMS, CUSUM_SUM, *DUMMIES),
        ),
        Promise(
            "second alone",
            ".5 sd of a second feature, alone",
            "-",
            2000,
            "second alone",
            0.5,
            told="x1",
            second=SECOND_AFTER,
        ),
        Promise(
            "second",
            "the same under a standing alarm of 1 sd of another",
            "told in 95 %, delay 1.3 times",
            2000,
            "second",
            0.5,
            told="x1",
            second=SECOND_AFTER,
            detectors=numbers,
        ),
        Promise(
            "lasting",
            "one drift of .5 sd for 20,000 events: alerts a drift, and its end",
            "at most 1.1, ended in all",
            20_000,
            "mean .5",
            0.5,
            batch=50,
            healed=10_000,
            detectors=numbers,
        ),
        Promise(
            "levels 60",
            "a level of .02 % among 60 becomes 5 %: mean of events",
            "200",
            1000,
            "level",
            levels=60,
            batch=10,
        ),
        Promise("levels 300", "the same among 300", "200", 1000, "level", levels=300, batch=10),
        Promise(
            "levels 1000",
            "1,000 levels, 500 rows: false alarms in 10,000 events",
            "at most .1",
            10_000,
            rows=500,
            batch=20,
            levels=1000,
        ),
        Promise(
            "frozen", "one value frozen in 5 % of the traffic: mean of events", "500", 2000, "frozen", detectors=numbers
        ),
        Promise("whole", ".5 sd of a feature that is always there", "-", 500, "mean .5", 0.5, batch=10),
        Promise(
            "sparse",
            "the same, 90 % missing: values seen over those of the row above",
            "1.2 times",
            5000,
            "sparse",
            0.5,
            batch=10,
        ),
        Promise(
            "pair 60",
            "correlation 0 to .6 of a random pair of 60: found within 1,000",
            "90 %",
            1000,
            "pair",
            columns=60,
        ),
        Promise("pair 30", "the same of 30", "90 %", 1000, "pair", columns=30),
        Promise("pair 15", "the same of 15", "90 %", 1000, "pair", columns=15),
        Promise("part", "a feature by 1 sd in 10 % of the traffic", "-", 10_000, "part", batch=50),
        Promise("tail", "a tail that two features share", "-", 10_000, "tail", batch=50),
        Promise("three", "the sign of a third feature follows from two", "-", 10_000, "three", batch=50),
    ]


@dataclass
class Traffic:
    """Rows of one run."""

    #: Shape (events, columns); of a category the level of each event, shape (events, 1).
    rows: Rows
    #: Events before the change, and those after which it has ended.
    onset: int
    end: int


def traffic(promise: Promise, rng: np.random.Generator) -> Traffic:
    """Return the rows of one run: without the change, with it, and without it again."""
    # A change comes at any time of the day, and so anywhere in what a detector of whole days looks at.
    onset = promise.most + int(rng.integers(DAY // promise.batch)) * promise.batch
    drifting = promise.second + promise.most if promise.change else 0
    if promise.levels:
        return _levels(promise, rng)
    rows = normals(rng, onset + drifting + promise.healed, promise.columns)
    if promise.change:
        CHANGES[promise.change](rows[onset : onset + drifting], rng)
    if promise.change == "sparse":
        rows[rng.random(len(rows)) < 0.9, 0] = np.nan
    return Traffic(rows, onset + promise.second, onset + drifting)


def reference(promise: Promise, rng: np.random.Generator) -> Rows:
    """Return the rows of a reference, drawn anew."""
    rows = normals(rng, promise.rows, promise.columns)
    if promise.change == "sparse":
        rows[rng.random(len(rows)) < 0.9, 0] = np.nan
    return rows


def level_shares(promise: Promise) -> np.ndarray:
    """Return the usual share of each level: equal where nothing changes, else the last has .02 %."""
    if not promise.change:
        return np.full(promise.levels, 1 / promise.levels)
    shares = 1 / np.arange(1, promise.levels + 1)
    shares[-1] = 0
    shares *= (1 - RARE) / shares.sum()
    shares[-1] = RARE
    return shares


RARE, FREQUENT = 0.0002, 0.05


def _levels(promise: Promise, rng: np.random.Generator) -> Traffic:
    usual = level_shares(promise)
    before = rng.choice(promise.levels, promise.most, p=usual)
    if not promise.change:
        return Traffic(before[:, None], promise.most, promise.most)
    after = usual * (1 - FREQUENT)
    after[-1] += FREQUENT
    changed = rng.choice(promise.levels, promise.most, p=after / after.sum())
    return Traffic(np.concatenate([before, changed])[:, None], promise.most, 2 * promise.most)
