"""Traffic that channels are held against in place of the training rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drift_contracts.types import RhythmV1Base

    from drift_ml.baseline import Channel


@dataclass(frozen=True)
class Base:
    """Traffic that a channel is held against."""

    #: Of the traffic that is counted, in seconds since the epoch.
    from_s: float
    to_s: float
    #: Events per bin.
    counts: tuple[int, ...]

    def is_doubled(self, to_s: float) -> bool:
        """Return whether the traffic is twice as long where it lasts to another end.

        Args:
            to_s: in seconds since the epoch.
        """
        return to_s - self.from_s >= 2 * (self.to_s - self.from_s)

    def to_json(self) -> RhythmV1Base:
        """Return the base as rhythm.v1 holds it."""
        return {"from_s": self.from_s, "to_s": self.to_s, "counts": list(self.counts)}


# Any: what is stored or in a file is of whoever wrote it.
def bases_from_json(
    document: Any,
    channels: Sequence[Channel],
) -> dict[str, Base]:
    """Return the bases in a document.

    Args:
        document: by channel, a base as `Base.to_json` returns it.
        channels: of the baseline.

    Raises:
        ValueError: a channel is not known, or a count is missing.
    """
    sizes = {channel.name: len(channel.counts) for channel in channels}
    bases = {}
    for name, item in document.items():
        counts = tuple(map(int, item["counts"]))
        if len(counts) != sizes.get(name) or min(counts) < 0 or not any(counts):
            raise ValueError(f"/bases/{name}: expected a channel and a count for each bin")
        bases[name] = Base(float(item["from_s"]), float(item["to_s"]), counts)
    return bases
