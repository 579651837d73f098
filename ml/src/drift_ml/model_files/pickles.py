"""A reader of pickles that executes nothing: every class becomes a record without code.

It interprets the opcodes itself. Only containers, texts, numbers and numpy's arrays, types and
scalars are made; a call of anything else becomes a record that keeps the call's arguments.

Source: https://github.com/python/cpython/blob/3.11/Lib/pickletools.py, protocols 0 to 5.
"""

from __future__ import annotations

import codecs
import struct
from typing import TYPE_CHECKING

import numpy as np

from drift_ml.converters.estimators import Lifeless

from . import numpy_values
from .errors import Broken
from .fields import finish
from .numpy_values import Pending
from .records import Records, set_state

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence
    from typing import Any

#: Opcodes of a file, whatever its size; a forest of 1,000 trees has some 150,000.
MOST_OPCODES = 5_000_000
#: Beyond these, one more for so many bytes.
BYTES_AN_OPCODE = 32
#: Bytes from which a value is a view of the file and not a copy.
VIEWED = 4096
#: Bytes in which the end of a line is looked for at once.
WINDOW = 1 << 16
#: Digits of a whole number; more take long to read.
MOST_DIGITS = 4_000
#: Names of modules in Python 2, which old protocols keep.
FORMER_MODULES = {
    "__builtin__": "builtins",
    "copy_reg": "copyreg",
    "numpy.core.multiarray": "numpy._core.multiarray",
    "numpy.core.numeric": "numpy._core.numeric",
}
_MARK = object()


class Stream:
    """The bytes of a pickle, and how far they were read."""

    def __init__(self, content: memoryview) -> None:
        self.content = content
        self.place = 0

    def take(self, size: int) -> memoryview:
        """Return the next bytes. Raises Broken where there are fewer."""
        end = self.place + size
        if size < 0 or end > len(self.content):
            raise Broken("it ends within a value")
        part = self.content[self.place : end]
        self.place = end
        return part

    def line(self) -> bytes:
        """Return the bytes up to the next line's end, which is passed."""
        start = self.place
        while self.place < len(self.content):
            window = bytes(self.content[self.place : self.place + WINDOW])
            length = window.find(b"\n")
            if length >= 0:
                end = self.place + length
                self.place = end + 1
                return bytes(self.content[start:end])
            self.place += len(window)
        raise Broken("a line has no end")

    def word(self) -> str:
        """Return the text up to the next line's end: a name or a number, of a few characters."""
        line = self.line()
        if len(line) > MOST_DIGITS:
            raise Broken("a name or a number is too long")
        return _text(line)


def _text(content: bytes | memoryview) -> str:
    try:
        return bytes(content).decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        raise Broken("a text is not UTF-8") from None


def read_pickle(
    stream: Stream,
    records: Records,
    in_stream: Callable[[Lifeless, Stream], Any] | None = None,
) -> Any:
    """Return what a pickle describes.

    Args:
        stream: Its bytes; what follows the pickle is not read.
        records: Makes the file's classes.
        in_stream: Called with each record that has got its state, and the bytes after it; returns
            what stands for the record. For arrays that joblib writes into the pickle.

    Raises:
        Broken: it is no pickle, or it would take more memory than a model does.
    """
    return _Interpreter(stream, records, in_stream).run()


