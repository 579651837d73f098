"""Arrays, their types and scalars, as pickles describe them in calls of numpy's functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .errors import Broken
from .records import OBJECT, array_of, object_array, plain_dtype, structured_dtype, to_shape

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Pending:
    """An array or a type that a pickle makes first and fills later."""

    def __init__(self, kind: str, dtype: np.dtype[Any] | None = None) -> None:
        #: "array" or "dtype".
        self.kind = kind
        self.dtype = dtype
        #: Where the pickle remembers it, to be replaced by what it becomes.
        self.places: list[int] = []

    def filled(self, state: object) -> Any:
        """Return the array or the type. Raises Broken for a state that describes none."""
        if not isinstance(state, tuple):
            raise Broken("an array's description is none")
        return _filled_array(state) if self.kind == "array" else self._filled_dtype(state)

    def _filled_dtype(self, state: tuple[Any, ...]) -> np.dtype[Any]:
        """Return the type: version, byte order, subarray, names, fields, size, and more."""
        least, subarray, names, size = 8, 2, 3, 5
        if len(state) < least or state[subarray] is not None or self.dtype is None:
            raise Broken("the type of an array is not known")
        if state[names] is not None:
            return structured_dtype(state[names], state[names + 1], state[size])
        if state[1] not in ("<", ">", "|", "="):
            raise Broken("the byte order of an array is none")
        dtype = self.dtype
        if dtype.char in "SUV" and isinstance(state[size], int) and state[size] > 0:
            width = state[size] // (4 if dtype.char == "U" else 1)
            dtype = plain_dtype(f"{dtype.char}{width}")
        return dtype if state[1] == "|" else dtype.newbyteorder(state[1])


def _filled_array(state: tuple[Any, ...]) -> Any:
    """Return an array: version, shape, type, whether in Fortran's order, and its bytes."""
    if len(state) != len(("version", "shape", "type", "order", "content")):
        raise Broken("an array's description is none")
    _, shape, dtype, is_fortran, content = state
    order = "F" if is_fortran is True else "C"
    return _array(content, dtype, shape, order)


def _array(
    content: object,
    dtype: object,
    shape: object,
    order: object,
) -> Any:
    if isinstance(dtype, str):
        dtype = plain_dtype(dtype)
    if not isinstance(dtype, np.dtype):
        raise Broken("the type of an array is not known")
    sizes = to_shape(shape)
    if dtype == OBJECT:
        return object_array(content, sizes, str(order))
    return array_of(as_bytes(content), dtype, sizes, str(order))


def as_bytes(content: object) -> Any:
    """Return bytes as they are. Raises Broken for anything else."""
    if isinstance(content, str):
        # The oldest protocol writes bytes as text.
        try:
            return content.encode("latin-1")
        except UnicodeEncodeError:
            raise Broken("an array's bytes are a text") from None
    if not isinstance(content, bytes | bytearray | memoryview):
        raise Broken("an array's bytes are none")
    return content


def from_buffer(
    content: object,
    dtype: object,
    shape: object,
    order: object = "C",
) -> Any:
    """Return an array of the newest protocol."""
    return _array(content, dtype, shape, order)


def reconstruct(*_arguments: object) -> Pending:
    """Return an array that is filled later."""
    return Pending("array")


def make_dtype(code: object, *_flags: object) -> Pending:
    """Return a type that may be filled later: its byte order, or its members."""
    return Pending("dtype", plain_dtype(code))


def scalar(dtype: object, content: object = b"") -> Any:
    """Return one number, or the object that an entry of an array of objects is."""
    if not isinstance(dtype, np.dtype):
        raise Broken("the type of a number is not known")
    if dtype == OBJECT:
        return content
    return array_of(as_bytes(content), dtype, (1,), "C")[0]


#: By name of the function, in all of numpy's modules that had it.
FUNCTIONS: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy", "dtype"): make_dtype,
    ("numpy._core.multiarray", "_reconstruct"): reconstruct,
    ("numpy._core.multiarray", "scalar"): scalar,
    ("numpy._core.numeric", "_frombuffer"): from_buffer,
}
