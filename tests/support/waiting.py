"""What tests of other processes need: a port that is free, and patience."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds; only something broken makes a test wait so long.
PATIENCE = 60.0


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(
    holds: Callable[[], object],
    what: str = "the condition",
    patience_s: float = PATIENCE,
    pause_s: float = 0.05,
) -> float:
    """Wait until a condition holds; return how many seconds that took.

    Args:
        holds: is asked again and again.
        what: the condition in words, for the error.
        patience_s: seconds after which the wait is given up.
        pause_s: seconds between two questions.

    Raises:
        TimeoutError: when it does not hold in that time.
    """
    start = time.monotonic()
    while not holds():
        if time.monotonic() - start > patience_s:
            raise TimeoutError(f"{what} did not hold within {patience_s:g} s")
        time.sleep(pause_s)
    return time.monotonic() - start
