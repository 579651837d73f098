"""A reader of Universal Binary JSON, as XGBoost writes it: inert data, nothing is executed.

Source: https://ubjson.org, draft 12, with XGBoost's typed arrays of known length.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from .errors import CannotServe

if TYPE_CHECKING:
    from typing import Any

_NUMBERS = {
    b"i": struct.Struct(">b"),
    b"U": struct.Struct(">B"),
    b"I": struct.Struct(">h"),
    b"l": struct.Struct(">i"),
    b"L": struct.Struct(">q"),
    b"d": struct.Struct(">f"),
    b"D": struct.Struct(">d"),
}
_CONSTANTS = {b"T": True, b"F": False, b"Z": None}
#: Deeper documents are refused; a model has some eight levels.
MOST_LEVELS = 64


def read_ubjson(content: bytes) -> Any:
    """Return the document in some bytes.

    Raises:
        CannotServe: they are not one whole document.
    """
    reader = _Reader(content)
    try:
        document = reader.value(
            reader.take(1),
            0,
        )
    except (struct.error, UnicodeDecodeError, KeyError):
        raise _broken() from None
    if reader.place != len(content):
        raise _broken()
    return document


def _broken() -> CannotServe:
    return CannotServe(
        "model file",
        "expected one UBJSON document",
        "save the model again",
    )


class _Reader:
    def __init__(self, content: bytes) -> None:
        self.content = content
        self.place = 0

    def take(self, size: int) -> bytes:
        end = self.place + size
        if size < 0 or end > len(self.content):
            raise _broken()
        part = self.content[self.place : end]
        self.place = end
        return part

    def number(self, kind: bytes) -> Any:
        form = _NUMBERS[kind]
        return form.unpack(self.take(form.size))[0]

    def text(self) -> str:
        return self.take(self.number(self.take(1))).decode()

    def value(self, kind: bytes, level: int) -> Any:
        if level > MOST_LEVELS:
            raise _broken()
        if kind in _CONSTANTS:
            return _CONSTANTS[kind]
        if kind == b"S":
            return self.text()
        if kind == b"{":
            return self.members(level)
        if kind == b"[":
            return self.items(level)
        return self.number(kind)

    def members(self, level: int) -> dict[str, Any]:
        found = {}
        while self.content[self.place : self.place + 1] != b"}":
            name = self.text()
            found[name] = self.value(
                self.take(1),
                level + 1,
            )
        self.take(1)
        return found

    def items(self, level: int) -> list[Any]:
        kind = self.take(1)
        if kind == b"$":
            return self.typed()
        if kind == b"#":
            count = self.number(self.take(1))
            return [
                self.value(
                    self.take(1),
                    level + 1,
                )
                for _ in range(count)
            ]
        found = []
        while kind != b"]":
            found.append(
                self.value(
                    kind,
                    level + 1,
                )
            )
            kind = self.take(1)
        return found

    def typed(self) -> list[Any]:
        form = _NUMBERS[self.take(1)]
        if self.take(1) != b"#":
            raise _broken()
        count = self.number(self.take(1))
        values = struct.iter_unpack(
            form.format,
            self.take(count * form.size),
        )
        return [value for (value,) in values]
