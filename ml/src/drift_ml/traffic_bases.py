"""What channels are held against in place of the training rows: the traffic since some time."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

import numpy as np

from drift_ml.left_out import is_left_out
from drift_ml.rhythm import Base

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

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


def lengthened(
    baseline: Baseline,
    hours: Iterable[Hour],
    bases: Mapping[str, Base],
    held: Collection[str],
    end_s: float,
    left_out: Sequence[LeftOut] = (),
) -> dict[str, Base]:
    """Return bases of all traffic since the same times, of those that last twice as long now.

    Args:
        baseline: whose bins are counted.
        hours: as `bases_of` takes them; they are not read where none is due.
        bases: by channel, as they are.
        held: channels of alarms that stand, whose base stays as it is.
        end_s: of the last hour, in seconds since the epoch.
        left_out: spans that are not counted.
    """
    old = {name: base for name, base in bases.items() if name not in held}
    due = {name: base.from_s for name, base in old.items() if base.is_doubled(end_s)}
    if not due:
        return {}
    counted = bases_of(baseline, hours, due, end_s, left_out)
    # Days that are left out make none longer.
    return {name: base for name, base in counted.items() if old[name].is_doubled(base.to_s)}


def renewed(
    baseline: Baseline,
    hours: Iterable[Hour],
    former: Mapping[str, Base],
    held: Collection[str],
    end_s: float,
    since: Mapping[str, float] | None = None,
    left_out: Sequence[LeftOut] = (),
) -> dict[str, Base]:
    """Return what every channel is held against as its traffic is counted anew.

    Args:
        baseline: whose bins are counted.
        hours: as `bases_of` takes them.
        former: by channel, what it was held against.
        held: channels of alarms that stand, which are not learned from: they keep what they had.
        end_s: of the last hour, in seconds since the epoch.
        since: by channel, when what is normal for it began; of others all hours are.
        left_out: spans that are not counted.
    """
    names = [channel.name for channel in baseline.channels]
    kept = {name: former[name] for name in names if name in held and name in former}
    begins = {name: (since or {}).get(name, 0.0) for name in names if name not in held}
    return {**kept, **bases_of(baseline, hours, begins, end_s, left_out)}


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
