"""Read the outputs of an ONNX model as an answer: numbers, or probabilities and a label."""

from __future__ import annotations

import numpy as np
from drift_contracts.records import Record

from drift_engine.onnx._errors import BadOnnx

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    import numpy.typing as npt
    from drift_contracts import Target

    Floats = npt.NDArray[np.float64]
    Labels = npt.NDArray[np.intp]

NUMBERS = ("tensor(float)", "tensor(double)")
LABELS = ("tensor(int64)", "tensor(string)")
#: What a ZipMap makes: by class its probability, for each row.
MAPS = "seq(map("
_TWO = 2


class Answers(Record):
    """The outputs that are asked for, and what they stand for."""

    #: Of the outputs, those of numbers before the one of labels.
    names: list[str]
    #: The classes' texts; none of a model of numbers.
    classes: tuple[str, ...]
    #: Whether the first output is a map for each row.
    is_map: bool
    #: Whether the last output is the label.
    has_label: bool

    # Any: what the runtime returns
    def read(self, results: Sequence[Any], rows: int) -> tuple[Floats, Labels]:
        """Return the answers, shape (rows, values), and the places of their classes, (rows,).

        Args:
            results: of the outputs.
            rows: that were asked.

        Raises:
            BadOnnx: an output has another shape, or classes that the target has not.
        """
        if not self.classes:
            columns = [_columns(result, rows) for result in results]
            return np.concatenate(columns, axis=1), np.zeros(rows, np.intp)
        if self.is_map:
            scores = self._of_maps(results[0])
        else:
            scores = _columns(results[0], rows)
            if scores.shape[1] == 1 and len(self.classes) == _TWO:
                scores = np.column_stack([1.0 - scores[:, 0], scores[:, 0]])
        if scores.shape[1] != len(self.classes):
            raise BadOnnx(
                f"it answers {scores.shape[1]} probabilities for {len(self.classes)} classes",
                "list in the target what it answers, in its order",
            )
        if not self.has_label:
            return scores, scores.argmax(axis=1)
        return scores, self._places(results[-1])

    def _of_maps(self, maps: Sequence[Mapping[Any, float]]) -> Floats:
        keys = list(maps[0])
        places = class_places(keys, self.classes)
        scores = np.zeros((len(maps), len(self.classes)))
        for row, values in enumerate(maps):
            scores[row, places] = [values[key] for key in keys]
        return scores

    def _places(self, labels: Sequence[Any]) -> Labels:
        listed = np.asarray(labels).reshape(-1).tolist()
        return np.array(class_places(listed, self.classes, is_complete=False), np.intp)


def class_places(
    labels: Sequence[Any], classes: Sequence[str], *, is_complete: bool = True
) -> list[int]:
    """Return the place of each label among the classes.

    Args:
        labels: texts, or numbers: a number is a class of that text, else the class's place.
        classes: of the target.
        is_complete: whether the labels are all classes, each once.

    Raises:
        BadOnnx: a label is none of the classes.

    >>> class_places([1, 0], ["no", "yes"]), class_places(["b"], ["a", "b"], is_complete=False)
    ([1, 0], [1])
    """
    texts = [str(label) for label in labels]
    places = {name: place for place, name in enumerate(classes)}
    numbers = {str(place): place for place in range(len(classes))}
    are_numbers = all(isinstance(label, int) for label in labels)
    # Of numbers as classes the texts decide, in whichever order the target lists them.
    if are_numbers and not all(name.lstrip("-").isdigit() for name in classes):
        places = numbers
    listed = [places.get(text, -1) for text in texts]
    if -1 in listed or (is_complete and len(set(listed)) != len(classes)):
        raise BadOnnx(
            "its classes are not those of the target",
            "list in the target the classes that it names",
        )
    return listed


def answers_of(outputs: Sequence[Any], target: Target) -> Answers:
    """Return how the outputs of a model are read.

    Args:
        outputs: as the runtime describes them.
        target: of the feature set: a number, several, or a class.

    Raises:
        BadOnnx: they are not outputs of such a target.
    """
    numbers = [entry.name for entry in outputs if entry.type in NUMBERS]
    maps = [entry.name for entry in outputs if entry.type.startswith(MAPS)]
    labels = [entry.name for entry in outputs if entry.type in LABELS]
    if target.is_class:
        if len(numbers) + len(maps) != 1 or len(labels) > 1:
            raise BadOnnx(
                "its outputs are not a label and the probability of each class",
                "export it with these outputs alone",
            )
        names = [*numbers, *maps, *labels]
        classes = tuple(target.classes)
        return Answers(names=names, classes=classes, is_map=bool(maps), has_label=bool(labels))
    if not numbers or maps or labels:
        raise BadOnnx(
            "its outputs are not the numbers of the target",
            'export it with these outputs alone; a classifier\'s target has "kind":'
            ' "classification" and its classes',
        )
    return Answers(names=numbers, classes=(), is_map=False, has_label=False)


def _columns(result: Any, rows: int) -> Floats:
    """Return a tensor as float64 of shape (rows, values). Raises BadOnnx for another shape."""
    array = np.asarray(result, np.float64)
    if array.ndim not in (1, _TWO) or len(array) != rows:
        raise BadOnnx("an output is no table with a row for each answer", "export it so")
    return array.reshape(rows, -1)
