"""Propose a feature set for a table that nobody has described yet.

It looks at a sample of the rows, proposes type, bounds and categories of each column, and says what
it assumed and what it doubts. It needs the extra `tables`.
"""

from .propose import Proposal, Wanted, propose

__all__ = ["Proposal", "Wanted", "propose"]
