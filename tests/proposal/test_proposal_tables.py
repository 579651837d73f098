"""From a file to a feature set that training takes: samples, names, the target, the next command."""

from __future__ import annotations

import gzip
import json
import shlex

import numpy as np
import pyarrow as pa
import pytest
from drift_contracts import ContractError
from drift_ml.proposal import Wanted, propose, sampling
from drift_ml.proposal.propose import ProposalError
from drift_ml.tables import DataError, ReadOptions, read_table
from pyarrow import parquet

ROWS = 200


def houses(rows=ROWS):
    """Return columns of made-up houses."""
    random = np.random.default_rng(3)
    size = random.normal(100, 20, rows).round(1)
    return {
        "id": np.arange(1, rows + 1),
        "Größe (m²)": size,
        "rooms": random.integers(1, 6, rows),
        "city": random.choice(["Bonn", "Köln", "Ulm"], rows),
        "sold": [f"2026-{1 + row * 11 // rows:02d}-{1 + row % 28:02d}" for row in range(rows)],
        "price": (1000 * size + random.normal(0, 5000, rows)).round(),
    }


def write_csv(path, columns, delimiter=","):
    """Write columns as a text."""
    rows = [delimiter.join(columns), *map(delimiter.join, zip(*[map(str, c) for c in columns.values()], strict=True))]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def table(tmp_path):
    """A text file of houses."""
    return write_csv(tmp_path / "houses.csv", houses())


def becomes(proposal):
    """Return what becomes of each column."""
    return {column.name: column.members and column.members["type"] for column in proposal.columns}


def test_houses(table):
    """Names, types and the target of a user's table are found."""
    proposal = propose(table, Wanted("price"))
    assert becomes(proposal) == {
        "id": None, "Größe (m²)": "number", "rooms": "integer", "city": "category", "sold": None,
    }  # fmt: skip
    first = proposal.feature_set.features[0]
    assert (first.name, first.column) == ("Grosse_m2", "Größe (m²)")
    assert proposal.feature_set.name == "price"
    assert proposal.chosen == ""


def test_training_accepts(table):
    """The rows of the table fit the proposed feature set, without the columns that it leaves out."""
    proposal = propose(table, Wanted("price", time_column="sold"))
    options = ReadOptions(ignore=(*proposal.left_out, "sold"))
    assert read_table(table, proposal.feature_set, options=options).rows == ROWS


def test_next_command(table, tmp_path):
    """The next command has what training must know, quoted for a shell."""
    proposal = propose(table, Wanted("price", time_column="sold", id_columns=("id",)))
    words = shlex.split(proposal.train_command(table, tmp_path / "price.json"))
    assert words[:2] == ["driftctl", "train"]
    assert words[words.index("--time-column") + 1] == "sold"
    assert words[words.index("--ignore") + 1] == "id"


def test_reading_options(tmp_path):
    """Delimiter, decimal point, encoding and words for missing are part of the next command."""
    columns = {"a": ["1,5", "2,5", "?"] * 20, "y": ["1", "2", "3"] * 20}
    path = write_csv(tmp_path / "odd.csv", columns, delimiter=";")
    options = ReadOptions(delimiter=";", decimal=",", encoding="latin-1", missing=("none",))
    proposal = propose(path, Wanted("y"), options)
    command = proposal.train_command(path, tmp_path / "y.json")
    for word in ("--delimiter ';'", "--decimal ,", "--encoding iso8859-1", "--missing=none", "'--missing=?'"):
        assert word in command
    tabs = write_csv(tmp_path / "tabs.tsv", columns, delimiter="\t")
    assert "--delimiter tab" in propose(tabs, Wanted("y"), ReadOptions("tab")).train_command(tabs, tabs)


def test_pattern_of_columns(tmp_path):
    """Hundreds of columns are left out by a pattern and not by their names."""
    columns = {f"gone_{place}": ["4"] * 30 for place in range(20)}
    path = write_csv(tmp_path / "wide.csv", {"a": range(0, 60, 2), **columns, "y": range(1, 31)})
    proposal = propose(path, Wanted("y"))
    assert proposal.train_command(path, path).endswith("--ignore '*'")


def test_most_telling_columns_stay(tmp_path):
    """Of too many columns, those stay that tell most about the target."""
    random = np.random.default_rng(5)
    columns = {f"noise_{place}": random.normal(0, 1, 60).round(4) for place in range(2005)}
    columns["signal"] = random.normal(0, 1, 60).round(4)
    columns["y"] = (columns["signal"] + random.normal(0, 0.1, 60)).round(4)
    proposal = propose(write_csv(tmp_path / "wide.csv", columns), Wanted("y"))
    names = proposal.feature_set.names
    assert "signal" in names
    assert len(names) == 2000


