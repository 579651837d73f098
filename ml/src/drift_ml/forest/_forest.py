"""The reader: a forest file to answers."""

from collections.abc import Iterable, Sequence
from mmap import ACCESS_READ, mmap
from os import PathLike
from pathlib import Path
from typing import Literal, Protocol

from drift_ml.forest import _layout, _python
from drift_ml.forest._errors import BadForest, ForestError

try:
    from drift_ml.forest import _kernel
except ImportError:  # built without a compiler
    _kernel = None  # type: ignore[assignment]

Engine = Literal["c", "python"]


class _Answers(Protocol):
    def predict(self, row: Iterable[float], /) -> float: ...

    def predict_many(self, rows: Iterable[Iterable[float]], /) -> list[float]: ...


class Forest:
    """A forest that answers rows, bit for bit as scikit-learn's `predict` with n_jobs=None.

    `features`: numbers in a row; `trees`, `nodes`: what the forest is made of; `engine`: "c", or "python" where no
    compiler was available. Immutable, holds no file, and may be shared by threads.
    """

    __slots__ = ("_answers", "engine", "features", "nodes", "trees")

    def __init__(self, parts: _layout.Parts, engine: Engine | None = None) -> None:
        self.engine: Engine = engine or available_engine()
        self.features = parts.features
        self.trees = parts.trees
        self.nodes = 2 * parts.splits + parts.trees
        self._answers = _start(self.engine, parts)

    @classmethod
    def open(cls, path: str | PathLike[str], *, engine: Engine | None = None) -> "Forest":
        """Read the forest file at `path`; raises BadForest if it is not one, OSError if it cannot be read."""
        with Path(path).open("rb") as file:
            if not file.seek(0, 2):
                raise BadForest("forest: expected a header, got an empty file")
            return cls.from_bytes(mmap(file.fileno(), 0, access=ACCESS_READ), engine=engine)

    @classmethod
    def from_bytes(
        cls, data: "bytes | bytearray | memoryview | mmap", *, engine: Engine | None = None
    ) -> "Forest":
        """Read a forest from the bytes of its file; raises BadForest if they are not one."""
        return cls(_layout.split(memoryview(data)), engine)

    def predict(self, row: Iterable[float]) -> float:
        """The mean of the trees' answers to a row of `features` numbers; a tuple is the fastest.

        Raises BadRow for another length, for what is no number, for infinity and what overflows a float32, and for
        NaN unless the forest was fitted with missing values.
        """
        return self._answers.predict(row)

    def predict_many(self, rows: Iterable[Sequence[float]]) -> list[float]:
        """The answers to many rows; the compiled engine lets other threads run meanwhile."""
        return self._answers.predict_many(rows)


def available_engine() -> Engine:
    """The engine that a forest gets unless told otherwise."""
    return "python" if _kernel is None else "c"


def _start(engine: Engine, parts: _layout.Parts) -> _Answers:
    if engine == "python":
        return _python.Engine(parts)
    if engine != "c":
        raise ForestError("engine: expected c or python")
    if _kernel is None:
        raise ForestError("engine: c was not built on this machine; expected python")
    return _kernel.Engine(
        *(parts.features, parts.missing_accepted, parts.split_code_width, parts.leaf_code_width),
        *parts.columns,
    )
