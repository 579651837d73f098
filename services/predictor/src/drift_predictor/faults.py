"""Lists of violations in answers: bounded, each refused row with its first, the rest counted."""

from __future__ import annotations

from drift_contracts import Violation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_SHOWN = 1000


class Fault:
    """What is wrong with a row of a batch.

    index: its position. violations: the first ones, at least one. count: how many there are in all.
    """

    __slots__ = ("count", "index", "violations")

    def __init__(self, index: int, violations: Sequence[Violation], count: int) -> None:
        self.index = index
        self.violations = violations
        self.count = count


class Faults:
    """The faults of a batch, of which no more is kept than an answer may show."""

    __slots__ = ("_spare", "rows")

    def __init__(self) -> None:
        self.rows: list[Fault] = []
        self._spare = MOST_SHOWN

    def add(self, index: int, violations: Sequence[Violation]) -> None:
        """Keep the violations of a row, or only the first where 1,000 others are kept already."""
        first = violations[: 1 + self._spare]
        self._spare -= len(first) - 1
        self.rows.append(Fault(index, first, len(violations)))


def shown(faults: Sequence[Fault], most: int = MOST_SHOWN) -> list[tuple[int, Violation]]:
    """Return what an answer lists: index and violation, in order, `most` of them.

    Every row keeps its first, so there are more where there are more rows. The last one's
    `expected` says how many violations are not listed, because the contract of answers has no
    member for it.

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
        listed[-1] = (
            index,
            Violation(last.pointer, last.rule, f"{last.expected}; and {hidden} more"),
        )
    return listed
