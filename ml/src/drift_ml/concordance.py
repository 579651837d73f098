"""How often two features lie on one side of their middle, for all pairs of many rows at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Integers = npt.NDArray[np.int64]
    Signs = npt.NDArray[np.int8]

#: Rows at a time: products of so many signs are exact in single precision.
CHUNK = 2**15


def concordance(signs: Signs) -> Integers:
    """Return of each pair the rows on different sides, and those on one side.

    Args:
        signs: 1 and -1, 0 for what is missing, shape (features, rows).

    Returns:
        Two counts a pair, in the order of `itertools.combinations`: shape (features^2 - features,).

    >>> concordance(np.array([[1, 1, -1], [1, -1, 0]], dtype=np.int8)).tolist()
    [1, 1]
    """
    features = len(signs)
    difference = np.zeros((features, features))
    both = np.zeros((features, features))
    for start in range(0, signs.shape[1], CHUNK):
        part = signs[:, start : start + CHUNK].astype(np.float32)
        present = np.abs(part)
        difference += part @ part.T
        both += present @ present.T
    pairs = np.triu_indices(features, 1)
    alike = (both[pairs] + difference[pairs]) / 2
    counts = np.stack([both[pairs] - alike, alike], axis=1)
    return np.asarray(counts.ravel(), dtype=np.int64)
