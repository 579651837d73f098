"""Write lines: a failing sink costs lines, never answers, and the loss is counted and reported."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Journal:
    """Hands lines to a sink, one a call and without the line's end."""

    __slots__ = ("_report", "_sink", "_unreported", "lost")

    def __init__(self, sink: Callable[[str], object], report: Callable[[int], str]) -> None:
        """Write to a sink.

        Args:
            sink: takes one line; may raise anything.
            report: returns a line that reports so many lost lines. It is written after a line that
                could be written; if that fails too, the lines stay unreported.
        """
        self._sink = sink
        self._report = report
        self._unreported = 0
        #: The lines that the sink refused, ever.
        self.lost = 0

    def write(self, line: str) -> None:
        """Write one line, or count it as lost."""
        sink = self._sink
        try:
            sink(line)
            if self._unreported:
                self._catch_up()
        except Exception:
            self.lost += 1
            self._unreported += 1

    def _catch_up(self) -> None:
        count = self._unreported
        try:
            self._sink(self._report(count))
        except Exception:  # noqa: S110 - reported with the next line that can be written
            pass
        else:
            # Other threads may have lost lines meanwhile, so it is not set to 0.
            self._unreported -= count
