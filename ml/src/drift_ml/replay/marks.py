"""Which session each row of a file is of, and who asked, as the service knows it of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from drift_ml.replay.errors import ReplayError

if TYPE_CHECKING:
    from typing import Literal

    import numpy.typing as npt
    from drift_contracts import FeatureSet

    from drift_ml.tables import Chunk, Layout

    #: Texts, None where a row names nobody.
    Names = npt.NDArray[np.object_]
    Kind = Literal["session", "caller"]


def mark_column(feature_set: FeatureSet, kind: Kind, chosen: str | None) -> str | None:
    """Return the column that names sessions or callers: the chosen one, else the feature that does.

    Args:
        feature_set: may name them by a feature.
        kind: what is named.
        chosen: a column of the file, or a feature; None where nobody has chosen one.
    """
    source = feature_set.sources.get(kind)
    if chosen is not None or source is None:
        return chosen
    return source.feature


def check_marks(layout: Layout) -> None:
    """Refuse a column of sessions or callers that is read as another one.

    Raises:
        ReplayError: it is the column of predictions, or the target.
    """
    if layout.number in layout.names:
        raise ReplayError(
            "--session, --caller: expected another column than that of the predictions or the"
            " target"
        )


def names_in(chunk: Chunk, column: str | None) -> Names | None:
    """Return what the session or the caller of each row is called, shape (rows,).

    None where nothing names it.

    Args:
        chunk: with the column, as a feature or as names.
        column: by its name.
    """
    if column is None:
        return None
    values = chunk.columns[column]
    if values.dtype == object:
        return values
    # A number is named by its digits; one that is missing names nobody.
    names = values.astype(str).astype(object)
    names[np.isnan(values)] = None
    return names
