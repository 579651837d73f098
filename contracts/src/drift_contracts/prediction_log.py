"""Where the prediction log of a stack keeps its objects: who writes and who reads it agree here."""

from __future__ import annotations

#: Every object of the log is below it; answers to questions are not.
FOLDER = "predictions/"


def place(
    model: str,
    day: str,
    hour: str,
) -> str:
    """Return the folder of the events of a model that arrived in an hour, UTC.

    Args:
        model: Its name.
        day: As 2026-12-31.
        hour: Two digits, 00 to 23; "" for the folder that holds the hours of the day.

    >>> place("house-price", "2026-12-31", "09")
    'predictions/model=house-price/dt=2026-12-31/hour=09/'
    >>> place("house-price", "2026-12-31", "")
    'predictions/model=house-price/dt=2026-12-31/'
    """
    of_day = f"{FOLDER}model={model}/dt={day}/"
    return f"{of_day}hour={hour}/" if hour else of_day
