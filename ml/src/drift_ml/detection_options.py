"""The options by which every command line chooses how often and how finely drift is reported."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from drift_contracts.commands import FiniteRange

from drift_ml.days import start_of_day
from drift_ml.left_out import EXPECTED, LeftOut, left_out_of_texts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Command = Callable[..., None]

#: Standard deviations that a minimum effect is at most.
LARGEST_EFFECT = 10.0
#: Days between two false alarms, at least and at most.
LEAST_DAYS, MOST_DAYS = 1, 3650
#: What a limit of PSI is at most, nats.
LARGEST_PSI = 10.0


def _effect(text: str) -> float:
    value = float(text)
    # Not a number is in no bounds.
    if not 0 <= value <= LARGEST_EFFECT:
        raise ValueError
    return value


def _pairs(
    texts: Iterable[str],
    read: Callable[[str], float],
    expected: str,
) -> dict[str, float]:
    """Return what texts FEATURE=VALUE name, by feature.

    Args:
        texts: of an option that may be repeated.
        read: turns a value's text into a number at or above 0; raises ValueError.
        expected: what a text is to be, for the message.

    Raises:
        BadParameter: a text is no such pair.
    """
    pairs = {}
    for text in texts:
        feature, _, value = text.partition("=")
        try:
            pairs[feature] = read(value)
        except ValueError:
            pairs[feature] = -1.0
        if not feature or pairs[feature] < 0:
            raise click.BadParameter(f"expected {expected}")
    return pairs


def _as_effects(
    _ctx: click.Context,
    _param: click.Parameter,
    texts: tuple[str, ...],
) -> dict[str, float]:
    expected = f"FEATURE=SD, such as age=0.5, from 0 to {LARGEST_EFFECT:g}"
    return _pairs(texts, _effect, expected)


def _as_days(
    _ctx: click.Context,
    _param: click.Parameter,
    texts: tuple[str, ...],
) -> dict[str, float]:
    return _pairs(texts, start_of_day, "FEATURE=DAY, such as age=2026-12-01")


def _as_spans(
    _ctx: click.Context,
    _param: click.Parameter,
    texts: tuple[str, ...],
) -> tuple[LeftOut, ...]:
    try:
        return left_out_of_texts(texts)
    except ValueError:
        raise click.BadParameter(f"expected {EXPECTED}") from None


left_out_option = click.option(
    "--left-out",
    multiple=True,
    metavar="DAYS=WHY",
    callback=_as_spans,
    help="Neither learn from these days in UTC nor take them as evidence, such as"
    " 2026-12-24/2026-12-26=Christmas (repeatable).",
)

# The last one is shown first.
OPTIONS = (
    click.option(
        "--psi-alarm",
        type=FiniteRange(min=0, max=LARGEST_PSI),
        metavar="PSI",
        help="Also hold PSI of each 1,000 events against this limit, customarily 0.2; it is no"
        " evidence, and costs false alarms. Default: no such alarm.",
    ),
    click.option(
        "--muted-features",
        "--mute",
        "muted",
        multiple=True,
        metavar="NAME=DAY",
        callback=_as_days,
        help="Raise no alarm for this feature before the day, in UTC; show it as muted"
        " (repeatable).",
    ),
    click.option(
        "--minimum-effects",
        "--minimum-effect-of",
        "minimum_effects",
        multiple=True,
        metavar="NAME=SD",
        callback=_as_effects,
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
    """Add the options to a command: `minimum_effect`, `minimum_effects`, `muted`, `psi_alarm`."""
    for option in OPTIONS:
        command = option(command)
    return command
