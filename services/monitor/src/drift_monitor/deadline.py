"""Give a call so many seconds, whatever it waits for."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")


def within(
    seconds: float,
    call: Callable[[], Result],
    expected: str,
) -> Result:
    """Return what a call returns, or raise what it raises.

    A timeout of a socket is one for each read, and a byte a second stays below it: the deadline
    needs a thread. One that is late is left alone and ends with the process, or by itself.

    Args:
        seconds: until the result must be there.
        call: runs in a thread of its own.
        expected: what did not come in time, for the message.

    Raises:
        TimeoutError: there is no result yet.
    """
    results: list[Result] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            results.append(call())
        except Exception as error:  # raised again in the thread that waits
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError(f"expected {expected} within {seconds:g} s")
    return results[0]
