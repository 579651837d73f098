"""What happened to a channel, in words that need no statistics."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import atanh, sqrt, tanh
from typing import TYPE_CHECKING

from drift_contracts.wording import spoken_unit

from drift_ml.baseline import UNITS
from drift_ml.figures import SHARE, plain_number, plain_pair, plain_percent
from drift_ml.words import change, subject

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from drift_contracts import FeatureSet

    from drift_ml.baseline import Baseline, Channel
    from drift_ml.evidence import DriftFinding
    from drift_ml.window import Moments, Window

#: Variance of a column in which nothing varies, in variances of the baseline.
FROZEN = 1e-6
#: Values of a column from which "all of them are the same" means something.
ENOUGH = 20
#: A correlation of 1 has no Fisher's z.
STEEPEST = 0.999
#: What a value of an indicator is, after "% of the values".
INDICATORS = {
    "missing": "are missing",
    "new": "never occurred in training",
    "out_of_range": "lie outside the range of the training data",
}
#: How the reference is named in a sentence: training rows, or traffic.
TRAINING, BEFORE = "in training", "before"
#: Units of figures that have none of their own.
CORRELATION, FACTOR = "correlation", "times the standard deviation"
DEVIATIONS = "standard deviations"


@dataclass(frozen=True)
class Description:
    """One change, in a sentence and in figures."""

    #: What happened, its subject first: "age: 92 % of the values never occurred in training".
    words: str
    #: In the baseline; None where nothing was counted.
    before: float | None
    #: Since the onset.
    after: float | None
    #: Of both figures.
    unit: str


def describe(
    baseline: Baseline,
    finding: DriftFinding,
    window: Window | None = None,
    units: Mapping[str, str] | None = None,
    usual: Window | None = None,
) -> Description:
    """Return what a finding says, counted over the events since its onset.

    Args:
        baseline: that the window was counted against.
        finding: of the detector.
        window: the events since the onset; None, or one without events, where they are not
            stored any more: then the finding's own estimate is worded.
        units: of the features, by name.
        usual: the traffic that the finding was held against; None for the training rows.
    """
    channel = baseline.channel(finding.channel)
    unit = (units or {}).get(channel.of[0], "")
    column = _Column.of(baseline, channel, window, unit)
    if usual is not None and usual.events:
        channel = replace(channel, counts=tuple(usual.channel_counts()[channel.name]))
        column = column.against(baseline, channel.name, usual)
    if finding.kind == "correlation":
        return _pair(channel, finding, _correlation(baseline, channel, column.where), column.where)
    if channel.kind in ("sum", "sum_of_squares"):
        return _together(channel, finding, column.where)
    if finding.kind == "share" and not (channel.ordered and column.is_frozen):
        return _share(channel, finding, column)
    if column.is_frozen and column.mean is not None:
        words = f"{column.name}: always {plain_number(column.mean)}{column.unit_after}"
        words += f"; {column.where} it varied"
        return Description(words, 1.0, 0.0, FACTOR)
    if finding.kind == "scale":
        return _spread(finding, column)
    return _mean(finding, column)


def units_of(feature_set: FeatureSet) -> dict[str, str]:
    """Return the units of the features, by name."""
    return {feature.name: feature.unit for feature in feature_set.features}


@dataclass(frozen=True)
class _Column:
    """The column of a channel, before and now."""

    #: As people call it.
    name: str
    unit: str
    #: Of the training data; None where the column has no numbers.
    usual_mean: float | None
    usual_std: float
    #: Over the window; None where it has no numbers.
    mean: float | None
    #: Variance over the window, in variances of the training data; None as above.
    variance: float | None
    #: Values that both are of.
    count: int
    #: Events per bin of the channel in the window; empty without one.
    counts: Sequence[int]
    #: How the reference is named.
    where: str = TRAINING

    def against(self, baseline: Baseline, name: str, usual: Window) -> _Column:
        """Return the column beside other traffic instead of the training rows.

        Args:
            baseline: that both windows were counted against.
            name: of the channel.
            usual: the other traffic.
        """
        moments = _moments_of(baseline, name, usual)
        if moments is None or not moments.count or self.usual_mean is None:
            return replace(self, where=BEFORE)
        shift = moments.total / moments.count / UNITS
        variance = max(moments.squares / moments.count / UNITS**2 - shift**2, 0.0)
        of_window = None
        if self.variance is not None and variance > FROZEN:
            of_window = self.variance / variance
        return replace(
            self,
            usual_mean=self.usual_mean + shift * self.usual_std,
            usual_std=self.usual_std * sqrt(variance),
            variance=of_window,
            where=BEFORE,
        )

    @classmethod
    def of(
        cls,
        baseline: Baseline,
        channel: Channel,
        window: Window | None,
        unit: str,
    ) -> _Column:
        """Return the column of a channel.

        Args:
            baseline: that the window was counted against.
            channel: one of its channels.
            window: the events since the onset, or None.
            unit: of the column, "" for none.
        """
        summary = baseline.summary_of(channel)
        usual_mean = None if summary is None else summary.mean
        usual_std = 0.0 if summary is None else summary.usable_std
        counts: Sequence[int] = ()
        mean = variance = None
        count = 0
        if window is not None and window.events:
            counts = window.channel_counts()[channel.name]
            moments = _moments_of(baseline, channel.name, window)
            if moments is not None and moments.count and usual_mean is not None and usual_std:
                count = moments.count
                shift = moments.total / count / UNITS
                mean = usual_mean + shift * usual_std
                variance = max(0.0, moments.squares / count / UNITS**2 - shift**2)
        name = subject(channel.name) if channel.answer is not None else channel.of[0]
        return cls(name, unit, usual_mean, usual_std, mean, variance, count, counts)

    @property
    def unit_after(self) -> str:
        """Return the unit as it follows a number."""
        unit = spoken_unit(self.unit)
        return f" {unit}" if unit else ""

    @property
    def is_frozen(self) -> bool:
        """Return whether all values of the window are the same, where training's were not."""
        return self.count >= ENOUGH and self.variance is not None and self.variance < FROZEN


