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
    from collections.abc import Callable, Sequence

    import numpy.typing as npt
    from drift_engine.model.steps import Program

    Floats = npt.NDArray[np.float64]
    #: Encoded rows to what bounds the rounding of each raw score, shape (rows, raw scores).
    Slack = Callable[[Sequence[Sequence[float]]], Floats]

#: The unit of rounding of float64.
UNIT = float(np.finfo(np.float64).eps) / 2
#: Units of the last place that a link may add, since its exponential is another.
LINK_ULP = 4.0


def slack_of(program: Program) -> Slack:
    """Return what bounds the library's rounding of each dense sum of a program.

    The sums of absolute terms are computed by the engine, from the row as it reads requests: the
    bound needs no library, so that it holds for a model out of a file as for a live one.

    Args:
        program: Of a model whose raw scores are its dense sums, in their order.
    """
    sizes = copy.deepcopy(program)
    registers: list[int] = []
    for sources, rows in program.dots("nearest"):
        sums = np.abs(rows)
        terms = sizes.function("absolute", sources)
        are_terms = sizes.function("sign", terms)
        # One for the packed model's own rounding stands beside the terms that are not zero.
        units = _dot(sizes, are_terms, np.sign(sums) + [*[0.0] * len(sources), 1.0])
        # Scaled before they are added, no sum of finite terms is infinite.
        registers += sizes.of_two("multiply", _dot(sizes, terms, sums * UNIT), units)
    packed = PackedModel.from_bytes(encode(StepsModel(sizes, "regression", registers, registers)))

    def slack(rows: Sequence[Sequence[float]]) -> Floats:
        bound: Floats = np.array(packed.scores_many(rows))
        return bound

    return slack


def _dot(program: Program, sources: Sequence[int], rows: Floats) -> list[int]:
    """Return the registers of sums of products; the last number of a row is added to its sum."""
    return program.dot(sources, rows[:, :-1].tolist(), rows[:, -1].tolist(), "nearest")


def room(slack: Floats, answers: Floats) -> Floats:
    """Return how far final values may be apart, of the shape of the answers.

    An exponential grows as its answer does, and no other link by more than its raw scores.

    Args:
        slack: Of raw scores, shape (rows, raw scores).
        answers: The library's, shape (rows, values).
    """
    sizes = np.abs(answers)
    within: Floats = slack.max(axis=1, keepdims=True) * np.maximum(1.0, sizes)
    within += LINK_ULP * np.spacing(sizes)
    return within


def share_of(room_of_answers: Floats, ours: Floats, theirs: Floats) -> float:
    """Return the largest difference as a share of the room that it has; above 1 it is too large.

    Args:
        room_of_answers: See `room`.
        ours: The packed model's final values, of the same shape.
        theirs: The library's.
    """
    shares = np.abs(ours - theirs) / room_of_answers
    return float(shares.max(initial=0.0))
