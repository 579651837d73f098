"""The charts: one likelihood ratio per channel, kind of drift, size and direction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from drift_ml.evidence._distributions import (
    JEFFREYS,
    STEEPEST,
    coupled,
    favoured,
    mixed,
    reference_distribution,
    shifted,
)
from drift_ml.evidence._single_bins import SingleBins

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from drift_ml.baseline import Channel
    from drift_ml.evidence._distributions import Floats

    #: Bins, as indices.
    Places = npt.NDArray[np.intp]
    #: How a channel drifts; `together` is of all features.
    ChartKind = Literal["location", "scale", "correlation", "together", "share"]

#: Shifts in standard deviations, each with its part of the weight: the smallest take longest.
LOCATIONS = {0.25: 0.36, 0.5: 0.26, 1.0: 0.22, 2.0: 0.16}
#: Factors of the standard deviation.
SCALES = (0.6, 0.8, 1.25, 1.6)
#: Changes of a correlation, on the axis of Fisher's z.
CORRELATIONS = (0.3, -0.3, 0.6, -0.6)
#: Shifts of the sum of squares, in standard deviations of its normal score.
JOINT_SHIFTS = (0.5, 1.0, 2.0, 3.0, -0.5, -1.0)
#: Shifts of the sum of all scores, in its standard deviations, each with its part of the weight:
#: five features that all move by one standard deviation move it by 2.2.
SUM_SHIFTS = {0.5: 0.2, 1.0: 0.25, 2.0: 0.35, 3.0: 0.2}
#: Change of a correlation, on the axis of Fisher's z, that pairs of signs are watched for: there
#: are many pairs, and one size is near enough to all that two bins can tell.
SIGN_CHANGE = 0.5
#: Factors of a category's odds.
ODDS = (1 / 3, 2 / 3, 1.5, 3.0)
#: Shares of all events that an indicator gains.
SHARES = (0.01, 0.03, 0.1, 0.3)
#: The share of all events that moves to one category.
NEWCOMERS = 0.2
#: Of more categories only the most frequent have charts of their odds.
MOST_CATEGORIES = 24
#: The share of all events that moves to one of the other categories.
RARE_NEWCOMERS = 0.05
#: The part of a channel's weight that these categories share.
RARE_SHARE = 0.1
#: The share of all events that a value frozen in some of the traffic takes.
FROZEN = 0.05
#: The part of an ordered channel's weight on frozen values, divided among its bins.
FROZEN_SHARE = 0.04
#: Versions of detector.state: the first that holds a chart.
FIRST_STATE, SECOND_STATE = 1, 2
#: Nats per event; sizes are divided by a chart's information.
LEAST_INFORMATION = 1e-12
#: A product counts as at most that of two scores at three standard deviations: few rows lie beyond.
FARTHEST = 9.0

#: How the weight is divided among groups of channels; the part of a group that a baseline lacks
#: is shared out.
WEIGHTS = {
    "columns": 0.74,
    "pairs": 0.17,
    "together": 0.06,
    "indicators": 0.03,
    # These came later, beside the others, so that a baseline without them has its old weights.
    "direction": 0.05,
    "signs": 0.15,
}
#: The part of an ordered channel's weight on shifts; stretches have what remains.
LOCATION_SHARE = 0.8
#: Of them one share follows from the other.
TWO_CLASSES = 2
#: The part of a channel's weight that margin and entropy have: they say the same in two ways, of
#: two classes exactly the same.
SHARED = {"margin": 0.5, "entropy": 0.5}
#: The group of each kind of channel.
GROUPS = {
    "values": "columns",
    "quantiles": "columns",
    "categories": "columns",
    "product": "pairs",
    "sum_of_squares": "together",
    "sum": "direction",
    "concordance": "signs",
    "missing": "indicators",
    "out_of_range": "indicators",
    "new": "indicators",
}


@dataclass(frozen=True)
class Chart:
    """One alternative: what drifts, how, by how much, and its share of the weight."""

    #: The channel that drifts.
    channel: str
    #: The statistic that drifts: mean (`location`), deviation (`scale`), a pair, all, a share.
    kind: ChartKind
    #: In standard deviations of the normal score (`location`, `together`), as a factor (`scale`),
    #: as a change (`correlation`), as a factor of the odds or a share that is added (`share`).
    size: float
    #: `up` or `down`, for a category with its name before it.
    direction: str
    #: Of the channel's weight; the weights of a channel sum to 1.
    weight: float
    #: Kullback-Leibler divergence of the alternative from the reference, nats per event.
    information: float
    #: Mean of the log-likelihood ratio while nothing has changed, nats per event; negative.
    mean_under_null: float
    #: How much faster the reference's own error grows here than the information does; 1 for a
    #: small shift of a normal.
    noise: float
    #: The first version of detector.state that holds the chart: states of versions before it are
    #: taken over without it.
    first_state: int = FIRST_STATE


@dataclass(frozen=True)
class _Alternative:
    """What a chart is made of: a drift and the distribution that it leads to."""

    kind: ChartKind
    size: float
    direction: str
    weight: float
    distribution: Floats


def charts(
    channel: Channel,
    counts: Sequence[int] | None = None,
) -> tuple[list[Chart], Floats]:
    """Return the charts of one channel of a baseline and their log-likelihood ratios.

    Args:
        channel: with its reference counts.
        counts: other reference counts on the same bins, the channel's by default.

    Returns:
        The charts, weights summing to 1, and a table of shape (bins, charts): the log-likelihood
        ratios, nats. Each column has expectation exactly one under the reference distribution,
        once exponentiated, that of a rare category among more than 64 at most one. A channel with
        one bin has no chart.

    >>> from drift_ml.baseline import Channel
    >>> listed, table = charts(Channel("rooms", "values", ("rooms",), (50, 50)))
    >>> listed[0].kind, listed[0].size, listed[0].direction, table.shape
    ('location', 0.25, 'up', (2, 8))
    """
    made = charts_of(channel, counts)
    return list(made.charts), made.table


@dataclass(frozen=True, eq=False)
class ChannelCharts:
    """The charts of one channel, with what their log-likelihood ratios are made of."""

    #: Those of `spread` come first, those of `single` last.
    charts: tuple[Chart, ...]
    #: Log-likelihood ratios of the charts that look at every bin, nats, shape (bins, charts).
    spread: Floats
    #: Of the charts that look at one bin each; None where there are none.
    single: SingleBins | None

    @property
    def table(self) -> Floats:
        """Return all log-likelihood ratios, nats, shape (bins, charts)."""
        if self.single is None:
            return self.spread
        bins = len(self.spread)
        return np.concatenate([self.spread, self.single.table(bins)], axis=1)

    @property
    def first_table(self) -> Floats:
        """Return the ratios without charts of later states, nats, shape (bins, charts).

        Those look for one bin each, in which too few events fall to tell a variance.
        """
        is_first = [chart.first_state == FIRST_STATE for chart in self.charts]
        return self.table[:, np.array(is_first, dtype=bool)]


def charts_of(
    channel: Channel,
    counts: Sequence[int] | None = None,
) -> ChannelCharts:
    """Return the charts of one channel of a baseline.

    Args:
        channel: with its reference counts.
        counts: other reference counts on the same bins, the channel's by default.
    """
    rows = channel.counts if counts is None else counts
    reference = reference_distribution(rows)
    listed: list[Chart] = []
    columns: list[Floats] = []
    for alternative in _alternatives(channel, reference):
        ratio = np.log(alternative.distribution / reference)
        listed.append(_chart(channel.name, alternative, reference, ratio))
        columns.append(ratio)
    spread = np.stack(columns, axis=1) if columns else np.zeros((len(reference), 0))
    single = _single_bins(channel, rows, reference)
    if single is not None:
        listed += _single_charts(channel, single)
    return ChannelCharts(tuple(listed), spread, single)


def _chart(
    name: str,
    alternative: _Alternative,
    reference: Floats,
    ratio: Floats,
) -> Chart:
    information = max(float(alternative.distribution @ ratio), LEAST_INFORMATION)
    # The variance of the likelihood ratio over twice the information: 1 in the limit of a small
    # shift, more where the ratio leans on rare bins, which the reference knows least.
    variance = float(reference @ np.exp(2 * ratio)) - 1
    return Chart(
        channel=name,
        kind=alternative.kind,
        size=alternative.size,
        direction=alternative.direction,
        weight=alternative.weight,
        information=information,
        mean_under_null=float(reference @ ratio),
        noise=max(1.0, variance / (2 * information)),
    )


def _single_bins(
    channel: Channel,
    counts: Sequence[int],
    reference: Floats,
) -> SingleBins | None:
    """Return the alternatives of single bins; None where the channel has none.

    A category that is not among the most frequent is held against all others together, with half
    a made-up row on either side: a level that was never seen is not as impossible as one row
    divided among a thousand levels says.
    """
    if channel.kind in ("values", "quantiles") and len(reference) > 2:  # noqa: PLR2004 - as below
        # Part of the traffic shows one value over and over.
        bins = np.arange(len(channel.labels))
        return SingleBins(bins, reference[bins], FROZEN) if len(bins) else None
    if channel.kind != "categories":
        return None
    rare = _by_frequency(channel)[MOST_CATEGORIES:]
    if not len(rare):
        return None
    known = np.asarray(counts, dtype=np.float64)[rare] + JEFFREYS
    return SingleBins(rare, known / (sum(counts) + 2 * JEFFREYS), RARE_NEWCOMERS)


def _single_charts(
    channel: Channel,
    single: SingleBins,
) -> list[Chart]:
    """Return the charts of single bins, in their order."""
    is_ordered = channel.kind != "categories"
    part = FROZEN_SHARE if is_ordered else RARE_SHARE
    information = np.maximum(single.information, LEAST_INFORMATION)
    noise = np.maximum(1.0, single.variance / (2 * information))
    labels = channel.labels
    figures = zip(
        single.bins.tolist(),
        information.tolist(),
        single.mean_under_null.tolist(),
        noise.tolist(),
        strict=True,
    )
    listed = []
    for bin_, gained, lost, growth in figures:
        label = labels[bin_] if is_ordered else str(channel.categories[bin_])
        listed.append(
            Chart(
                channel=channel.name,
                kind="share",
                size=single.share,
                direction=f"{label} up",
                weight=part / len(single.bins),
                information=gained,
                mean_under_null=lost,
                noise=growth,
                first_state=SECOND_STATE,
            )
        )
    return listed


def _alternatives(
    channel: Channel,
    reference: Floats,
) -> Iterator[_Alternative]:
    """Yield the alternatives that concern all bins, in the order in which states list them."""
    if len(reference) < 2:  # noqa: PLR2004 - one bin cannot change
        return
    if channel.kind in ("values", "quantiles"):
        yield from _ordered(reference)
    elif channel.kind == "product":
        yield from _correlations(channel, reference)
    elif channel.kind == "sum_of_squares":
        yield from _joint_shifts(reference)
    elif channel.kind == "sum":
        yield from _sums(reference)
    elif channel.kind == "concordance":
        yield from _signs(reference)
    elif channel.kind == "categories":
        yield from _categories(channel, reference)
    else:
        yield from _indicators(reference)


def _ordered(reference: Floats) -> Iterator[_Alternative]:
    stretchable = len(reference) > 2  # noqa: PLR2004 - two bins know no variance
    # Of two bins a shift says all that can be said.
    moving = 1 - FROZEN_SHARE if stretchable else 1.0
    location_share = moving * LOCATION_SHARE if stretchable else moving
    for size, part in LOCATIONS.items():
        # Half of a size's part for either direction.
        weight = location_share * part / 2
        yield _Alternative(
            "location",
            size,
            "up",
            weight,
            shifted(reference, size),
        )
        yield _Alternative(
            "location",
            -size,
            "down",
            weight,
            shifted(reference, -size),
        )
    if not stretchable:
        return
    for scale in SCALES:
        weight = moving * (1 - LOCATION_SHARE) / len(SCALES)
        stretched = shifted(reference, 0.0, scale)
        yield _Alternative(
            "scale",
            scale,
            _direction(scale - 1),
            weight,
            stretched,
        )


def _correlations(
    channel: Channel,
    reference: Floats,
) -> Iterator[_Alternative]:
    products, before = _products(channel, reference)
    weight = 1 / len(CORRELATIONS)
    for change in CORRELATIONS:
        # On Fisher's z axis a change has the same meaning at any correlation, and the sum stays
        # below 1.
        rho = float(np.tanh(np.arctanh(before) + np.arctanh(change)))
        distribution = coupled(reference, products, rho, before)
        yield _Alternative("correlation", change, _direction(change), weight, distribution)


def _products(
    channel: Channel,
    reference: Floats,
) -> tuple[Floats, float]:
    """Return the product that stands for each bin, and the reference's own correlation.

    The baseline keeps standardised scores; the edges, in thousandths, give back location and scale.
    """
    scores = np.asarray(channel.scores, dtype=np.float64) / 1000
    edges = np.asarray(channel.edges, dtype=np.float64) / 1000
    if len(edges) > 2:  # noqa: PLR2004 - a line needs two bins with both ends
        # The middle of an inner bin is its product; a line through these, weighted by rows, maps
        # scores to products. Its value at a score of 0, the mean product, is the correlation.
        middles = (edges[1:] + edges[:-1]) / 2
        weights = np.sqrt(reference[1:-1])
        slope, correlation = np.polyfit(
            scores[1:-1],
            middles,
            1,
            w=weights,
        )
    else:
        slope, correlation = 1.0, 0.0
    before = float(np.clip(correlation, -STEEPEST, STEEPEST))
    return np.clip(before + slope * scores, -FARTHEST, FARTHEST), before


def reference_correlation(channel: Channel) -> float:
    """Return the correlation of a pair in the reference, estimated from the bins of its channel.

    Args:
        channel: of kind `product` or `concordance`, with at least two bins.
    """
    reference = reference_distribution(channel.counts)
    if channel.kind == "concordance":
        return _correlation_of_signs(reference)
    return _products(channel, reference)[1]


def _joint_shifts(reference: Floats) -> Iterator[_Alternative]:
    weight = 1 / len(JOINT_SHIFTS)
    for size in JOINT_SHIFTS:
        yield _Alternative(
            "together",
            size,
            _direction(size),
            weight,
            shifted(reference, size),
        )


def _sums(reference: Floats) -> Iterator[_Alternative]:
    for size, part in SUM_SHIFTS.items():
        # Half of a size's part for either direction.
        yield _Alternative("location", size, "up", part / 2, shifted(reference, size))
        yield _Alternative("location", -size, "down", part / 2, shifted(reference, -size))


def _signs(reference: Floats) -> Iterator[_Alternative]:
    before = _correlation_of_signs(reference)
    odds_before = _odds_of_signs(before)
    for change in (SIGN_CHANGE, -SIGN_CHANGE):
        # The odds of one side, as those of two normals would change.
        odds = _odds_of_signs(np.tanh(np.arctanh(before) + change)) / odds_before
        distribution = favoured(reference, 1, odds)
        yield _Alternative("correlation", change, _direction(change), 0.5, distribution)


def _correlation_of_signs(reference: Floats) -> float:
    """Return the correlation at which two normals lie on one side as often: Sheppard 1899."""
    rho = float(np.sin(np.pi * (reference[1] - 0.5)))
    return max(-STEEPEST, min(rho, STEEPEST))


def _odds_of_signs(rho: float) -> float:
    """Return the odds that two normals of a correlation lie on one side of 0."""
    share = 0.5 + float(np.arcsin(rho)) / np.pi
    return share / (1 - share)


def _categories(
    channel: Channel,
    reference: Floats,
) -> Iterator[_Alternative]:
    order = _by_frequency(channel)
    if channel.answer is not None and len(order) == TWO_CLASSES:
        # A model's classes are all that there are, so that K - 1 of K shares are free. Of two, each
        # change of the second is one of the first, and would count twice. Of more, charts of the
        # most frequent class stand for the K - 1 others together, which no other chart does.
        order = order[1:]
    most_frequent = order[:MOST_CATEGORIES]
    share = 1 - RARE_SHARE if len(order) > MOST_CATEGORIES else 1.0
    weight = share / (len(most_frequent) * (len(ODDS) + 1))
    for bin_ in most_frequent.tolist():
        label = str(channel.categories[bin_])
        for odds in ODDS:
            direction = f"{label} {_direction(odds - 1)}"
            yield _Alternative(
                "share",
                odds,
                direction,
                weight,
                favoured(reference, bin_, odds),
            )
        joined = mixed(reference, bin_, NEWCOMERS)
        yield _Alternative("share", NEWCOMERS, f"{label} up", weight, joined)


def _by_frequency(channel: Channel) -> Places:
    """Return the bins of a channel, the most frequent first."""
    # A stable sort, so that equal counts keep their order on every machine.
    return np.argsort(-np.asarray(channel.counts), kind="stable")


def _indicators(reference: Floats) -> Iterator[_Alternative]:
    # Bin 1 counts the events for which the indicator is set.
    weight = 1 / (len(SHARES) + 1)
    for share in SHARES:
        yield _Alternative(
            "share",
            share,
            "up",
            weight,
            mixed(reference, 1, share),
        )
    yield _Alternative(
        "share",
        ODDS[0],
        "down",
        weight,
        favoured(reference, 1, ODDS[0]),
    )


def _direction(size: float) -> str:
    return "up" if size > 0 else "down"
