import sys
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from froq_lightning.data.tables import find_column, read_table
from froq_lightning.errors import ConfigurationError, DataNotFoundError


def test_cells_are_text_and_blank_lines_are_no_rows(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(" path ;n\n\nx;1\n\n;2\n", encoding="utf-8-sig")
    header, rows = read_table(tmp_path / "a.csv", ";")
    assert (header, list(rows)) == (["path", "n"], [["x", "1"], ["", "2"]])


def test_an_empty_file_has_neither_header_nor_rows(tmp_path: Path) -> None:
    (tmp_path / "a.csv").touch()
    header, rows = read_table(tmp_path / "a.csv")
    assert (header, list(rows)) == ([], [])


def test_parquet_gives_its_rows_as_text_across_its_groups(tmp_path: Path) -> None:
    table = pa.table({"path": ["a", "b", None], "n": [1, None, 3]})
    parquet.write_table(table, tmp_path / "a.parquet", row_group_size=1)
    header, rows = read_table(tmp_path / "a.parquet")
    assert (header, list(rows)) == (["path", "n"], [["a", "1"], ["b", ""], ["", "3"]])


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match=r"a\.csv' does not exist"):
        read_table(tmp_path / "a.csv")


def test_the_first_wanted_name_counts_whatever_its_case() -> None:
    assert find_column(["Score", "PATH", "image"], ("path", "image")) == 1
    assert find_column(["Score"], ("path", "image")) is None


def test_parquet_without_pyarrow_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.parquet").touch()
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigurationError, match=r"need pyarrow: pip install 'froq-lightning\[parquet\]'"):
        read_table(tmp_path / "a.parquet")
