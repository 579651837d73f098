"""Why the columns of a text file are not found: another delimiter, no header, lines above it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import CellFinding
from .layout import find_columns
from .texts import names_in

if TYPE_CHECKING:
    from .layout import Layout
    from .options import ReadOptions
    from .texts import TextTable

DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
OPTIONS = {",": ",", ";": "';'", "\t": "tab", "|": "'|'"}


def cause_of(
    table: TextTable,
    layout: Layout,
    options: ReadOptions,
) -> CellFinding | None:
    """Return why a header lacks columns, None if only the columns themselves can be the cause."""
    lines = table.beginning[table.skip :]

    def count(line: str, delimiter: str) -> int:
        names = names_in(line, delimiter)
        return len(find_columns(names, layout, options.ignore, strict=False).columns)

    at_hand = count(lines[0], table.delimiter)
    for delimiter in DELIMITERS:
        if count(lines[0], delimiter) > at_hand:
            return _delimiter(table.delimiter, delimiter, lines)
    if at_hand == 0:
        if any(count(line, table.delimiter) for line in lines[1:]):
            hint = "the names stand further down: take out the lines above them"
            return CellFinding(
                "(file)", "header", "the names of the columns in the first line", hint=hint
            )
        if any(map(_is_number, table.header)):
            hint = "the first line holds values: put the names above them"
            return CellFinding(
                "(file)", "header", "the names of the columns in the first line", hint=hint
            )
    return None


def _delimiter(
    used: str,
    better: str,
    lines: tuple[str, ...],
) -> CellFinding:
    hint = f"{DELIMITERS[better]} separates them: --delimiter {OPTIONS[better]}"
    cells = names_in(lines[1], better) if len(lines) > 1 else []
    if better != "," and any(_is_number(cell.replace(",", ".")) and "," in cell for cell in cells):
        hint += " --decimal ,"
    expected = f"columns separated by {DELIMITERS.get(used, 'the character of --delimiter')}"
    return CellFinding("(file)", "delimiter", expected, hint=hint)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