class _Interpreter:
    """A pickle's stack and memory."""

    def __init__(
        self,
        stream: Stream,
        records: Records,
        in_stream: Callable[[Lifeless, Stream], Any] | None,
    ) -> None:
        self.stream = stream
        self.records = records
        self.in_stream = in_stream
        self.stack: list[Any] = []
        self.memory: dict[int, Any] = {}

    def run(self) -> Any:
        """Return the value before STOP."""
        most = MOST_OPCODES + len(self.stream.content) // BYTES_AN_OPCODE
        content = self.stream.content
        for _ in range(most):
            if self.stream.place >= len(content):
                raise Broken("it ends without an end mark")
            opcode = content[self.stream.place]
            self.stream.place += 1
            if opcode == _STOP:
                return self.pop()
            action = _ACTIONS.get(opcode)
            if action is None:
                raise Broken(f"opcode {opcode} at byte {self.stream.place - 1} is not read")
            action(self)
        raise Broken("it has more objects than a model of its size")

    def pop(self) -> Any:
        """Return the last value of the stack."""
        value = self.stack.pop() if self.stack else _MARK
        if value is _MARK:
            raise Broken("a value is missing on its stack")
        return value

    def top(self) -> Any:
        """Return the last value of the stack, which stays there."""
        if not self.stack or self.stack[-1] is _MARK:
            raise Broken("a value is missing on its stack")
        return self.stack[-1]

    def pop_to_mark(self) -> list[Any]:
        """Return the values since the last mark."""
        for place in range(len(self.stack) - 1, -1, -1):
            if self.stack[place] is _MARK:
                values = self.stack[place + 1 :]
                del self.stack[place:]
                return values
        raise Broken("a mark is missing on its stack")

    def number(self, form: str) -> int:
        """Return the next number of a form of `struct`."""
        size = struct.calcsize(form)
        (value,) = struct.unpack(form, self.stream.take(size))
        return int(value)

    def remember(self, place: int) -> None:
        """Keep the last value under a number."""
        value = self.top()
        if isinstance(value, Pending):
            value.places.append(place)
        self.memory[place] = value

    def recall(self, place: int) -> None:
        """Push what was kept under a number."""
        if place not in self.memory:
            raise Broken("a value is used before it is there")
        self.stack.append(self.memory[place])

    def named(self, module: object, name: object) -> type[Any]:
        """Return the class of a name."""
        if not isinstance(module, str) or not isinstance(name, str):
            raise Broken("the name of a class is no text")
        today = FORMER_MODULES.get(module, module)
        return self.records.kind(today, name)

    def call(self, kind: object, arguments: object) -> Any:
        """Return what a call stands for; nothing of the file is called."""
        if isinstance(kind, Lifeless):
            # What a function returned is called, as in pickles of functions by value.
            kind = type(kind)
        if not isinstance(kind, type) or not isinstance(arguments, tuple):
            raise Broken("a call is none")
        module = kind.__module__
        name = kind.__name__
        function = _FUNCTIONS.get((module, name))
        if function is not None:
            try:
                return function(*arguments)
            except TypeError:
                raise Broken(f"a call of {name} has other arguments") from None
        if module == "copyreg" and name in _MAKERS:
            # The class of the object is the first of the arguments.
            first = arguments[0] if arguments else None
            return self.call(first, ())
        if module in ("collections", "builtins") and name in _CONTAINERS:
            return _container(name, arguments)
        if not issubclass(kind, Lifeless):
            return _plain(kind, arguments)
        record = kind()
        if arguments:
            vars(record)["arguments"] = arguments
        return record

    def build(self) -> None:
        """Give the last object its state."""
        state = self.pop()
        target = self.pop()
        if isinstance(target, Pending):
            value = target.filled(state)
            for place in target.places:
                self.memory[place] = value
        elif isinstance(target, Lifeless):
            set_state(target, state)
            finish(target)
            value = target
            if self.in_stream is not None:
                value = self.in_stream(target, self.stream)
                # joblib's own reader replaces it on the stack alone, so that nothing refers to it.
        else:
            # Attributes of a dictionary's subclass, say, of which nothing is used.
            value = target
        self.stack.append(value)

    def append(self, values: Sequence[Any]) -> None:
        """Append values to the last list."""
        target = self.top()
        if isinstance(target, list):
            target.extend(map(self.settled, values))
        elif isinstance(target, Lifeless):
            vars(target).setdefault("items", []).extend(values)
        else:
            raise Broken("items are appended to what is no list")

    def set_items(self, values: Sequence[Any]) -> None:
        """Add keys and values, one after another, to the last mapping."""
        target = self.top()
        if isinstance(target, Lifeless):
            target = vars(target).setdefault("entries", {})
        if not isinstance(target, dict) or len(values) % 2:
            raise Broken("entries are added to what is no mapping")
        for place in range(0, len(values), 2):
            target[key(values[place])] = self.settled(values[place + 1])

    def settled(self, value: Any) -> Any:
        """Return a value that is whole: a type without a state is whole as it was made."""
        if not isinstance(value, Pending):
            return value
        if value.dtype is None:
            raise Broken("an array is used before it is there")
        return value.dtype

    def push_tuple(self, values: Sequence[Any]) -> None:
        """Push a tuple."""
        self.stack.append(tuple(map(self.settled, values)))


