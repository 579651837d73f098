"""A converted estimator: its model as the file has it, and the library's calls to hold it to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    import numpy.typing as npt
    from drift_engine.model.steps import StepsModel
    from drift_engine.model.writer import Model

    from .inputs import Inputs, JsonRow
    from .rounding import Rounding

    Floats = npt.NDArray[np.float64]
    #: Rows as JSON has them to numbers, shape (rows, values of an answer).
    Scorer = Callable[[Sequence[JsonRow]], Floats]


@dataclass(frozen=True)
class Reference:
    """The library's own calls, which take rows as JSON has them."""

    library: str
    version: str
    #: What `scores` calls, as the manifest names it.
    call: str
    #: Final values: every class's probability, or every target.
    scores: Scorer
    #: The scores before the link, None where the library does not give them.
    raw: Scorer | None = None
    #: The place of the class that the library gives, shape (rows,); None for regressors.
    labels: Callable[[Sequence[JsonRow]], npt.NDArray[np.intp]] | None = None
    #: Whether the final values are float32, in whose last place they are compared.
    single: bool = False
    #: How far the library's own order of sums may lead; None where sums have an order.
    rounding: Rounding | None = None


@dataclass(frozen=True)
class Converted:
    """A model as the file has it, and what it is compared with."""

    model: Model | StepsModel
    inputs: Inputs
    reference: Reference
    #: Class of the estimator, and what it was made by.
    kind: str
    #: Classes as texts, in the library's order; none for a regressor.
    classes: tuple[str, ...] = ()
    #: The same with scores before the first tree as other versions of the library's logarithm have
    #: them, which a file does not tell apart; a proof tries them.
    others: tuple[Model | StepsModel, ...] = ()


def with_start(model: Model, start: tuple[float, ...]) -> Model:
    """Return a model of trees with other scores before its first tree."""
    members: dict[str, Any] = {**vars(model), "start": start}
    return type(model)(**members)


def as_columns(values: object) -> Floats:
    """Return a library's answer as float64 of shape (rows, values); float32 is exact in it."""
    array = np.asarray(
        values,
        dtype=np.float64,
    )
    return array.reshape(
        len(array),
        -1,
    )


def two_columns(values: object) -> Floats:
    """Return both probabilities of P(last class), in the library's own type, shape (rows, 2)."""
    last = np.asarray(values).reshape(-1)
    # As numpy subtracts from a Python number: in float32 where the values are.
    return np.column_stack([1.0 - last, last]).astype(np.float64)