def _moments_of(baseline: Baseline, name: str, window: Window) -> Moments | None:
    """Return the sums of a channel's column; None where it has no numbers.

    Args:
        baseline: that the window was counted against.
        name: of the channel.
        window: any.
    """
    names = [source.name for source in baseline.plan.sources]
    return dict(zip(names, window.moments, strict=True)).get(name)


def _mean(finding: DriftFinding, column: _Column) -> Description:
    if column.usual_mean is None:
        words = f"{column.name}: {change(finding)}"
        return Description(words, 0.0, finding.size, DEVIATIONS)
    before = column.usual_mean
    after = before + finding.size * column.usual_std
    # What was counted says more than an estimate, unless it says the opposite: a mean of ranks
    # can rise while a few wild values drag the mean of numbers down.
    if column.mean is not None and (column.mean - before) * finding.size > 0:
        after = column.mean
    texts = plain_pair(before, after)
    verb = "rose" if after > before else "fell"
    words = f"{column.name}: the mean {verb} from {texts[0]} to {texts[1]}{column.unit_after}"
    return Description(words, before, after, column.unit or DEVIATIONS)


def _spread(finding: DriftFinding, column: _Column) -> Description:
    factor = finding.size
    if column.variance is not None and (column.variance - 1) * (finding.size - 1) > 0:
        factor = sqrt(column.variance)
    times = plain_number(factor, 2)
    words = f"{column.name}: values spread {times} times as widely as {column.where}"
    return Description(words, 1.0, factor, FACTOR)


def _together(channel: Channel, finding: DriftFinding, usually: str) -> Description:
    """Return the description of all features at once; the size is of their sum.

    Args:
        channel: of all features.
        finding: of that channel.
        usually: how the reference is named.
    """
    is_up = finding.direction == "up"
    if channel.kind == "sum":
        where = "higher" if is_up else "lower"
        words = f"the features lie {where} than {usually}, all together"
    else:
        where = "farther from" if is_up else "closer to"
        words = f"{subject(channel.name)} lie {where} their usual middle than {usually}"
    return Description(words, 0.0, finding.size, DEVIATIONS)


def _pair(
    channel: Channel,
    finding: DriftFinding,
    before: float,
    usually: str,
) -> Description:
    """Return the description of two features' relation; the size is on Fisher's axis.

    Args:
        channel: of the pair.
        finding: of that channel.
        before: correlation in the reference.
        usually: how the reference is named.
    """
    after = tanh(atanh(before) + finding.size)
    first, second = channel.of
    texts = plain_pair(round(before, 2), round(after, 2))
    how = "more" if finding.direction == "up" else "less"
    words = f"{first} with {second}: they rise and fall together {how} than {usually}"
    words += f" (correlation {texts[0]} before, {texts[1]} now)"
    return Description(words, before, after, CORRELATION)


