"""The levels of a category that the page draws: a feature may have 10,000."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    Shares = Sequence[float]

#: Levels with a bar of their own.
MOST_LEVELS = 40


def drawn_levels(
    labels: Sequence[str],
    columns: Sequence[Shares],
) -> tuple[list[str], list[list[float]]]:
    """Return the levels with the largest shares in their order, and all others as one.

    Args:
        labels: of the levels, shape (levels,).
        columns: shares of the levels, each of shape (levels,): of the baseline, say, and of now. A
            level is as large as in the column where it is largest.

    Returns:
        At most `MOST_LEVELS` labels and one for the others, and the columns of as many shares.

    >>> drawn_levels(["a", "b"], [[0.25, 0.75]])
    (['a', 'b'], [[0.25, 0.75]])
    """
    if len(labels) <= MOST_LEVELS + 1:
        return [*labels], [[*column] for column in columns]
    largest = [max(shares) for shares in zip(*columns, strict=True)]
    ranked = sorted(range(len(labels)), key=lambda place: -largest[place])
    places = sorted(ranked[:MOST_LEVELS])
    shown = [[column[place] for place in places] for column in columns]
    # Shares sum to 1, or to 0 where nothing was counted.
    others = [
        max(sum(column) - sum(drawn), 0.0) for column, drawn in zip(columns, shown, strict=True)
    ]
    names = [labels[place] for place in places]
    names.append(f"{len(labels) - MOST_LEVELS:,} others")
    return names, [[*drawn, rest] for drawn, rest in zip(shown, others, strict=True)]
