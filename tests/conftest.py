"""Property tests draw the same examples every time, and a busy machine is no counterexample."""

from __future__ import annotations

from contextlib import suppress

with suppress(ImportError):  # some sessions do without hypothesis
    from hypothesis import settings

    settings.register_profile("repeatable", deadline=None, derandomize=True)
    settings.load_profile("repeatable")
