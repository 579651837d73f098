"""PSI over blocks of events, for those who want an alarm of it; it is an effect, and no evidence.

What such an alarm costs in false ones is measured in `docs/evidence.md`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from drift_ml import effects
from drift_ml.figures import plain_number
from drift_ml.report import PSI_GROUPS
from drift_ml.words import subject

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from drift_contracts.json_types import JsonObject, JsonValue

    from drift_ml.baseline import Baseline, Channel
    from drift_ml.window import Window

#: Events of a block, at least: of fewer PSI is large by chance alone.
BLOCK_EVENTS = 1_000
#: Kinds of channels that are of several features.
TOGETHER = ("product", "sum_of_squares")


@dataclass(frozen=True)
class LargestPsi:
    """The largest PSI of some events."""

    #: The feature or the part of the answer, also its missing, new or far values, in words.
    name: str
    #: Nats, over at most ten groups, as in a report.
    value: float
    #: Events that it is of.
    events: int


def psi_of(
    channel: Channel,
    counts: Sequence[int],
) -> float:
    """Return the PSI of a channel over at most ten groups, nats, as in a report; 0 of no events.

    Args:
        channel: of a baseline.
        counts: events per bin, shape (bins,).
    """
    if not sum(counts):
        return 0.0
    return effects.psi(*effects.merge(channel.counts, counts, PSI_GROUPS))


def largest_psi(
    baseline: Baseline,
    window: Window,
    muted: Collection[str] = (),
) -> LargestPsi | None:
    """Return the largest PSI of a window's features and answers; None where nothing was counted.

    What is missing, new or out of range has a PSI of its own.

    Args:
        baseline: that the window was counted against.
        window: of any number of events.
        muted: features, and `prediction` for the answers, that are left out.
    """
    counted = window.channel_counts()
    largest: LargestPsi | None = None
    for channel in baseline.channels:
        if channel.kind in TOGETHER or not set(channel.of).isdisjoint(muted):
            continue
        counts = counted[channel.name]
        if not sum(counts):
            continue
        value = psi_of(channel, counts)
        if largest is None or value > largest.value:
            largest = LargestPsi(subject(channel.name), value, window.events)
    return largest


@dataclass(frozen=True)
class PsiCheck:
    """Blocks of events held against a limit of PSI."""

    #: Nats.
    limit: float
    #: How many blocks were compared.
    blocks: int
    #: Those above the limit: events before the block, and its largest PSI.
    above: tuple[tuple[int, LargestPsi], ...]

    @property
    def words(self) -> str:
        """Return what was found, in sentences.

        >>> PsiCheck(0.2, 12, ()).words
        'PSI is above 0.2 in 0 of 12 blocks of 1,000 events.'
        """
        words = f"PSI is above {plain_number(self.limit)} in {len(self.above)} of {self.blocks}"
        words = f"{words} blocks of {BLOCK_EVENTS:,} events"
        if not self.above:
            return f"{words}."
        row, first = self.above[0]
        value = plain_number(first.value)
        return f"{words}, first in {first.name} ({value}) from row {row:,} on. It is no evidence."

    def to_json(self) -> JsonObject:
        """Return the check as a document."""
        above: list[JsonValue] = [{"row": row, **asdict(largest)} for row, largest in self.above]
        return {"limit": self.limit, "blocks": self.blocks, "above": above}


def check_psi(
    baseline: Baseline,
    windows: Iterable[Window],
    limit: float,
    muted: Mapping[str, float] | None = None,
) -> PsiCheck:
    """Return which blocks of events have a PSI above a limit.

    Args:
        baseline: that the windows were counted against.
        windows: oldest first. A block has whole windows, and BLOCK_EVENTS events or more; what is
            left over is dropped.
        limit: of PSI, nats.
        muted: when the muting of a feature ends, by name, in seconds since 1970.

    >>> check_psi(None, [], 0.2).blocks
    0
    """
    blocks = 0
    above: list[tuple[int, LargestPsi]] = []
    for row, block in _blocks(windows):
        blocks += 1
        largest = largest_psi(baseline, block, muted_at(muted or {}, block.first_ms))
        if largest is not None and largest.value > limit:
            above.append((row, largest))
    return PsiCheck(limit, blocks, tuple(above))


def muted_at(muted: Mapping[str, float], timestamp_ms: int | None) -> list[str]:
    """Return the features that are muted at a time.

    Args:
        muted: when the muting of a feature ends, by name, in seconds since 1970.
        timestamp_ms: since 1970; None, which is before the end of any muting.
    """
    timestamp_s = 0.0 if timestamp_ms is None else timestamp_ms / 1000
    return [name for name, end_s in muted.items() if timestamp_s < end_s]


def _blocks(windows: Iterable[Window]) -> Iterator[tuple[int, Window]]:
    """Yield blocks of neighbouring windows, each with the number of events before it."""
    begin = 0
    block: Window | None = None
    for window in windows:
        block = window if block is None else block + window
        if block.events >= BLOCK_EVENTS:
            yield begin, block
            begin += block.events
            block = None
