"""ONNX files written byte by byte, sound and harmful ones, without the library of their format."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

FLOAT, INT64, STRING, BOOL, DOUBLE, UINT8 = 1, 7, 8, 9, 11, 2


def varint(number: int) -> bytes:
    """Return a number as protobuf writes it."""
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)


def field(number: int, value: int | float | bytes | str) -> bytes:
    """Return one field: a number, a float, or bytes."""
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    content = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(content)) + content


def attribute(name: str, *fields: bytes, kind: int) -> bytes:
    """Return an attribute of a node; `kind` is the number of its type."""
    return field(1, name) + b"".join(fields) + field(20, kind)


def node(operator: str, inputs: Sequence[str], outputs: Sequence[str], *attributes: bytes, domain: str = "") -> bytes:
    """Return a node of a graph."""
    parts = [field(1, name) for name in inputs] + [field(2, name) for name in outputs]
    parts += [field(4, operator), *(field(5, entry) for entry in attributes)]
    return b"".join(parts) + (field(7, domain) if domain else b"")


def tensor(name: str, kind: int, shape: Sequence[int], raw: bytes, *more: bytes) -> bytes:
    """Return a tensor with its values as bytes."""
    return b"".join(field(1, size) for size in shape) + field(2, kind) + field(8, name) + field(9, raw) + b"".join(more)


def value(name: str, kind: int, shape: Sequence[int | str]) -> bytes:
    """Return an input or an output; an axis of a text is open."""
    axes = b"".join(field(1, field(2 if isinstance(size, str) else 1, size)) for size in shape)
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, axes)))


def graph(
    nodes: Sequence[bytes], inputs: Sequence[bytes], outputs: Sequence[bytes], tensors: Sequence[bytes] = ()
) -> bytes:
    """Return a graph."""
    parts = [field(1, entry) for entry in nodes] + [field(2, "g")] + [field(5, entry) for entry in tensors]
    return b"".join([*parts, *(field(11, entry) for entry in inputs), *(field(12, entry) for entry in outputs)])


def model(content: bytes, *more: bytes, domains: Sequence[str] = ("", "ai.onnx.ml")) -> bytes:
    """Return a file of a graph."""
    versions = {"": 17, "ai.onnx.ml": 3}
    opsets = b"".join(field(8, field(1, domain) + field(2, versions.get(domain, 1))) for domain in domains)
    return field(1, 8) + opsets + field(7, content) + b"".join(more)


def sum_of_two(width: int = 2, kind: int = FLOAT, rows: int | str = "N") -> bytes:
    """Return a model that adds its columns up."""
    axes = tensor("axes", INT64, [1], struct.pack("<q", 1))
    nodes = [node("ReduceSum", ["x", "axes"], ["y"])]
    return model(graph(nodes, [value("x", kind, [rows, width])], [value("y", kind, [rows, 1])], [axes]))
