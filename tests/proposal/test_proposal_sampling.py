"""A file that is larger than memory is sampled, and the proposal says so."""

from __future__ import annotations

import subprocess
import sys

import pyarrow as pa
import pytest
from drift_ml.proposal import Wanted, propose
from drift_ml.tables import DataError
from pyarrow import parquet

#: Proposes for a file with so little memory left that the file does not fit: bytes beyond those of the libraries.
LIMITED = """
import resource, sys
from pathlib import Path
import pyarrow.csv, pyarrow.parquet
from drift_ml.proposal import Wanted, propose, sampling
sampling.MOST_BYTES = 2**20
pyarrow.array(["a"])  # looks for pandas, once
status = Path("/proc/self/status").read_text().splitlines()
used = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmSize"))
resource.setrlimit(resource.RLIMIT_AS, (used + int(sys.argv[2]),) * 2)
proposal = propose(Path(sys.argv[1]), Wanted("price"))
print(proposal.rows, proposal.chosen)
"""
#: Arrow's own pool takes memory in pieces of 64 MB, and threads have stacks: neither is of the file.
PLAIN = {"ARROW_DEFAULT_MEMORY_POOL": "system", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits of memory are Linux's")
def test_larger_than_memory(tmp_path):
    """A file with more bytes than memory is left is proposed for, from all of its length."""
    path = tmp_path / "prices.csv"
    block = "".join(f"{row % 20}.5,{'ab'[row % 2]},{'x' * 400}{row % 7},{row % 11}.25\n" for row in range(5_000))
    with path.open("w") as file:
        file.write("size,colour,note,price\n")
        for _ in range(36):
            file.write(block)
    limit = path.stat().st_size
    words = [sys.executable, "-c", LIMITED, str(path), str(limit - 1)]
    done = subprocess.run(words, env=PLAIN, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows, chosen = done.stdout.split(" ", 1)
    assert 1_000 < int(rows) < 10_000
    assert "64 places" in chosen


def test_bytes_of_parquet(tmp_path, monkeypatch):
    """Of a Parquet file with long texts few rows are looked at."""
    monkeypatch.setattr("drift_ml.proposal.sampling.MOST_BYTES", 20_000)
    texts = [f"{row % 7}" * 120 for row in range(1_000)]
    table = pa.table({"note": texts, "price": [row % 11 for row in range(1_000)]})
    path = tmp_path / "prices.parquet"
    parquet.write_table(table, path, row_group_size=100, use_dictionary=False)
    proposal = propose(path, Wanted("price"))
    assert proposal.rows < 200
    assert "of 1,000 rows" in proposal.chosen


def test_lines_without_header(tmp_path):
    """Rows that all have more cells than the first line are refused by what that is."""
    path = tmp_path / "counts.csv"
    path.write_text("569,30,malignant,benign\n" + "17.9,10.3,122.8,1001,0.1,0\n" * 30)
    with pytest.raises(DataError, match="may be no header") as refused:
        propose(path, Wanted("malignant"))
    assert refused.value.outcome == "nothing was proposed"
