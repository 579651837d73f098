"""Strict JSON: what is refused, and why; nothing that is refused is echoed."""

import json

import pytest
from drift_contracts import NotJson, parse_json
from hypothesis import given
from hypothesis import strategies as st

REFUSED = {
    "an empty text": (b"", "empty"),
    "white space only": (b" \n", "empty"),
    "a byte order mark": (b"\xef\xbb\xbf{}", "byte order mark"),
    "UTF-16": ("{}".encode("utf-16"), "UTF-8"),
    "half a character": (b'"\xc3"', "UTF-8"),
    "an escaped lone surrogate": (rb'{"a": "\ud800"}', "surrogate"),
    "an escaped lone surrogate in a name": (rb'{"\udfff": 1}', "surrogate"),
    "a raw lone surrogate": ('"\ud800"', "surrogate"),
    "NaN": (b"NaN", "constant"),
    "Infinity": (b'{"a": Infinity}', "constant"),
    "minus Infinity": (b"[-Infinity]", "constant"),
    "1e999": (b"1e999", "float"),
    "minus 1e999": (b"-1e999", "float"),
    "an integer of 5000 digits": (b"9" * 5000, "308 digits"),
    "an integer beyond any float": (b"9" * 309, "308 digits"),
    "a name twice": (b'{"a": 1, "a": 1}', "twice"),
    "a name twice, deep inside": (b'[{"b": {"a": 1, "a": 2}}]', "twice"),
    "a name twice, once escaped": (rb'{"a": 1, "\u0061": 1}', "twice"),
    "33 levels": (b"[" * 33 + b"]" * 33, "32 levels"),
    "33 levels of objects": (b'{"a":' * 33 + b"1" + b"}" * 33, "32 levels"),
    "a million levels": (b"[" * 1_000_000, "32 levels"),
    "a comment": (b"{} // note", "syntax"),
    "a trailing comma": (b"[1,]", "syntax"),
    "single quotes": (b"{'a': 1}", "syntax"),
    "a leading zero": (b"012", "syntax"),
    "a hexadecimal number": (b"0x10", "syntax"),
    "a control character": (b'"\x00"', "syntax"),
    "two documents": (b"{}{}", "syntax"),
    "half a document": (b'{"a": ', "syntax"),
}


@pytest.mark.parametrize(("text", "reason"), REFUSED.values(), ids=REFUSED)
def test_not_strict(text, reason):
    """Text that is not strict JSON is refused with its reason."""
    with pytest.raises(NotJson, match=reason):
        parse_json(text)


def test_message_has_place():
    """A message has the place and never the text."""
    with pytest.raises(NotJson) as caught:
        parse_json(b'{"name": "Ada Lovelace" oops}')
    assert caught.value.position == 24
    assert "Ada" not in str(caught.value)
    assert "oops" not in str(caught.value)


def test_invalid_byte():
    """An invalid byte is reported with its position."""
    with pytest.raises(NotJson) as caught:
        parse_json(b'"abc\xff"')
    assert caught.value.position == 4


def test_depth_limit():
    """32 levels are accepted, and many shallow objects too."""
    assert parse_json(b"[" * 32 + b"]" * 32)
    assert len(parse_json(b"[" + b'{"a": [1]},' * 1000 + b"{}]")) == 1001


def test_surrogate_pair():
    """A pair of surrogates is read as its character."""
    assert parse_json(rb'"\ud83d\ude00"') == "\N{GRINNING FACE}"


def test_largest_numbers():
    """The largest float and an integer of 308 digits are accepted."""
    assert parse_json(b"1.7976931348623157e308") == 1.7976931348623157e308
    assert parse_json(b"9" * 308) == 10**308 - 1


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**300), 10**300)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=20,
)


@pytest.mark.no_cover
@given(JSON, st.booleans(), st.booleans())
def test_any_value(value, escaped, as_bytes):
    """Every JSON value comes back, from text and from bytes."""
    text = json.dumps(value, ensure_ascii=escaped)
    assert parse_json(text.encode() if as_bytes else text) == value


@given(st.binary(max_size=60))
def test_any_bytes(data):
    """Any bytes are parsed or raise NotJson, and nothing else."""
    try:
        parse_json(data)
    except NotJson as error:
        assert str(error).startswith("expected")  # noqa: PT017 - either outcome is right
