"""Tables of a user's rows: CSV, TSV and Parquet files, read in chunks and checked.

It needs numpy and pyarrow (the extra `tables`) and nothing else. What is named here is imported
when it is asked for: an export needs the digests of rows, which lie beside, and no pyarrow, whose
releases from 26 on refuse numpy 1.26.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .chunks import Chunk, Unlabelled, column_names, count_rows, read_chunks
    from .errors import CellFinding, DataError, OptionError
    from .files import read_table
    from .layout import Layout
    from .options import ReadOptions
    from .table import Table

__all__ = [
    "CellFinding",
    "Chunk",
    "DataError",
    "Layout",
    "OptionError",
    "ReadOptions",
    "Table",
    "Unlabelled",
    "column_names",
    "count_rows",
    "read_chunks",
    "read_table",
]

_HOMES = {
    "chunks": ("Chunk", "Unlabelled", "column_names", "count_rows", "read_chunks"),
    "errors": ("CellFinding", "DataError", "OptionError", "listed"),
    "files": ("read_table",),
    "layout": ("Layout",),
    "options": ("ReadOptions",),
    "table": ("Table",),
}


def __getattr__(name: str) -> Any:
    """Import a name of `__all__` from its module.

    Raises:
        AttributeError: there is nothing of that name.
    """
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
