"""What can be wrong with a table.

DriftError
 ├── DataError      the rows break the feature set, or the file is none; holds the findings
 └── OptionError    an option for reading is none that exists
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drift_contracts import DriftError
from drift_contracts.errors import RULE_WORDS

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_NAMES = 10
"""So many names, or findings of one rule, are listed; of more than that only the number is told."""


@dataclass(frozen=True)
class CellFinding:
    """One rule broken in one column.

    Attributes:
        column: name of the column, `#3` for the third, or `(file)`.
        rule: the rule that is broken, a word.
        expected: what the rule expects.
        count: how many cells break it.
        rows: the first few rows. In a text file the header is row 1 and blank lines do not count,
            in Parquet the first row is 1.
        lines: the line of the file on which each of these cells begins; none for Parquet.
        files: the file of each of these rows, where there are several.
        hint: the way out, where the cause can be seen.
    """

    column: str
    rule: str
    expected: str
    count: int = 1
    rows: tuple[int, ...] = ()
    lines: tuple[int, ...] = ()
    files: tuple[str, ...] = ()
    hint: str = ""

    def __str__(self) -> str:
        """Return one line: where, which rule, what was expected, how often, and the way out."""
        rule = RULE_WORDS.get(self.rule, self.rule)
        words = f"column {self.column}: {rule}: expected {self.expected}{self._place()}"
        return f"{words}; {self.hint}" if self.hint else words

    def _place(self) -> str:
        if not self.rows:
            words = [f"line {line}" for line in self.lines[:1]] + [
                f"in {file}" for file in self.files[:1]
            ]
            return f" ({' '.join(words)})" if words else ""
        more = ", ..." if self.count > len(self.rows) else ""
        noun = "row" if self.count == 1 else f"{self.count} rows:"
        rows = [str(row) for row in self.rows]
        if self.files:
            rows = [f"{row} of {file}" for row, file in zip(rows, self.files, strict=True)]
        place = f" ({noun} {', '.join(rows)}{more})"
        if self.lines:
            lines = "line" if self.count == 1 else "lines"
            place += f", {lines} {', '.join(map(str, self.lines))}{more}"
        return place


class DataError(DriftError):
    """The data break the feature set."""

    def __init__(
        self,
        source: str,
        findings: Sequence[CellFinding],
        outcome: str = "nothing was trained",
    ) -> None:
        #: The file, or what else the rows are from.
        self.source = source
        #: Every rule that is broken, by column.
        self.findings = tuple(findings)
        #: What came of it.
        self.outcome = outcome
        count = sum(finding.count for finding in self.findings)
        title = f"{source}: {count} problem{'s' * (count != 1)}, {outcome}"
        super().__init__("\n".join([title, *_shown(self.findings)]))


class OptionError(DriftError):
    """An option for reading is none that exists."""

    def __init__(self, option: str, expected: str) -> None:
        #: Its name on the command line.
        self.option = option
        self.expected = expected
        super().__init__(f"--{option}: expected {expected}")


def _shown(findings: Sequence[CellFinding]) -> list[str]:
    """Return a line for each finding, but of one rule at most ten."""
    by_rule: dict[str, list[CellFinding]] = {}
    for finding in findings:
        by_rule.setdefault(finding.rule, []).append(finding)
    lines = []
    for rule, alike in by_rule.items():
        lines += [f"  {finding}" for finding in alike[:MOST_NAMES]]
        if len(alike) > MOST_NAMES:
            lines.append(f"  {rule}: {len(alike) - MOST_NAMES} more columns")
    return lines
