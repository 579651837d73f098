"""Where lines go: a failing sink costs lines, never answers, and the loss is counted and told."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Journal:
    """Hands lines to a sink, one a call and without the line's end.

    lost: the lines that the sink refused, ever. After a line that could be written, `report` is called with the
    number of lines lost since the last report and gives a line to write; if that fails too, they stay unreported.
    """

    __slots__ = ("_report", "_sink", "_unreported", "lost")

    def __init__(self, sink: Callable[[str], object], report: Callable[[int], str]) -> None:
        self._sink = sink
        self._report = report
        self._unreported = 0
        self.lost = 0

    def write(self, line: str) -> None:
        """Write one line, or count it as lost."""
        try:
            self._sink(line)
            if self._unreported:
                self._catch_up()
        except Exception:
            self.lost += 1
            self._unreported += 1

    def _catch_up(self) -> None:
        count = self._unreported
        try:
            self._sink(self._report(count))
        except Exception:  # noqa: S110 - told with the next line that can be written
            pass
        else:
            self._unreported -= count
