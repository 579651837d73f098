"""Read an ONNX file as bytes alone: which operators it has, and that it names no other file.

The form is protobuf's. Only the messages that matter are entered; everything that two parsers could
read in two ways is refused, so that the runtime cannot find what was not found here.
"""

from __future__ import annotations

import re

from drift_engine.onnx._errors import BadOnnx

#: Operators of the standard; libraries of operators would be code.
DOMAINS = (b"", b"ai.onnx", b"ai.onnx.ml")
#: Operators that may run without end, answer by chance, or read files of images.
REFUSED = frozenset(
    {
        b"Bernoulli",
        b"ImageDecoder",
        b"Loop",
        b"Multinomial",
        b"RandomNormal",
        b"RandomNormalLike",
        b"RandomUniform",
        b"RandomUniformLike",
        b"Scan",
        b"SequenceMap",
    }
)
#: Bytes of a file, as of a packed model.
MOST_BYTES = 512 << 20
#: Fields that are read one by one, which takes some seconds; those of trees are read in runs.
MOST_FIELDS = 5_000_000
#: Graphs within one another, each some messages deep.
DEEPEST = 24

#: By message the fields that matter: the message that they are, or what is checked of them. The
#: numbers are those of onnx.proto.
_FIELDS = {
    "model": {7: "graph", 8: "opset", 20: "training", 25: "function"},
    "opset": {1: "domain"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {4: "operator", 5: "attribute", 7: "domain"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "external", 14: "location"},
}
# Attributes of trees are millions of fields: numbers, and the names of comparisons. A match ends
# where a field ends; what it leaves over is read one by one. `++` keeps no way back.
_RUN = re.compile(
    rb"(?:\x3d.{4})++"
    rb"|(?:\x40[\x80-\xff]{0,9}[\x00-\x7f])++"
    rb"|(?:\x4a(?:\x0aBRANCH_LEQ|\x09BRANCH_LT|\x0aBRANCH_GTE|\x09BRANCH_GT|\x09BRANCH_EQ"
    rb"|\x0aBRANCH_NEQ|\x04LEAF))++",
    re.DOTALL,
)
#: Kinds of fields on the wire.
_NUMBER, _LONG, _BYTES, _SHORT = 0, 1, 2, 5
_TAG_BYTES, _NUMBER_BYTES = 5, 10
_LARGEST_TAG, _LARGEST_SIZE = (1 << 32) - 1, (1 << 31) - 1
_EXPORT_AGAIN = "export it again with the tool that wrote it"


def check_file(content: bytes) -> frozenset[str]:
    """Return the names of the operators in an ONNX file.

    Args:
        content: of the file.

    Raises:
        BadOnnx: it is damaged, too large, has an operator that is not served, names a file beside
            it, or holds a training or functions.
    """
    if len(content) > MOST_BYTES:
        raise BadOnnx(f"it is larger than {MOST_BYTES} bytes", "export a smaller model")
    # The runtime tells a form of its own by these bytes, whatever else the file is.
    if content[4:8] == b"ORTM":
        raise BadOnnx("it is in ONNX Runtime's own form", "export the .onnx file")
    walk = _Walk(content)
    walk.message("model", 0, len(content), 0)
    if not walk.operators:
        raise BadOnnx("it has no graph with operators", _EXPORT_AGAIN)
    return frozenset(walk.operators)


class _Walk:
    """Goes through the messages of a file once."""

    __slots__ = ("content", "fields", "operators")

    def __init__(self, content: bytes) -> None:
        self.content = content
        #: Read one by one.
        self.fields = 0
        self.operators: set[str] = set()

    def message(self, kind: str, position: int, end: int, depth: int) -> None:
        """Read the fields of a message.

        Args:
            kind: its name in `_FIELDS`.
            position: of its first byte.
            end: after its last byte.
            depth: messages around it.

        Raises:
            BadOnnx: see `check_file`.
        """
        if depth > DEEPEST:
            raise BadOnnx("its graphs are nested too deeply", "flatten the model")
        fields = _FIELDS[kind]
        while position < end:
            run = _RUN.match(self.content, position, end) if kind == "attribute" else None
            if run is not None:
                position = run.end()
                continue
            position = self._field(fields, position, end, depth)

    def _field(self, fields: dict[int, str], position: int, end: int, depth: int) -> int:
        """Read one field; return where it ends. Raises BadOnnx."""
        self.fields += 1
        if self.fields > MOST_FIELDS:
            raise BadOnnx(f"it has more than {MOST_FIELDS} fields", "export a smaller model")
        tag, position = self._varint(position, end, _TAG_BYTES, _LARGEST_TAG)
        meaning, wire = fields.get(tag >> 3, ""), tag & 7
        stop = position + (8 if wire == _LONG else 4)
        if wire == _NUMBER:
            value, stop = self._varint(position, end, _NUMBER_BYTES)
            if meaning == "location" and value:
                raise _external()
        elif wire == _BYTES:
            size, position = self._varint(position, end, _TAG_BYTES, _LARGEST_SIZE)
            stop = position + size
            if stop <= end and meaning:
                self._inside(meaning, position, stop, depth)
        elif wire not in (_LONG, _SHORT):
            raise _damaged()
        # Number 0 and groups are read in several ways.
        if stop > end or not tag >> 3:
            raise _damaged()
        return stop

    def _inside(self, meaning: str, position: int, end: int, depth: int) -> None:
        """Check the content of a field, or enter the message that it is. Raises BadOnnx."""
        if meaning in _FIELDS:
            self.message(meaning, position, end, depth + 1)
            return
        if meaning == "external":
            raise _external()
        if meaning in ("training", "function"):
            raise BadOnnx(f"it holds a {meaning}", "export the model for inference, inlined")
        text = self.content[position:end]
        if meaning == "domain" and text not in DOMAINS:
            raise BadOnnx(
                f"it has operators of the domain {_name(text)}",
                "export it with operators of ai.onnx and ai.onnx.ml alone",
            )
        if meaning == "operator":
            self._operator(text)

    def _operator(self, text: bytes) -> None:
        if text in REFUSED:
            raise BadOnnx(
                f"the operator {_name(text)} is not served: it may run without end, answers by"
                " chance or reads images",
                "export a model without it",
            )
        self.operators.add(_name(text))

    def _varint(
        self, position: int, end: int, most_bytes: int, largest: int | None = None
    ) -> tuple[int, int]:
        """Return a number of variable length, and where it ends.

        Args:
            position: of its first byte.
            end: of what holds it.
            most_bytes: that it may have.
            largest: that it may be.

        Raises:
            BadOnnx: it is longer or larger.
        """
        value = 0
        for place in range(most_bytes):
            if position + place >= end:
                break
            byte = self.content[position + place]
            value |= (byte & 0x7F) << 7 * place
            if byte < 0x80:  # noqa: PLR2004 - the bit that says that more bytes follow
                if largest is not None and value > largest:
                    break
                return value, position + place + 1
        raise _damaged()


def _name(text: bytes) -> str:
    """Return the name of an operator or a domain, printable and short."""
    shown = re.sub(rb"[^A-Za-z0-9_.-]", b"?", text[:40])
    return shown.decode("ascii")


def _external() -> BadOnnx:
    return BadOnnx(
        "its tensors are in files of their own, which nothing binds to it",
        "save it as one file: onnx.save(model, 'model.onnx', save_as_external_data=False)",
    )


def _damaged() -> BadOnnx:
    return BadOnnx("it is damaged, or no ONNX file", _EXPORT_AGAIN)
