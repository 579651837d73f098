"""The answer that is a no."""

from __future__ import annotations


class Refused(Exception):
    """AWS says no; the message is AWS's own as far as people need to find it, the source says where it is written."""

    def __init__(self, message: str, source: str) -> None:
        super().__init__(message)
        self.source = source
