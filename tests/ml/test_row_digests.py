"""Digests of training rows: the same rows are told in any file, other rows are not."""

import math

import numpy as np
import pytest
from drift_engine.bundle import BundleError, describe_files
from drift_ml.tables.row_digests import (
    MOST_ROWS,
    BadRowDigests,
    RowDigests,
    RowSample,
    as_seen,
    binomial_tail,
    hash_rows,
    read_row_digests,
    upper_limit,
)
from hypothesis import example, given
from hypothesis import strategies as st

RANDOM = np.random.default_rng(1)
MATRIX = RANDOM.normal(size=(2000, 4))
FRESH = np.random.default_rng(2).normal(size=(2000, 4))


def hashed(matrix):
    return hash_rows(as_seen(np.asarray(matrix, dtype=np.float64)))


def digests_of(matrix, held_out=0.2, most=MOST_ROWS):
    hashes = hashed(matrix)
    learnt = round(len(hashes) * (1 - held_out))
    return RowDigests.of(hashes[:learnt], hashes[learnt:], most)


def compared(digests, matrix, pieces=1):
    sample = RowSample(limit=digests.limit)
    for piece in np.array_split(np.asarray(matrix, dtype=np.float64), pieces):
        sample.add(hashed(piece))
    return digests.compare(sample)


def test_training_rows():
    """Training rows are recognised, with the side of the split they were on."""
    found = compared(digests_of(MATRIX), MATRIX)
    assert (found.verdict, found.rows, found.learnt, found.held_out) == ("training-rows", 2000, 1600, 400)
    assert found.share == 1.0


def test_other_rows():
    """Other rows are recognised as such."""
    found = compared(digests_of(MATRIX), FRESH)
    assert (found.verdict, found.learnt, found.held_out) == ("other-rows", 0, 0)


@pytest.mark.parametrize("start", [0, 500, 1500])
def test_part_of_training_rows(start):
    """Any part of the training rows is recognised."""
    assert compared(digests_of(MATRIX), MATRIX[start : start + 500]).verdict == "training-rows"


def test_mixed_rows():
    """Training rows among others are recognised from a share on."""
    digests = digests_of(MATRIX)
    few, many = (compared(digests, np.vstack([MATRIX[:rows], FRESH])) for rows in (20, 1000))
    assert (few.verdict, many.verdict) == ("other-rows", "training-rows")


def test_equal_as_float32():
    """Rows are equal as the model sees them: as float32, with -0 as 0 and every NaN missing."""
    plain = np.array([[0.1, 0.0, math.nan], [0.3, 1.0, 2.0]])
    other = np.array([[np.float32(0.1), -0.0, -math.nan], [0.1 + 0.2, 1.0, 2.0]])
    assert hashed(plain).tolist() == hashed(other).tolist()


def test_different_rows():
    """Rows that differ in place or value have different hashes."""
    rows = np.array([[1.0, 2.0], [2.0, 1.0], [1.0, math.nan], [math.nan, 1.0], [0.0, 0.0], [1.0, 3.0]])
    assert len(set(hashed(rows).tolist())) == len(rows)
    assert hashed([[0.0]])[0] != hashed([[0.0, 0.0]])[0]


def test_beyond_float32():
    """A number beyond float32 is infinite, as the model sees it."""
    assert hashed([[1e300]])[0] == hashed([[math.inf]])[0]


def test_hashes_are_even():
    """Each bit of a hash is 1 in half of the rows, as a sample by the smallest hashes needs."""
    bits = np.unpackbits(hashed(RANDOM.integers(0, 50, (20_000, 3))).view(np.uint8)).reshape(-1, 64)
    distinct = np.unique(bits, axis=0).mean(axis=0)
    assert np.abs(distinct - 0.5).max() < 0.02


def test_sample_in_pieces():
    """A sample is the same however its rows are cut into pieces."""
    whole, pieces = RowSample(most=100), RowSample(most=100)
    whole.add(hashed(MATRIX))
    for piece in np.array_split(MATRIX, 37):
        pieces.add(hashed(piece))
    pieces.add(hashed(MATRIX[:50]))
    assert whole.hashes.tolist() == pieces.hashes.tolist() == sorted(set(hashed(MATRIX).tolist()))[:100]
    assert whole.limit == pieces.limit == int(whole.hashes[-1])


def test_sample_of_many_rows():
    """A sample of many rows recognises the same."""
    digests = digests_of(MATRIX, most=200)
    assert len(digests.learnt) + len(digests.held_out) == 200
    assert compared(digests, MATRIX).verdict == "training-rows"
    assert compared(digests, MATRIX).rows == 200
    assert compared(digests, FRESH).verdict == "other-rows"


