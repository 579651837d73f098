"""The span of time that a document of the page covers."""

from __future__ import annotations

from dataclasses import dataclass

#: The most buckets that the page draws.
BUCKETS = 120
#: Seconds that a bucket may last; the first that is wide enough is taken.
_WIDTHS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600)


@dataclass(frozen=True)
class Frame:
    """A span of time cut into buckets of one width."""

    #: Epoch seconds at which the first bucket begins.
    start: int
    #: Seconds that a bucket lasts.
    width: int
    #: How many buckets there are.
    count: int

    @classmethod
    def ending(cls, now: float, minutes: int) -> Frame:
        """Return the frame of the last minutes, up to and with the bucket of `now`.

        Args:
            now: Epoch seconds.
            minutes: What the frame spans, cut into at most BUCKETS buckets up to 30 days.

        >>> Frame.ending(3601.0, 30)
        Frame(start=1815, width=15, count=120)
        """
        seconds = minutes * 60
        wide_enough = (width for width in _WIDTHS if width * BUCKETS >= seconds)
        width = next(wide_enough, _WIDTHS[-1])
        count = max(1, seconds // width)
        current = int(now // width)
        return cls((current + 1 - count) * width, width, count)

    @property
    def end(self) -> int:
        """Return the epoch seconds at which the last bucket ends."""
        return self.start + self.width * self.count

    @property
    def times(self) -> list[int]:
        """Return the epoch seconds at which each bucket begins."""
        return list(range(self.start, self.end, self.width))

    def index_of(self, timestamp_s: int) -> int | None:
        """Return the index of the bucket that a timestamp falls in, None outside of the frame."""
        index = (timestamp_s - self.start) // self.width
        return index if 0 <= index < self.count else None
