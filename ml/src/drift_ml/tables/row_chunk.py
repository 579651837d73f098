"""Some rows of a table, as columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True)
class Chunk:
    """Some rows in the order of the file."""

    #: Per name a vector of shape (rows,): float64 with NaN for missing, or for a category an object
    #: vector of strings with None for missing.
    columns: dict[str, npt.NDArray[Any]]
    #: Milliseconds of Unix time, shape (rows,), or None.
    times_ms: npt.NDArray[np.int64] | None
    rows: int
