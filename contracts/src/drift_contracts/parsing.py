"""Strict JSON (RFC 8259): what other parsers read differently or not at all is refused."""

from __future__ import annotations

import json

from drift_contracts.errors import NotJson

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, NoReturn

    from drift_contracts.json_types import JsonObject, JsonValue

MAX_DEPTH = 32
#: Digits of an integer. Reading more takes time that grows with their square.
MAX_DIGITS = 308
_INFINITIES = (float("inf"), float("-inf"))


# Any: what comes out has the type of the contract that the caller validates it by
def parse_json(text: bytes | bytearray | str) -> Any:
    """Return the value of a JSON text in UTF-8.

    Raises:
        NotJson: The text is empty, has a byte order mark, invalid UTF-8 or lone surrogates; NaN or
            Infinity; a number beyond a float (1e999, an integer of over 308 digits); a member
            named twice; over 32 levels of nesting.

    >>> parse_json(b'{"age": 10}')
    {'age': 10}
    >>> parse_json('{"age": NaN}')
    Traceback (most recent call last):
    drift_contracts.errors.NotJson: expected a JSON number, found a constant that JSON does not have
    """
    try:
        decoded = text if isinstance(text, str) else text.decode("utf-8")
        value = _DECODER.decode(decoded)
    except json.JSONDecodeError as error:
        raise _syntax_error(decoded, error) from None
    except UnicodeDecodeError as error:
        raise NotJson("expected UTF-8, found an invalid byte", error.start) from None
    except RecursionError:
        raise _too_deep() from None
    # counting brackets is cheap, and few documents have enough of them to be too deep
    brackets = decoded.count("{") + decoded.count("[")
    if brackets > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        raise _too_deep()
    # bytes that are UTF-8 hold no surrogates, so only an escape brings one in
    if "\\u" in decoded:
        _require_characters(json.dumps(value, ensure_ascii=False))
    elif isinstance(text, str):
        _require_characters(text)
    return value


def _members(pairs: list[tuple[str, JsonValue]]) -> JsonObject:
    """Return an object. Raises NotJson where a parser would keep one of two members silently."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotJson("expected each member of an object once, found a name twice")
    return members


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise NotJson(f"expected integers of at most {MAX_DIGITS} digits, found a longer one")
    return int(digits)


def _float(digits: str) -> float:
    value = float(digits)
    if value in _INFINITIES:
        raise NotJson("expected a number that fits a float, found a larger one")
    return value


def _constant(_name: str) -> NoReturn:
    raise NotJson("expected a JSON number, found a constant that JSON does not have")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_members,
    parse_int=_integer,
    parse_float=_float,
    parse_constant=_constant,
)


def _syntax_error(text: str, error: json.JSONDecodeError) -> NotJson:
    """Return the error for a text that json refuses."""
    if not text or text.isspace():
        return NotJson("expected a JSON document, found an empty text")
    if text.startswith("\ufeff"):
        return NotJson("expected JSON without a byte order mark", 0)
    return NotJson("expected valid JSON, found a syntax error", error.pos)


def _too_deep() -> NotJson:
    return NotJson(f"expected at most {MAX_DEPTH} levels of nesting, found more")


def _depth(value: object) -> int:
    """Return the levels of nested containers."""
    # breadth first, so that no depth can exhaust the stack
    level = _containers([value])
    depth = 0
    while level:
        depth += 1
        level = _containers(_children(level))
    return depth


def _children(containers: Iterable[Any]) -> Iterable[Any]:
    for container in containers:
        yield from container.values() if isinstance(container, dict) else container


def _containers(values: Iterable[Any]) -> list[Any]:
    return [value for value in values if isinstance(value, dict | list)]


def _require_characters(text: str) -> None:
    """Raise NotJson for half of a surrogate pair, which no UTF-8 can hold."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        expected = "expected Unicode characters, found half of a surrogate pair"
        raise NotJson(expected) from None