def test_leak(tmp_path):
    """A column that tells nearly all about the target is reported."""
    columns = houses()
    columns["tax"] = columns["price"] * 1.07
    proposal = propose(write_csv(tmp_path / "leak.csv", columns), Wanted("price"))
    doubts = {column.name: column.doubts for column in proposal.columns}
    assert "target" in doubts["tax"][0]
    assert not doubts["rooms"]


def test_classes(tmp_path):
    """A target of words, of booleans or of two numbers is one of classes."""
    targets = {
        "words": (["late", "early", "on time"], ("early", "late", "on time"), None),
        "two words": (["won", "lost", "won"], ("lost", "won"), "won"),
        "yes and no": (["yes", "no", "no"], ("no", "yes"), "yes"),
        "capitals": (["No", " Yes", "Yes"], ("No", "Yes"), "Yes"),
        "letters": (["t", "f", "f"], ("f", "t"), "t"),
        "on and off": (["on", "off", "on"], ("off", "on"), "on"),
        "a digit and a word": (["1", "no", "no"], ("no", "1"), "1"),
        "true and false": (["true", "FALSE", "True"], ("false", "true"), "true"),
        "numbers": (["0", "1", "1"], ("0", "1"), "1"),
        "fractions": (["0.0", "1.0", "1"], ("0", "1"), "1"),
        "signs": (["+1", "-1", "+1"], ("-1", "+1"), "+1"),
        "trailing zeros": (["1.50", "2.50", "1.50"], ("1.50", "2.50"), "2.50"),
        "millions": (["1000000", "2000000", "2000000"], ("1000000", "2000000"), "2000000"),
    }
    for cells, classes, positive in targets.values():
        path = write_csv(tmp_path / "classes.csv", {"a": range(60, 0, -1), "y": cells * 20})
        features = propose(path, Wanted("y")).feature_set
        assert (features.target.classes, features.target.positive_class) == (classes, positive)
        assert len(set(read_table(path, features).target)) == len(classes)


@pytest.mark.parametrize(
    ("cells", "classes"),
    [
        (pa.array([True, False, True]), ("false", "true")),
        (pa.array([0.5, 1.5, 1.5], pa.float32()), ("0.5", "1.5")),
        (pa.array(["yes", "no", "no"]).dictionary_encode(), ("no", "yes")),
        (pa.array(["Y", "N", "N"], pa.large_string()), ("N", "Y")),
    ],
    ids=["booleans", "numbers", "dictionary", "large strings"],
)
def test_classes_of_parquet(tmp_path, cells, classes):
    """Typed cells have their usual names, and texts their own."""
    path = tmp_path / "classes.parquet"
    column = pa.concat_arrays([cells] * 20)
    parquet.write_table(pa.table({"a": list(range(60, 0, -1)), "y": column}), path)
    features = propose(path, Wanted("y")).feature_set
    assert features.target.classes == classes
    assert sorted(set(read_table(path, features).target)) == [0, 1]


def test_two_spellings_of_class(tmp_path):
    """Two spellings of a class are read as two, and reported."""
    path = write_csv(tmp_path / "classes.csv", {"a": range(60, 0, -1), "y": ["yes", "No", "Yes"] * 20})
    proposal = propose(path, Wanted("y"))
    assert proposal.feature_set.target.classes == ("No", "Yes", "yes")
    assert any("3 ways" in doubt for doubt in proposal.doubts)
    assert len(set(read_table(path, proposal.feature_set).target)) == 3


def test_shared_doubt(tmp_path):
    """A doubt that many columns share is reported once, about the table."""
    columns = {f"flag_{place}": [0, 1, 1, 0, place % 2, 1] * 10 for place in range(5)}
    proposal = propose(write_csv(tmp_path / "flags.csv", {**columns, "y": range(60)}), Wanted("y"))
    assert [doubt for doubt in proposal.doubts if "boolean" in doubt and "flag_0, flag_1" in doubt]
    assert not any(column.doubts for column in proposal.columns)


def test_target_of_few_numbers(tmp_path):
    """A target of few different numbers is reported, as it may be classes."""
    path = write_csv(tmp_path / "few.csv", {"a": range(60, 0, -1), "y": [1, 2, 3] * 20})
    assert any("classification" in doubt for doubt in propose(path, Wanted("y")).doubts)


def test_missing_target(tmp_path):
    """Rows without a target are reported, as training refuses them."""
    path = write_csv(tmp_path / "gaps.csv", {"a": range(60, 0, -1), "y": ["1.5", "2.25", "NA"] * 20})
    assert any("20 rows" in doubt for doubt in propose(path, Wanted("y")).doubts)


