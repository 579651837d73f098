"""What channels are held against: the training rows, or the traffic that is their new normal."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from drift_contracts.wording import listed
from drift_ml.left_out import day_in_words
from drift_ml.words import is_single

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from drift_ml.rhythm import Base

#: Half an event a bin: what was not seen may be rare.
HALF = 0.5
#: Days by which it is judged whether a change still lasts.
LASTING_DAYS = 2
#: Events by which few ones since a change are pulled to what was before.
PULL_EVENTS = 20.0
#: Channels that the page names, which are held against other days than most.
MOST_NAMED = 4


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
        if base.from_s != usual[0] and is_single(name):
            others.append(f"{name} from {day_in_words(base.from_s)} on")
    return f"{words}, {listed(others, MOST_NAMED)}" if others else words
