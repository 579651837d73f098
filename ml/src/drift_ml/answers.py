"""What a classifier answers, as the columns that baselines and windows count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Undecided:
    """How undecided a classifier was about each row."""

    #: The largest probability less the second, shape (rows,), 0 to 1.
    margins: Floats
    #: Of the probabilities, shape (rows,), in nats: 0 for a certain row, at most ln(classes).
    entropies: Floats


def undecided(probabilities: npt.ArrayLike) -> Undecided:
    """Return margins and entropies of rows of probabilities.

    Args:
        probabilities: of every class, shape (rows, classes), at least two classes.

    Raises:
        ValueError: the shape is another.

    >>> found = undecided([[0.5, 0.5], [0.0, 1.0]])
    >>> found.margins.tolist(), [round(value, 4) for value in found.entropies.tolist()]
    ([0.0, 1.0], [0.6931, 0.0])
    """
    table = np.asarray(probabilities, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] < 2:  # noqa: PLR2004 - rows, and two classes or more
        raise ValueError("expected a probability for each row and class, of two classes or more")
    leading = np.partition(table, -2, axis=1)
    margins = leading[:, -1] - leading[:, -2]
    # The limit of p ln p at 0 is 0.
    logs = np.log(table, out=np.zeros_like(table), where=table > 0)
    entropies = -(table * logs).sum(axis=1)
    return Undecided(margins, np.maximum(entropies, 0.0))
