"""Answer rows with ONNX Runtime: one thread, the processor alone, nothing of a file's own."""

from __future__ import annotations

from functools import cache

import numpy as np
import onnxruntime
from drift_contracts.records import Record

from drift_engine.forest import BadRow
from drift_engine.onnx._answers import LABELS, MAPS, answers_of
from drift_engine.onnx._errors import BadAnswer, BadOnnx
from drift_engine.onnx._rows import feeds_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    import numpy.typing as npt
    from drift_contracts import FeatureSet

    from drift_engine.forest._forest import Task
    from drift_engine.onnx._answers import Answers

    Floats = npt.NDArray[np.float64]

PROVIDERS = ["CPUExecutionProvider"]
#: Bytes that all models of a process may take for their tensors: an operator may ask for more than
#: a machine has.
MOST_MEMORY = 1 << 30
#: Rows that are answered together; what they take between operators is as much as one call may.
TOGETHER = 4096
#: The level of the runtime's log that holds nothing.
_SILENT = 4
_TWO = 2


class OnnxModel:
    """A model that answers as ONNX Runtime does; its members are those of `PackedModel`.

    It is immutable, and may be shared by threads.
    """

    __slots__ = (
        "_answers",
        "_feeds",
        "_rows_fixed",
        "_session",
        "engine",
        "features",
        "outputs",
        "task",
    )

    def __init__(self, content: bytes, feature_set: FeatureSet) -> None:
        """Open a file that `check_file` accepted.

        Args:
            content: of the file.
            feature_set: what its rows and its answers are.

        Raises:
            BadOnnx: the runtime refuses it, or it is not of these rows and answers.
        """
        self._session = _session(content)
        self.engine = "onnx"
        #: Numbers in a row.
        self.features = len(feature_set.features)
        self.task: Task = "classification" if feature_set.target.is_class else "regression"
        self._feeds, self._rows_fixed = feeds_of(self._session.get_inputs(), feature_set)
        self._answers: Answers = answers_of(self._session.get_outputs(), feature_set.target)
        #: Numbers in an answer.
        self.outputs = self._first_answer()

    def predict(self, row: Iterable[float]) -> float:
        """Return the one number that stands for an answer, as `PackedModel.predict`.

        Raises:
            BadRow: for another length, and for a missing value that an input has no place for.
            BadAnswer: the runtime fails, or its answer is no finite number.
        """
        return self._number(self.scores(row))

    def predict_many(self, rows: Iterable[Iterable[float]]) -> list[float]:
        """Return the number of each of many rows, see `predict`."""
        return [self._number(scores) for scores in self.scores_many(rows)]

    def scores(self, row: Iterable[float]) -> tuple[float, ...]:
        """Return the answer: the probability of every class, or each target. See `predict`."""
        return self.scores_many([row])[0]

    def scores_many(self, rows: Iterable[Iterable[float]]) -> list[tuple[float, ...]]:
        """Return the answers to many rows. See `predict`."""
        return [scores for scores, _ in self.decide_many(rows)]

    def decide(self, row: Iterable[float]) -> tuple[tuple[float, ...], int]:
        """Return the answer, and the place of the class that the model names. See `predict`."""
        return self.decide_many([row])[0]

    def decide_many(self, rows: Iterable[Iterable[float]]) -> list[tuple[tuple[float, ...], int]]:
        """Return the answers to many rows, each with the place of its class. See `predict`."""
        matrix = self._matrix(rows)
        together = 1 if self._rows_fixed else TOGETHER
        decided: list[tuple[tuple[float, ...], int]] = []
        for start in range(0, len(matrix), together):
            decided += self._decide(matrix[start : start + together])
        return decided

    def label(self, scores: Sequence[float]) -> int:
        """Return the place of the largest probability, the first of several."""
        return max(range(len(scores)), key=scores.__getitem__)

    def _decide(self, matrix: Floats) -> list[tuple[tuple[float, ...], int]]:
        scores, labels = self._answers.read(self._run(matrix), len(matrix))
        infinite = ~np.isfinite(scores).all(axis=1)
        if np.isnan(matrix[infinite]).any():
            raise BadRow("expected a value: the model has no answer to a missing one")
        if infinite.any():
            raise BadAnswer("model.onnx: expected finite numbers as its answer")
        return list(zip(map(tuple, scores.tolist()), labels.tolist(), strict=True))

    def _run(self, matrix: Floats) -> list[Any]:
        """Return what the outputs hold for rows. Raises BadRow or BadAnswer."""
        feeds = {feed.name: feed.fill(matrix) for feed in self._feeds}
        try:
            results: list[Any] = self._session.run(self._answers.names, feeds)
        # As above; its message may hold values of the row.
        except Exception as error:
            raise BadAnswer(
                f"model.onnx: expected an answer; ONNX Runtime ended in {type(error).__name__}"
            ) from None
        return results

    def _matrix(self, rows: Iterable[Iterable[float]]) -> Floats:
        try:
            listed = [tuple(row) for row in rows]
            return np.array(listed, np.float64).reshape(len(listed), self.features)
        except (TypeError, ValueError):
            raise BadRow(f"expected rows of {self.features} numbers") from None

    def _first_answer(self) -> int:
        """Return how many numbers an answer has. Raises BadOnnx where there is none."""
        row = np.zeros((1, self.features))
        try:
            scores, _ = self._answers.read(self._run(row), 1)
        except BadAnswer as error:
            raise BadOnnx(
                f"it does not answer a row of zeros ({error})", "export it again, and try it"
            ) from None
        return int(scores.shape[1])

    def _number(self, scores: Sequence[float]) -> float:
        if self.task == "regression":
            return scores[0]
        return scores[1] if self.outputs == _TWO else max(scores)


