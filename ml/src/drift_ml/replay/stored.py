"""The named detectors that go by counts, over windows that were stored; the others want single values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from drift_ml import effects
from drift_ml.detectors.vectorised import KS_SIZE, PSI_SIZE, PSI_THRESHOLD, KsScan, MeanScoreScan, PsiScan, moved
from drift_ml.replay.detectors import Firing, numeric_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from drift_ml.baseline import Baseline
    from drift_ml.window import Window

    Judge = Callable[[Sequence[int], Sequence[int]], bool]
    """Reference and counts to whether the detector fires."""

NOT_RUN = f"CUSUM, Page-Hinkley, ADWIN and {MeanScoreScan.name} want single values, which no stored window keeps"


def counted_firings(baseline: Baseline, windows: Sequence[Window]) -> tuple[Firing, ...]:
    """Where windowed PSI and KS would have fired first, on blocks of whole windows with at least their size of events.

    windows: oldest first. The level of KS, 0.05, is shared by the columns (Bonferroni), as in `Rivals`.
    """
    columns = numeric_columns(baseline)
    level = 0.05 / max(len(columns), 1)

    def psi(reference: Sequence[int], counts: Sequence[int]) -> bool:
        return effects.psi(reference, counts) > PSI_THRESHOLD

    def ks(reference: Sequence[int], counts: Sequence[int]) -> bool:
        distance = effects.ks(reference, counts)
        return effects.ks_p(distance, sum(reference), sum(counts)) < level

    watched = {each.name: each.counts for each in columns if each.counts}
    return (
        _first("PSI", f"{PsiScan.settings()} or more", psi, watched, _blocks(windows, watched, PSI_SIZE)),
        _first("KS", f"{KsScan.settings(level)} or more", ks, watched, _blocks(windows, watched, KS_SIZE)),
    )


def _first(
    name: str,
    settings: str,
    fires: Judge,
    watched: dict[str, tuple[int, ...]],
    blocks: Iterator[tuple[int, int, dict[str, list[int]]]],
) -> Firing:
    for begin, end, block in blocks:
        for column, counts in block.items():
            if sum(counts) and fires(watched[column], counts):
                return Firing(name, settings, end - 1, column, moved(watched[column], counts), begin)
    return Firing(name, settings)


def _blocks(
    windows: Sequence[Window], watched: dict[str, tuple[int, ...]], size: int
) -> Iterator[tuple[int, int, dict[str, list[int]]]]:
    """First row, row after the last, and the counts by column of neighbouring windows with `size` events or more."""
    begin = end = 0
    held = {name: np.zeros(len(counts), dtype=np.int64) for name, counts in watched.items()}
    for window in windows:
        counts = window.channel_counts()
        for name in held:
            held[name] += counts[name]
        end += window.events
        if end - begin >= size:
            yield begin, end, {name: total.tolist() for name, total in held.items()}
            for total in held.values():
                total[:] = 0
            begin = end
