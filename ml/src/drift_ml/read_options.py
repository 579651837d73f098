"""The options with which a command reads a table, as the reader takes them. It needs click."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drift_ml.tables import ReadOptions


def read_options(values: Mapping[str, Any]) -> ReadOptions:  # click checks the values
    """Return the options of reading a table.

    Args:
        values: of `drift_contracts.reading_options`, by their names in Python.

    Raises:
        BadParameter: for a value that no table can be read with.
    """
    # --help need not wait for numpy and pyarrow.
    from drift_ml.tables import OptionError, ReadOptions  # noqa: PLC0415

    try:
        return ReadOptions(**values)
    except OptionError as error:
        expected = f"expected {error.expected}"
        raise click.BadParameter(expected, param_hint=f"--{error.option}") from error
