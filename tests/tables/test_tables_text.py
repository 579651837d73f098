"""Text files: each spelling is read as the same rows, or is refused by cause, row, line and way out."""

from __future__ import annotations

import codecs
import csv
import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from drift_ml.tables import DataError, Layout, OptionError, ReadOptions, batches, read_chunks, read_table, texts

HERE = Path(__file__).parent
SPELLINGS = json.loads((HERE / "spellings.json").read_text("utf-8"))
REFUSALS = json.loads((HERE / "refusals.json").read_text("utf-8"))
HEADER = "weight,pieces,express,country,cost"
GOOD = "2.5,3,true,DE,9"


def options(case):
    chosen = case.get("options", {})
    return ReadOptions(**{name: tuple(value) if isinstance(value, list) else value for name, value in chosen.items()})


def refused(path, feature_set, chosen=None):
    with pytest.raises(DataError) as caught:
        read_table(path, feature_set, options=chosen)
    return caught.value


@pytest.mark.parametrize("case", SPELLINGS, ids=lambda case: case["title"])
def test_spellings(tmp_path, parcel, case):
    """Every spelling of a file gives the same rows."""
    data = case["bytes"].encode(case.get("encoding", "utf-8"))
    path = tmp_path / case.get("name", "t.csv")
    path.write_bytes(gzip.compress(data) if case.get("packed") else data)
    table = read_table(path, parcel, options=options(case))
    np.testing.assert_array_equal(table.matrix(parcel), [[2.5, 3, 1, 0], [1.5, np.nan, 0, 3]])
    assert table.target.tolist() == [9, 7]


@pytest.mark.parametrize("case", REFUSALS, ids=lambda case: case["title"])
def test_refusals(tmp_path, parcel, case):
    """A refusal has the cause, the row and line in the file, and the way out."""
    lines = [case.get("header", HEADER), *case["rows"]]
    if case.get("semicolons"):
        split = [next(csv.reader([line])) for line in lines]
        lines = [";".join(cells) for cells in split]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(lines) + "\n", "utf-8", newline="")
    error = refused(path, parcel, options(case))
    column, rule, rows, places = case["finding"]
    finding = next(each for each in error.findings if (each.column, each.rule) == (column, rule))
    assert (list(finding.rows), list(finding.lines)) == (rows, places)
    for word in case["words"]:
        assert word in str(error)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_utf_16(tmp_path, parcel, encoding):
    """UTF-16 is recognised with and without its mark, and named."""
    path = tmp_path / "t.csv"
    path.write_text(f"{HEADER}\n{GOOD}\n", encoding)
    (finding,) = refused(path, parcel).findings
    assert finding.hint.endswith(f"--encoding {encoding}")
    assert read_table(path, parcel, options=ReadOptions(encoding=encoding)).rows == 1


@pytest.mark.parametrize(("line", "text"), [(1, f"{HEADER},ß\n{GOOD},1\n"), (3, f"{HEADER}\n{GOOD}\n2,3,true,Ö,9\n")])
def test_other_encoding(tmp_path, parcel, line, text):
    """Bytes that are no UTF-8 are reported with their line and the option for it."""
    path = tmp_path / "t.csv"
    path.write_text(text, "latin-1")
    (finding,) = refused(path, parcel).findings
    assert (finding.rule, finding.lines) == ("format", (line,))
    assert "--encoding" in finding.hint


@pytest.mark.parametrize(("encoding", "data"), [("utf-16", b"a,b\n1"), ("cp932", b"a,b\n1,\x81")])
def test_wrong_encoding(tmp_path, parcel, encoding, data):
    """A file that does not fit the chosen encoding is refused."""
    path = tmp_path / "t.csv"
    path.write_bytes(codecs.BOM_UTF8 + data)
    (finding,) = refused(path, parcel, ReadOptions(encoding=encoding)).findings
    assert encoding in finding.expected


def test_incomplete_utf_16(tmp_path, parcel):
    """A UTF-16 file that ends within a character is refused."""
    path = tmp_path / "t.csv"
    path.write_bytes(f"{HEADER}\n{GOOD}\n".encode("utf-16") + b"\x00")
    (finding,) = refused(path, parcel, ReadOptions(encoding="utf-16")).findings
    assert finding.rule == "format"


