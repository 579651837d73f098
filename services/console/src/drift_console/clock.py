"""Whether the wall clock can be trusted with what cannot be undone."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds by which the wall clock may leave the monotonic one between two looks.
JUMP = 5.0
#: Seconds after which a clock that jumped is believed.
STEADY = 600.0


class Steadiness:
    """Compares the wall clock with the monotonic one; used by one thread, which looks often.

    A clock that is ahead for a while must not delete data or give alerts up: neither comes back
    when the clock does. Over a restart there is nothing to compare with, so the first look counts
    as a jump.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin to compare.

        Args:
            clock: Gives epoch seconds.
            timer: Gives seconds that never run backwards.
        """
        self._clock = clock
        self._timer = timer
        self._since = timer()
        self._offset = clock() - self._since

    def look(self) -> bool:
        """Return whether the clock has gone steadily for STEADY seconds."""
        elapsed = self._timer()
        offset = self._clock() - elapsed
        if abs(offset - self._offset) > JUMP:
            self._since = elapsed
        self._offset = offset
        return elapsed - self._since >= STEADY
