"""The reader: a packed model to answers."""

from __future__ import annotations

from drift_engine.model import _layout
from drift_engine.model._errors import BadModel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from mmap import mmap

    from drift_engine.forest._forest import EngineName, Task
    from drift_engine.model._python import Engine as _TreesEngine
    from drift_engine.model._steps import StepsParts
    from drift_engine.model._steps_python import Engine as _StepsEngine

    _Engine = _TreesEngine | _StepsEngine

try:
    from drift_engine.model._kernel import Engine as _Compiled
    from drift_engine.model._kernel import Steps as _CompiledSteps
except ImportError:  # built without a compiler
    _Compiled = _CompiledSteps = None

#: The engines that this machine has, the fastest first.
ENGINES: tuple[EngineName, ...] = ("python",) if _Compiled is None else ("c", "python")
_TWO = 2


class PackedModel:
    """A model that answers rows as its library would, up to the grade that its bundle states.

    It is immutable, holds no file, and may be shared by threads.
    """

    __slots__ = (
        "_answers",
        "_decision",
        "engine",
        "features",
        "nodes",
        "outputs",
        "raws",
        "task",
        "threshold",
        "trees",
    )

    def __init__(
        self,
        parts: _layout.Parts | StepsParts,
        engine: EngineName | None = None,
    ) -> None:
        shape = parts.shape
        members = _members(parts)
        #: "c", or "python" where no compiler was available.
        self.engine: EngineName = engine or ("python" if _Compiled is None else "c")
        #: Numbers in a row.
        self.features = shape.features
        #: "regression", or "classification": answers are probabilities of classes.
        self.task: Task = "classification" if shape.task else "regression"
        #: Numbers in an answer, and before the link.
        self.outputs = shape.outputs
        self.raws = shape.raws
        #: Of two classes: where the second begins, by the library's own rule.
        self.threshold = shape.threshold
        #: What the model is made of.
        self.trees = sum(member.shape.trees for member in members)
        self.nodes = sum(member.shape.splits + member.shape.leaves for member in members)
        self._decision = _layout.DECISIONS[shape.decision]
        make = _pure_python if self.engine == "python" else _compiled
        self._answers = make(parts)

    @classmethod
    def from_bytes(
        cls,
        data: bytes | bytearray | memoryview | mmap,
        *,
        engine: EngineName | None = None,
    ) -> PackedModel:
        """Read a model from the bytes of its file.

        Args:
            data: of the file.
            engine: which one answers, the fastest by default.

        Raises:
            BadModel: they are no packed model.
        """
        view = memoryview(data)
        if _layout.version_of(view) == _layout.STEPS_VERSION:
            # A cold start of a model of trees does not read this module.
            from drift_engine.model import _steps  # noqa: PLC0415

            return cls(_steps.split(view), engine)
        return cls(_layout.split(view), engine)

    def predict(
        self,
        row: Iterable[float],
    ) -> float:
        """Return the one number that stands for an answer.

        It is the first of the targets, the probability of the second of two classes, or the
        largest probability of more.

        Args:
            row: `features` numbers; a category is its place in the feature's list, a missing value
                is NaN. A tuple is the fastest.

        Raises:
            BadRow: for another length, for what is no number, and for a missing or infinite value
                that the library refuses.
        """
        return self._number(self._answers.scores(row))

    def predict_many(
        self,
        rows: Iterable[Iterable[float]],
    ) -> list[float]:
        """Return the number of each of many rows, see `predict`."""
        return [self._number(scores) for scores in self._answers.scores_many(rows)]

    def scores(
        self,
        row: Iterable[float],
    ) -> tuple[float, ...]:
        """Return the answer: the probability of every class, or each target. See `predict`."""
        return self._answers.scores(row)

    def scores_many(
        self,
        rows: Iterable[Iterable[float]],
    ) -> list[tuple[float, ...]]:
        """Return the answers to many rows; the compiled engine lets other threads run meanwhile."""
        return self._answers.scores_many(rows)

    def raw(
        self,
        row: Iterable[float],
    ) -> tuple[float, ...]:
        """Return the raw scores, before the link: `raws` numbers. See `predict`."""
        return self._answers.raw(row)

    def decide(
        self,
        row: Iterable[float],
    ) -> tuple[tuple[float, ...], int]:
        """Return the answer, and the place of the class that the library's own rule names.

        Some libraries compare raw scores, which tell classes apart where rounding made their
        probabilities equal. See `predict`.
        """
        return self._answers.decide(row)

    def decide_many(
        self,
        rows: Iterable[Iterable[float]],
    ) -> list[tuple[tuple[float, ...], int]]:
        """Return the answers to many rows, each with the place of its class; see `decide`."""
        return self._answers.decide_many(rows)

    def label(
        self,
        scores: Sequence[float],
    ) -> int:
        """Return the place of the class that probabilities name.

        It is that of `decide`, but for probabilities that are equal though raw scores are not.

        >>> from drift_engine.model.writer import Column, Model, Tree, encode
        >>> leaf = Tree([0], [0.0], [-1], [-1], [(0.5, 0.5)])
        >>> model = Model(1, "classification", 2, [Column(0)], [leaf], start=[0.0, 0.0])
        >>> PackedModel.from_bytes(encode(model)).label((0.5, 0.5))
        0
        """
        # An answer that is only compared needs no walk, and so no engine.
        decision, half = self._decision, 0.5
        if decision == "raw-above":
            return int(scores[1] > half)
        if decision == "raw-at-least":
            return int(scores[1] >= half)
        if decision == "above":
            return int(scores[1] > self.threshold)
        if decision == "at-least":
            return int(scores[1] >= self.threshold)
        return max(range(len(scores)), key=scores.__getitem__)

    def _number(
        self,
        scores: Sequence[float],
    ) -> float:
        if self.task == "regression":
            return scores[0]
        return scores[1] if self.outputs == _TWO else max(scores)


def _members(parts: _layout.Parts | StepsParts) -> Sequence[_layout.Parts]:
    """Return the models of trees that a model is, or has."""
    return (parts,) if isinstance(parts, _layout.Parts) else parts.members


def _pure_python(parts: _layout.Parts | StepsParts) -> _Engine:
    # A cold start has the compiled engine, and does not read these modules.
    if isinstance(parts, _layout.Parts):
        from drift_engine.model._python import Engine  # noqa: PLC0415

        return Engine(parts)
    from drift_engine.model._steps_python import Engine as Steps  # noqa: PLC0415

    return Steps(parts)


def _compiled(parts: _layout.Parts | StepsParts) -> _Engine:
    if _Compiled is None:
        raise BadModel("engine: c was not built on this machine; expected python")
    shape = parts.shape.__dict__.values()
    if isinstance(parts, _layout.Parts):
        return _Compiled(*shape, *parts.sections)
    members = tuple(map(_compiled, parts.members))
    assert _CompiledSteps is not None  # noqa: S101 - both come from one module
    return _CompiledSteps(*shape, parts.words, parts.constants, members, parts.keys)