@pytest.mark.parametrize("chosen", [None, ReadOptions(encoding="latin-1")])
@pytest.mark.parametrize("kept", [12, 3000])
def test_short_packed_file(tmp_path, parcel, kept, chosen):
    """A packed file that was cut short is refused, and no row of it is used."""
    rows = "".join(f"{1 + i % 9}.{i},3,true,DE,{i}\n" for i in range(3000))
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(f"{HEADER}\n{rows}".encode())[:kept])
    (finding,) = refused(path, parcel, chosen).findings
    assert (finding.column, finding.rule) == ("(file)", "format")
    with pytest.raises(DataError):
        texts.count_lines(texts.Part(path, "t", parquet=False, gzip=True))


def test_quotes_across_blocks(tmp_path, parcel, monkeypatch):
    """Quoted line ends may be at the end of a block, whatever its size."""
    for module in (batches, texts):
        monkeypatch.setattr(module, "BLOCK", 1500)
    monkeypatch.setattr(batches, "CHUNK", 7)
    rows = [f'{1 + i}.5,3,true,DE,{i},"two\r\nlines, ""{"x" * (37 * i % 200)}"' for i in range(90)]
    path = tmp_path / "t.csv"
    path.write_text("\n".join([f"{HEADER},note", *rows]) + "\n", "utf-8", newline="")
    chosen = ReadOptions(ignore=("note",))
    assert read_table(path, parcel, options=chosen).columns["weight"].tolist() == [1.5 + i for i in range(90)]
    rows[70] = rows[70].replace(".5,", "_5.5,", 1)  # from this block on Python reads
    path.write_text("\n".join([f"{HEADER},note", *rows]) + "\n", "utf-8", newline="")
    read = read_table(path, parcel, options=chosen).columns["weight"]
    assert read[70] == 715.5
    assert np.delete(read, 70).tolist() == [1.5 + i for i in range(90) if i != 70]
    rows[80] = rows[80].replace("DE", "XX")
    path.write_text("\n".join([f"{HEADER},note", *rows]) + "\n", "utf-8", newline="")
    (finding,) = refused(path, parcel, chosen).findings
    assert (finding.rows, finding.lines) == ((82,), (162,))


def test_endless_cell(tmp_path, parcel, monkeypatch):
    """A cell over the limit is an open quote, so that no such quote takes all memory."""
    monkeypatch.setattr(texts, "LONGEST_CELL", 100)
    path = tmp_path / "t.csv"
    path.write_text(f'{HEADER}\n{GOOD}\nx,3,true,"DE\n' + f"{GOOD}\n" * 20)
    assert {(each.rule, each.lines) for each in refused(path, parcel).findings} >= {("quote", (3,))}
    path.write_text('"' + "x" * 200_000)
    (finding,) = refused(path, parcel).findings
    assert (finding.rule, finding.lines) == ("quote", (1,))


def test_thousand_wrong_rows(tmp_path, parcel):
    """After a thousand rows of another width counting stops, and the message says so."""
    path = tmp_path / "t.csv"
    path.write_text(f"{HEADER}\n" + "1,2\n" * 1500)
    (finding,) = refused(path, parcel).findings
    assert (finding.rule, finding.count, finding.rows) == ("cells", 1000, (2, 3, 4, 5, 6))


def test_blank_line_of_single_column(tmp_path, parcel_document):
    """In a file of a single column a blank line is a missing value."""
    from drift_contracts import FeatureSet  # noqa: PLC0415

    single = FeatureSet.from_json({**parcel_document, "features": parcel_document["features"][1:2]})
    path = tmp_path / "t.csv"
    for text in ("pieces\n3\n\n4\n", "pieces\n3\n\n0_4\n"):
        path.write_text(text)
        (chunk,) = read_chunks(path, Layout(single))
        np.testing.assert_array_equal(chunk.columns["pieces"], [3, np.nan, 4])


def test_ten_names(tmp_path, parcel):
    """At most ten names are listed, and the others counted."""
    path = tmp_path / "t.csv"
    path.write_text(",".join([HEADER, *(f"extra{i}" for i in range(30))]) + "\n")
    text = str(refused(path, parcel))
    assert text.count("unknown: expected") == 10
    assert "unknown: 20 more columns" in text


