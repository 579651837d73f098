"""How far a library's own rounding of dense sums may lead, by row.

A library adds the terms of a dense linear model in an order that it does not promise, so no answer
is the right one to the last bit. The packed model has the float64 nearest to the exact sum. In
whatever order a library adds n terms, with or without fused operations, it is off by at most n
units of rounding times the sum of the absolute terms (Higham, Accuracy and Stability of Numerical
Algorithms, 2002, section 3.1); the packed model by one. A unit is half a machine epsilon. Terms
that are zero round nothing, and of one-hot columns most are.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
from drift_engine.model import PackedModel
from drift_engine.model.steps import StepsModel
from drift_engine.model.writer import encode

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from drift_engine.model.steps import Program

    Floats = npt.NDArray[np.float64]

#: The unit of rounding of float64.
UNIT = float(np.finfo(np.float64).eps) / 2
#: Units of the last place that a link may add, since its exponential is another.
LINK_ULP = 4.0


class Rounding:
    """The bound of a linear model's own rounding.

    The sums of absolute terms are computed by the engine, from rows as it reads requests. The bound
    needs no library, so that it holds for a model out of a file as for a live one.
    """

    def __init__(self, model: StepsModel) -> None:
        """Prepare the bound of a model whose raw scores are its dense sums, in their order."""
        program = model.program
        sizes = copy.deepcopy(program)
        registers: list[int] = []
        for sources, rows in program.dots("nearest"):
            sums = np.abs(rows)
            terms = sizes.function("absolute", sources)
            are_terms = sizes.function("sign", terms)
            # One for the packed model's own rounding stands beside the terms that are not zero.
            ours = np.array(
                [
                    *[0.0] * len(sources),
                    1.0,
                ]
            )
            units = _dot(
                sizes,
                are_terms,
                np.sign(sums) + ours,
            )
            # Scaled before they are added, no sum of finite terms is infinite.
            registers += sizes.of_two(
                "multiply",
                _dot(sizes, terms, sums * UNIT),
                units,
            )
        bound = StepsModel(sizes, "regression", registers, registers)
        self._packed = PackedModel.from_bytes(encode(bound))
        self._has_link = list(model.raws) != list(model.scores)

    def slack(
        self,
        rows: Sequence[Sequence[float]],
    ) -> Floats:
        """Return what bounds the rounding of each raw score, shape (rows, raw scores).

        Args:
            rows: Encoded, such that the model answers them.
        """
        bound: Floats = np.array(self._packed.scores_many(rows))
        return bound

    def room(
        self,
        slack: Floats,
        answers: Floats,
    ) -> Floats:
        """Return how far final values may be apart, of the shape of the answers.

        Args:
            slack: Of raw scores, shape (rows, raw scores).
            answers: The library's, shape (rows, values).
        """
        if not self._has_link:
            return slack
        # An exponential grows as its answer does, and no other link by more than its raw scores.
        sizes = np.abs(answers)
        within: Floats = slack.max(
            axis=1,
            keepdims=True,
        ) * np.maximum(1.0, sizes)
        within += LINK_ULP * np.spacing(sizes)
        return within


def _dot(
    program: Program,
    sources: Sequence[int],
    rows: Floats,
) -> list[int]:
    """Return the registers of sums of products; the last number of a row is added to its sum."""
    return program.dot(
        sources,
        rows[:, :-1].tolist(),
        rows[:, -1].tolist(),
        "nearest",
    )


def share_of(
    room: Floats,
    ours: Floats,
    theirs: Floats,
) -> float:
    """Return the largest difference as a share of the room that it has; above 1 it is too large.

    Args:
        room: See `Rounding.room`.
        ours: The packed model's final values, of the same shape.
        theirs: The library's.
    """
    # Where all terms are zero there is no room, and any difference is beyond it.
    shares = np.abs(ours - theirs) / np.maximum(
        room,
        np.finfo(np.float64).tiny,
    )
    return float(shares.max(initial=0.0))
