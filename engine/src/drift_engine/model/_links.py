"""Links: raw scores to answers, with the very operations of the libraries.

`exp` differs between machines in the last bit. This one does not: it is the algorithm that glibc
has had since 2.28 (Szabolcs Nagy, Arm Optimized Routines, MIT), with the fused multiplications of
its build for processors that have them, spelt out. The compiled engine carries the same one.
"""

from __future__ import annotations

import math
from fractions import Fraction

from drift_engine.forest._errors import BadRow
from drift_engine.model._layout import DECISIONS
from drift_engine.model._scalars import to_single

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from drift_engine.model._layout import Shape as TreesShape
    from drift_engine.model._layout import StepsShape

    Scores = tuple[float, ...]
    Shape: TypeAlias = "TreesShape | LinkShape"
    Decided: TypeAlias = TreesShape | StepsShape

_BITS = 400
_SIZE = 128
#: Adding it rounds a small number to a whole one.
_SHIFT = float.fromhex("0x1.8p52")
_PER_LN2 = float.fromhex("0x1.71547652b82fep7")
_LN2_HIGH = float.fromhex("-0x1.62e42fefa0000p-8")
_LN2_LOW = float.fromhex("-0x1.cf79abc9e3b3ap-47")
#: Coefficients of powers 2 to 5 of the rest.
_POWERS = tuple(
    map(
        float.fromhex,
        (
            "0x1.ffffffffffdbdp-2",
            "0x1.555555555543cp-3",
            "0x1.55555cf172b91p-5",
            "0x1.1111167a4d017p-7",
        ),
    )
)
#: The largest number whose exp is finite, and one below which it is 0.
_LARGEST = float.fromhex("0x1.62e42fefa39efp9")
_SMALLEST = -746.0
#: Below it glibc's build for such processors does not fuse the last step.
_UNFUSED = -512.0
_NEGLIGIBLE = 2.0**-54

_SINGLE_SIZE = 32
_SINGLE_PER_LN2 = float.fromhex("0x1.71547652b82fep5")
#: Coefficients of powers 3 to 1 of the rest.
_SINGLE_POWERS = tuple(
    map(
        float.fromhex,
        ("0x1.c6af84b912394p-20", "0x1.ebfce50fac4f3p-13", "0x1.62e42ff0c52d6p-6"),
    )
)
_SINGLE_LARGEST = float.fromhex("0x1.62e42ep6")
_SINGLE_SMALLEST = float.fromhex("-0x1.9fe368p6")

#: The logarithm of 2 and what is left of it.
_LN2 = float.fromhex("0x1.62e42fefa39efp-1")
_LN2_REST = float.fromhex("0x1.62e42fefa3800p-1") - _LN2 + float.fromhex("0x1.ef35793c76730p-45")
#: No power of two beyond is a float64.
_FARTHEST_POWER = 1100.0

#: XGBoost's: the largest number that it takes exp of, and what it adds to a denominator.
_XGBOOST_LARGEST = to_single(88.7)
_XGBOOST_EPSILON = to_single(1e-16)
#: CatBoost's exponential, which is fmath's: 2^(k/2048), and a polynomial of what is left.
_FAST_SIZE = 2048
_FAST_PER_LN2 = float.fromhex("0x1.71547652b82fep11")
_FAST_LN2 = float.fromhex("0x1.62e42fefa39efp-12")
_FAST_CUBIC = float.fromhex("0x1.5555555bb5fdbp-3")
_FAST_SQUARE = float.fromhex("0x1.8000000600dd3p1")
#: From the largest on it is infinite; up to the smallest it is 0, or stays where it is.
_FAST_LARGEST = float.fromhex("0x1.62e42fefa39efp9")
_FAST_SMALLEST = float.fromhex("-0x1.6232bdd7abcd2p9")
#: Numbers that it computes side by side.
_FAST_SIDE = 4
# Sums of up to so many numbers numpy adds in a row, and of more in halves.
_ROW, _LANES = 128, 8


def _roots() -> list[tuple[float, float]]:
    """Return 2^(k/128) for k below 128: the nearest float64, and what is left, relative to it."""
    roots = []
    for k in range(_SIZE):
        # An integer of so many bits that what is left has all of its own.
        root = 1 << k + _BITS
        for _ in range(_SIZE.bit_length() - 1):
            root = math.isqrt(root << _BITS)
        exact = Fraction(root, 1 << _BITS)
        nearest = float(exact)
        roots.append((nearest, float(exact / Fraction(nearest) - 1)))
    return roots


_ROOTS = _roots()


def _exact_fma(
    x: float,
    y: float,
    z: float,
) -> float:
    """Return x * y + z of finite numbers, rounded once."""
    (a, b), (c, d), (e, f) = x.as_integer_ratio(), y.as_integer_ratio(), z.as_integer_ratio()
    # The quotient of whole numbers is the float64 that is nearest to it.
    return (a * c * f + e * b * d) / (b * d * f)


