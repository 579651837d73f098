"""Crashes on demand, for stores and whatever else is called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Crash(Exception):
    """The process ends here."""


class Faulty:
    """A store that crashes at its n-th call, before or after doing it, and works from then on; 0 for never."""

    def __init__(self, store: Any, crash_at: int, after: bool) -> None:
        self.store, self.crash_at, self.after, self.calls = store, crash_at, after, 0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return self.crashing(getattr(self.store, name))

    def crashing(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, its calls counted among those of the store."""

        def call(*words: Any, **named: Any) -> Any:
            self.calls += 1
            if self.calls != self.crash_at:
                return function(*words, **named)
            if self.after:
                function(*words, **named)
            raise Crash

        return call
