"""CatBoost's hashes of categories: the low half of CityHash64, version 1, of their texts."""

from __future__ import annotations

_MASK = (1 << 64) - 1
_MIX = 0x9DDFEA08EB382D69
_K0 = 0xC3A5C85C97CB3127
_K1 = 0xB492B66FBE98F273
_K2 = 0x9AE16A3B2F90404F
_K3 = 0xC949D7C7509E6557
#: Lengths of texts, in bytes, that are hashed in ways of their own.
_TINY, _SHORT, _MIDDLE, _CHUNK = 8, 16, 32, 64
_COMBINE = 0x4906BA494954CB65


def category_hash(text: str) -> int:
    """Return what CatBoost knows a category by: a number of 32 bits with a sign.

    Source: CityHash 1.0.3 (G. Pike and J. Alakuijala, MIT).

    >>> category_hash("x")
    -784473192
    """
    return _signed(_city(text.encode()) & 0xFFFFFFFF)


def combined(
    before: int,
    value: int,
) -> int:
    """Return CatBoost's hash of a combination and one more part of it.

    Args:
        before: The hash of the parts before it, 0 where there are none.
        value: The hash of a category, or whether a condition holds.
    """
    return _COMBINE * (before + _COMBINE * value) & _MASK


def _signed(number: int) -> int:
    return number - (1 << 32) if number >> 31 else number


def _word(content: bytes, start: int, size: int = 8) -> int:
    return int.from_bytes(content[start : start + size], "little")


def _rotated(value: int, bits: int) -> int:
    value &= _MASK
    return (value >> bits | value << 64 - bits) & _MASK


def _shifted(value: int) -> int:
    value &= _MASK
    return value ^ value >> 47


def _mixed(low: int, high: int) -> int:
    first = _shifted((low ^ high) * _MIX)
    second = _shifted((high ^ first) * _MIX)
    return second * _MIX & _MASK


def _city(content: bytes) -> int:
    size = len(content)
    if size <= _SHORT:
        return _city_short(content, size)
    if size <= _MIDDLE:
        return _city_middle(content, size)
    if size <= _CHUNK:
        return _city_long(content, size)
    return _city_chunks(content, size)


def _city_short(content: bytes, size: int) -> int:
    if size > _TINY:
        first, last = _word(content, 0), _word(content, size - 8)
        return _mixed(first, _rotated(last + size, size)) ^ last
    if size >= _TINY // 2:
        first, last = _word(content, 0, 4), _word(content, size - 4, 4)
        return _mixed(size + (first << 3), last)
    if not size:
        return _K2
    low = content[0] + (content[size >> 1] << 8)
    high = size + (content[-1] << 2)
    return _shifted(low * _K2 ^ high * _K3) * _K2 & _MASK


def _city_middle(content: bytes, size: int) -> int:
    a = _word(content, 0) * _K1
    b = _word(content, 8)
    c = _word(content, size - 8) * _K2
    d = _word(content, size - 16) * _K0
    low = _rotated(a - b, 43) + _rotated(c, 30) + d
    high = a + _rotated(b ^ _K3, 20) - c + size
    return _mixed(low & _MASK, high & _MASK)


def _city_long(content: bytes, size: int) -> int:
    start = (len(content) + _word(content, size - 16)) * _K0
    low, high = _half(content, 0, _word(content, 0) + start, _word(content, 24))
    first = _word(content, 16) + _word(content, size - 32)
    last_low, last_high = _half(content, size - 32, first, _word(content, size - 8))
    total = _shifted((low + last_high) * _K2 + (last_low + high) * _K0)
    return _shifted(total * _K0 + high) * _K2 & _MASK


def _half(
    content: bytes,
    start: int,
    a: int,
    z: int,
) -> tuple[int, int]:
    """Return two numbers of a half of a text of 33 to 64 bytes."""
    b, c = _rotated(a + z, 52), _rotated(a, 37)
    a += _word(content, start + 8)
    c += _rotated(a, 7)
    a += _word(content, start + 16)
    return a + z, b + _rotated(a, 31) + c


def _weak(
    content: bytes,
    start: int,
    a: int,
    b: int,
) -> tuple[int, int]:
    """Return two numbers of 32 bytes and two seeds."""
    w, x, y, z = (_word(content, start + place) for place in range(0, 32, 8))
    a += w
    b = _rotated(b + a + z, 21)
    c = a
    a += x + y
    b += _rotated(a, 44)
    return (a + z) & _MASK, (b + c) & _MASK


def _city_chunks(content: bytes, size: int) -> int:
    x = _word(content, 0)
    y = _word(content, size - 16) ^ _K1
    z = _word(content, size - 56) ^ _K0
    v = _weak(content, size - 64, size, y)
    w = _weak(content, size - 32, size * _K1, _K0)
    z += _shifted(v[1]) * _K1
    x = _rotated(z + x, 39) * _K1
    y = _rotated(y, 33) * _K1
    for start in range(0, size - 1 & ~63, 64):
        x = _rotated(x + y + v[0] + _word(content, start + 16), 37) * _K1 ^ w[1]
        y = _rotated(y + v[1] + _word(content, start + 48), 42) * _K1 ^ v[0]
        z = _rotated(z ^ w[0], 33)
        v = _weak(content, start, v[1] * _K1, x + w[0])
        w = _weak(content, start + 32, z + w[1], y)
        z, x = x, z
    low = _mixed(v[0], w[0]) + _shifted(y) * _K1 + z
    return _mixed(low & _MASK, (_mixed(v[1], w[1]) + x) & _MASK)
