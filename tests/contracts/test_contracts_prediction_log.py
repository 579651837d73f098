"""Who writes the prediction log and who reads it name its folders alike."""

from __future__ import annotations

from drift_contracts.prediction_log import FOLDER, place


def test_folders():
    """An hour's folder is in that of its day, which is in that of the log."""
    day = place("house-price", "2026-12-31", "")
    assert place("house-price", "2026-12-31", "09") == f"{day}hour=09/"
    assert day == f"{FOLDER}model=house-price/dt=2026-12-31/"


def test_order_of_time():
    """Folders of a model are in the order of time, as readers go by it."""
    hours = [place("house-price", day, f"{hour:02}") for day in ("2026-12-31", "2027-01-01") for hour in range(24)]
    assert hours == sorted(hours)
