"""The reader: a forest file to answers."""

from __future__ import annotations

from drift_engine.forest import _layout
from drift_engine.forest._errors import BadForest, ForestError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from mmap import mmap
    from os import PathLike
    from typing import Literal

    from drift_engine.forest._python import Engine as _Engine

    EngineName = Literal["c", "python"]
    Task = Literal["regression", "classification"]

try:
    from drift_engine.forest._kernel import Engine as _Compiled
except ImportError:  # built without a compiler
    _Compiled = None

#: The engines that this machine has, the fastest first.
ENGINES: tuple[EngineName, ...] = ("python",) if _Compiled is None else ("c", "python")


class Forest:
    """A forest that answers rows, bit for bit as scikit-learn's `predict` with n_jobs=None.

    It is immutable, holds no file, and may be shared by threads.
    """

    __slots__ = ("_answers", "engine", "features", "nodes", "trees")

    #: What the answer is, "regression" always: classifiers are packed models.
    task: Task = "regression"
    #: Numbers in an answer.
    outputs = 1

    def __init__(
        self,
        parts: _layout.Parts,
        engine: EngineName | None = None,
    ) -> None:
        numbers = parts.numbers
        #: "c", or "python" where no compiler was available.
        self.engine: EngineName = engine or ENGINES[0]
        #: Numbers in a row.
        self.features = numbers.features
        #: What the forest is made of.
        self.trees = numbers.trees
        self.nodes = numbers.splits + numbers.leaves
        make = _pure_python if self.engine == "python" else _compiled
        self._answers = make(parts)

    @classmethod
    def open(
        cls,
        path: str | PathLike[str],
        *,
        engine: EngineName | None = None,
    ) -> Forest:
        """Read a forest file.

        Args:
            path: of the file.
            engine: which one answers, the fastest by default.

        Raises:
            BadForest: it is no forest.
            OSError: it cannot be read.
        """
        # A cold start has read the bytes to verify them, and needs no mmap.
        from mmap import ACCESS_READ, mmap  # noqa: PLC0415

        with open(path, "rb") as file:  # noqa: PTH123 - importing pathlib costs a cold start 2 ms
            if not file.seek(0, 2):
                raise BadForest("forest: expected a header, got an empty file")
            return cls.from_bytes(mmap(file.fileno(), 0, access=ACCESS_READ), engine=engine)

    @classmethod
    def from_bytes(
        cls,
        data: bytes | bytearray | memoryview | mmap,
        *,
        engine: EngineName | None = None,
    ) -> Forest:
        """Read a forest from the bytes of its file.

        Args:
            data: of the file.
            engine: which one answers, the fastest by default.

        Raises:
            BadForest: they are no forest.
        """
        return cls(_layout.split(memoryview(data)), engine)

    def predict(self, row: Iterable[float]) -> float:
        """Return the mean of the trees' answers to a row of `features` numbers.

        A tuple is the fastest. Raises BadRow for another length, for what is no number, for
        infinity and what overflows a float32, and for NaN unless the forest was fitted with
        missing values.
        """
        return self._answers.predict(row)

    def predict_many(self, rows: Iterable[Iterable[float]]) -> list[float]:
        """Return the answers to many rows; the compiled engine lets other threads run meanwhile."""
        return self._answers.predict_many(rows)

    def scores(self, row: Iterable[float]) -> tuple[float, ...]:
        """Return the answer as a tuple of one number, as a packed model gives its outputs."""
        return (self._answers.predict(row),)

    def scores_many(self, rows: Iterable[Iterable[float]]) -> list[tuple[float, ...]]:
        """Return the answers to many rows, each a tuple of one number."""
        return [(answer,) for answer in self._answers.predict_many(rows)]


def _pure_python(parts: _layout.Parts) -> _Engine:
    # A cold start has the compiled engine, and does not read this module.
    from drift_engine.forest._python import Engine  # noqa: PLC0415

    return Engine(parts)


def _compiled(parts: _layout.Parts) -> _Engine:
    if _Compiled is None:
        raise ForestError("engine: c was not built on this machine; expected python")
    return _Compiled(*parts.numbers.__dict__.values(), *parts.columns)
