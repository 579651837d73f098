"""The options of `driftctl serve` that show past traffic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from drift_contracts import SettingsError
from drift_contracts.reading_options import reading_options
from drift_ml.read_options import read_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from drift_console.past import Asked

READING = ("delimiter", "decimal", "encoding", "missing", "ignore", "sort")
#: Options that mean nothing without --replay.
OF_REPLAY = ("speed", "time_column", "spread_days", "session", "caller", "anew", *READING)
#: Seconds that a replay keeps: all of it.
KEPT = 36_500 * 86_400.0
#: Seconds of traffic a second, where none are chosen.
SPEED = "3600"
SLOWEST, FASTEST = 0.01, 1e7


class Speed(click.ParamType[float | None]):
    """How many seconds of traffic a second; None for `max`."""

    name = "speed"

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> float | None:
        """Return the number, None for `max`."""
        if value == "max":
            return None
        try:
            speed = float(value)
        except ValueError:
            speed = 0.0
        if not SLOWEST <= speed <= FASTEST:
            expected = f"expected a number from {SLOWEST:g} to {FASTEST:,.0f}, or max"
            self.fail(expected, param, ctx)
        return speed


OPTIONS = (
    click.option(
        "--replay",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Show past traffic: CSV, TSV or Parquet, a file or a folder, with a column per feature"
        " of the model, which predicts. It has a store of its own; nobody is notified.",
    ),
    click.option(
        "--speed",
        type=Speed(),
        default=SPEED,
        show_default=True,
        metavar="N|max",
        help="Seconds of past traffic a second; max for as fast as it goes.",
    ),
    click.option(
        "--time-column",
        metavar="NAME",
        help="Column of times of --replay: ISO 8601, or seconds to nanoseconds since 1970.",
    ),
    click.option(
        "--spread-days",
        type=click.FloatRange(0.01, 3_650),
        metavar="N",
        help="Rows of --replay without times: spread them evenly over N days, up to the day of the"
        " file.",
    ),
    click.option(
        "--session",
        metavar="COLUMN",
        help="Column of --replay that names the session of each row, where the feature set reads it"
        " from a header or the request context.",
    ),
    click.option(
        "--caller",
        metavar="COLUMN",
        help="The same for who asked.",
    ),
    click.option(
        "--anew",
        is_flag=True,
        help="Begin the replay again in a store beside, where an earlier start is half-way.",
    ),
    reading_options,
    click.option("--sort", is_flag=True, help="Sort the rows by --time-column first."),
)


def replay_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command, in the order of `OPTIONS`."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def is_given(context: click.Context, name: str) -> bool:
    """Return whether somebody has given an option."""
    source = context.get_parameter_source(name)
    return source is not None and source != click.core.ParameterSource.DEFAULT


def asked_of(context: click.Context, options: dict[str, Any]) -> Asked | None:
    """Return which past traffic is to be shown, and take its options out; None for live traffic.

    Args:
        context: Knows which options were given.
        options: Of the command, as click has checked them.

    Raises:
        SettingsError: options that do not go together.
    """
    path = options.pop("replay")
    values = {name: options.pop(name) for name in OF_REPLAY}
    if path is None:
        lonely = [name for name in OF_REPLAY if is_given(context, name)]
        if lonely:
            option = f"--{lonely[0].replace('_', '-')}"
            raise SettingsError({option: "--replay FILE beside it, which it is about"})
        return None
    if options["webhooks"]:
        raise SettingsError({"--webhook": "none with --replay: nobody is notified of the past"})
    if options["fast"]:
        raise SettingsError({"--fast": "none with --replay; --speed says how fast it goes"})
    # Live traffic needs no reader of tables.
    from drift_console.past import Asked  # noqa: PLC0415

    reading = read_options({name: values.pop(name) for name in READING})
    return Asked(
        path,
        speed=values["speed"],
        time=values["time_column"],
        spread_days=values["spread_days"],
        session=values["session"],
        caller=values["caller"],
        anew=values["anew"],
        reading=reading,
        data_is_chosen=is_given(context, "data"),
    )
