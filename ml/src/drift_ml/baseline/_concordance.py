"""Which features lie on one side of their middle at once: all pairs of some, in two bins each.

There are too many pairs for histograms of each. Their signs are one product of matrices, and two
counts a pair are enough to see a correlation come.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Final

from drift_ml.baseline._parts import Channel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from drift_contracts.types import BaselineV2Concordance

#: The kind of these channels, of which each is of one pair.
CONCORDANCE: Final = "concordance"
#: The member of a window's counts that holds all pairs; no channel has the name.
ALL_PAIRS: Final = "concordance:all"
BINS = 2


def concordance_channels(
    names: Sequence[str],
    counts: Sequence[int],
) -> Iterator[Channel]:
    """Yield a channel for each pair of features.

    Args:
        names: of the features.
        counts: of each pair in the order of `itertools.combinations`: reference rows in which
            they lie on different sides of their middle, and on one side.
    """
    bins = zip(counts[::BINS], counts[1::BINS], strict=True)
    for pair, both in zip(combinations(names, 2), bins, strict=True):
        name = f"{CONCORDANCE}:{pair[0]}:{pair[1]}"
        yield Channel(name, CONCORDANCE, pair, both)


def paired_names(channels: Sequence[Channel]) -> tuple[str, ...]:
    """Return the features of which `channels` hold all pairs, in their order; () for none."""
    pairs = [channel.of for channel in channels if channel.kind == CONCORDANCE]
    if not pairs:
        return ()
    first = pairs[0][0]
    return (first, *(pair[1] for pair in pairs if pair[0] == first))


def concordance_to_json(channels: Sequence[Channel]) -> BaselineV2Concordance:
    """Return the pairs among the channels as baseline.v2 shows them."""
    counts: list[int] = []
    for channel in channels:
        if channel.kind == CONCORDANCE:
            counts += channel.counts
    return {"names": list(paired_names(channels)), "counts": counts}
