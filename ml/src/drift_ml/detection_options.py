"""The options by which every command line chooses how often and how finely drift is reported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from drift_contracts.commands import FiniteRange

from drift_ml.days import start_of_day

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Command = Callable[..., None]

#: Standard deviations that a minimum effect is at most.
LARGEST_EFFECT = 10.0
#: Days between two false alarms, at least and at most.
LEAST_DAYS, MOST_DAYS = 1, 3650


class _Named(click.ParamType):
    """A name and its value, NAME=VALUE."""

    def __init__(self, name: str, expected: str, read: Callable[[str], float]) -> None:
        self.name = name
        self._expected = expected
        self._read = read

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, float]:
        """Return the pair in a text. Raises BadParameter."""
        if isinstance(value, tuple):
            return value
        feature, _, text = str(value).partition("=")
        try:
            number = self._read(text)
        except ValueError:
            number = -1.0
        if not feature or number < 0:
            self.fail(f"expected {self._expected}", param, ctx)
        return feature, number


def _effect(text: str) -> float:
    value = float(text)
    # Not a number is in no bounds.
    if not 0 <= value <= LARGEST_EFFECT:
        raise ValueError
    return value


EFFECT_OF = _Named("NAME=SD", f"FEATURE=SD, such as age=0.5, from 0 to {LARGEST_EFFECT:g}", _effect)
MUTE = _Named("NAME=DAY", "FEATURE=DAY, such as age=2026-12-01", start_of_day)


def _as_mapping(
    _ctx: click.Context, _param: click.Parameter, pairs: tuple[tuple[str, float], ...]
) -> Mapping[str, float]:
    return dict(pairs)


# The last one is shown first.
OPTIONS = (
    click.option(
        "--mute",
        "muted",
        type=MUTE,
        multiple=True,
        callback=_as_mapping,
        help="Raise no alarm for this feature before the day, in UTC; show it as muted"
        " (repeatable).",
    ),
    click.option(
        "--minimum-effect-of",
        "minimum_effects",
        type=EFFECT_OF,
        multiple=True,
        callback=_as_mapping,
        help="Another minimum effect for one feature (repeatable).",
    ),
    click.option(
        "--minimum-effect",
        type=FiniteRange(min=0, max=LARGEST_EFFECT),
        default=0.1,
        show_default=True,
        help="Raise no alarm for less, in standard deviations.",
    ),
)


def detection_options(command: Command) -> Command:
    """Add the options to a command: `minimum_effect`, `minimum_effects` and `muted`."""
    for option in OPTIONS:
        command = option(command)
    return command
