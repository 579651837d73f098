"""What a reader makes of a file: numbers, containers, and records without behaviour."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from drift_ml.converters.estimators import Lifeless

from .errors import Broken

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

#: Dots are of nested classes, `<` and `>` of local functions.
_NAME = re.compile(r"[A-Za-z_][\w.<>]{0,300}")
#: Codes of numpy's types that hold numbers, truth values, texts, times or nothing.
_TYPE = re.compile(r"[|<>=]?(?:[?bhilqpBHILQPefdgFDGc]|[biufcSUVMm]\d{1,9}|O|O8)")
#: Arrays of entries without size would be long for nothing.
MOST_EMPTY_ENTRIES = 1_000_000
OBJECT = np.dtype(object)
#: Types that are values in a file, such as the type of an encoder's output.
PLAIN_TYPES = {
    "builtins": (bool, int, float, complex, str, bytes, object),
    "numpy": (
        np.bool_,
        np.int8,
        np.int16,
        np.int32,
        np.int64,
        np.uint8,
        np.uint16,
        np.uint32,
        np.uint64,
        np.float16,
        np.float32,
        np.float64,
        np.str_,
        np.object_,
    ),
}


class Records:
    """The classes of one file, each made once: it has a name, and no code."""

    def __init__(self) -> None:
        self._kinds: dict[tuple[str, str], type[Any]] = {}
        for module, kinds in PLAIN_TYPES.items():
            for kind in kinds:
                self._kinds[module, kind.__name__] = kind

    def kind(self, module: str, name: str) -> type[Any]:
        """Return the class of a name; nothing is imported.

        Args:
            module: As the file has it.
            name: Of the class or the function, with dots where it is nested.

        Raises:
            Broken: these are no names.
        """
        if not (_NAME.fullmatch(module) and _NAME.fullmatch(name)):
            raise Broken("the name of a class is none")
        made = self._kinds.get((module, name))
        if made is None:
            made = type(name, (Lifeless,), {"__module__": module})
            self._kinds[module, name] = made
        return made

    def record(self, module: str, name: str) -> Lifeless:
        """Return a new object of a class, without attributes."""
        made = self.kind(module, name)
        if not issubclass(made, Lifeless):
            raise Broken("a type of numbers stands where an object is expected")
        return made()


def describe(value: object) -> str:
    """Return what a value of a file is, for messages: a class's name and nothing that it holds."""
    kind = value if isinstance(value, type) else type(value)
    return f"{kind.__module__}.{kind.__name__}"


def set_state(record: Lifeless, state: object) -> None:
    """Give a record the attributes that the file has for it.

    Args:
        record: Which gets them.
        state: A mapping by name, a pair of two mappings, or anything else, which is then kept
            as the attribute `state`.
    """
    if isinstance(state, tuple) and len(state) == len(("attributes", "slots")):
        for part in state:
            if part is not None:
                set_state(record, part)
        return
    if not isinstance(state, dict):
        vars(record)["state"] = state
        return
    for name, value in state.items():
        if not isinstance(name, str):
            raise Broken("an attribute's name is no text")
        # Into the record's own mapping: nothing that looks like an assignment runs.
        vars(record)[name] = value


def plain_dtype(text: object) -> np.dtype[Any]:
    """Return numpy's type of a short code, such as `<f8`. Raises Broken for any other text."""
    if not isinstance(text, str) or not _TYPE.fullmatch(text):
        raise Broken("the type of an array is not known")
    dtype: np.dtype[Any] = np.dtype(text)
    return dtype


def structured_dtype(
    names: object,
    fields: object,
    size: object,
) -> np.dtype[Any]:
    """Return the type of an array whose entries have named members.

    Args:
        names: Of the members, in order.
        fields: By name a pair of type and offset in bytes.
        size: Of an entry, in bytes.

    Raises:
        Broken: these do not fit together, or a member is an object, whose bytes are an address.
    """
    if not isinstance(names, tuple) or not isinstance(fields, dict) or not isinstance(size, int):
        raise Broken("the type of an array has members that are none")
    pairs = [fields.get(name) for name in names]
    if not all(isinstance(pair, tuple) and _is_member(pair) for pair in pairs):
        raise Broken("the type of an array has a member that is no number")
    formats = [pair[0] for pair in pairs if pair]
    offsets = [pair[1] for pair in pairs if pair]
    members: Any = {"names": names, "formats": formats, "offsets": offsets, "itemsize": size}
    try:
        dtype: np.dtype[Any] = np.dtype(members)
    except (TypeError, ValueError):
        raise Broken("the members of an array's type overlap its end") from None
    return dtype


def _is_member(pair: tuple[Any, ...]) -> bool:
    is_typed = isinstance(pair[0], np.dtype) and isinstance(pair[1], int)
    return is_typed and not pair[0].hasobject


def to_shape(value: object) -> tuple[int, ...]:
    """Return an array's shape. Raises Broken where it is none."""
    dimensions = value if isinstance(value, tuple | list) else (value,)
    if not all(isinstance(size, int) and size >= 0 for size in dimensions):
        raise Broken("the shape of an array is none")
    return tuple(dimensions)


def count_of(shape: Sequence[int]) -> int:
    """Return how many entries an array of a shape has."""
    count = 1
    for size in shape:
        count *= size
    return count


def array_of(
    content: Any,
    dtype: np.dtype[Any],
    shape: tuple[int, ...],
    order: str,
) -> Any:
    """Return an array over bytes of the file, which are not copied.

    Args:
        content: Bytes, as many as the array needs.
        dtype: Of an entry; no objects.
        shape: Of the array.
        order: "F" where the first index is the fastest, else "C".

    Raises:
        Broken: there are more or fewer bytes, or entries are objects.
    """
    count = count_of(shape)
    if dtype.hasobject:
        raise Broken("an array of objects is stored as bytes")
    if len(content) != count * dtype.itemsize:
        raise Broken("an array has more or fewer bytes than its shape")
    if dtype.itemsize == 0 and count > MOST_EMPTY_ENTRIES:
        raise Broken("an array has more entries than bytes")
    # Entries without size have no bytes to look at.
    flat = np.frombuffer(content, dtype) if len(content) else np.empty(count, dtype)
    return _shaped(flat, shape, order)


def object_array(
    values: object,
    shape: tuple[int, ...],
    order: str = "C",
) -> Any:
    """Return an array of objects. Raises Broken where they are not as many as the shape says."""
    if not isinstance(values, list) or len(values) != count_of(shape):
        raise Broken("an array has more or fewer objects than its shape")
    flat = np.empty(len(values), object)
    for place, value in enumerate(values):
        flat[place] = value
    return _shaped(flat, shape, order)


def _shaped(
    flat: Any,
    shape: tuple[int, ...],
    order: str,
) -> Any:
    try:
        return flat.reshape(shape, order="F" if order == "F" else "C")
    except ValueError:
        raise Broken("the shape of an array is none") from None