#: Python has one of its own from 3.13 on.
fma: Callable[[float, float, float], float] = getattr(math, "fma", _exact_fma)


def exp(
    x: float,
    rest: float = 0.0,
) -> float:
    """Return e^(x + rest) for a rest that is far smaller than x, within 0.51 ulp.

    >>> exp(1.0) == math.exp(1.0)
    True
    """
    if abs(x) < _NEGLIGIBLE:
        return 1.0 + x
    if x > _LARGEST:
        return math.inf
    if x < _SMALLEST:
        return 0.0
    whole = fma(_PER_LN2, x, _SHIFT) - _SHIFT
    r = fma(whole, _LN2_LOW, fma(whole, _LN2_HIGH, x)) + rest
    exponent, place = divmod(int(whole), _SIZE)
    root, tail = _ROOTS[place]
    square = r * r
    low = fma(r, _POWERS[1], _POWERS[0])
    high = fma(r, _POWERS[3], _POWERS[2])
    more = fma(square * square, high, fma(square, low, tail + r))
    return math.ldexp(root + root * more if x <= _UNFUSED else fma(root, more, root), exponent)


def exp_single(x: float) -> float:
    """Return e^x of a float32 as a float32, within 0.502 ulp."""
    if x > _SINGLE_LARGEST:
        return math.inf
    if x < _SINGLE_SMALLEST:
        return 0.0
    whole = fma(_SINGLE_PER_LN2, x, _SHIFT) - _SHIFT
    r = fma(_SINGLE_PER_LN2, x, -whole)
    exponent, place = divmod(int(whole), _SINGLE_SIZE)
    cubic = fma(_SINGLE_POWERS[0], r, _SINGLE_POWERS[1])
    more = fma(cubic, r * r, fma(_SINGLE_POWERS[2], r, 1.0))
    return to_single(math.ldexp(more * _ROOTS[place * (_SIZE // _SINGLE_SIZE)][0], exponent))


def power_of_two(x: float) -> float:
    """Return 2^x as glibc's `pow(2, x)` does, within 0.52 ulp.

    >>> power_of_two(-1.0)
    0.5
    """
    if abs(x) > _FARTHEST_POWER:
        return 0.0 if x < 0 else math.inf
    high = x * _LN2
    return exp(high, fma(x, _LN2_REST, fma(x, _LN2, -high)))


def fast_exp(
    x: float,
    *,
    side_by_side: bool = False,
) -> float:
    """Return e^x with the operations of CatBoost, within 7 ulp.

    Args:
        x: a number.
        side_by_side: whether it is computed beside three others, where nothing falls below the
            smallest power; alone, such a power is 0.
    """
    if x <= _FAST_SMALLEST:
        if not side_by_side:
            return 0.0
        x = _FAST_SMALLEST
    if x >= _FAST_LARGEST:
        return math.inf
    whole = (x * _FAST_PER_LN2 + _SHIFT) - _SHIFT
    t = whole * _FAST_LN2 - x
    y = (_FAST_SQUARE - t) * (t * t) * _FAST_CUBIC - t + 1.0
    exponent, place = divmod(int(whole), _FAST_SIZE)
    return y * math.ldexp(power_of_two(place / _FAST_SIZE), exponent)


class LinkShape:
    """What links read of the shape of a step."""

    def __init__(
        self,
        raws: int,
        outputs: int,
        first: float,
    ) -> None:
        self.raws, self.outputs, self.first, self.second = raws, outputs, first, 0.0


def _identity(
    raw: Scores,
    _shape: Shape,
) -> Scores:
    return raw


def _sigmoid(
    raw: Scores,
    shape: Shape,
) -> Scores:
    """Return 1 / (1 + exp(-factor * x)), as scipy's expit and LightGBM do."""
    answers = tuple(1.0 / (1.0 + exp(-shape.first * x)) for x in raw)
    return (1.0 - answers[0], *answers) if shape.outputs > shape.raws else answers


def _sigmoid_single(
    raw: Scores,
    shape: Shape,
) -> Scores:
    """Return XGBoost's sigmoid, every step rounded to float32."""
    answers = []
    for x in raw:
        power = exp_single(min(-to_single(x), _XGBOOST_LARGEST))
        denominator = to_single(to_single(power + 1.0) + _XGBOOST_EPSILON)
        answers.append(to_single(1.0 / denominator))
    if shape.outputs > shape.raws:
        return to_single(1.0 - answers[0]), *answers
    return tuple(answers)


def _softmax(
    raw: Scores,
    _shape: Shape,
) -> Scores:
    """Return the softmax of LightGBM, and of scikit-learn for fewer than 8 classes."""
    return _shares(raw, _sum_in_order)


def _softmax_pairwise(
    raw: Scores,
    _shape: Shape,
) -> Scores:
    """Return the softmax of scikit-learn, whose sum is numpy's."""
    return _shares(raw, pairwise_sum)


def _shares(
    raw: Scores,
    add: Callable[[Sequence[float]], float],
) -> Scores:
    """Return the softmax of raw scores, whose powers are added in a library's own order."""
    largest = max(raw)
    powers = [exp(x - largest) for x in raw]
    total = add(powers)
    return tuple(power / total for power in powers)


def _sum_in_order(numbers: Sequence[float]) -> float:
    # Not `sum`, which compensates for rounding from Python 3.12 on.
    total = 0.0
    for number in numbers:
        total += number
    return total


def pairwise_sum(numbers: Sequence[float]) -> float:
    """Return a sum in the order of numpy's `sum` over contiguous numbers."""
    size = len(numbers)
    if size > _ROW:
        half = size // 2 - size // 2 % _LANES
        return pairwise_sum(numbers[:half]) + pairwise_sum(numbers[half:])
    whole = size - size % _LANES if size >= _LANES else 0
    total = 0.0
    if whole:
        lanes = list(numbers[:_LANES])
        for place in range(_LANES, whole):
            lanes[place % _LANES] += numbers[place]
        pairs = [lanes[place] + lanes[place + 1] for place in range(0, _LANES, 2)]
        total = (pairs[0] + pairs[1]) + (pairs[2] + pairs[3])
    for number in numbers[whole:]:
        total += number
    return total


def _softmax_single(
    raw: Scores,
    _shape: Shape,
) -> Scores:
    """Return XGBoost's softmax: powers in float32, their sum in float64."""
    singles = [to_single(x) for x in raw]
    largest = max(singles)
    powers = [exp_single(to_single(x - largest)) for x in singles]
    total = 0.0
    for power in powers:
        total += power
    divisor = to_single(total)
    return tuple(to_single(power / divisor) for power in powers)


def _fast_softmax(
    raw: Scores,
    _shape: Shape,
) -> Scores:
    """Return CatBoost's softmax, which takes four powers at a time and those left over alone."""
    largest = max(raw)
    whole = len(raw) - len(raw) % _FAST_SIDE
    powers = []
    for place, x in enumerate(raw):
        powers.append(fast_exp(x - largest, side_by_side=place < whole))
    total = _sum_in_order(powers)
    return tuple(power / total for power in powers)


def _fast_exp(
    raw: Scores,
    _shape: Shape,
) -> Scores:
    return _finite(tuple(map(fast_exp, raw)))


def _exp(
    raw: Scores,
    _shape: Shape,
) -> Scores:
    return _finite(tuple(exp(x) for x in raw))


def _exp_single(
    raw: Scores,
    _shape: Shape,
) -> Scores:
    return _finite(tuple(exp_single(to_single(x)) for x in raw))


def _isolation(
    raw: Scores,
    shape: Shape,
) -> Scores:
    """Return scikit-learn's `decision_function` of an isolation forest from depths.

    With an offset of 0 it is `score_samples`.
    """
    return _finite(tuple(-power_of_two(-(x / shape.first)) - shape.second for x in raw))


def _square(
    raw: Scores,
    _shape: Shape,
) -> Scores:
    """Return the square with the sign of the raw score, LightGBM's `reg_sqrt`."""
    return _finite(tuple(math.copysign(x * x, x) for x in raw))


def _finite(scores: Scores) -> Scores:
    """Return an answer. Raises BadRow where no finite number is one."""
    if not all(map(math.isfinite, scores)):
        raise BadRow("row: expected one whose answer is a finite number")
    return scores


LINKS: dict[str, Callable[[Scores, Shape], Scores]] = {
    "identity": _identity,
    "sigmoid": _sigmoid,
    "sigmoid32": _sigmoid_single,
    "softmax": _softmax,
    "softmax-pairwise": _softmax_pairwise,
    "softmax32": _softmax_single,
    "exp": _exp,
    "exp32": _exp_single,
    "isolation": _isolation,
    "square": _square,
    "fast-exp": _fast_exp,
    "fast-softmax": _fast_softmax,
}


def label(
    raw: Scores,
    scores: Scores,
    shape: Decided,
) -> int:
    """Return the place of the class that the library names for an answer.

    Args:
        raw: its raw scores.
        scores: the probabilities of all classes.
        shape: of the model.
    """
    decision = DECISIONS[shape.decision]
    if decision == "raw-above":
        return int(raw[0] > 0)
    if decision == "raw-at-least":
        return int(raw[0] >= 0)
    if decision == "above":
        return int(scores[1] > shape.threshold)
    if decision == "at-least":
        return int(scores[1] >= shape.threshold)
    numbers = raw if decision == "raw-argmax" else scores
    return max(range(len(numbers)), key=numbers.__getitem__)