def test_file_of_digests():
    """A file of digests takes at most a megabyte and comes back equal."""
    rows = np.random.default_rng(3).integers(0, 2**64, 300_000, dtype=np.uint64)
    digests = RowDigests.of(rows[:240_000], rows[240_000:])
    data = digests.to_bytes()
    assert len(data) <= 1_000_000
    again = RowDigests.from_bytes(data)
    for name in ("limit", "rows", "checked", "again"):
        assert getattr(again, name) == getattr(digests, name)
    assert again.learnt.tolist() == digests.learnt.tolist()
    assert again.held_out.tolist() == digests.held_out.tolist()


def test_repeated_rows():
    """Rows that repeat by nature decide nothing, as those of any month would match."""
    cells = np.random.default_rng(4).integers(0, 20, (2000, 1))
    found = compared(digests_of(cells), cells)
    assert (found.verdict, found.repeats) == ("cannot-tell", True)
    assert found.again == found.checked


def test_most_common_row():
    """A very common row does not hide the others, as distinct rows are counted."""
    matrix = np.where(np.arange(2000)[:, None] % 2 == 0, 0.0, MATRIX)
    fresh = np.where(np.arange(2000)[:, None] % 10 < 9, 0.0, FRESH)
    digests = digests_of(matrix)
    assert compared(digests, matrix).verdict == "training-rows"
    assert compared(digests, fresh).verdict == "other-rows"


def test_too_few_rows():
    """Too few rows decide nothing."""
    found = compared(digests_of(MATRIX), MATRIX[:0])
    assert (found.verdict, found.repeats, found.share) == ("cannot-tell", False, 0.0)
    assert compared(digests_of(MATRIX), MATRIX[:1]).verdict == "cannot-tell"


def test_too_few_training_rows():
    """Too few training rows decide nothing."""
    assert compared(digests_of(MATRIX[:20]), MATRIX[:20]).verdict == "cannot-tell"


def test_no_learnt_row():
    """A sample without a learnt row decides nothing."""
    hashes = hashed(MATRIX)
    assert compared(RowDigests.of(hashes[:0], hashes), MATRIX).verdict == "cannot-tell"


BAD = {
    "nothing": (b"", "header"),
    "another file": (b"x" * 64, "version"),
    "a later version": (b"driftrow\x02" + b"\0" * 64, "version"),
    "a file cut off": (digests_of(MATRIX).to_bytes()[:-1], "as many digests"),
}


@pytest.mark.parametrize(("data", "message"), BAD.values(), ids=BAD)
def test_other_file(data, message):
    """A file that holds no digests is refused."""
    with pytest.raises(BadRowDigests, match=message):
        RowDigests.from_bytes(data)


def test_digests_of_bundle(tmp_path):
    """Digests are read from a bundle that lists them."""
    data = digests_of(MATRIX).to_bytes()
    (tmp_path / "rows.bin").write_bytes(data)
    manifest = {"offline_files": describe_files({"rows.bin": data})}
    found = read_row_digests(tmp_path, manifest)
    assert found.rows == 2000
    assert read_row_digests(tmp_path, {}) is None
    (tmp_path / "rows.bin").write_bytes(data[:-1])
    with pytest.raises(BundleError, match=r"rows\.bin: expected the sha256"):
        read_row_digests(tmp_path, manifest)
    (tmp_path / "rows.bin").unlink()
    assert read_row_digests(tmp_path, manifest) is None


@given(st.integers(0, 60), st.integers(0, 60), st.floats(0.0, 1.0))
@example(3, 5, 1.0)
def test_binomial_tail(least, trials, share):
    """The tail of a binomial distribution is the sum of its masses."""
    masses = (
        math.comb(trials, hits) * share**hits * (1 - share) ** (trials - hits) for hits in range(least, trials + 1)
    )
    assert binomial_tail(least, trials, share) == pytest.approx(math.fsum(masses), rel=1e-9, abs=1e-12)


@given(st.integers(0, 50), st.integers(1, 50))
def test_upper_limit(hits, trials):
    """At the upper limit so few hits become unlikely."""
    hits = min(hits, trials)
    limit = upper_limit(hits, trials, 0.999)
    assert hits / trials <= limit <= 1.0
    if hits < trials:
        assert 1 - binomial_tail(hits + 1, trials, limit) == pytest.approx(0.001, rel=1e-3)


def test_no_trials():
    """Without trials the upper limit is 1."""
    assert upper_limit(0, 0, 0.999) == 1.0
