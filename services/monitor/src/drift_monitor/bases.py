"""What channels are held against: the training rows, or the traffic that is their new normal."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

import numpy as np
from drift_contracts.wording import listed
from drift_ml.left_out import day_in_words, is_left_out
from drift_ml.rhythm import Base

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy.typing as npt
    from drift_ml.baseline import Baseline
    from drift_ml.left_out import LeftOut

    Hour = tuple[float, Mapping[str, Sequence[int]]]

HOUR_S = 3_600
DAY_S = 86_400
#: Days of traffic that a base is of, at most.
BASE_DAYS = 28
#: Events that a base is of, at least: of fewer rows a small shift is not told (docs/evidence.md).
FEWEST_EVENTS = 100
#: Half an event a bin: what was not seen may be rare.
HALF = 0.5
#: Days by which it is judged whether a change still lasts.
LASTING_DAYS = 2
#: Events by which few ones since a change are pulled to what was before.
PULL_EVENTS = 20.0
#: Channels that the page names, which are held against other days than most.
MOST_NAMED = 4


def bases_of(
    baseline: Baseline,
    hours: Iterable[Hour],
    since: Mapping[str, float],
    end_s: float,
    left_out: Sequence[LeftOut] = (),
) -> dict[str, Base]:
    """Return what some channels are held against from now on.

    Args:
        baseline: whose bins are counted.
        hours: begin in seconds since the epoch and events per bin by channel, the oldest first.
        since: by channel, when what is normal for it began, in seconds since the epoch.
        end_s: of the last hour, in seconds since the epoch.
        left_out: spans that are not counted.

    Returns:
        By channel; one of too few events, or less than a day, is left out.
    """
    oldest_s = end_s - BASE_DAYS * DAY_S
    # The hour in which a change began holds some of what was before.
    begins = {name: max(begin_s, oldest_s) for name, begin_s in since.items()}
    counted = {
        channel.name: _Counted(np.zeros(len(channel.counts), dtype=np.int64))
        for channel in baseline.channels
        if channel.name in since
    }
    # One hour at a time: of many features all of them take hundreds of megabytes.
    for begin_s, counts in hours:
        if begin_s < oldest_s or is_left_out(begin_s, left_out):
            continue
        for name, total in counted.items():
            if begin_s >= begins[name] and name in counts:
                total.add(begin_s, counts[name])
    bases = {}
    for name, total in counted.items():
        if total.last_s - total.first_s >= DAY_S and total.counts.sum() >= FEWEST_EVENTS:
            bases[name] = Base(total.first_s, total.last_s, tuple(total.counts.tolist()))
    return bases


def lasts(
    days: Sequence[int],
    before: Sequence[int],
    since: Sequence[int],
) -> bool:
    """Return whether some days are more like the traffic since a change than like that before.

    The likelihoods of their counts are compared. What was before is known better, so that the
    shares since are pulled to it by `PULL_EVENTS`. Days without events say nothing, so that the
    change is taken to last.

    Args:
        days: events per bin of the days.
        before: the same of what the channel was held against.
        since: the same of the traffic between the change and these days.

    >>> lasts([3, 9], before=[50, 50], since=[20, 80]), lasts([6, 6], [50, 50], [20, 80])
    (True, False)
    """
    counts = np.asarray(days, dtype=np.float64)
    former = np.asarray(before) + HALF
    former /= former.sum()
    later = np.asarray(since) + PULL_EVENTS * former
    later /= later.sum()
    return bool(counts @ np.log(later / former) >= 0)


@dataclass
class _Counted:
    """Events of a channel so far."""

    counts: npt.NDArray[np.int64]
    #: Of the hours, in seconds since the epoch.
    first_s: float = inf
    last_s: float = -inf

    def add(
        self,
        begin_s: float,
        counts: Sequence[int],
    ) -> None:
        """Add an hour.

        Args:
            begin_s: of the hour, in seconds since the epoch.
            counts: events per bin.
        """
        self.counts += np.asarray(counts)
        self.first_s = min(self.first_s, begin_s)
        self.last_s = begin_s + HOUR_S


def bases_in_words(bases: Mapping[str, Base]) -> str:
    """Return what channels are held against, as the page says it; "" for training alone.

    Args:
        bases: by channel that is held against traffic.
    """
    if not bases:
        return ""
    spans = Counter((base.from_s, base.to_s) for base in bases.values())
    (usual, _), *_ = spans.most_common(1)
    begin, end = day_in_words(usual[0]), day_in_words(usual[1] - 1)
    words = f"; held against the traffic from {begin} to {end}"
    others = []
    for name, base in bases.items():
        # Channels of several features follow from these.
        if base.from_s != usual[0] and ":" not in name and name != "sum_of_squares":
            others.append(f"{name} from {day_in_words(base.from_s)} on")
    return f"{words}, {listed(others, MOST_NAMED)}" if others else words
