"""The terminal that every command prints to; it needs rich."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.segment import Segment

from drift_contracts.printable import printable

if TYPE_CHECKING:
    from rich.console import ConsoleOptions, ConsoleRenderable, RenderableType, RenderResult


class Harmless:
    """Something to print, without the control characters that its texts hold."""

    def __init__(self, inside: RenderableType) -> None:
        self._inside = inside

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in console.render(self._inside, options):
            # a segment with `control` is a movement of the cursor that rich itself makes
            text = segment.text if segment.control else printable(segment.text)
            yield Segment(text, segment.style, segment.control)


class _Cleaner:
    """A hook of rich: whatever is printed passes here, and no table or line can be forgotten."""

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        """Return what is printed in place of what was to be printed."""
        return [Harmless(renderable) for renderable in renderables]


def make_terminal(**options: Any) -> Console:
    """Return a console of rich whose texts cannot steer the terminal; its styles still can.

    Args:
        options: Those of `rich.console.Console`.
    """
    terminal = Console(**options)
    terminal.push_render_hook(_Cleaner())  # type: ignore[arg-type]  # a protocol in all but name
    return terminal
