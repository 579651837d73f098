"""The event log: segments of lines on disk, each line in one write, read back by position.

A line that `write` has returned for is in the kernel: it survives the process, however it ends.
(It is not forced to the disk platter: a power cut may lose the last seconds.) A new process starts
a new segment, so a line torn by a crash can only be the last of a segment, and the reader drops it
there.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

#: Bytes after which a new segment begins.
SEGMENT_BYTES = 64 * 1024 * 1024
_NAME = re.compile(r"events-(\d{6,})\.log")
#: No file is open.
_CLOSED = -1


@dataclass(frozen=True, order=True)
class Position:
    """A place in the log."""

    #: The number of the segment.
    segment: int = 0
    #: Bytes from the beginning of the segment.
    offset: int = 0


@dataclass(frozen=True)
class Batch:
    """Whole lines that were read from one place."""

    lines: list[bytes]
    #: Where reading goes on.
    next: Position
    #: How many torn lines were passed over.
    torn: int


def segments(folder: Path) -> dict[int, Path]:
    """Return the log's segments by number, oldest first."""
    paths = {}
    for path in folder.iterdir():
        match = _NAME.fullmatch(path.name)
        if match:
            paths[int(match[1])] = path
    return dict(sorted(paths.items()))


class LineWriter:
    """Appends lines; one process writes to a folder at a time."""

    def __init__(
        self,
        folder: Path,
        *,
        after: int = 0,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        """Open the first segment.

        Args:
            folder: The log's folder, which exists.
            after: The highest segment number that a reader has seen, should its file be gone.
            segment_bytes: Size after which a new segment begins.

        Raises:
            OSError: If no segment can be opened.
        """
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._number = max([after, *segments(folder)])
        self._descriptor = _CLOSED
        self._torn = False
        self._size = 0
        #: Lines that could not be written whole since the start.
        self.lost = 0
        self._next_segment()

    def _next_segment(self) -> None:
        """Open the next segment, then close the last. Raises OSError, and the last stays open."""
        number = self._number + 1
        path = self._folder / f"events-{number:06d}.log"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        try:
            descriptor = os.open(path, flags, 0o600)
        except FileExistsError:
            # Somebody else's file: the next attempt takes the number after it.
            self._number = number
            raise
        self.close()
        self._descriptor = descriptor
        self._number = number
        self._size = 0
        self._torn = False

    def write(self, line: bytes | str) -> None:
        """Append one line; on return it is safe from the end of this process.

        Raises OSError when the line could not be written whole; what was written of it will be
        passed over. The next line is tried anew, whatever failed before.
        """
        data = line.encode() if isinstance(line, str) else line
        if not data.endswith(b"\n"):
            data += b"\n"
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
        # Where no segment can be opened now, the next line tries again.
        with suppress(OSError):
            self._next_segment()
        raise OSError(f"event log: {written} of {len(data)} bytes of a line were written")

    def _make_room(self, size: int) -> None:
        """Go to the next segment where this one is full, torn or closed."""
        is_full = self._size > 0 and self._size + size > self._segment_bytes
        is_closed = self._descriptor == _CLOSED
        if not (is_full or is_closed or self._torn):
            return
        try:
            self._next_segment()
        except OSError:
            if is_closed:
                raise
            # Without a new file (no inode, no descriptor, folder gone) a long segment loses
            # nothing; what is torn at its end would spoil the next line.
            if self._torn:
                os.ftruncate(self._descriptor, self._size)
                self._torn = False

    def close(self) -> None:
        """Close the open segment."""
        if self._descriptor != _CLOSED:
            os.close(self._descriptor)
            self._descriptor = _CLOSED


def read_lines(folder: Path, position: Position, *, limit: int = 1 << 20) -> Batch:
    """Return whole lines from a position on; no lines at the end of the log.

    Args:
        folder: The log's folder.
        position: Where the last batch ended.
        limit: About how many bytes are read at most; a line that is longer is read whole.
    """
    paths = segments(folder)
    # Looked up before reading: nothing is added to a segment that has a successor.
    later = [number for number in paths if number > position.segment]
    path = paths.get(position.segment)
    data = _read(path, position.offset, limit) if path else b""
    end = data.rfind(b"\n") + 1
    if end:
        after = Position(position.segment, position.offset + end)
        return Batch(data[: end - 1].split(b"\n"), after, 0)
    if len(data) == limit:
        return read_lines(folder, position, limit=limit * 2)
    if not later:
        return Batch([], position, 0)
    torn = 1 if data else 0
    return Batch([], Position(min(later), 0), torn)


def _read(path: Path, offset: int, limit: int) -> bytes:
    with path.open("rb", buffering=0) as file:
        file.seek(offset)
        return file.read(limit) or b""


def remove_before(folder: Path, position: Position, *, older_than: float) -> list[Path]:
    """Delete segments that are read and old; return their paths.

    Args:
        folder: The log's folder.
        position: Only segments that lie wholly before it are deleted.
        older_than: Epoch seconds; only segments that were last written before are deleted.
    """
    removed = []
    for number, path in segments(folder).items():
        if number < position.segment and path.stat().st_mtime < older_than:
            path.unlink()
            removed.append(path)
    return removed
