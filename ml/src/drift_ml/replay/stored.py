"""The named detectors that go by counts, over stored windows; the others want single values."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from drift_ml import effects
from drift_ml.detectors.vectorised import (
    KS_SIZE,
    PSI_SIZE,
    PSI_THRESHOLD,
    KsScan,
    MeanScoreScan,
    PsiScan,
    moved,
)
from drift_ml.replay.reference_detectors import Detection, numeric_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from drift_ml.baseline import Baseline
    from drift_ml.window import Window

    Decide = Callable[[Sequence[int], Sequence[int]], bool]
    """Whether a detector fires, by the counts of the baseline and of a block."""

NOT_RUN = (
    f"CUSUM, Page-Hinkley, ADWIN and {MeanScoreScan.name} want single values,"
    " which no stored window keeps"
)
#: Of KS, over all columns.
LEVEL = 0.05


@dataclass(frozen=True)
class _Block:
    """Neighbouring windows together."""

    #: Events before its first and up to its last one.
    begin: int
    end: int
    #: By column.
    counts: Mapping[str, list[int]]


def counted_detections(
    baseline: Baseline,
    windows: Sequence[Window],
) -> tuple[Detection, ...]:
    """Return where windowed PSI and KS would have fired first.

    Args:
        baseline: That the windows were counted against.
        windows: Oldest first. Blocks of whole windows are compared, with at least as many events
            as the detectors want.

    Returns:
        One for each of both. The level of KS is shared by the columns (Bonferroni), as in
        `ReferenceDetectors`.
    """
    columns = numeric_columns(baseline)
    level = LEVEL / max(len(columns), 1)
    reference = {column.name: column.counts for column in columns if column.counts}
    psi_blocks = _blocks(windows, reference, PSI_SIZE)
    ks_blocks = _blocks(windows, reference, KS_SIZE)
    psi = Detection("PSI", f"{PsiScan.settings()} or more")
    ks = Detection("KS", f"{KsScan.settings(level)} or more")
    return (
        _first(psi, _psi_fires, reference, psi_blocks),
        _first(ks, partial(_ks_fires, level), reference, ks_blocks),
    )


def _psi_fires(
    reference: Sequence[int],
    counts: Sequence[int],
) -> bool:
    return effects.psi(reference, counts) > PSI_THRESHOLD


def _ks_fires(
    level: float,
    reference: Sequence[int],
    counts: Sequence[int],
) -> bool:
    return effects.ks_p(effects.ks(reference, counts), sum(reference), sum(counts)) < level


def _first(
    never: Detection,
    fires: Decide,
    reference: Mapping[str, tuple[int, ...]],
    blocks: Iterator[_Block],
) -> Detection:
    """Return the first alarm, `never` where there is none."""
    for block in blocks:
        for column, counts in block.counts.items():
            before = reference[column]
            if sum(counts) and fires(before, counts):
                return Detection(
                    never.detector,
                    never.settings,
                    block.end - 1,
                    column,
                    moved(before, counts),
                    block.begin,
                )
    return never


def _blocks(
    windows: Sequence[Window],
    reference: Mapping[str, tuple[int, ...]],
    size: int,
) -> Iterator[_Block]:
    """Yield blocks of neighbouring windows with `size` events or more; what is left is dropped."""
    begin = end = 0
    totals = {name: np.zeros(len(counts), dtype=np.int64) for name, counts in reference.items()}
    for window in windows:
        counts = window.channel_counts()
        for name, total in totals.items():
            total += counts[name]  # noqa: PLW2901 - added in place
        end += window.events
        if end - begin >= size:
            yield _Block(begin, end, {name: total.tolist() for name, total in totals.items()})
            for total in totals.values():
                total[:] = 0
            begin = end
