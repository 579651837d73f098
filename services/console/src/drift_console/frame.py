"""The span of time that a document of the page covers."""

from __future__ import annotations

from dataclasses import dataclass

BUCKETS = 120
_WIDTHS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)


@dataclass(frozen=True)
class Frame:
    """A span of time cut into buckets: first start (epoch seconds), width in seconds, how many."""

    start: int
    width: int
    count: int

    @classmethod
    def ending(cls, now: float, minutes: int) -> Frame:
        """The last `minutes` up to and with the bucket that `now` falls in, in at most BUCKETS buckets or so.

        >>> Frame.ending(3601.0, 30)
        Frame(start=1815, width=15, count=120)
        """
        width = next((width for width in _WIDTHS if width * BUCKETS >= minutes * 60), _WIDTHS[-1])
        count = max(1, minutes * 60 // width)
        return cls(int(now // width + 1 - count) * width, width, count)
