"""Digests of training rows in at most a megabyte, by which a replay of training rows is told.

Two rows are equal when the model sees no difference: the features in the order of the feature set,
each as the float32 that the forest compares, whatever file, spelling or column order they came in.

Of many rows a sample is kept: those whose 64-bit hash is the smallest, so that the same rows are in
the sample of the training data and of any file that holds them (Broder 1997, bottom-k sketches).
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from drift_contracts import DriftError
from drift_engine.bundle import ROW_DIGESTS, BundleError, bundle_folder, describe_files

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Hashes = npt.NDArray[np.uint64]

MOST_ROWS = 240_000
"""Rows in a file of digests: at four bytes each, 960 KB."""

EVERY_HASH = 2**64 - 1
MAGIC = b"driftrow"
HEADER = struct.Struct("<8sHxxxxxxQQQQQII")
VERSION = 1

STIRS = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)

CONFIDENCE = 0.999
"""Of the upper limit of the yardstick: the share of held-out rows that equal a learnt one."""

CHANCE = 1e-4
"""Reported only if other rows would equal so many training rows with less than this chance."""

ODDS = 20.0
"""Told only if the odds of an equal row are so many times the yardstick's: traffic that moves to
the commonest rows raises them too."""

LEAST_SHARE = 0.05
"""Told only if one row in twenty equals a training row: a few that come again are no replay."""

MOST_REPEATED = 0.5
"""Where more of the other rows than this may equal a training row, nothing can be told."""


class BadRowDigests(DriftError):
    """A file of row digests is not what it should be; says what was expected."""


# Any: manifests of both versions, of which two members are read.
def read_row_digests(folder: Path, manifest: Mapping[str, Any]) -> RowDigests | None:
    """Return the digests in a bundle's folder, None where it has none.

    Args:
        folder: Of a model, which stands for its current version, or of one version.
        manifest: Of that bundle, as `load_bundle` accepted it.

    Raises:
        BundleError: the file is not the one that the manifest names.
        BadRowDigests: the file holds no digests.
    """
    facts = manifest.get("offline_files", {}).get(ROW_DIGESTS)
    path = Path(bundle_folder(folder), ROW_DIGESTS)
    if facts is None or not path.is_file():
        return None
    data = path.read_bytes()
    if describe_files({ROW_DIGESTS: data})[ROW_DIGESTS] != facts:
        raise BundleError(ROW_DIGESTS, "the sha256 and size that the manifest says: it was changed")
    return RowDigests.from_bytes(data)


def as_seen(matrix: Floats) -> list[Floats]:
    """Return the columns of encoded rows as the forest compares them: float32, in float64.

    matrix: shape (rows, features), NaN for missing.
    """
    with np.errstate(over="ignore"):
        narrow = matrix.astype(np.float32).astype(np.float64)
    return list(narrow.T)


def hash_rows(columns: Sequence[Floats]) -> Hashes:
    """Return a 64-bit hash of each row, shape (rows,); equal rows have equal hashes.

    columns: at least one vector of shape (rows,). -0 equals 0 and every NaN equals every other. The
    steps are those of splitmix64 (Steele, Lea and Flood 2014), one round a column.
    """
    state = np.full(len(columns[0]), len(columns), dtype=np.uint64)
    for column in columns:
        values = np.where(np.isnan(column), np.nan, column + 0.0)
        state ^= values.view(np.uint64)
        state += np.uint64(STIRS[0])
        state ^= state >> np.uint64(30)
        state *= np.uint64(STIRS[1])
        state ^= state >> np.uint64(27)
        state *= np.uint64(STIRS[2])
        state ^= state >> np.uint64(31)
    return state


class RowSample:
    """The distinct hashes at or below a limit that falls as rows come in: an even sample of rows.

    `hashes` is sorted; `limit` is the largest hash that would have been kept. most: how many hashes
    are kept.
    """

    def __init__(self, most: int = MOST_ROWS, limit: int = EVERY_HASH) -> None:
        self.limit = limit
        self._most = most
        self._kept: Hashes = np.empty(0, dtype=np.uint64)
        self._new: list[Hashes] = []
        self._waiting = 0

    def add(self, hashes: Hashes) -> None:
        """Take the hashes of some rows in, shape (rows,)."""
        fresh = hashes[hashes <= np.uint64(self.limit)]
        self._new.append(fresh)
        self._waiting += len(fresh)
        if self._waiting > self._most:
            self._settle()

    @property
    def hashes(self) -> Hashes:
        """Return the distinct hashes that are kept, in ascending order."""
        self._settle()
        return self._kept

    def _settle(self) -> None:
        # np.unique goes through a hash table, which takes many times as long where most are
        # distinct
        ordered = np.sort(np.concatenate([self._kept, *self._new]))
        first = np.ones(len(ordered), dtype=bool)
        first[1:] = ordered[1:] != ordered[:-1]
        distinct = ordered[first]
        self._new, self._waiting = [], 0
        if len(distinct) > self._most:
            distinct = distinct[: self._most]
            self.limit = int(distinct[-1])
        self._kept = distinct


@dataclass(frozen=True, eq=False)
class RowDigests:
    """What a bundle knows of its training rows."""

    #: Only rows whose hash is at or below it were looked at.
    limit: int
    #: The low 32 bits of their hashes, sorted and distinct; a row on both sides is learnt.
    learnt: npt.NDArray[np.uint32]
    held_out: npt.NDArray[np.uint32]
    #: Training rows in all.
    rows: int
    #: Distinct held-out rows that were looked at.
    checked: int
    #: How many of these equal a learnt one.
    again: int

    @classmethod
    def of(
        cls,
        learnt: Hashes,
        held_out: Hashes,
        most: int = MOST_ROWS,
    ) -> RowDigests:
        """Return the digests of a training table, from the hashes of its two sides."""
        whole = RowSample(most)
        whole.add(learnt)
        whole.add(held_out)
        sample = whole.hashes
        seen = sample[_within(sample, learnt)]
        unseen = sample[_within(sample, held_out)]
        again = int(_within(unseen, seen).sum())
        apart = unseen[~_within(unseen, seen)]
        return cls(
            whole.limit,
            _short(seen),
            _short(apart),
            len(learnt) + len(held_out),
            len(unseen),
            again,
        )

    def to_bytes(self) -> bytes:
        """Return the file: a header of 64 bytes, then the digests, little-endian."""
        counts = (self.limit, self.rows, self.checked, self.again, 0)
        sizes = (len(self.learnt), len(self.held_out))
        header = HEADER.pack(MAGIC, VERSION, *counts, *sizes)
        digests = np.concatenate([self.learnt, self.held_out]).astype("<u4")
        return header + digests.tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> RowDigests:
        """Return the digests in a file. Raises BadRowDigests."""
        if len(data) < HEADER.size:
            raise BadRowDigests(f"row digests: expected a header of {HEADER.size} bytes")
        magic, version, limit, rows, checked, again, _, learnt, held_out = HEADER.unpack_from(data)
        if (magic, version) != (MAGIC, VERSION):
            raise BadRowDigests(f"row digests: expected a file of version {VERSION}")
        if len(data) != HEADER.size + 4 * (learnt + held_out):
            raise BadRowDigests("row digests: expected as many digests as the header says")
        digests = np.frombuffer(data, "<u4", offset=HEADER.size).astype(np.uint32)
        return cls(limit, digests[:learnt], digests[learnt:], rows, checked, again)

    def compare(self, sample: RowSample) -> Comparison:
        """Return how many distinct rows of a sample equal training rows, and what follows."""
        hashes = sample.hashes
        hashes = hashes[hashes <= np.uint64(self.limit)]
        short = hashes.astype(np.uint32)
        learnt = _within(short, self.learnt)
        held_out = _within(short, self.held_out) & ~learnt
        return Comparison(
            rows=len(hashes),
            learnt=int(learnt.sum()),
            held_out=int(held_out.sum()),
            yardstick=self._yardstick(),
            checked=self.checked,
            again=self.again,
        )

    def _yardstick(self) -> float:
        """Return the largest plausible share of other rows that equal a training row.

        Measured on held-out rows against learnt ones; the whole table is larger than its learnt
        part, and equal rows grow at most in proportion. Two rows in 2**32 share a digest by chance.
        """
        learnt = len(self.learnt)
        digests = learnt + len(self.held_out)
        if not learnt:
            return 1.0
        share = upper_limit(self.again, self.checked, CONFIDENCE)
        return min(1.0, share * digests / learnt + digests / 2**32)


@dataclass(frozen=True)
class Comparison:
    """Distinct rows of a file beside the training rows."""

    #: Looked up.
    rows: int
    #: Equal to a row of that side.
    learnt: int
    held_out: int
    #: The largest plausible share among rows that are none of the training data.
    yardstick: float
    #: What that was measured on.
    checked: int
    again: int

    @property
    def share(self) -> float:
        """Return the share of the rows that equal a training row, 0 where none was looked up."""
        return (self.learnt + self.held_out) / self.rows if self.rows else 0.0

    @property
    def repeats(self) -> bool:
        """Return whether so many other rows may equal a training row that nothing follows."""
        return self.yardstick > MOST_REPEATED

    @property
    def verdict(self) -> str:
        """Return `training-rows`, `other-rows` or `cannot-tell`.

        `cannot-tell`: rows repeat by nature, or too few are there for any finding.
        """
        if self.repeats or not self._enough(self.rows):
            return "cannot-tell"
        return "training-rows" if self._enough(self.learnt + self.held_out) else "other-rows"

    def _enough(self, equal: int) -> bool:
        """Return whether so many equal rows are more than other rows would have."""
        if not equal:
            return False
        allowed = ODDS * self.yardstick / (1 - self.yardstick)
        share = equal / self.rows
        over = share >= LEAST_SHARE and share >= allowed * (1 - share)
        return over and binomial_tail(equal, self.rows, self.yardstick) < CHANCE


def upper_limit(
    hits: int,
    trials: int,
    confidence: float,
) -> float:
    """Return the one-sided upper limit of a share (Clopper and Pearson 1934), 1.0 for no trials.

    >>> round(upper_limit(0, 100, 0.999), 4)
    0.0667
    """
    low, high = hits / trials if trials else 1.0, 1.0
    # The chance of so few hits falls as the share grows: halve the interval until it is narrow.
    while high - low > 1e-9:  # noqa: PLR2004 - a share is needed to three digits
        middle = (low + high) / 2
        if 1 - binomial_tail(hits + 1, trials, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def binomial_tail(
    least: int,
    trials: int,
    share: float,
) -> float:
    """Return the chance of `least` or more hits in so many trials.

    >>> binomial_tail(1, 2, 0.5)
    0.75
    """
    if least <= 0:
        return 1.0
    if least > trials or share <= 0:
        return 0.0
    if share >= 1:
        return 1.0
    mean = trials * share
    if least <= mean:
        return 1 - _lower_sum(least - 1, trials, share)
    return _upper_sum(least, trials, share)


def _log_mass(
    hits: int,
    trials: int,
    share: float,
) -> float:
    misses = trials - hits
    ways = math.lgamma(trials + 1) - math.lgamma(hits + 1) - math.lgamma(misses + 1)
    return ways + hits * math.log(share) + misses * math.log1p(-share)


def _upper_sum(
    least: int,
    trials: int,
    share: float,
) -> float:
    """Return the sum of masses from `least` up; above the mean each is less than the one before."""
    mass = math.exp(_log_mass(least, trials, share))
    total, hits, odds = mass, least, share / (1 - share)
    while hits < trials and mass > total * 1e-12:
        mass *= (trials - hits) / (hits + 1) * odds
        hits += 1
        total += mass
    return min(total, 1.0)


def _lower_sum(
    most: int,
    trials: int,
    share: float,
) -> float:
    """Return the sum of masses from `most` down; below the mean each is less than the one above."""
    return _upper_sum(trials - most, trials, 1 - share)


def _within(
    values: npt.NDArray[np.generic], others: npt.NDArray[np.generic]
) -> npt.NDArray[np.bool_]:
    """Return which values are among others, shape of values."""
    return np.isin(values, others)


def _short(hashes: Hashes) -> npt.NDArray[np.uint32]:
    """Return the low 32 bits, sorted and distinct; the high bits decide who is in the sample."""
    return np.unique(hashes.astype(np.uint32))
