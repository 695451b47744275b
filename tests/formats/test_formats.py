"""Every format keeps the contract, is found by its suffix, and holds what it was given."""

import csv
import dataclasses
import json
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet

from froq_lightning.atomic_write import signature
from froq_lightning.callbacks import QualityWriter
from froq_lightning.conformance.formats import EMBEDDINGS, ROWS, check_format
from froq_lightning.errors import ConfigurationError, ExtensionError
from froq_lightning.extensions import FORMATS, find
from froq_lightning.formats.format import COLUMNS, Format, Results, find_format
from froq_lightning.names import escape_cell

# A format of somebody else: one file and one entry point.
LINES = """\
from froq_lightning.atomic_write import signature
from froq_lightning.formats import Format

def write(path, results):
    path.write_text("lines\\n" + "".join(f"{row.image}|{row.quality}\\n" for row in results.rows()), encoding="utf-8")

LINES = Format((".lines",), "scores", signature(rb"lines\\n"), write)
"""


@pytest.fixture
def lines(install: Callable[..., Path], on_path: Path) -> None:
    """Install a format of scores with the suffix .lines."""
    (on_path / "froq_lines.py").write_text(LINES)
    install("froq_lines", "lines = froq_lines:LINES", group=FORMATS)


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a file in the format of a name."""

    def check(name: str) -> Path:
        (tmp_path / name).mkdir()
        return check_format(find(FORMATS, name).load(), tmp_path / name)

    return check


@pytest.mark.parametrize(("name", "delimiter"), [("scores_csv", ","), ("scores_tsv", "\t")])
def test_a_table_holds_the_rows_with_nine_digits(name: str, delimiter: str, written: Callable[[str], Path]) -> None:
    with written(name).open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file, delimiter=delimiter)
    assert tuple(header) == COLUMNS
    for row, known in zip(rows, ROWS, strict=True):
        score = "" if known.quality_score is None else f"{known.quality_score:.9g}"
        assert row == [escape_cell(known.image), score, str(known.quality), known.status, known.reason]


def test_json_lines_and_parquet_hold_the_rows_as_they_are(written: Callable[[str], Path]) -> None:
    rows = [dict(zip(COLUMNS, row[1:6], strict=True)) for row in ROWS]
    text = written("scores_jsonl").read_text(encoding="ascii")
    assert [json.loads(line) for line in text.splitlines()] == rows
    assert parquet.read_table(written("scores_parquet")).to_pylist() == rows


def test_embeddings_are_an_array_or_a_table_with_names(written: Callable[[str], Path]) -> None:
    np.testing.assert_array_equal(np.load(written("embeddings_npy"), allow_pickle=False), EMBEDDINGS)
    table = parquet.read_table(written("embeddings_parquet")).to_pydict()
    assert table["image"] == [row.image for row in ROWS]
    assert table["embedding"] == [None if np.isnan(row).any() else row.tolist() for row in EMBEDDINGS]


def test_another_kind_of_file_is_refused_with_the_suffixes_of_all_formats(lines: None) -> None:
    del lines
    with pytest.raises(
        ConfigurationError, match=r"Expected scores to go to a \.csv, \.jsonl, \.lines.* file, but got 'a\.xyz'"
    ):
        find_format(Path("a.xyz"), "scores")
    for name in ("embeddings", "embeddings.csv", "embeddings.npz", "embeddings.pkl"):
        with pytest.raises(ConfigurationError, match=rf"\.npy or \.parquet file, but got '{name}'"):
            QualityWriter("scores.csv", name)


@pytest.mark.parametrize(("scores", "embeddings"), [("scores.csv", "e.parquet"), ("scores.parquet", None)])
def test_parquet_needs_pyarrow(scores: str, embeddings: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigurationError, match=r"Expected pyarrow.*pip install 'froq-lightning\[parquet\]'"):
        QualityWriter(scores, embeddings)


def test_a_format_of_somebody_else_is_found_and_keeps_the_contract(lines: None, tmp_path: Path) -> None:
    del lines
    (tmp_path / "out").mkdir()
    text = check_format(find_format(Path("a.LINES"), "scores"), tmp_path / "out").read_text(encoding="utf-8")
    assert text.splitlines() == ["lines", *(f"{row.image}|{row.quality}" for row in ROWS)]


def test_a_format_that_cannot_be_imported_hides_no_other(install: Callable[..., Path], on_path: Path) -> None:
    install("froq_broken", "broken = froq_broken:FORMAT", group=FORMATS)
    del on_path
    with pytest.warns(UserWarning, match="'broken' of froq-broken cannot be imported.*No module named 'froq_broken'"):
        assert find_format(Path("a.csv"), "scores").suffixes == ("", ".csv", ".txt")


def test_two_formats_of_one_suffix_are_named(lines: None, install: Callable[..., Path]) -> None:
    del lines
    install("froq_other", "other = froq_lines:LINES", group=FORMATS)
    with pytest.raises(ConfigurationError, match=r"the formats lines and other both write \.lines; uninstall one"):
        find_format(Path("a.lines"), "scores")


def write(path: Path, results: Results) -> None:
    path.write_bytes(b"mine" + repr(list(results.rows())).encode())


def swallow_errors(path: Path, results: Results) -> None:
    path.write_bytes(b"mine")
    with suppress(InterruptedError):
        list(results.rows())


def write_elsewhere(path: Path, results: Results) -> None:
    write(path, results)
    path.with_name("more").touch()


MINE = Format((".mine",), "scores", signature(b"mine"), write)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"suffixes": ("mine",)}, "`suffixes` in lower case with their dots"),
        ({"suffixes": ()}, "`suffixes` in lower case with their dots"),
        ({"holds": "norms"}, "`holds` to be one of scores, embeddings, but got 'norms'"),
        ({"is_own": signature(b"other")}, "`is_own` does not know results.mine"),
        ({"is_own": signature(b"m")}, "takes a file that begins with b'my notes.n' for its own"),
        ({"write": swallow_errors}, "swallows errors of the run"),
        ({"write": write_elsewhere}, "writes to other places"),
    ],
)
def test_a_format_that_breaks_the_contract_is_named(changes: dict[str, object], message: str, tmp_path: Path) -> None:
    assert check_format(MINE, tmp_path).name == "results.mine"
    (tmp_path / "results.mine").unlink()
    with pytest.raises(ExtensionError, match=message):
        check_format(dataclasses.replace(MINE, **changes), tmp_path)  # type: ignore[arg-type]
