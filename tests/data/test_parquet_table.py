"""A few bytes of Parquet may stand for gigabytes: what is read of it is bounded."""

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from froq_lightning.data import parquet_pages
from froq_lightning.data.parquet_pages import read_footer
from froq_lightning.data.tables import read_table
from froq_lightning.data.thrift import CompactReader
from froq_lightning.errors import DataError

NAMES = [f"subject{number // 10}/{number}.jpg" for number in range(10_000)]


def write(path: Path, columns: dict[str, Any], **options: Any) -> Path:
    parquet.write_table(pa.table(columns), path / "a.parquet", **options)
    return path / "a.parquet"


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "none", "use_dictionary": False},
        {"compression": "zstd", "data_page_version": "2.0", "row_group_size": 999},
        {"compression": "gzip", "use_dictionary": False, "column_encoding": {"path": "DELTA_LENGTH_BYTE_ARRAY"}},
        {"write_page_checksum": True, "write_page_index": True, "data_page_size": 100},
    ],
)
def test_every_variant_gives_the_same_rows(options: dict[str, Any], tmp_path: Path) -> None:
    path = write(tmp_path, {"path": NAMES, "score": pa.array([None, *range(9_999)])}, **options)
    header, rows = read_table(path)
    assert header == ["path", "score"]
    assert list(rows) == [[name, "" if place == 0 else str(place - 1)] for place, name in enumerate(NAMES)]


def test_columns_of_lists_are_left_out(tmp_path: Path) -> None:
    columns = {"e": [[1.0], [2.0]], "path": ["a", "b"], "s": [{"path": 1}] * 2, "day": [dt.date(2026, 1, 2)] * 2}
    header, rows = read_table(write(tmp_path, columns))
    assert (header, list(rows)) == (["path", "day"], [["a", "2026-01-02"], ["b", "2026-01-02"]])


def test_a_long_text_in_many_rows_is_kept_once(tmp_path: Path) -> None:
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 50_000), pa.array(["x" * 2**20]))
    _, rows = read_table(write(tmp_path, {"path": texts}))  # 50 GB, if each had its own
    assert len({id(row[0]) for row in rows}) <= 50_000 / 4096 + 1


def test_a_page_that_unpacks_to_much_is_refused(tmp_path: Path) -> None:
    texts = ["x" * 2**20 + str(number) for number in range(70)]
    path = write(tmp_path, {"path": texts}, compression="zstd", use_dictionary=False, data_page_size=2**30)
    assert path.stat().st_size < 20_000
    with pytest.raises(DataError, match=r"its pages unpack to 73,\d+,\d+ bytes or more"):
        read_table(path)


def test_more_rows_than_bytes_are_refused(tmp_path: Path) -> None:
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 3_000_000), pa.array(["a"]))
    path = write(tmp_path, {"path": texts}, compression="zstd")
    with pytest.raises(DataError, match=r"its [\d,]+ bytes hold 3,000,000 rows"):
        read_table(path)


def test_texts_of_any_length_in_a_few_bytes_are_refused(tmp_path: Path) -> None:
    options = {"use_dictionary": False, "column_encoding": {"path": "DELTA_BYTE_ARRAY"}}
    with pytest.raises(DataError, match="front-coded"):
        read_table(write(tmp_path, {"path": NAMES}, **options))


@pytest.mark.parametrize(
    "content", [b"", b"PAR1", b"PAR1\xff\xff\xff\xffPAR1", b"PAR1\0\0\0\0PAR1", b"PAR1\0\1\0\0\0PAR1"]
)
def test_a_file_without_footer_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.parquet is no Parquet file"):
        read_table(tmp_path / "a.parquet")


def test_the_footer_says_what_pyarrow_reads_in_it(tmp_path: Path) -> None:
    path = write(tmp_path, {"path": NAMES, "e": [[1.0]] * 10_000}, row_group_size=3_000)
    with path.open("rb") as file:
        footer = read_footer(file)
    stated = parquet.ParquetFile(path).metadata
    columns = [stated.row_group(group).column(0) for group in range(stated.num_row_groups)]
    assert footer.rows == 10_000
    flat = [chunk for chunk in footer.chunks if not chunk.is_nested]
    assert [chunk.column for chunk in footer.chunks[:2]] == ["path", "e.list.element"]
    assert [(chunk.start, chunk.length) for chunk in flat] == [
        (column.dictionary_page_offset, column.total_compressed_size) for column in columns
    ]


def test_a_name_that_a_column_and_a_structure_share_is_refused(tmp_path: Path) -> None:
    table = pa.table([pa.array(["a"]), pa.array([{"b": 1}])], names=["path", "path"])
    parquet.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(DataError, match="two columns of one name"):
        read_table(tmp_path / "a.parquet")


def test_thousands_of_columns_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="it has 5,000 columns"):
        read_table(write(tmp_path, {f"c{number}": [1] for number in range(5_000)}))


def test_columns_that_share_their_pages_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, {"path": NAMES})
    size = path.stat().st_size
    monkeypatch.setattr(parquet_pages, "_chunk", lambda _: parquet_pages.Chunk("path", 4, size + 1, True, False))
    with pytest.raises(DataError, match="its columns are longer than it is"):
        read_table(path)


@given(st.binary(max_size=200))
def test_whatever_stands_there_is_a_structure_or_refused(content: bytes) -> None:
    reader = CompactReader(content)
    try:
        fields = reader.struct()
    except DataError:
        return
    assert reader.position <= len(content)
    assert all(isinstance(number, int) for number in fields)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\x1c" * 100, "nested too deeply"),
        (b"\x19\xf1\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "cut off"),  # a list of 2^63 booleans
        (b"\x18\xff\xff\xff\xff\x7f", "cut off"),
        (b"\x16" + b"\xff" * 20, "more than 64 bits"),
        (b"\x1b\x00", "field of type 11"),
        (b"\x15\x02\x05\x02\x04\x00", "has field 1, or has it twice"),
        (b"\x05\x84\x80\x08\x02\x00", "has field 65538"),  # which others take for 2
    ],
)
def test_a_structure_that_cannot_be_is_refused(content: bytes, told: str) -> None:
    with pytest.raises(DataError, match=told):
        CompactReader(content).struct()