def test_leak_of_classes(tmp_path):
    """A column that tells the classes apart is reported, missing cells aside."""
    columns = {
        "code": ["a", "b", "c", ""] * 50,
        "few": [1, 1, 2, 2] * 50,
        "sparse": ["1"] + ["2"] + [""] * 198,
        "y": ["p", "q", "r", "p"] * 50,
    }
    proposal = propose(write_csv(tmp_path / "leak.csv", columns), Wanted("y"))
    doubts = {column.name: bool(column.doubts) for column in proposal.columns}
    assert doubts == {"code": True, "few": False, "sparse": False}


def test_constant_target(tmp_path):
    """A target of a single value raises no doubt about other columns."""
    path = write_csv(tmp_path / "same.csv", {"a": [3, 5, 9] * 20, "y": [4] * 60})
    assert not propose(path, Wanted("y")).columns[0].doubts


def test_unique_names(tmp_path):
    """Names that contracts do not allow are replaced, and stay different."""
    header = ["a b", "a-b", "日本", "2nd", "y"]
    columns = {name: [(row * 7 + place) % 13 for row in range(60)] for place, name in enumerate(header)}
    proposal = propose(write_csv(tmp_path / "names.csv", columns), Wanted("y"))
    assert proposal.feature_set.names == ("a_b", "a_b_2", "x", "x_2nd")


def test_ignored_columns(table):
    """Columns that an option or the user leaves out are no features."""
    proposal = propose(table, Wanted("price", id_columns=("rooms",)), ReadOptions(ignore=("cit*",)))
    assert becomes(proposal)["city"] is None
    assert becomes(proposal)["rooms"] is None


def test_model_name(table):
    """The model has the name that the user gives."""
    assert propose(table, Wanted("price", model="my-houses")).feature_set.name == "my-houses"


@pytest.mark.parametrize(
    ("wanted", "option"),
    [
        (Wanted("prize"), "--target"),
        (Wanted("price", time_column="when"), "--time-column"),
        (Wanted("price", id_columns=("key",)), "--id-column"),
    ],
)
def test_unknown_column(table, wanted, option):
    """A column that the header lacks is refused, with near names."""
    with pytest.raises(ProposalError, match=f"^{option}: expected a column"):
        propose(table, wanted)


def test_unreadable_times(tmp_path):
    """A column of times that training cannot read is refused with the way out."""
    path = write_csv(
        tmp_path / "prices.csv", {"day": ["Jan 1 2000", "Feb 1 2000"] * 15, "size": range(30), "y": range(30)}
    )
    with pytest.raises(ProposalError, match=r"^--time-column: .* day; names of months"):
        propose(path, Wanted("y", time_column="day"))


def test_no_features(tmp_path):
    """A table whose every column is left out is refused."""
    path = write_csv(tmp_path / "poor.csv", {"same": [1] * 30, "y": range(30)})
    with pytest.raises(ProposalError, match="same"):
        propose(path, Wanted("y"))


def test_target_alone(tmp_path):
    """A table that has only its target is refused."""
    with pytest.raises(ProposalError):
        propose(write_csv(tmp_path / "alone.csv", {"y": range(30)}), Wanted("y"))


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("a;b\n1;2\n", "delimiter"),
        ("a,a\n1,2\n", "duplicate"),
        ("a,b\n", "rows"),
        ('a,b\n1,"2\n', "quote"),
    ],
)
def test_bad_files(tmp_path, text, rule):
    """A file that is no table is refused with the rule that it breaks."""
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(DataError) as caught:
        propose(path, Wanted("a"))
    assert rule in {finding.rule for finding in caught.value.findings}


def test_short_parquet(tmp_path):
    """A Parquet file that was cut short is refused while its rows are read."""
    path = tmp_path / "t.parquet"
    parquet.write_table(pa.table(houses()), path, compression="none")
    content = bytearray(path.read_bytes())
    content[200:2000] = bytes(1800)
    path.write_bytes(content)
    with pytest.raises(DataError):
        propose(path, Wanted("price"))


def test_ragged_rows(tmp_path):
    """Rows of another width are left out of the sample, and reported."""
    path = write_csv(tmp_path / "ragged.csv", houses())
    with path.open("a") as file:
        file.write("1,2\n")
    assert any("1 rows" in doubt for doubt in propose(path, Wanted("price")).doubts)


def test_parquet(tmp_path):
    """A Parquet file and a folder of such files are read with their types."""
    folder = tmp_path / "parts"
    folder.mkdir()
    for number in range(2):
        parquet.write_table(pa.table(houses()), folder / f"part-{number}.parquet")
    proposal = propose(folder, Wanted("price"))
    assert proposal.rows == 2 * ROWS
    assert becomes(proposal)["rooms"] == "integer"


