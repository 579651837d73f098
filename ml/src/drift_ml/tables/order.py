"""Sort rows by time that are more than fit into memory."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from .row_chunk import Chunk

    Values = npt.NDArray[Any]
    Places = npt.NDArray[np.int64]

#: Rows of a chunk that is yielded.
ROWS = 2**16


def in_order(chunks: Iterator[Chunk]) -> Iterator[Chunk]:
    """Yield the rows in the order of time, equal times in the order of the file.

    Columns wait in files of a temporary folder, each value 8 bytes. Memory holds 16 bytes a row.
    """
    with tempfile.TemporaryDirectory() as folder:
        spool = _Spool(Path(folder))
        # There is at least one, or reading them has raised.
        for chunk in chunks:
            spool.add(chunk)
        order = spool.order()
        times = spool.times()
        for start in range(0, len(order), ROWS):
            places = order[start : start + ROWS]
            yield replace(
                chunk,
                columns={name: spool.take(name, places) for name in chunk.columns},
                times_ms=times[places],
                rows=len(places),
            )


class _Spool:
    """Columns in files: numbers as they are, texts as their place in a list of those seen."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, Path] = {}
        self._texts: dict[str, dict[Any, int]] = {}
        self._times: list[npt.NDArray[np.int64]] = []

    def add(self, chunk: Chunk) -> None:
        """Append the rows of a chunk."""
        assert chunk.times_ms is not None  # noqa: S101 - whoever sorts reads times
        self._times.append(chunk.times_ms)
        for name, values in chunk.columns.items():
            # Numbered, since a column's name may hold a slash.
            path = self._folder / str(len(self._files))
            path = self._files.setdefault(name, path)
            with path.open("ab") as file:
                self._write(file, name, values)

    def _write(
        self,
        file: IO[bytes],
        name: str,
        values: Values,
    ) -> None:
        if values.dtype == object:
            texts = self._texts.setdefault(name, {})
            # A text that was not seen before gets the next number.
            codes = (texts.setdefault(text, len(texts)) for text in values)
            values = np.fromiter(codes, dtype=np.float64, count=len(values))
        values.astype(np.float64, copy=False).tofile(file)

    def times(self) -> Places:
        """Return all times, in the order of the file."""
        if len(self._times) > 1:
            self._times = [np.concatenate(self._times)]
        return self._times[0]

    def order(self) -> Places:
        """Return the rows' places in the order of time."""
        # Stable: rows of equal times stay in the order of the file.
        return np.argsort(self.times(), kind="stable")

    def take(self, name: str, places: Places) -> Values:
        """Return the values of a column at some rows."""
        column = np.memmap(self._files[name], dtype=np.float64, mode="r")
        values = np.asarray(column[places])
        # A column of numbers has no texts; its values are what was written.
        if name not in self._texts:
            return values
        texts = np.array([*self._texts[name]], dtype=object)
        taken: Values = texts[values.astype(np.int64)]
        return taken
