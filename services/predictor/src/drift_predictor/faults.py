"""Lists of violations in answers, bounded.

Each refused row is listed with its first violation, and the rest is counted.
"""

from __future__ import annotations

from drift_contracts import Violation
from drift_contracts.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_SHOWN = 1000


class Fault(Record):
    """What is wrong with a row of a batch."""

    #: The row's position.
    index: int
    #: The first violations, at least one.
    violations: Sequence[Violation]
    #: How many there are in all.
    count: int


class Faults:
    """The faults of a batch, of which no more is retained than an answer may show."""

    __slots__ = ("_spare", "rows")

    def __init__(self) -> None:
        #: One for each bad row.
        self.rows: list[Fault] = []
        self._spare = MOST_SHOWN

    def add(self, index: int, violations: Sequence[Violation]) -> None:
        """Retain the violations of a row, or only the first where 1,000 others are already there.

        Args:
            index: the row's position.
            violations: at least one.
        """
        first = violations[: 1 + self._spare]
        self._spare -= len(first) - 1
        self.rows.append(Fault(index, first, len(violations)))


def shown(faults: Sequence[Fault], most: int = MOST_SHOWN) -> list[tuple[int, Violation]]:
    """Return what an answer lists: index and violation, in order.

    Args:
        faults: of the rows, in order.
        most: how many are listed; more where there are more rows, of which each has its first.

    Returns:
        The pairs. The last one's `expected` says how many violations are not listed, because the
        contract of answers has no member for it.

    >>> fault = Fault(7, [Violation("/a", "type", "a number")], 5)
    >>> [(index, str(violation)) for index, violation in shown([fault])]
    [(7, 'type at /a: expected a number; and 4 more')]
    """
    spare = max(0, most - len(faults))
    listed: list[tuple[int, Violation]] = []
    hidden = 0
    for fault in faults:
        violations = fault.violations[: 1 + spare]
        spare -= len(violations) - 1
        hidden += fault.count - len(violations)
        listed += [(fault.index, violation) for violation in violations]
    if hidden:
        index, last = listed[-1]
        expected = f"{last.expected}; and {hidden} more"
        listed[-1] = (index, Violation(last.pointer, last.rule, expected))
    return listed
