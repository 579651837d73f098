"""Labels of a classifier's rows, as a source of the user's own returns them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from drift_contracts.wording import listed

from drift_ml.converters import label_text
from drift_ml.tables import CellFinding, DataError

if TYPE_CHECKING:
    from typing import Any

    import numpy.typing as npt
    from drift_contracts import FeatureSet

    Floats = npt.NDArray[np.float64]

#: Rows that a finding names.
SHOWN_ROWS = 5


def as_places(
    feature_set: FeatureSet,
    labels: npt.NDArray[Any],
    source: str,
) -> Floats:
    """Return the place of each label in the target's classes, shape (rows,).

    Labels are compared as texts, as those of a file are: 0 and 0.0 are the class "0", True is
    "true".

    Args:
        feature_set: Of a classifier.
        labels: Texts, numbers or booleans, shape (rows,).
        source: Where the rows come from, for the message.

    Raises:
        DataError: rows have no label, or one that is no class.
    """
    target = feature_set.target
    index = {name: float(place) for place, name in enumerate(target.classes)}
    places = np.array([index.get(label_text(label), np.nan) for label in labels.tolist()])
    wrong = np.flatnonzero(np.isnan(places))
    if len(wrong):
        # Counted from 1, as the rows of a Parquet file are.
        rows = tuple((wrong[:SHOWN_ROWS] + 1).tolist())
        expected = f"one of {listed(target.classes)}"
        finding = CellFinding(target.name, "enum", expected, len(wrong), rows)
        raise DataError(source, (finding,))
    return places
