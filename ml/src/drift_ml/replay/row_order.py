"""Why an alarm of a replayed file may be no drift: sorted or grouped rows, and learnt ones."""

from __future__ import annotations

from enum import StrEnum
from math import pi, sqrt
from typing import TYPE_CHECKING

import numpy as np
from drift_contracts.wording import listed

from drift_ml.effects import chi_square_tail
from drift_ml.words import subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy.typing as npt

    from drift_ml.baseline import Baseline, Channel
    from drift_ml.replay.allowance import Allowance
    from drift_ml.replay.evidence import Replay
    from drift_ml.replay.training_rows import TrainingRows
    from drift_ml.window import Window

    Floats = npt.NDArray[np.float64]

#: A whole file differs from the training data where chance makes such a difference more seldom.
CHANCE = 1e-3
#: What lies above training is balanced where as much lies below, at least by this share.
BALANCED = 0.5
#: Share of a file's rows that are of the training data, from which on its answers are learnt ones.
LEARNT = 0.5
#: Both sides exceed what chance makes by so many standard deviations.
LEAST = 3.0
QUARTERS = 4
#: Share from which on a file is the training data itself.
WHOLE = 0.99
WEEK_MS = 7 * 86_400_000
#: Channels that are named in a sentence.
MOST_NAMED = 3


class Explained(StrEnum):
    """What explains an alarm without a drift, as the sentence about it begins."""

    ORDER = "Not drift, but the order of the rows"
    WEEK = "Not drift, but perhaps the hour or the day of the week"
    LEARNT = "Not drift, but rows that the model has learnt"


#: What follows the names of the channels.
REASONS = {
    Explained.ORDER: (
        "The order of the rows carries a pattern: some parts of the file lie above and others"
        " below the training data, which cancels out over the whole file, as where rows are sorted"
        " or grouped, or follow the hour"
    ),
    Explained.WEEK: (
        "Some hours or days lie above and others below the training data, which cancels out over"
        " whole days or weeks; to know their rhythm takes two weeks of traffic"
    ),
    Explained.LEARNT: "The baseline's answers are to held-out rows",
}
#: What to do where a file has no times.
WAY_OUT = "If the rows are in the order of time, name the column of their times by --time-column"


def explain_alarms(
    baseline: Baseline,
    windows: Sequence[Window],
    replay: Replay,
    training_rows: TrainingRows | None,
    allowance: Allowance | None = None,
) -> dict[str, Explained]:
    """Return the channels whose alarms are no drift, and why.

    Rows without times may be in any order, and rows of the training data are no traffic: there an
    alarm must be of the whole file, or of one direction. With times the order is the traffic's own;
    in less than two weeks its parts may be hours and days whose rhythm is not known.

    Args:
        baseline: that the windows were counted against.
        windows: that were replayed.
        replay: the evidence over them.
        training_rows: what the file has in common with the training data; None for no file.
        allowance: which cycles the replay allows for; None where nobody asked.
    """
    if training_rows is None:
        return {}
    may_be_week = allowance is not None and allowance.may_be_pattern
    share = training_rows.share if training_rows.warns else 0.0
    is_timed = replay.time_at(0) is not None
    explained: dict[str, Explained] = {}
    for name in dict.fromkeys(alarm.finding.channel for alarm in replay.alarms):
        channel = baseline.channel(name)
        if share >= LEARNT and channel.answer is not None:
            explained[name] = Explained.LEARNT
        elif share >= WHOLE:
            if not differs(channel, windows):
                explained[name] = Explained.ORDER
        elif (share >= LEARNT or not is_timed) and cancels_out(channel, windows):
            explained[name] = Explained.ORDER
        elif may_be_week and all(cancels_out(channel, part) for part in _weeks(windows)):
            explained[name] = Explained.WEEK
    return explained


def _weeks(windows: Sequence[Window]) -> Iterable[Sequence[Window]]:
    """Return the first and the last week of windows with times; all of them where they are less.

    A part of a week is not as the whole, whatever its rhythm is.
    """
    begins = [window.first_ms or 0 for window in windows]
    first_end, last_begin = begins[0] + WEEK_MS, begins[-1] - WEEK_MS
    first = [window for begin, window in zip(begins, windows, strict=True) if begin < first_end]
    last = [window for begin, window in zip(begins, windows, strict=True) if begin >= last_begin]
    return first, last


def sentences(
    explained: Mapping[str, Explained],
    *,
    is_timed: bool,
) -> Iterable[str]:
    """Yield a sentence for each reason why alarms are no drift.

    Args:
        explained: channels with the reason.
        is_timed: whether the rows have times.
    """
    for reason, words in REASONS.items():
        names = [subject(name) for name, why in explained.items() if why == reason]
        if not names:
            continue
        ending = f" {WAY_OUT}." if reason == Explained.ORDER and not is_timed else ""
        yield f"{reason}: {listed(names, MOST_NAMED)}. {words}.{ending}"


def differs(
    channel: Channel,
    windows: Sequence[Window],
) -> bool:
    """Return whether a whole file differs from the training data by more than chance.

    Args:
        channel: of the training data.
        windows: of the file, each with an event in it.
    """
    counts, usual = _counted(channel, windows)
    events, rows = float(counts.sum()), float(usual.sum())
    shares = usual / rows
    excess = counts.sum(axis=0) - events * shares
    # The shares of training are no better known than from so many rows.
    variances = events * shares * (1 + events / rows)
    statistic = float((excess**2 / variances).sum())
    return chi_square_tail(statistic, max(len(shares) - 1, 1)) < CHANCE


def cancels_out(
    channel: Channel,
    windows: Sequence[Window],
) -> bool:
    """Return whether windows lie on both sides of the training data, and all together do not.

    A drift that began or ended somewhere moves windows to one side. Of sorted rows some windows
    have too much of a bin and others too little of it, by as many events.

    Args:
        channel: that an alarm was raised for.
        windows: in the order of the file, each with an event in it.
    """
    if differs(channel, windows):
        return False
    counts, usual = _counted(channel, windows)
    shares = usual / usual.sum()
    sizes = counts.sum(axis=1, keepdims=True)
    excess = counts - sizes * shares
    variances = sizes * shares * (1 - shares)
    # Of windows that differ by chance alone so much lies on either side: half a normal law.
    noise = np.sqrt(variances).sum(axis=0) / sqrt(2 * pi)
    noise_std = np.sqrt(variances.sum(axis=0) * (0.5 - 0.5 / pi))
    above = np.maximum(excess, 0).sum(axis=0) - noise
    below = np.maximum(-excess, 0).sum(axis=0) - noise
    place = int(np.argmax(above + below))
    low, high = sorted((float(above[place]), float(below[place])))
    return low >= max(BALANCED * high, LEAST * float(noise_std[place]))


def _counted(
    channel: Channel,
    windows: Sequence[Window],
) -> tuple[Floats, Floats]:
    """Return the events of each window and the rows of training, by bin.

    Ordered bins are put together by the quarters of the training data: a window has too few events
    for dozens of bins.

    Returns:
        Events of shape (windows, bins), and rows of shape (bins,).
    """
    counts = np.array([window.channel_counts()[channel.name] for window in windows], dtype=float)
    # Jeffreys' prior: no bin is impossible.
    usual = np.array(channel.counts, dtype=float) + 0.5
    if not channel.ordered:
        return counts, usual
    middles = (np.cumsum(usual) - usual / 2) / usual.sum()
    quarters = (middles * QUARTERS).astype(np.intp)
    flags = np.eye(QUARTERS)[:, np.unique(quarters)][quarters]
    return counts @ flags, usual @ flags