def test_disagreeing_files(tmp_path):
    """A column that is a number in a file and a text in the next is read as text."""
    for name, cells in {"a.parquet": [1, 2] * 15, "b.parquet": ["1", "x"] * 15}.items():
        parquet.write_table(pa.table({"c": cells, "y": list(range(30))}), tmp_path / name)
    assert becomes(propose(tmp_path, Wanted("y"))) == {"c": "category"}


def test_other_columns(tmp_path):
    """A folder whose files have different headers is refused."""
    write_csv(tmp_path / "a.csv", {"a": [1], "y": [2]})
    write_csv(tmp_path / "b.csv", {"b": [1], "y": [2]})
    with pytest.raises(DataError, match=r"b\.csv"):
        propose(tmp_path, Wanted("y"))


def test_long_file(tmp_path, monkeypatch):
    """Of a long file rows are taken from its whole length, which is reported."""
    monkeypatch.setattr(sampling, "MOST_ROWS", 400)
    path = write_csv(tmp_path / "long.csv", {"a": range(20_000), "b": [1.5, 2.5] * 10_000, "y": range(20_000)})
    sample = sampling.sample_rows(path, ReadOptions())
    taken = np.array(sample.columns[0].to_pylist(), dtype=int)
    assert sample.chosen
    assert sample.rows < 2000
    assert taken[0] == 0
    assert taken[-1] > 19_000
    assert (np.diff(taken) > 0).all()


def test_packed_file(tmp_path, monkeypatch):
    """A packed file is read from its beginning, as it cannot be read elsewhere."""
    monkeypatch.setattr(sampling, "MOST_ROWS", 100)
    path = tmp_path / "long.csv.gz"
    text = write_csv(tmp_path / "long.csv", {"a": range(500), "y": range(500)}).read_bytes()
    path.write_bytes(gzip.compress(text))
    assert "first" in sampling.sample_rows(path, ReadOptions()).chosen


def test_long_parquet(tmp_path, monkeypatch):
    """Rows of a long Parquet file are taken from row groups of the whole file."""
    monkeypatch.setattr(sampling, "MOST_ROWS", 100)
    path = tmp_path / "long.parquet"
    parquet.write_table(pa.table({"a": range(5000), "y": range(5000)}), path, row_group_size=500)
    sample = sampling.sample_rows(path, ReadOptions())
    assert sample.rows == 100
    assert sample.columns[0][-1].as_py() >= 4500
    assert "5,000" in sample.chosen


def test_large_row_group(tmp_path):
    """A row group of more rows than a batch is read batch by batch."""
    path = tmp_path / "large.parquet"
    parquet.write_table(pa.table({"a": range(70_000), "y": range(70_000)}), path)
    assert sampling.sample_rows(path, ReadOptions()).rows == 70_000


def test_many_files(tmp_path, monkeypatch):
    """Of very many files some are read."""
    monkeypatch.setattr(sampling, "SLICES", 3)
    for number in range(7):
        write_csv(tmp_path / f"part-{number}.csv", {"a": [number], "y": [1]})
    sample = sampling.sample_rows(tmp_path, ReadOptions())
    assert (sample.rows, sample.chosen) == (3, "3 of 7 files")


def test_document(table):
    """The proposal is a feature set of the contract's draft, which reads back equal."""
    proposed = propose(table, Wanted("price")).feature_set
    assert type(proposed).from_json(json.loads(json.dumps(proposed.to_json()))) == proposed


def test_sessions_and_callers(table):
    """What names a session and a caller goes into the feature set, as its contract has it."""
    wanted = Wanted("price", session="header:x-session-id", caller="feature:city")
    document = propose(table, wanted).feature_set.to_json()
    assert document["session"] == {"header": "x-session-id"}
    assert document["caller"] == {"feature": "city"}


def test_segments(table):
    """Features that cut the traffic go into the feature set, a number with its cuts."""
    document = propose(table, Wanted("price", segments=("city",))).feature_set.to_json()
    assert document["segments"] == [{"feature": "city"}]
    with pytest.raises(ContractError, match="/segments/0/feature"):
        propose(table, Wanted("price", segments=("none=1,2",)))
    with pytest.raises(ProposalError, match=r"--segment: .*age=10,40"):
        propose(table, Wanted("price", segments=("city=a",)))


@pytest.mark.parametrize("place", ["x-session-id", "header:", "cookie:a"])
def test_a_place_that_is_none(table, place):
    """Another place is refused, with those that there are."""
    with pytest.raises(ProposalError, match=r"--session: .*context"):
        propose(table, Wanted("price", session=place))
