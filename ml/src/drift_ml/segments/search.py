"""Look for the part of the traffic that holds a drift, in the events before it and since."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import erfc, sqrt
from typing import TYPE_CHECKING

import numpy as np

from drift_ml.evidence import charts
from drift_ml.figures import plain_number, plain_percent
from drift_ml.segments._levels import Levels, levels_of, values_of
from drift_ml.segments.fit import level_places
from drift_ml.window import Window

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy.typing as npt
    from drift_contracts import Feature, FeatureSet

    from drift_ml.baseline import Baseline, Channel
    from drift_ml.evidence import Chart

    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]
    #: Per feature a vector of shape (rows,), as `fit_baseline` takes them.
    Columns = Mapping[str, npt.NDArray[np.generic]]

#: Events on either side of the onset that a search takes at least, of a part as of the whole.
FEWEST_EVENTS, FEWEST_OF_PART = 100, 20
#: Features whose parts are looked at, the most important ones.
MOST_FEATURES = 100
#: Bins of a number that is not named as a segment.
BINS = 5
#: Probability by chance, corrected for every part that was looked at, from which on none stands
#: out.
LARGEST_P = 0.01


@dataclass(frozen=True)
class Events:
    """Events as columns, with what was answered to them."""

    columns: Columns
    #: Shape (rows,), as the two below; None where there is none.
    predictions: npt.NDArray[np.generic] | None = None
    labels: npt.NDArray[np.generic] | None = None
    margins: npt.NDArray[np.generic] | None = None
    entropies: npt.NDArray[np.generic] | None = None

    @property
    def rows(self) -> int:
        """Return how many events there are."""
        return max((len(column) for column in self.columns.values()), default=0)

    def counts(
        self,
        baseline: Baseline,
        channel: Channel,
        chosen: Flags,
    ) -> Floats:
        """Return how many of some events fall into each bin of a channel, shape (bins,).

        Args:
            baseline: Whose bins they are.
            channel: Of that baseline.
            chosen: Which events, shape (rows,).
        """
        window = Window.empty(baseline)
        some = {name: self.columns[name][chosen] for name in baseline.features}
        answers = {
            "labels": self.labels,
            "margins": self.margins,
            "entropies": self.entropies,
        }
        window.observe_rows(
            some,
            None if self.predictions is None else self.predictions[chosen],
            **{name: values[chosen] for name, values in answers.items() if values is not None},
        )
        return np.array(window.channel_counts()[channel.name], dtype=np.float64)


@dataclass(frozen=True)
class Found:
    """The part of the traffic in which a drift is strongest, among all that were looked at."""

    feature: str
    value: str
    #: The part of the change that it holds, 0 to 1.
    share: float
    #: The part of the events since the onset that are in it, 0 to 1.
    events: float
    #: Of so large a difference by chance, times the parts that were looked at, at most 1.
    p_corrected: float

    @property
    def stands_out(self) -> bool:
        """Return whether chance is no explanation."""
        return self.p_corrected < LARGEST_P


@dataclass(frozen=True)
class Search:
    """What a search has found, or why there was none."""

    #: Events before the onset and since it.
    before: int
    since: int
    #: Parts that were looked at.
    parts: int = 0
    best: Found | None = None

    def __str__(self) -> str:
        """Return the result in a sentence, without a full stop."""
        if min(self.before, self.since) < FEWEST_EVENTS:
            return (
                "Which segment holds it cannot be said:"
                f" {self.before:,} events before the change and {self.since:,} since are stored,"
                f" and it takes {FEWEST_EVENTS} of each"
            )
        if self.best is None:
            return "Which segment holds it cannot be said: no part has events enough"
        best, looked = self.best, f"of {self.parts:,} segments that were looked at"
        if not best.stands_out:
            return (
                f"No segment stands out {looked}, in {self.since:,} events since the change"
                f" (the best is {best.feature} {best.value}, by chance with a probability of"
                f" {plain_number(best.p_corrected, 2)})"
            )
        return (
            f"The segment that holds it: {best.feature} {best.value}, with"
            f" {plain_percent(best.share)} of the change in {plain_percent(best.events)} of the"
            f" events ({looked}; by chance with a probability of"
            f" {plain_number(best.p_corrected, 2)}, corrected for all of them)"
        )


def search(
    baseline: Baseline,
    feature_set: FeatureSet,
    before: Events,
    since: Events,
    *,
    channel: str,
    kind: str,
    direction: str,
) -> Search:
    """Return the part of the traffic in which a drift is strongest.

    The statistic of an event is what it says to the chart of the drift, its log-likelihood ratio.
    A part stands out where its mean has risen more from before the onset than that of all other
    events: a difference of differences, so that a part which always was different does not. Parts
    are the named segments, each category (of many the twenty most frequent), true and false, and
    five bins of each number, but for a feature that drifts itself. The smallest probability is
    multiplied by the number of parts (Bonferroni).

    Args:
        baseline: Of all training rows.
        feature_set: Of the model.
        before: Events from before the onset.
        since: Events from the onset on.
        channel: That drifts, by its name in the baseline.
        kind: Of the drift (`Chart.kind`).
        direction: Of the drift, as the finding names it.
    """
    if min(before.rows, since.rows) < FEWEST_EVENTS:
        return Search(before.rows, since.rows)
    drifting = baseline.channel(channel)
    counter = _Counter.of(baseline, drifting, _scores(drifting, kind, direction), (before, since))
    parts = 0
    best: Found | None = None
    for feature, levels in _cuts(baseline, feature_set, drifting.of, since.columns):
        places = [level_places(levels, feature, events.columns) for events in (before, since)]
        for place, value in enumerate(levels.all_names):
            chosen = [np.equal(listed, place) for listed in places]
            compared = _Compared.of(counter, chosen)
            if compared is None:
                continue
            parts += 1
            p_value = erfc(compared.z / sqrt(2)) / 2
            if best is None or p_value < best.p_corrected:
                events = float(chosen[1].mean())
                best = Found(feature.name, value, compared.share, events, p_value)
    if best is not None:
        corrected = min(1.0, best.p_corrected * parts)
        best = Found(best.feature, best.value, best.share, best.events, corrected)
    return Search(before.rows, since.rows, parts, best)


@dataclass(frozen=True)
class _Compared:
    """The rise of a part against that of all other events."""

    #: The difference of the rises in its standard errors.
    z: float
    #: The part of the whole rise that the part has.
    share: float

    @classmethod
    def of(
        cls,
        counter: _Counter,
        chosen: Sequence[Flags],
    ) -> _Compared | None:
        """Return the comparison; None where the part or the rest has too few events.

        Args:
            counter: Of the events before the onset, and since.
            chosen: Which of either are in the part.
        """
        in_part = counter.counts(chosen)
        # Counts add, so that those of the rest need no counting.
        of_rest = [total - part for total, part in zip(counter.totals, in_part, strict=True)]
        rises, variances, weights = [], [], []
        for counted in (in_part, of_rest):
            means = []
            for counts in counted:
                rows = counts.sum()
                if rows < FEWEST_OF_PART:
                    return None
                mean = float(counts @ counter.scores / rows)
                means.append(mean)
                variances.append(float(counts @ (counter.scores - mean) ** 2 / rows / rows))
            weights.append(float(rows))
            rises.append(means[1] - means[0])
        error = sqrt(sum(variances))
        z = (rises[0] - rises[1]) / error if error else 0.0
        gained = [max(rise, 0.0) * weight for rise, weight in zip(rises, weights, strict=True)]
        return cls(z, gained[0] / sum(gained) if sum(gained) else 0.0)


@dataclass(frozen=True)
class _Counter:
    """Counts of the channel that drifts, in parts of the events before the onset and since."""

    #: Of that channel, and of those that it is made of.
    baseline: Baseline
    channel: Channel
    #: Of its bins, shape (bins,).
    scores: Floats
    #: Before the onset, and since.
    events: Sequence[Events]
    #: Of all of them, each of shape (bins,).
    totals: Sequence[Floats]

    @classmethod
    def of(
        cls,
        baseline: Baseline,
        channel: Channel,
        scores: Floats,
        events: Sequence[Events],
    ) -> _Counter:
        """Return a counter of a channel; all others would be counted for nothing.

        Args:
            baseline: Of all training rows.
            channel: That drifts.
            scores: Of its bins, shape (bins,).
            events: Before the onset, and since.
        """
        features = {name: found for name, found in baseline.features.items() if name in channel.of}
        channels = tuple(
            other
            for other in baseline.channels
            if other.name == channel.name or other.source in features
        )
        # Without a tie rate no rows are sketched.
        narrowed = replace(baseline, features=features, channels=channels, tie_rate=None)
        totals = [side.counts(narrowed, channel, np.ones(side.rows, dtype=bool)) for side in events]
        return cls(narrowed, channel, scores, events, totals)

    def counts(self, chosen: Sequence[Flags]) -> list[Floats]:
        """Return the counts of some of the events of either side, each of shape (bins,)."""
        return [
            side.counts(self.baseline, self.channel, flags)
            for side, flags in zip(self.events, chosen, strict=True)
        ]


def _scores(
    channel: Channel,
    kind: str,
    direction: str,
) -> Floats:
    """Return what each bin says to the chart of a drift, nats, shape (bins,)."""
    listed, table = charts(channel)

    def distance(chart: Chart) -> tuple[bool, bool, float]:
        # The smallest chart of a direction: the others differ by a factor, nearly.
        return chart.kind != kind, chart.direction != direction, abs(chart.size)

    nearest = min(range(len(listed)), key=lambda place: distance(listed[place]))
    scores: Floats = table[:, nearest]
    return scores


def _cuts(
    baseline: Baseline,
    feature_set: FeatureSet,
    drifting: Sequence[str],
    columns: Columns,
) -> Iterator[tuple[Feature, Levels]]:
    """Yield each feature with the parts that it cuts the traffic into."""
    named = {cut.feature: cut.cuts for cut in feature_set.segments}

    def order(feature: Feature) -> tuple[bool, float]:
        measured = baseline.importances.get(feature.name)
        value = None if measured is None else measured["value"]
        return feature.name not in named, -(value or 0.0)

    important = sorted(feature_set.features, key=order)
    for feature in important[:MOST_FEATURES]:
        if (feature.name,) == tuple(drifting):
            continue  # within its own bins a feature can hardly move
        if not feature.numeric:
            yield feature, levels_of(feature.name, rows=_frequencies(feature, columns))
            continue
        cuts = named.get(feature.name) or _quantiles(columns[feature.name])
        if cuts:
            yield feature, levels_of(feature.name, cuts=cuts)


def _frequencies(
    feature: Feature,
    columns: Columns,
) -> dict[str, int]:
    """Return how often each value of a category or a boolean occurs."""
    values = values_of(feature)
    everything = Levels(feature.name, (), values)
    places = level_places(everything, feature, columns)
    counts = np.bincount(places, minlength=len(values) + 1).tolist()
    return dict(zip(values, counts, strict=False))


def _quantiles(column: npt.NDArray[np.generic]) -> tuple[float, ...]:
    """Return where equally filled bins of a number meet, in ascending order."""
    numbers = np.asarray(column, dtype=np.float64)
    present = numbers[~np.isnan(numbers)]
    if not len(present):
        return ()
    edges = np.quantile(present, np.linspace(0, 1, BINS + 1)[1:-1])
    inner = edges[(edges > present.min()) & (edges <= present.max())]
    # Rounded, so that a bin can be spoken of.
    rounded = {float(f"{edge:.3g}") for edge in inner.tolist()}
    return tuple(sorted(rounded))
