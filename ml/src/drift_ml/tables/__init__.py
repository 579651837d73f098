"""Tables of a user's rows: CSV, TSV and Parquet files, read in chunks and checked.

It needs numpy and pyarrow (the extra `tables`) and nothing else.
"""

from .chunks import Chunk, Unlabelled, column_names, count_rows, read_chunks
from .errors import CellFinding, DataError, OptionError, listed
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
    "listed",
    "read_chunks",
    "read_table",
]
