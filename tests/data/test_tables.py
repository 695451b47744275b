import datetime as dt
import math
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from froq_lightning.data.tables import finite_number, read_table
from froq_lightning.errors import ConfigurationError, DataError, DataNotFoundError

PLAIN = "path,note\nann/1.jpg,0.5\nbob/2.jpg,x y\n"


def write(text: str, encoding: str = "utf-8") -> Path:
    path = Path("a.csv")
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace(",", " , "),
        PLAIN.replace(",", ",\t"),
        PLAIN.replace(",", ";  "),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        PLAIN.replace("\n", "\n\n ,\n"),
        PLAIN.replace("\n", ",,\n"),
        PLAIN.replace("0.5\n", "0.5, ,\n"),
        'path, "note" , \n"ann/1.jpg" ,"0.5"\n bob/2.jpg,"x y"',
        "sep=;\n" + PLAIN.replace(",", ";"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_table_reads_the_same_however_it_is_written(text: str, encoding: str) -> None:
    table = read_table(write(text, encoding))
    assert table.header == ["path", "note"]
    assert [row for _, row in table.rows()] == [["ann/1.jpg", "0.5"], ["bob/2.jpg", "x y"]]


def test_quoted_cells_hold_delimiters_quotes_and_lines() -> None:
    table = read_table(write('path;"a;b"\n"x; ""1"", y.jpg";"two\nlines"\nz.jpg;1\n'))
    assert table.header == ["path", "a;b"]
    assert list(table.rows()) == [(3, ['x; "1", y.jpg', "two\nlines"]), (4, ["z.jpg", "1"])]


@pytest.mark.parametrize("text", ["\tpath\n0\ta.jpg\n", "path\t\na.jpg\t\n", ",path\n0,a.jpg\n", "path ; \na.jpg;\n"])
def test_an_empty_name_of_a_column_still_has_a_delimiter(text: str) -> None:
    table = read_table(write(text))
    assert [row[table.column("path") or 0] for _, row in table.rows()] == ["a.jpg"]


def test_one_column_needs_no_delimiter() -> None:
    table = read_table(write('path\nmy face.jpg\n"a, b.jpg"\n'))
    assert [row for _, row in table.rows()] == [["my face.jpg"], ["a, b.jpg"]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,n\n\na.jpg\n", r"a\.csv, line 3: Expected 2 cells as in line 1, but got 1: \['a\.jpg'\]"),
        ("\npath;n\na.jpg;1;2\n", r"a\.csv, line 3: Expected 2 cells as in line 2, but got 3"),
        ('path\n"a.jpg\n', r"a\.csv, line 2: is no CSV: unexpected end"),
    ],
)
def test_a_malformed_row_is_refused_by_its_line(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        list(read_table(write(text)).rows())


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16-le", "utf-16-be"])
def test_another_encoding_is_refused(encoding: str) -> None:
    with pytest.raises(DataError, match=r"a\.csv is no text in UTF-8"):
        list(read_table(write("path\nMüller.jpg\n", encoding)).rows())


def test_an_empty_file_has_neither_header_nor_rows() -> None:
    table = read_table(write("\n"))
    assert (table.header, list(table.rows()), list(table.lines())) == ([], [], [])


def test_parquet_gives_its_rows_as_text_across_its_groups(tmp_path: Path) -> None:
    table = pa.table({"path": ["a", "b", None], "n": [1, None, 3]})
    parquet.write_table(table, tmp_path / "a.parquet", row_group_size=1)
    read = read_table(tmp_path / "a.parquet")
    assert (read.header, list(read.rows())) == (["path", "n"], [(1, ["a", "1"]), (2, ["b", ""]), (3, ["", "3"])])
    assert read.where(3) == "a.parquet, row 3"


def test_columns_of_lists_and_structures_are_left_out(tmp_path: Path) -> None:
    columns = {"e": [[1.0], [2.0]], "path": ["a", "b"], "s": [{"path": 1}] * 2, "day": [dt.date(2026, 1, 2)] * 2}
    parquet.write_table(pa.table(columns), tmp_path / "a.parquet")
    table = read_table(tmp_path / "a.parquet")
    assert table.header == ["path", "day"]
    assert [row for _, row in table.rows()] == [["a", "2026-01-02"], ["b", "2026-01-02"]]


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1\xff\xff\xff\xffPAR1", b"path\na.jpg\n"])
def test_a_file_that_is_no_parquet_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.parquet is no Parquet file"):
        read_table(tmp_path / "a.parquet")


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match=r"a\.csv' does not exist"):
        read_table(tmp_path / "a.csv")


@pytest.mark.parametrize("header", ["Score,PSEUDO_QUALITY,path", "n, Pseudo Quality ,x", "a;pseudo-quality;score"])
def test_the_first_wanted_name_counts_whatever_its_case_and_spaces(header: str) -> None:
    table = read_table(write(header + "\n"))
    assert table.column("subject_id", "pseudo_quality", "score") == 1
    assert table.column("subject_id") is None


@pytest.mark.parametrize(
    ("text", "value"), [("0.5", 0.5), ("0,5", 0.5), ("-1,25e2", -125.0), ("1,234.5", math.nan), ("inf", math.nan)]
)
def test_a_number_may_have_a_decimal_comma(text: str, value: float) -> None:
    assert finite_number(text) == pytest.approx(value, abs=0, nan_ok=True)


def test_parquet_without_pyarrow_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.parquet").touch()
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigurationError, match=r"need pyarrow: pip install 'froq-lightning\[parquet\]'"):
        read_table(tmp_path / "a.parquet")
