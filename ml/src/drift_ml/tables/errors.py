"""What can be wrong with a table.

DataError    the rows break the feature set; holds the findings
"""

from __future__ import annotations

from dataclasses import dataclass

from drift_contracts import DriftError


@dataclass(frozen=True)
class Finding:
    """One rule broken in one column.

    rows: the first few places, as line numbers of the file (the header is line 1).
    """

    column: str
    rule: str
    expected: str
    count: int = 1
    rows: tuple[int, ...] = ()

    def __str__(self) -> str:
        """One line: where, which rule, what was expected, how often."""
        where = ""
        if self.rows:
            more = ", ..." if self.count > len(self.rows) else ""
            noun = "row" if self.count == 1 else f"{self.count} rows:"
            where = f" ({noun} {', '.join(map(str, self.rows))}{more})"
        return f"column {self.column}: {self.rule}: expected {self.expected}{where}"


class DataError(DriftError):
    """The data break the feature set. findings: every rule broken, by column. outcome: what came of it."""

    def __init__(self, source: str, findings: tuple[Finding, ...], outcome: str = "nothing was trained") -> None:
        self.findings = findings
        lines = "\n".join(f"  {finding}" for finding in findings)
        count = sum(finding.count for finding in findings)
        super().__init__(f"{source}: {count} problem{'s' * (count != 1)}, {outcome}\n{lines}")
