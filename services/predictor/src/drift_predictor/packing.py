"""Measure how large an answer is where it leaves: one that is too large is refused in time.

Lambda takes an answer of 6,291,556 bytes, an Application Load Balancer one of 1 MiB. What counts is
the JSON that Lambda's runtime makes of a handler's answer: a body is a text in it, in which a
quotation mark or a backslash takes two bytes and a character beyond ASCII six. Source: "Lambda
quotas" in the Lambda Developer Guide, "Lambda functions as targets" in the guide of Application
Load Balancers.
"""

from __future__ import annotations

import json
from json.encoder import encode_basestring_ascii

from drift_contracts.requests import ANSWER_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

BALANCER_LIMIT = 1_000_000
#: No byte of a body takes more: a control character takes six.
GREATEST_GROWTH = 6


def text_size(body: bytes) -> int:
    """Return the bytes that a body in UTF-8 takes as a text inside JSON, quotation marks included.

    >>> text_size(b'{"a": 1}'), text_size("\\u00e4".encode())
    (12, 8)
    """
    return len(encode_basestring_ascii(body.decode()))


def document_size(body: bytes) -> int:
    """Return the bytes that a JSON document takes as the answer itself (direct invocations).

    >>> document_size(b'{"a":[1,2]}')
    13
    """
    return len(json.dumps(json.loads(body)))


class Room:
    """What an answer may take on its way out."""

    __slots__ = ("_envelope", "_measure", "limit", "sure")

    def __init__(self, limit: int, envelope: int, measure: Callable[[bytes], int]) -> None:
        """Limit answers.

        Args:
            limit: bytes of the whole answer.
            envelope: bytes of what is around the body.
            measure: returns the bytes of a body as it is packed.
        """
        self.limit = limit
        #: A body of so many bytes fits whatever is in it, so that few are ever measured.
        self.sure = (limit - envelope) // GREATEST_GROWTH - 1
        self._envelope = envelope
        self._measure = measure

    def holds(self, body: bytes) -> bool:
        """Return whether a body fits.

        >>> Room(100, 20, text_size).holds(b"x" * 78), Room(100, 20, text_size).holds(b"x" * 79)
        (True, False)
        """
        return len(body) <= self.sure or self._envelope + self._measure(body) <= self.limit

    def most(self, count: int, body_of: Callable[[int], bytes]) -> int:
        """Return how many rows are answered in a body that fits.

        Args:
            count: the rows that were asked; their answer does not fit.
            body_of: the answer to so many rows, counted from the first.

        >>> Room(100, 20, text_size).most(1000, lambda rows: b"x" * rows)
        78
        """
        fits, too_many = 0, count
        # Every answer to more rows is longer, so halving finds the border.
        while too_many - fits > 1:
            middle = (fits + too_many) // 2
            if self.holds(body_of(middle)):
                fits = middle
            else:
                too_many = middle
        return fits


#: A proxy answer's status, headers and the rest take less than this around a body.
ENVELOPE = 400
LAMBDA = Room(ANSWER_BYTES, ENVELOPE, text_size)