def key(value: Any) -> Hashable:
    """Return a value that may be a key: one whose hash takes no longer than the value is.

    Raises:
        Broken: it is another. The hash of nested tuples can take for ever.
    """
    parts = value if isinstance(value, tuple) else (value,)
    if not all(part is None or _is_scalar(part) for part in parts):
        raise Broken("a key of a mapping is no number and no text")
    hashable: Hashable = value
    return hashable


def _is_scalar(value: object) -> bool:
    is_type = isinstance(value, type)
    return is_type or isinstance(value, str | bytes | int | float | np.generic)


#: Functions of copyreg that make an object of a class.
_MAKERS = ("_reconstructor", "__newobj__")
_CONTAINERS = ("OrderedDict", "defaultdict", "set", "frozenset", "list", "dict", "tuple")


def _container(name: str, arguments: tuple[Any, ...]) -> Any:
    """Return a container of a call, empty or filled from the one argument that it has."""
    if name in ("OrderedDict", "defaultdict", "dict"):
        # Entries follow; the factory of missing ones is not kept.
        return {}
    values = arguments[0] if arguments else []
    if not isinstance(values, list | tuple):
        raise Broken(f"a call of {name} has other arguments")
    if name in ("set", "frozenset"):
        return {key(value) for value in values}
    return tuple(values) if name == "tuple" else list(values)


def _plain(kind: type[Any], arguments: tuple[Any, ...]) -> Any:
    """Return the number or the text of a call such as complex(1.0, 2.0)."""
    if kind is object and not arguments:
        return None
    if not all(isinstance(value, int | float | str) for value in arguments):
        raise Broken(f"a call of {kind.__name__} has other arguments")
    if any(isinstance(value, str) and len(value) > MOST_DIGITS for value in arguments):
        raise Broken("a number is too long")
    try:
        return kind(*arguments)
    except (TypeError, ValueError, OverflowError):
        raise Broken(f"a call of {kind.__name__} has other arguments") from None


def _encode(text: object, _encoding: object = None) -> bytes:
    """Return bytes that old protocols write as a call of `_codecs.encode`."""
    content: bytes = numpy_values.as_bytes(text)
    return content


def _bytearray(content: object = b"", _encoding: object = None) -> Any:
    return numpy_values.as_bytes(content)


def _slice(*arguments: object) -> slice:
    return slice(*arguments)


_FUNCTIONS: dict[tuple[str, str], Callable[..., Any]] = {
    **numpy_values.FUNCTIONS,
    ("_codecs", "encode"): _encode,
    ("builtins", "bytearray"): _bytearray,
    ("builtins", "slice"): _slice,
}

_STOP = ord(".")


def _whole(text: str) -> int:
    """Return a whole number of the oldest protocol, which writes digits."""
    try:
        return int(text.removesuffix("L"))
    except ValueError:
        raise Broken("a number is none") from None


