"""The series of windows that tests of the monitor and the console write to."""

from __future__ import annotations

from drift_monitor.keys import Series

SERIES = Series("house-price", "3f9a1c2b4d5e")
