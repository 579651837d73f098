"""The options of commands that read a user's table, as `drift_ml.tables.ReadOptions` takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

OPTIONS = (
    click.option(
        "--delimiter",
        metavar="CHARACTER",
        help="Between the cells of a text file: one character, or tab. "
        "Default: a comma, in .tsv files a tab.",
    ),
    click.option(
        "--decimal",
        type=click.Choice([".", ","]),
        default=".",
        show_default=True,
        help="Decimal point of numbers in text.",
    ),
    click.option(
        "--encoding",
        metavar="NAME",
        help="Encoding of a text file, such as utf-16, windows-1252 or latin-1. Default: utf-8.",
    ),
    click.option(
        "--missing",
        multiple=True,
        metavar="TEXT",
        help="A further text that means a missing value; repeat for several.",
    ),
    click.option(
        "--ignore",
        multiple=True,
        metavar="COLUMN",
        help="A column to leave out: its name, its place as '#3', or a pattern as 'tmp_*'; "
        "repeat for several.",
    ),
)


def reading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command.

    Args:
        command: Takes them as `delimiter`, `decimal`, `encoding`, `missing` and `ignore`.
    """
    # decorators apply from the inside, and help lists options in the order of `OPTIONS`
    for option in reversed(OPTIONS):
        command = option(command)
    return command
