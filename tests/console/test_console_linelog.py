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


def test_lines_come_back_in_order(tmp_path):
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
def test_any_segment_size_and_read_size_give_the_same_lines(tmp_path_factory, lines, segment_bytes, limit):
    folder = tmp_path_factory.mktemp("log")
    writer = LineWriter(folder, segment_bytes=segment_bytes)
    for line in lines:
        writer.write(line)
    writer.close()
    assert read_all(folder, limit=limit)[0] == [line[:-1] for line in lines]


def test_reading_goes_on_where_it_ended(tmp_path):
    writer = LineWriter(tmp_path)
    writer.write(b"one")
    _, position, _ = read_all(tmp_path)
    writer.write(b"two")
    writer.close()
    assert read_all(tmp_path, position)[0] == [b"two"]


def test_an_unfinished_line_waits_for_its_end(tmp_path):
    (tmp_path / "events-000001.log").write_bytes(b"whole\npart")
    assert read_all(tmp_path)[0] == [b"whole"]


def test_a_line_torn_by_a_crash_is_dropped_and_counted_once_the_next_segment_exists(tmp_path):
    (tmp_path / "events-000001.log").write_bytes(b"whole\npart")
    writer = LineWriter(tmp_path)
    writer.write(b"after")
    writer.close()
    lines, _, torn = read_all(tmp_path)
    assert (lines, torn) == ([b"whole", b"after"], 1)


def test_a_short_write_raises_and_the_next_line_is_whole(tmp_path, monkeypatch):
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


def test_a_writer_never_reuses_a_segment_that_a_reader_has_seen(tmp_path):
    LineWriter(tmp_path, after=7).close()
    assert list(segments(tmp_path)) == [8]


def test_segments_are_removed_only_when_read_and_old(tmp_path):
    for _ in range(3):
        LineWriter(tmp_path).close()
    first, second, _ = segments(tmp_path).values()
    os.utime(first, (100, 100))
    assert remove_before(tmp_path, Position(3, 0), older_than=200) == [first]
    assert second.exists()


def test_no_log_is_an_empty_log(tmp_path):
    assert read_all(tmp_path) == ([], Position(), 0)
