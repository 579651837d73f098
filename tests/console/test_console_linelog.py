"""The event log: whole lines in, whole lines out, torn ones dropped, nothing twice."""

import os

import pytest
from drift_console import linelog
from drift_console.linelog import LineWriter, Position, read_lines, remove_before, segments
from hypothesis import given
from hypothesis import strategies as st


def read_all(folder, start=None, limit=1 << 20):
    position, lines, torn = start or Position(), [], 0
    while True:
        batch = read_lines(folder, position, limit=limit)
        if batch.next == position:
            return lines, position, torn
        lines += batch.lines
        torn += batch.torn
        position = batch.next


def test_order(tmp_path):
    """Lines come back in order."""
    writer = LineWriter(tmp_path)
    for number in range(5):
        writer.write(f"line {number}")
    writer.close()
    assert read_all(tmp_path)[0] == [f"line {number}".encode() for number in range(5)]


@given(
    st.lists(st.binary(max_size=40).map(lambda data: data.replace(b"\n", b"?") + b"\n"), max_size=30),
    st.integers(40, 200),
    st.integers(1, 100),
)
def test_any_sizes(tmp_path_factory, lines, segment_bytes, limit):
    """Any segment size and read size give the same lines."""
    folder = tmp_path_factory.mktemp("log")
    writer = LineWriter(folder, segment_bytes=segment_bytes)
    for line in lines:
        writer.write(line)
    writer.close()
    assert read_all(folder, limit=limit)[0] == [line[:-1] for line in lines]


def test_reading_on(tmp_path):
    """Reading goes on where it ended."""
    writer = LineWriter(tmp_path)
    writer.write(b"one")
    _, position, _ = read_all(tmp_path)
    writer.write(b"two")
    writer.close()
    assert read_all(tmp_path, position)[0] == [b"two"]


def test_unfinished_line(tmp_path):
    """An unfinished line waits for its end."""
    (tmp_path / "events-000001.log").write_bytes(b"whole\npart")
    assert read_all(tmp_path)[0] == [b"whole"]


def test_line_torn_by_crash(tmp_path):
    """A line torn by a crash is dropped and counted once the next segment exists."""
    (tmp_path / "events-000001.log").write_bytes(b"whole\npart")
    writer = LineWriter(tmp_path)
    writer.write(b"after")
    writer.close()
    lines, _, torn = read_all(tmp_path)
    assert (lines, torn) == ([b"whole", b"after"], 1)


def test_short_write(tmp_path, monkeypatch):
    """A short write raises and the next line is whole."""
    writer = LineWriter(tmp_path)
    real = os.write
    monkeypatch.setattr(linelog.os, "write", lambda descriptor, data: real(descriptor, data[:3]))
    with pytest.raises(OSError, match="3 of 5 bytes"):
        writer.write(b"lost")
    monkeypatch.undo()
    writer.write(b"kept")
    writer.close()
    lines, _, torn = read_all(tmp_path)
    assert (lines, torn) == ([b"kept"], 1)


def test_segment_numbers(tmp_path):
    """A writer never reuses a segment that a reader has seen."""
    LineWriter(tmp_path, after=7).close()
    assert list(segments(tmp_path)) == [8]


def test_removal(tmp_path):
    """Segments are removed only when read and old."""
    for _ in range(3):
        LineWriter(tmp_path).close()
    first, second, _ = segments(tmp_path).values()
    os.utime(first, (100, 100))
    assert remove_before(tmp_path, Position(3, 0), older_than=200) == [first]
    assert second.exists()


def test_no_log(tmp_path):
    """No log is an empty log."""
    assert read_all(tmp_path) == ([], Position(), 0)
