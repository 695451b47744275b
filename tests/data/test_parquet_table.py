"""A few bytes of Parquet may stand for gigabytes: what is read of it is bounded."""

import datetime as dt
import io
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
    table = read_table(path)
    assert table.header == ["path", "score"]
    expected = [[name, "" if place == 0 else str(place - 1)] for place, name in enumerate(NAMES)]
    assert [row for _, row in table.rows()] == expected


def test_columns_of_lists_are_left_out(tmp_path: Path) -> None:
    columns = {"e": [[1.0], [2.0]], "path": ["a", "b"], "s": [{"path": 1}] * 2, "day": [dt.date(2026, 1, 2)] * 2}
    table = read_table(write(tmp_path, columns))
    assert table.header == ["path", "day"]
    assert [row for _, row in table.rows()] == [["a", "2026-01-02"], ["b", "2026-01-02"]]


def test_a_long_text_in_many_rows_is_kept_once(tmp_path: Path) -> None:
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 50_000), pa.array(["x" * 2**20]))
    rows = read_table(write(tmp_path, {"path": texts})).rows()  # 50 GB, if each had its own
    assert len({id(row[0]) for _, row in rows}) <= 50_000 / 4096 + 1


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


def test_long_texts_in_pages_of_their_own_are_counted_together(tmp_path: Path) -> None:
    texts = ["x" * 2**24 + str(number) for number in range(10)]
    options = {"compression": "zstd", "use_dictionary": False, "data_page_size": 1024, "write_batch_size": 1}
    path = write(tmp_path, {"path": texts}, **options)
    assert path.stat().st_size < 100_000
    with pytest.raises(DataError, match=r"its pages unpack to [\d,]+ bytes or more"):
        read_table(path)


def test_of_a_large_dictionary_only_the_words_in_use_are_read(tmp_path: Path) -> None:
    words = pa.array([f"{number:07d}" for number in range(200_000)])
    texts = pa.DictionaryArray.from_arrays(pa.array([7] * 100_000 + list(range(200_000)), pa.int32()), words)
    path = write(tmp_path, {"path": texts}, dictionary_pagesize_limit=2**25)
    found = [row[0] for _, row in read_table(path).rows()]
    assert set(found[:100_000]) == {"0000007"}
    assert found[100_000:] == words.to_pylist()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\x19" * 5_001, "nested too deeply"),  # lists of lists
        (b"\x26\x02\x19\x0c\x00", "has no field 4 of its kind"),
        (b"\x15\x02\x2c\x00\x00", "field 4 of its kind"),
    ],
)
def test_a_footer_of_other_types_is_refused(content: bytes, told: str, tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1" + content + len(content).to_bytes(4, "little") + b"PAR1")
    with pytest.raises(DataError, match=told):
        read_table(tmp_path / "a.parquet")


def integer(field: int, value: int, kind: int = 6) -> bytes:
    """A field of a structure, in the long form: by default an integer of 64 bits."""
    return bytes([kind]) + varint(2 * field) + varint(2 * value)


def varint(value: int) -> bytes:
    return (bytes([value & 0x7F | 0x80]) + varint(value >> 7)) if value > 0x7F else bytes([value])


def footer(column: bytes, group: bytes = b"") -> bytes:
    """A footer that describes one column, of these fields."""
    described = b"\x0c" + varint(2 * 3) + column + b"\x00"  # ColumnChunk.meta_data
    chunks = b"\x09" + varint(2 * 1) + b"\x1c" + described + b"\x00"  # RowGroup.columns
    groups = b"\x09" + varint(2 * 4) + b"\x1c" + chunks + group + integer(3, 1) + b"\x00"
    return integer(3, 1) + groups + b"\x00"


PATH = b"\x09" + varint(2 * 3) + b"\x18\x01a"  # path_in_schema, a list of one text
PLACED = integer(7, 4) + integer(9, 4)


@pytest.mark.parametrize(
    ("column", "told"),
    [
        (PATH + integer(7, 4, kind=5) + integer(9, 4), "no field 7 of its kind"),
        (PATH + PLACED + integer(11, 4, kind=5), "no field 11 of its kind"),
        (PATH + PLACED + integer(11, 5), "a column that cannot be"),
        (b"\x09" + varint(2 * 3) + b"\x15\x02" + PLACED, "field 3, has items of type 5"),
        (b"\x09" + varint(2 * 2) + b"\x18\x01a" + PATH + PLACED, "field 2, has items of type 8"),
    ],
)
def test_fields_that_readers_take_differently_are_refused(column: bytes, told: str, tmp_path: Path) -> None:
    content = footer(column)
    (tmp_path / "a.parquet").write_bytes(b"PAR1" + content + len(content).to_bytes(4, "little") + b"PAR1")
    with pytest.raises(DataError, match=told):
        read_table(tmp_path / "a.parquet")


def test_a_page_that_describes_itself_twice_is_taken_at_its_worst() -> None:
    twice = integer(2, 9, kind=5) + integer(3, 0, kind=5)
    for kind, field, encoding in ((5, 2, 0), (8, 4, 7)):
        twice += b"\x0c" + varint(2 * kind) + integer(field, encoding, kind=5) + b"\x00"
    content = io.BytesIO(twice + b"\x00")
    chunk = parquet_pages.Chunk("a", 0, len(content.getvalue()), has_dictionary=False, is_nested=False)
    assert [page.encodings for page in parquet_pages.pages(content, chunk)] == [(0, 7)]
