"""The event log: segments of lines on disk, each line in one write, read back by position.

A line that `write` has returned for is in the kernel: it survives the process, however it ends. (It is not
forced to the disk platter: a power cut may lose the last seconds.) A new process starts a new segment, so
a line torn by a crash can only be the last of a segment, and the reader drops it there.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SEGMENT_BYTES = 64 * 1024 * 1024
_NAME = re.compile(r"events-(\d{6,})\.log")


@dataclass(frozen=True, order=True)
class Position:
    """A place in the log: the segment's number and the offset in it, in bytes."""

    segment: int = 0
    offset: int = 0


@dataclass(frozen=True)
class Batch:
    """Whole lines read from one place: the lines, where reading goes on, and torn lines passed over."""

    lines: list[bytes]
    next: Position
    torn: int


def segments(folder: Path) -> dict[int, Path]:
    """The log's segments by number, oldest first."""
    found = {int(match[1]): path for path in folder.iterdir() if (match := _NAME.fullmatch(path.name))}
    return dict(sorted(found.items()))


class LineWriter:
    """Appends lines; one process writes to a folder at a time."""

    def __init__(self, folder: Path, *, after: int = 0, segment_bytes: int = SEGMENT_BYTES) -> None:
        """Open the first segment. Raises OSError.

        after: the highest segment number that a reader has seen, should its file be gone.
        """
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._number = max([after, *segments(folder)])
        self._descriptor = -1
        self._torn = False
        self._size = 0
        #: Lines that could not be written whole since the start.
        self.lost = 0
        self._next_segment()

    def _next_segment(self) -> None:
        """Open the next segment, then close the last. Raises OSError, and the last one stays open."""
        number = self._number + 1
        path = self._folder / f"events-{number:06d}.log"
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        except FileExistsError:
            self._number = number  # somebody else's file: the next attempt takes the number after it
            raise
        self.close()
        self._descriptor, self._number = descriptor, number
        self._size, self._torn = 0, False

    def write(self, line: bytes | str) -> None:
        """Append one line; on return it is safe from the end of this process.

        Raises OSError when the line could not be written whole; what was written of it will be passed
        over. The next line is tried anew, whatever failed before.
        """
        data = line.encode() if isinstance(line, str) else line
        data = data if data.endswith(b"\n") else data + b"\n"
        try:
            self._append(data)
        except OSError:
            self.lost += 1
            raise

    def _append(self, data: bytes) -> None:
        self._make_room(len(data))
        written = os.write(self._descriptor, data)
        if written == len(data):
            self._size += written
            return
        self._torn = True
        with suppress(OSError):  # the next line tries again
            self._next_segment()
        raise OSError(f"event log: {written} of {len(data)} bytes of a line were written")

    def _make_room(self, size: int) -> None:
        """Go to the next segment where this one is full, torn or closed."""
        full = self._size > 0 and self._size + size > self._segment_bytes
        if not (full or self._torn or self._descriptor < 0):
            return
        try:
            self._next_segment()
        except OSError:
            if self._descriptor < 0:
                raise
            # Without a new file (no inode, no descriptor, folder gone) a long segment loses nothing;
            # what is torn at its end would spoil the next line.
            if self._torn:
                os.ftruncate(self._descriptor, self._size)
                self._torn = False

    def close(self) -> None:
        """Close the open segment."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def read_lines(folder: Path, position: Position, *, limit: int = 1 << 20) -> Batch:
    """Whole lines from `position` on, about `limit` bytes at most; no lines at the end of the log.

    A line longer than `limit` is read whole.
    """
    known = segments(folder)
    finished = any(number > position.segment for number in known)  # before reading: nothing is added afterwards
    path = known.get(position.segment)
    data = _read(path, position.offset, limit) if path else b""
    end = data.rfind(b"\n") + 1
    if end:
        return Batch(data[: end - 1].split(b"\n"), Position(position.segment, position.offset + end), 0)
    if len(data) == limit:
        return read_lines(folder, position, limit=limit * 2)
    if not finished:
        return Batch([], position, 0)
    following = min(number for number in known if number > position.segment)
    return Batch([], Position(following, 0), 1 if data else 0)


def _read(path: Path, offset: int, limit: int) -> bytes:
    with path.open("rb", buffering=0) as file:
        file.seek(offset)
        return file.read(limit) or b""


def remove_before(folder: Path, position: Position, *, older_than: float) -> list[Path]:
    """Delete segments that lie wholly before `position` and were last written before `older_than`."""
    gone = [
        path
        for number, path in segments(folder).items()
        if number < position.segment and path.stat().st_mtime < older_than
    ]
    for path in gone:
        path.unlink()
    return gone