@pytest.mark.parametrize(
    ("name", "value"),
    [("delimiter", ";;"), ("delimiter", '"'), ("decimal", ";"), ("encoding", "klingon"), ("encoding", "utf-7"),
     ("encoding", "base64")],
)  # fmt: skip
def test_wrong_option(name, value):
    """A wrong option is refused by its name."""
    with pytest.raises(OptionError) as caught:
        ReadOptions(**{name: value})
    assert caught.value.option == name


def test_same_characters():
    """The same character cannot be delimiter and decimal point."""
    with pytest.raises(OptionError):
        ReadOptions(delimiter=",", decimal=",")


@pytest.mark.parametrize("name", ["utf8", "UTF-8-SIG", "ascii"])
def test_utf_8(name):
    """UTF-8 under any of its names is read without a copy."""
    assert ReadOptions(encoding=name).encoding is None


@pytest.mark.parametrize("text", ["", "\n\n", " \n", "sep=,\n", "sep=,"])
def test_no_header(tmp_path, parcel, text):
    """A file without a header is refused with what was expected."""
    path = tmp_path / "t.csv"
    path.write_text(text)
    (finding,) = refused(path, parcel).findings
    assert finding.rule == "rows"


def test_missing_file(tmp_path, parcel):
    """A missing file is refused with what was expected."""
    (finding,) = refused(tmp_path / "none.csv", parcel).findings
    assert finding.rule == "exists"


def test_delimiter_line(tmp_path, parcel):
    """Excel's line that states the delimiter counts as a line, and not as a row."""
    path = tmp_path / "t.csv"
    path.write_text(f"sep=,\n{HEADER}\n{GOOD}\nx,3,true,DE,9\n")
    (finding,) = refused(path, parcel).findings
    assert (finding.rows, finding.lines) == ((3,), (4,))


def test_literal_quote(tmp_path, parcel):
    """An odd number of quotes alone is no open quote."""
    path = tmp_path / "t.csv"
    path.write_text(f'{HEADER},note\n{GOOD},5" pipe\n{GOOD},"a ""b"" c\nd"\n')
    assert read_table(path, parcel, options=ReadOptions(ignore=("note",))).rows == 2


def test_second_column(tmp_path, parcel):
    """The second column of a name can be left out, and the message says how."""
    path = tmp_path / "t.csv"
    path.write_text(f"{HEADER},weight\n{GOOD},2\n")
    (finding,) = refused(path, parcel).findings
    assert (finding.rule, finding.count) == ("duplicate", 2)
    assert "--ignore '#6'" in finding.hint


def test_rows_of_other_width(tmp_path, parcel):
    """Rows of another width are reported, also where there are no others."""
    path = tmp_path / "t.csv"
    path.write_text(f"{HEADER}\n1,2\n1,2,3\n")
    (finding,) = refused(path, parcel).findings
    assert (finding.rule, finding.rows, finding.lines) == ("cells", (2, 3), (2, 3))


def test_long_packed_file(tmp_path, parcel):
    """A long packed file that was cut short is refused, though its beginning is whole."""
    numbers = np.random.default_rng(1).integers(1, 2**40, 100_000)
    path = tmp_path / "t.csv.gz"
    data = gzip.compress("\n".join([HEADER, *(f"{number},3,true,DE,9" for number in numbers)]).encode(), 1)
    path.write_bytes(data[: len(data) * 9 // 10])
    (finding,) = refused(path, parcel).findings
    assert (finding.rule, finding.expected) == ("format", "a whole gzip file")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\0" * 64, "zero bytes"),
        (gzip.compress(gzip.compress(b"weight")), "a packed file"),
        (gzip.compress(b"PAR1" + b"\0" * 20), "a Parquet file"),
    ],
    ids=["zeros", "packed twice", "packed Parquet"],
)
def test_not_text(tmp_path, parcel, data, words):
    """A file that is no text is named as such, also inside a packed file."""
    path = tmp_path / "t.csv"
    path.write_bytes(data)
    (finding,) = refused(path, parcel).findings
    assert (finding.rule, words in finding.hint) == ("format", True)


def test_accents(tmp_path, parcel):
    """A category may have its accents encoded in either way, as they look alike."""
    path = tmp_path / "t.csv"
    path.write_text(f"{HEADER}\n2,3,true,O\u0308sterreich,9\n2,3,true,Österreich,9\n", "utf-8")
    assert read_table(path, parcel).columns["country"].tolist() == ["Österreich", "Österreich"]