def _correlation(baseline: Baseline, channel: Channel, where: str) -> float:
    """Return the correlation of a pair in what it is held against.

    Args:
        baseline: of the model.
        channel: of the pair, with the counts that it is held against.
        where: TRAINING or BEFORE.
    """
    if where == TRAINING:
        return _usual_correlation(baseline, channel.of)
    # Reports of single events do without numpy, and so does this module.
    from drift_ml.evidence import reference_correlation  # noqa: PLC0415

    return reference_correlation(channel)


def _usual_correlation(baseline: Baseline, of: Sequence[str]) -> float:
    """Return the correlation of two features in training, 0 where one of them is constant."""
    names = baseline.correlation_names
    if not set(of) <= set(names):
        return 0.0
    value = baseline.correlation[names.index(of[0])][names.index(of[1])]
    return max(-STEEPEST, min(value or 0.0, STEEPEST))


def _share(
    channel: Channel,
    finding: DriftFinding,
    column: _Column,
) -> Description:
    total, rows = sum(column.counts), sum(channel.counts)
    if not total or not rows:
        words = f"{subject(channel.name)}: {change(finding)}"
        return Description(words, None, None, SHARE)
    before = [count / rows for count in channel.counts]
    now = [count / total for count in column.counts]
    if channel.kind in INDICATORS:
        usual, share = before[1], now[1]
        words = indicator_words(channel.kind, column.name, share, usual, column.where)
        return Description(words, usual, share, SHARE)
    place = _place(channel, finding.direction, before, now)
    label = named_bin(channel, place)
    words = level_words(column.name, label, now[place], before[place], column.where)
    return Description(words, before[place], now[place], SHARE)


def _place(
    channel: Channel,
    direction: str,
    before: Sequence[float],
    now: Sequence[float],
) -> int:
    """Return the bin that a share's direction names; where it names none, the one changed most."""
    label = direction.rpartition(" ")[0]
    if label in channel.labels:
        return channel.labels.index(label)
    changes = [abs(after - usual) for after, usual in zip(now, before, strict=True)]
    return changes.index(max(changes))


def named_bin(channel: Channel, place: int) -> str:
    """Return what a bin holds, as it follows "the share of".

    Args:
        channel: of the bin.
        place: of the bin, from 0.
    """
    label = channel.labels[place]
    return f"values {label}" if channel.kind == "quantiles" else label


def indicator_words(
    kind: str,
    name: str,
    now: float,
    before: float,
    usually: str = TRAINING,
) -> str:
    """Return what a share of missing, new or far values says.

    Args:
        kind: of the channel, one of INDICATORS.
        name: of the feature.
        now: share of the events.
        before: share of the reference.
        usually: how the reference is named.

    >>> indicator_words("new", "age", 0.92, 0.0)
    'age: 92 % of the values never occurred in training'
    >>> indicator_words("missing", "age", 1.0, 0.1)
    'age: 100 % of the values are missing, 10 % in training'
    """
    words = f"{name}: {plain_percent(now)} of the values {INDICATORS[kind]}"
    # Of new values training has none; its count is what as many fresh rows are expected to show.
    return words if kind == "new" else f"{words}, {plain_percent(before)} {usually}"


def level_words(
    name: str,
    label: str,
    now: float,
    before: float,
    usually: str = TRAINING,
) -> str:
    """Return what happened to the share of one value or category.

    Args:
        name: of the feature.
        label: of the value, category or interval.
        now: share of the events.
        before: share of the reference.
        usually: how the reference is named.

    >>> level_words("region", "north", 0.0, 0.12)
    'region: north, 12 % in training, does not occur any more'
    >>> level_words("region", "north", 0.05, 0.0)
    'region: north, which training did not have, is 5 % of the values'
    >>> level_words("region", "north", 0.3, 0.12)
    'region: the share of north rose from 12 % to 30 %'
    """
    if not now:
        return f"{name}: {label}, {plain_percent(before)} {usually}, does not occur any more"
    if not before:
        lacking = "which training did not have"
        if usually == BEFORE:
            lacking = "which did not occur before"
        return f"{name}: {label}, {lacking}, is {plain_percent(now)} of the values"
    verb = "rose" if now > before else "fell"
    return (
        f"{name}: the share of {label} {verb} from {plain_percent(before)} to {plain_percent(now)}"
    )
