"""An ONNX file is checked as bytes: what could run code, read files or never end is refused."""

from __future__ import annotations

import struct
from contextlib import suppress
from pathlib import Path

import pytest
from drift_engine.onnx import BadOnnx, _file, check_file
from hypothesis import given
from hypothesis import strategies as st

from tests.support import onnx_bytes as onnx
from tests.support.onnx_bytes import attribute, field, graph, model, node, sum_of_two, tensor, value

DATA = Path(__file__).parents[1] / "onnx" / "data"
EXTERNAL = field(13, field(1, "location") + field(2, "../../etc/passwd"))
ELSEWHERE = tensor("w", onnx.FLOAT, [1], b"", EXTERNAL)
INNER = graph([node("Identity", ["a"], ["b"])], [], [])


def with_nodes(*nodes, tensors=()):
    """Return a file of such nodes."""
    return model(graph(nodes, [value("x", onnx.FLOAT, ["N", 2])], [value("y", onnx.FLOAT, ["N", 1])], tensors))


def nested(levels):
    """Return a file of graphs within graphs."""
    inner = INNER
    for _ in range(levels):
        inner = graph([node("If", ["c"], ["y"], attribute("then_branch", field(6, inner), kind=5))], [], [])
    return model(inner)


def holding(entry):
    """Return a file with a node that has an attribute of one field."""
    return with_nodes(node("Constant", [], ["y"], attribute("value", entry, kind=4)))


@pytest.mark.parametrize(
    ("name", "operators"),
    [
        ("forest", {"TreeEnsembleRegressor"}),
        ("classes", {"TreeEnsembleClassifier", "ZipMap"}),
        ("pipeline", {"OneHotEncoder", "LinearClassifier"}),
    ],
)
def test_operators(name, operators):
    """The operators of a converter's files are found, those of its trees among them."""
    found = check_file((DATA / f"{name}.onnx").read_bytes())
    assert found >= operators


REFUSED = {
    "a tensor in a file": with_nodes(tensors=[ELSEWHERE]),
    "only its mark": with_nodes(tensors=[tensor("w", onnx.FLOAT, [1], b"", field(14, 1))]),
    "one in an attribute": holding(field(5, ELSEWHERE)),
    "one in a list": holding(field(10, ELSEWHERE)),
    "one that is sparse": holding(field(22, field(1, ELSEWHERE))),
    "its indices": holding(field(23, field(2, ELSEWHERE))),
    "one in a graph": holding(field(6, graph([], [], [], [ELSEWHERE]))),
    "one in a list of graphs": holding(field(11, graph([], [], [], [ELSEWHERE]))),
    "a sparse initializer": model(INNER + field(15, field(1, ELSEWHERE))),
    "a second graph": sum_of_two() + field(7, graph([], [], [], [ELSEWHERE])),
    "a library of operators": with_nodes(node("Harm", ["x"], ["y"], domain="com.example")),
    "a library that is named": model(INNER, domains=["", "com.microsoft"]),
    "functions": model(INNER, field(25, field(1, "f"))),
    "a training": model(INNER, field(20, b"")),
    "a loop": with_nodes(node("Loop", ["x"], ["y"], attribute("body", field(6, INNER), kind=5))),
    "chance": with_nodes(node("RandomUniform", [], ["y"])),
    "graphs without end": nested(40),
    "the runtime's own form": b"\x12\x0a..ORTM" + b"x" * 4 + sum_of_two(),
    "nothing": b"\x08\x08",
    "a group": sum_of_two() + b"\x0b\x0c",
    "a field of number zero": sum_of_two() + b"\x02\x01x",
    "more bytes than there are": sum_of_two() + b"\x3a\x7fx",
    "a number without end": sum_of_two() + b"\x08" + b"\xff" * 12,
    "a number that is cut": sum_of_two() + b"\x08\xff",
    "a tag over 32 bits": sum_of_two() + b"\xba\x80\x80\x80\x10\x00",
    "a size over 31 bits": sum_of_two() + b"\x3a\xff\xff\xff\xff\x0f",
    "a short that is cut": sum_of_two() + b"\x55\x00",
    "a long that is cut": sum_of_two() + b"\x51\x00",
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_file(name):
    """A file that would run code, read another file or never end is refused, with a way out."""
    with pytest.raises(BadOnnx) as refused:
        check_file(REFUSED[name])
    assert refused.value.reason
    assert refused.value.way_out
    assert "passwd" not in str(refused.value)


def test_names_printable():
    """A name of an operator or a domain is shown short, and without what no name has."""
    content = with_nodes(node("Harm", ["x"], ["y"], domain="\x1b[31m\n" + "x" * 500))
    with pytest.raises(BadOnnx) as refused:
        check_file(content)
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 300


def test_attribute_runs():
    """Numbers and names of trees are read in runs, and a tensor behind them is found."""
    floats = b"".join(field(7, float(place)) for place in range(500))
    whole = b"".join(field(8, place * 97) for place in range(500)) + b"\x40" + b"\xff" * 9 + b"\x01"
    modes = field(9, "BRANCH_LEQ") * 300 + field(9, "BRANCH_EQ") + field(9, "BRANCH_NEQ") + field(9, "LEAF") * 9
    sound = attribute("a", floats, whole, modes, field(9, "other"), kind=6)
    assert check_file(with_nodes(node("Identity", ["x"], ["y"], sound))) == {"Identity"}
    harmful = attribute("a", floats, whole, modes, field(5, ELSEWHERE), kind=6)
    with pytest.raises(BadOnnx, match="files of their own"):
        check_file(with_nodes(node("Identity", ["x"], ["y"], harmful)))


@pytest.mark.parametrize(("bound", "value"), [("MOST_BYTES", 20), ("MOST_FIELDS", 5)])
def test_bounds(monkeypatch, bound, value):
    """A file beyond a bound is refused."""
    monkeypatch.setattr(_file, bound, value)
    with pytest.raises(BadOnnx, match="smaller"):
        check_file(sum_of_two())


def test_wide_numbers():
    """Fields of fixed width are passed over."""
    more = varied = b"\x51" + struct.pack("<d", 1.0) + field(10, 2.0)
    assert check_file(sum_of_two() + more + varied) == {"ReduceSum"}


@given(st.data())
def test_damaged_files(data):
    """A damaged file is read or refused, and nothing else is raised."""
    content = bytearray((DATA / "pipeline.onnx").read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with suppress(BadOnnx):
        assert check_file(bytes(content))
