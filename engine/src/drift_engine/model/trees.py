"""A model of trees as plain arrays: what the writer takes, alone or as a member of steps."""

from __future__ import annotations

from drift_contracts.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    Cast = Literal["f64", "f32"]
    Rule = Literal["<=", "<"]
    Zero = Literal["keep", "tiny", "missing"]
    Missing = Literal["direction", "zero", "refuse"]
    Infinite = Literal["keep", "refuse"]
    Task = Literal["regression", "classification"]
    Sum = Literal["f64", "f32"]
    Link = Literal[
        "identity",
        "sigmoid",
        "sigmoid32",
        "softmax",
        "softmax-pairwise",
        "softmax32",
        "exp",
        "exp32",
        "isolation",
        "square",
        "fast-exp",
        "fast-softmax",
    ]
    Decision = Literal["argmax", "above", "at-least", "raw-argmax", "raw-above", "raw-at-least"]

__all__ = ["Column", "Model", "Tree"]


class Column(Record):
    """What trees see of a feature: an input.

    A value is looked up, cast, and held against the rules for zero, missing and infinite values, in
    this order; then it is compared with thresholds, or looked for in sets.
    """

    #: Place of the feature in a row.
    source: int
    #: "f64", or "f32" where the library rounds rows to float32.
    cast: Cast = "f64"
    #: Rows go left where `value <= threshold`, or where `value < threshold`.
    rule: Rule = "<="
    #: Numbers of at most 1e-35 are kept, are 0, or are missing.
    zero: Zero = "keep"
    #: Missing values go where each split says, are 0, or make the row one that is refused.
    missing: Missing = "direction"
    #: Infinite values are kept, or make the row one that is refused.
    infinite: Infinite = "keep"
    #: Of a category that is read as a number: the number of each code, of any other code, and of
    #: a missing one. NaN is a missing value.
    lookup: Sequence[float] | None = None
    #: Above 0 the input is split by sets only. Codes are 0 to `categories` - 1 (a number is cut to
    #: a whole one), and anything else is the code `categories`.
    categories: int = 0


class Tree(Record):
    """One tree as arrays over its nodes, the root first; lists, tuples or arrays, shape (nodes,).

    A leaf has -1 for both children, and only its `value` counts.
    """

    #: Place of the input in the model's columns.
    column: Sequence[int]
    threshold: Sequence[float]
    left: Sequence[int]
    right: Sequence[int]
    #: A number each, or a number for each raw score (for all trees of a model, or for none).
    value: Sequence[float] | Sequence[Sequence[float]]
    #: Whether missing values go left; nowhere by default.
    missing_left: Sequence[int] | None = None
    #: The codes that go left, None where a node compares with a threshold.
    categories: Sequence[frozenset[int] | None] | None = None
    #: Which raw score the number of a leaf is added to.
    output: int = 0


class Model(Record):
    """A model of trees.

    Raw scores are `start`, then each tree's leaf is added in the order of the trees, then they are
    divided; the link makes answers of them.
    """

    #: Numbers in a row.
    features: int
    task: Task
    #: Numbers in an answer: probabilities of all classes, or targets.
    outputs: int
    columns: Sequence[Column]
    trees: Sequence[Tree]
    #: Raw scores before the first tree; one only where a sigmoid gives two probabilities.
    start: Sequence[float]
    #: Precision that sums are kept in.
    sum: Sum = "f64"
    #: What sums are divided by, in float64.
    divisor: float | None = None
    link: Link = "identity"
    #: "sigmoid": a factor of the raw score, 1 by default; "isolation": denominator and offset.
    parameters: Sequence[float] = ()
    #: Which class an answer names: the first of the largest probability or raw score; of two
    #: classes the second where its probability is above, or at least, `threshold`, or where the
    #: raw score is above, or at least, 0.
    decision: Decision = "argmax"
    threshold: float = 0.5