class Signature(Record):
    """What a file says of its inputs and outputs."""

    #: Names of the inputs where each is one column; none where one input has them all.
    columns: tuple[str, ...]
    #: Whether it answers with classes.
    is_class: bool


def read_signature(content: bytes) -> Signature:
    """Return what an ONNX file takes and answers, as far as it says.

    Args:
        content: of a file that `check_file` accepted.

    Raises:
        BadOnnx: the runtime refuses it.
    """
    session = _session(content)
    inputs, outputs = session.get_inputs(), session.get_outputs()
    columns = tuple(entry.name for entry in inputs)
    kinds = [entry.type for entry in outputs]
    is_class = any(kind in LABELS or kind.startswith(MAPS) for kind in kinds)
    return Signature(columns=columns if len(columns) > 1 else (), is_class=is_class)


def _session(content: bytes) -> Any:
    """Return a file made ready by the runtime. Raises BadOnnx."""
    _bound_memory()
    try:
        return onnxruntime.InferenceSession(content, sess_options=_options(), providers=PROVIDERS)
    # The runtime's errors have no root of their own.
    except Exception as error:
        raise BadOnnx(
            f"ONNX Runtime {onnxruntime.__version__} refuses it ({type(error).__name__})",
            "export it for an opset that this version knows",
        ) from None


def _options() -> Any:
    """Return how a session runs: in the thread that calls it, within the memory of a process."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = _SILENT
    options.add_session_config_entry("session.load_model_format", "ONNX")
    options.add_session_config_entry("session.use_env_allocators", "1")
    return options


@cache
def _bound_memory() -> None:
    """Bound what tensors may take, once a process."""
    kinds = onnxruntime.OrtAllocatorType, onnxruntime.OrtMemType
    memory = onnxruntime.OrtMemoryInfo("Cpu", kinds[0].ORT_ARENA_ALLOCATOR, 0, kinds[1].DEFAULT)
    # Strategy 1 asks for what is needed, 0 for the next power of two.
    bounds = onnxruntime.OrtArenaCfg({"max_mem": MOST_MEMORY, "arena_extend_strategy": 1})
    onnxruntime.create_and_register_allocator(memory, bounds)