def _decimal(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise Broken("a number is none") from None


def _constant(value: object) -> Callable[[_Interpreter], None]:
    return lambda machine: machine.stack.append(value)


def _fresh(make: Callable[[], Any]) -> Callable[[_Interpreter], None]:
    return lambda machine: machine.stack.append(make())


def _int_line(machine: _Interpreter) -> None:
    text = machine.stream.word()
    # Truth values of the oldest protocol.
    truths = {"00": False, "01": True}
    machine.stack.append(truths[text] if text in truths else _whole(text))


def _float_line(machine: _Interpreter) -> None:
    machine.stack.append(_decimal(machine.stream.word()))


def _string_line(machine: _Interpreter) -> None:
    line = machine.stream.line()
    if len(line) < len("''") or line[:1] != line[-1:] or line[:1] not in (b"'", b'"'):
        raise Broken("a text has no quotes")
    try:
        content, _ = codecs.escape_decode(line[1:-1])
    except ValueError:
        raise Broken("a text is none") from None
    machine.stack.append(content.decode("latin-1"))


def _unicode_line(machine: _Interpreter) -> None:
    # By the function itself: the name of the encoding would import a module.
    try:
        text, _ = codecs.raw_unicode_escape_decode(machine.stream.line())
    except UnicodeDecodeError:
        raise Broken("a text is none") from None
    machine.stack.append(text)


def _number(form: str) -> Callable[[_Interpreter], None]:
    return lambda machine: machine.stack.append(machine.number(form))


def _bin_float(machine: _Interpreter) -> None:
    (value,) = struct.unpack(">d", machine.stream.take(8))
    machine.stack.append(value)


def _long(form: str) -> Callable[[_Interpreter], None]:
    def push(machine: _Interpreter) -> None:
        content = machine.stream.take(machine.number(form))
        if len(content) > MOST_DIGITS:
            raise Broken("a number is too long")
        machine.stack.append(int.from_bytes(content, "little", signed=True))

    return push


def _texts(form: str) -> Callable[[_Interpreter], None]:
    def push(machine: _Interpreter) -> None:
        content = machine.stream.take(machine.number(form))
        machine.stack.append(_text(content))

    return push


def _bytes(form: str) -> Callable[[_Interpreter], None]:
    def push(machine: _Interpreter) -> None:
        content = machine.stream.take(machine.number(form))
        machine.stack.append(content if len(content) >= VIEWED else bytes(content))

    return push


def _string(form: str) -> Callable[[_Interpreter], None]:
    def push(machine: _Interpreter) -> None:
        content = machine.stream.take(machine.number(form))
        machine.stack.append(bytes(content).decode("latin-1"))

    return push


def _put(form: str) -> Callable[[_Interpreter], None]:
    return lambda machine: machine.remember(machine.number(form))


def _get(form: str) -> Callable[[_Interpreter], None]:
    return lambda machine: machine.recall(machine.number(form))


def _tuple(size: int) -> Callable[[_Interpreter], None]:
    def push(machine: _Interpreter) -> None:
        values = [machine.pop() for _ in range(size)]
        machine.push_tuple(values[::-1])

    return push


def _global(machine: _Interpreter) -> None:
    module = machine.stream.word()
    name = machine.stream.word()
    machine.stack.append(machine.named(module, name))


def _stack_global(machine: _Interpreter) -> None:
    name = machine.pop()
    module = machine.pop()
    machine.stack.append(machine.named(module, name))


def _reduce(machine: _Interpreter) -> None:
    arguments = machine.pop()
    kind = machine.pop()
    machine.stack.append(machine.call(kind, arguments))


def _new_with_names(machine: _Interpreter) -> None:
    names = machine.pop()
    arguments = machine.pop()
    record = machine.call(machine.pop(), arguments)
    if isinstance(record, Lifeless) and isinstance(names, dict):
        vars(record)["named_arguments"] = names
    machine.stack.append(record)


def _instance(machine: _Interpreter) -> None:
    module = machine.stream.word()
    name = machine.stream.word()
    kind = machine.named(module, name)
    arguments = tuple(machine.pop_to_mark())
    machine.stack.append(machine.call(kind, arguments))


def _object(machine: _Interpreter) -> None:
    values = machine.pop_to_mark()
    if not values:
        raise Broken("an object has no class")
    kind, *arguments = values
    machine.stack.append(machine.call(kind, tuple(arguments)))


def _append(machine: _Interpreter) -> None:
    machine.append([machine.pop()])


def _set_item(machine: _Interpreter) -> None:
    value = machine.pop()
    item_key = machine.pop()
    machine.set_items([item_key, value])


def _dict(machine: _Interpreter) -> None:
    values = machine.pop_to_mark()
    machine.stack.append({})
    machine.set_items(values)


def _list(machine: _Interpreter) -> None:
    values = machine.pop_to_mark()
    machine.stack.append([])
    machine.append(values)


def _frozen_set(machine: _Interpreter) -> None:
    values = machine.pop_to_mark()
    machine.stack.append(frozenset(map(key, values)))


def _add_items(machine: _Interpreter) -> None:
    values = machine.pop_to_mark()
    target = machine.top()
    if not isinstance(target, set):
        raise Broken("items are added to what is no set")
    target.update(map(key, values))


def _drop(machine: _Interpreter) -> None:
    if not machine.stack:
        raise Broken("a value is missing on its stack")
    machine.stack.pop()


def _drop_to_mark(machine: _Interpreter) -> None:
    machine.pop_to_mark()


def _memoize(machine: _Interpreter) -> None:
    machine.remember(len(machine.memory))


def _skip(form: str) -> Callable[[_Interpreter], None]:
    def skip(machine: _Interpreter) -> None:
        machine.stream.take(struct.calcsize(form))

    return skip


_ACTIONS: dict[int, Callable[[_Interpreter], None]] = {
    ord("("): _constant(_MARK),
    ord("0"): _drop,
    ord("1"): _drop_to_mark,
    ord("2"): lambda machine: machine.stack.append(machine.top()),
    ord("F"): _float_line,
    ord("I"): _int_line,
    ord("J"): _number("<i"),
    ord("K"): _number("<B"),
    ord("L"): lambda machine: machine.stack.append(_whole(machine.stream.word())),
    ord("M"): _number("<H"),
    ord("N"): _constant(None),
    ord("R"): _reduce,
    ord("S"): _string_line,
    ord("T"): _string("<I"),
    ord("U"): _string("<B"),
    ord("V"): _unicode_line,
    ord("X"): _texts("<I"),
    ord("a"): _append,
    ord("b"): lambda machine: machine.build(),
    ord("c"): _global,
    ord("d"): _dict,
    ord("}"): _fresh(dict),
    ord("e"): lambda machine: machine.append(machine.pop_to_mark()),
    ord("g"): lambda machine: machine.recall(_whole(machine.stream.word())),
    ord("h"): _get("<B"),
    ord("j"): _get("<I"),
    ord("i"): _instance,
    ord("l"): _list,
    ord("]"): _fresh(list),
    ord("o"): _object,
    ord("p"): lambda machine: machine.remember(_whole(machine.stream.word())),
    ord("q"): _put("<B"),
    ord("r"): _put("<I"),
    ord("s"): _set_item,
    ord("t"): lambda machine: machine.push_tuple(machine.pop_to_mark()),
    ord(")"): _constant(()),
    ord("u"): lambda machine: machine.set_items(machine.pop_to_mark()),
    ord("G"): _bin_float,
    0x80: _skip("<B"),
    0x81: _reduce,
    0x85: _tuple(1),
    0x86: _tuple(2),
    0x87: _tuple(3),
    0x88: _constant(value=True),
    0x89: _constant(value=False),
    0x8A: _long("<B"),
    0x8B: _long("<i"),
    ord("B"): _bytes("<I"),
    ord("C"): _bytes("<B"),
    0x8C: _texts("<B"),
    0x8D: _texts("<Q"),
    0x8E: _bytes("<Q"),
    0x8F: _fresh(set),
    0x90: _add_items,
    0x91: _frozen_set,
    0x92: _new_with_names,
    0x93: _stack_global,
    0x94: _memoize,
    0x95: _skip("<Q"),
    0x96: _bytes("<Q"),
}
