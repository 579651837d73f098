"""HTML by construction: every text is escaped, unless it is markup that was made here."""

from __future__ import annotations

from html import escape


class Markup(str):
    """A text that is HTML already."""

    __slots__ = ()


Child = str | Markup | None


def tag(name: str, *children: Child, **attributes: str | float | None) -> Markup:
    """An element. Attributes of value None are left out; `class_` is class, `_` in names becomes `-`.

    >>> tag("p", "a < b", tag("b", "c"), class_="note")
    '<p class="note">a &lt; b<b>c</b></p>'
    """
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_text(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    inner = "".join(child if isinstance(child, Markup) else escape(child) for child in children if child is not None)
    return Markup(f"<{name}{told}>{inner}</{name}>")


def join(*children: Child) -> Markup:
    """Several children without an element around them."""
    return Markup("".join(child if isinstance(child, Markup) else escape(child) for child in children if child))


def _text(value: str | float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
