"""The others: tests of a day, ADWIN, e-d-BH, dummies and the released detector."""

from __future__ import annotations

from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
from drift_ml.window import Window
from scipy.special import ndtri

from benchmarks.simulate.courses import RELEASED_KINDS, WORKER
from benchmarks.simulate.rivals import ks, psi
from benchmarks.simulate.world.courses import Course, lasting
from benchmarks.simulate.world.streams import DAY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    from benchmarks.simulate.world.streams import Stream

    Floats = npt.NDArray[np.float64]
    Raised = list[tuple[int, tuple[str, ...]]]

BUDGET = 100_000
#: Days to one false alarm of the test of a day, over all features.
BUDGET_DAYS = 30
PSI_LIMIT = 0.2
#: Rows of a day below which PSI of 20 bins is mostly its bias.
FEWEST_FOR_PSI = 200
EVERY_EVENTS = 500
#: Standard deviations that the e-detectors look for, in equal parts.
ALTERNATIVES = np.array([-2, -1, -0.5, -0.25, 0.25, 0.5, 1, 2])
RELEASED, KS, PSI, ADWIN, EDBH = "released", "KS a day", "PSI a day", "ADWIN", "e-d-BH"
EVERY, ALWAYS = "every 500 events", "always"


def course_of(name: str, stream: Stream) -> Course:
    """Return the course of a detector over a stream.

    Args:
        name: one of those above.
        stream: the service.
    """
    makers: dict[str, Callable[[Stream], Course]] = {
        RELEASED: released,
        KS: partial(daily, statistic=_ks, fewest=20),
        PSI: partial(daily, statistic=_psi, fewest=FEWEST_FOR_PSI),
        ADWIN: adwin,
        EDBH: e_d_bh,
        EVERY: every,
        ALWAYS: always,
    }
    return makers[name](stream)


def always(stream: Stream) -> Course:
    """Return the course of a detector that is always in alarm."""
    return Course([(stream.begin + 1, ())], [(stream.begin, stream.end)])


def every(stream: Stream) -> Course:
    """Return the course of a detector that alarms every so many events; its alarm stands a day."""
    raised: Raised = []
    seen = 0
    for batch in stream.batches:
        reached = (seen + batch.rows) // EVERY_EVENTS
        raised += [(batch.minute + stream.step, ())] * (reached - seen // EVERY_EVENTS)
        seen += batch.rows
    return lasting(raised, DAY)


def daily(
    stream: Stream, *, statistic: Callable[[Floats, Floats, Stream], bool], fewest: int
) -> Course:
    """Return the course of a test of each whole day, whose verdict stands until the next one.

    Args:
        stream: the service.
        statistic: says of ordered training values and those of a day whether they differ.
        fewest: rows; days of fewer are taken together with the next one.
    """
    ordered = {name: np.sort(_present(stream.training[name])) for name in stream.numbers}
    raised: Raised = []
    waiting: dict[str, list[Floats]] = {name: [] for name in stream.numbers}
    for day, batches in groupby(stream.batches, key=lambda batch: batch.minute // DAY):
        listed = list(batches)
        for name in stream.numbers:
            waiting[name] += [_present(batch.columns[name]) for batch in listed]
            values = np.concatenate(waiting[name])
            if len(values) >= fewest:
                waiting[name] = []
                if statistic(ordered[name], values, stream):
                    raised.append(((day + 1) * DAY, (name,)))
    return lasting(raised, DAY)


def _ks(known: Floats, values: Floats, stream: Stream) -> bool:
    return -ks(known[:, None], values[:, None]) < 1 / BUDGET_DAYS / len(stream.numbers)


def _psi(known: Floats, values: Floats, stream: Stream) -> bool:
    del stream
    return psi(known[:, None], values[:, None]) > PSI_LIMIT


def _present(values: npt.NDArray[np.float64]) -> Floats:
    return values[~np.isnan(values)]


def adwin(stream: Stream) -> Course:
    """Return the course of an ADWIN per feature as it comes; its alarm stands a day."""
    from river import drift  # noqa: PLC0415 - only where it is asked for

    raised: Raised = []
    for name in stream.numbers:
        detector = drift.ADWIN()
        for batch in stream.batches:
            has_changed = False
            for value in _present(batch.columns[name]).tolist():
                detector.update(value)
                has_changed |= detector.drift_detected
            if has_changed:
                raised.append((batch.minute + stream.step, (name,)))
    return lasting(sorted(raised), DAY)


def e_d_bh(stream: Stream) -> Course:
    """Return the course of e-d-BH: an e-detector a feature, combined by e-BH.

    Each e-detector is a Shiryaev-Roberts sum of normal likelihood ratios on the training rows'
    normal scores, over eight shifts in equal parts. At each window the K* features with the
    largest values are reported, where K* is the largest k with the k-th largest >= K x budget / k.
    A feature that is reported starts anew, and its alarm stands a day.
    Source: Dandapanthula & Ramdas 2025 (arXiv 2501.04130).
    """
    names = stream.numbers
    ordered = [np.sort(_present(stream.training[name])) for name in names]
    sums = np.zeros((len(names), len(ALTERNATIVES)))
    raised: Raised = []
    ranks = np.arange(1, len(names) + 1)
    for batch in stream.batches:
        for place, name in enumerate(names):
            values = _present(batch.columns[name])
            scores = _scores(ordered[place], values)
            gains = ALTERNATIVES * scores.sum() - ALTERNATIVES**2 / 2 * len(scores)
            # A batch of n events starts n runs, as in the detector of this project.
            sums[place] = (sums[place] + len(scores)) * np.exp(np.minimum(gains, 500))
        sums = np.minimum(sums, 1e200)
        values = sums.mean(axis=1)
        order = np.argsort(-values)
        enough = values[order] >= len(names) * BUDGET / ranks
        if enough.any():
            reported = order[: int(np.flatnonzero(enough)[-1]) + 1]
            raised += [(batch.minute + stream.step, (names[place],)) for place in reported]
            sums[reported] = 0
    return lasting(raised, DAY)


def _scores(known: Floats, values: Floats) -> Floats:
    """Return the normal scores of values by the mid-ranks of the training rows."""
    low = np.searchsorted(known, values, side="left")
    high = np.searchsorted(known, values, side="right")
    scores: Floats = ndtri(((low + high) / 2 + 0.5) / (len(known) + 1))
    return scores


def released(stream: Stream) -> Course:
    """Return the course of the released detector, run in a process of its own."""
    channels = [each for each in stream.baseline.channels if each.kind in RELEASED_KINDS]
    counts = list(_counts(stream))
    job = {
        "channels": [channel.to_json() for channel in channels],
        "budget": BUDGET,
        "batch": 0,
        "events": [batch.rows for batch in stream.batches],
        "batches": [[each[channel.name] for channel in channels] for each in counts],
    }
    answer = WORKER.ask(job)
    features = {channel.name: channel.of for channel in channels}
    times = [batch.minute + stream.step for batch in stream.batches]
    raised = [(times[place - 1], features[name]) for place, name in answer["raised"]]
    spans = []
    for stands, places in groupby(range(len(times)), key=answer["standing"].__getitem__):
        listed = list(places)
        if stands:
            last = listed[-1] + 1
            spans.append((times[listed[0]], times[last] if last < len(times) else stream.end))
    return Course(raised, spans)


def _counts(stream: Stream) -> Iterator[dict[str, object]]:
    """Return the counts of each batch by channel."""
    for batch in stream.batches:
        window = Window.empty(stream.baseline, "0")
        window.observe_rows(batch.columns)
        yield dict(window.channel_counts())
