"""Tables of a user's rows: CSV and Parquet files read in chunks and checked against a feature set.

It needs numpy and pyarrow (the extra `tables`) and nothing else.
"""

from .errors import DataError, Finding
from .files import read_table
from .table import Table

__all__ = ["DataError", "Finding", "Table", "read_table"]
