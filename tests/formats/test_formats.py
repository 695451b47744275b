"""Every format keeps the contract, is found by its suffix, and holds what it was given."""

import csv
import dataclasses
import json
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from pyarrow import parquet

from froq_lightning.atomic_write import signature
from froq_lightning.callbacks import QualityWriter
from froq_lightning.conformance.formats import EMBEDDINGS, ROWS, KnownResults, check_format
from froq_lightning.data.score_files import read_scores
from froq_lightning.errors import ConfigurationError, DataError, ExtensionError, UnknownNameError
from froq_lightning.extensions import FORMATS, find
from froq_lightning.formats.format import COLUMNS, Format, Results, find_format, read_rows, write_file
from froq_lightning.names import escape_cell, unescape_name
from froq_lightning.runs.quality_batch import ScoredRow

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
    with pytest.raises(
        ConfigurationError, match=r"the formats lines and other both write \.lines; choose one by --format lines"
    ):
        find_format(Path("a.lines"), "scores")
    assert find_format(Path("a.lines"), "scores", "other").suffixes == (".lines",)


@pytest.mark.parametrize(
    ("name", "choice", "message"),
    [
        ("a.csv", "ofiqq", r"unknown format of scores 'ofiqq'; nearest: ofiq"),
        ("a.csv", "x", r"unknown format of scores 'x'; there is: iso, ofiq, scores_csv, scores_jsonl"),
        ("a.csv", "embeddings_npy", r"unknown format of scores 'embeddings_npy'"),
        ("a.txt", "ofiq", r"Expected scores to go to a \.csv file, but got 'a\.txt'"),
        ("a.csv", "iso", r"Expected scores to go to a \.xml file, but got 'a\.csv'"),
        ("a.csv", {"name": "ofiq", "algorithm": 1}, "the format ofiq has no option algorithm; it takes: none"),
        (
            "a.xml",
            {"name": "iso", "organisation": 1},
            "the format iso has no option organisation; it takes: organization, al",
        ),
        (
            "a.xml",
            {"name": "iso", "algorithm": 65536},
            r"Expected algorithm of the format iso to be .* 0\.\.65535, but got 65",
        ),
        ("a.xml", {"name": "iso", "organization": "BSI"}, r"Expected organization of .* 0\.\.65535, but got 'BSI'"),
        ("a.xml", {"organization": 1}, "Expected a format as its name, or as {name: NAME, OPTION: VALUE}, but got"),
    ],
)
def test_a_format_that_does_not_exist_or_fit_is_refused(name: str, choice: object, message: str) -> None:
    with pytest.raises((ConfigurationError, UnknownNameError), match=message):
        find_format(Path(name), "scores", choice)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["scores_csv", "scores_tsv", "scores_parquet", "scores_jsonl", "ofiq", "iso"])
def test_scores_are_read_again_whatever_the_format(name: str, written: Callable[[str], Path]) -> None:
    path = written(name)
    rows = read_rows(path)
    exact = 1e-8 if name != "iso" else None  # which holds 0..100 only
    for row, known in zip(rows, ROWS, strict=True):
        assert (row.sample_index, row.image, row.quality, row.status) == (*known[:2], known.quality, known.status)
        assert row.reason == ("" if name == "ofiq" else known.reason)
        if known.quality_score is None or exact is None:
            assert row.quality_score == (None if known.quality < 0 else known.quality)
        else:
            assert row.quality_score == pytest.approx(known.quality_score, rel=exact)


def test_tools_that_read_ofiq_read_ours_and_files_of_ofiq_are_kept(written: Callable[[str], Path]) -> None:
    path = written("ofiq")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    assert list(rows[0]) == ["Filename", "UnifiedQualityScore", "UnifiedQualityScore.scalar"]
    assert [row["Filename"] for row in rows] == [row.image for row in ROWS]
    assert [row["UnifiedQualityScore.scalar"] for row in rows] == ["73", "-1", "0", "100"]
    scores = read_scores(path, [row.image for row in ROWS])
    np.testing.assert_allclose(scores, [1.5, np.nan, -0.123456789, 1e-30], rtol=1e-8)
    own = find_format(path, "scores", "ofiq").is_own
    assert own(path)
    for header in ("UnifiedQualityScore.scalar;", "Sharpness.scalar;", "Sharpness.scalar;assessment_time_in_ms"):
        path.write_text(f"Filename;UnifiedQualityScore;Sharpness;{header}\na.jpg;25;1;2\n")
        assert not own(path)


def test_a_quality_block_names_its_algorithm_and_a_score_or_an_error(tmp_path: Path) -> None:
    path = tmp_path / "scores.xml"
    odd = ScoredRow(4, "last\uffff.jpg", 0.5, 7, "ok", "")
    format_ = find_format(path, "scores", {"name": "iso", "organization": 257, "algorithm": 65535})
    write_file(format_, path, KnownResults((*ROWS, odd), EMBEDDINGS))
    spaces = {"cmn": "http://standards.iso.org/iso-iec/39794/-1", "fac": "http://standards.iso.org/iso-iec/39794/-5"}
    records = list(ET.parse(path).getroot())  # noqa: S314
    blocks = [record.findall("fac:qualityBlocks/cmn:qualityBlock", spaces) for record in records]
    assert [len(each) for each in blocks] == [1] * 5
    for (block,) in blocks:
        assert block.findtext("cmn:algorithmIdBlock/cmn:organization", "", spaces) == "257"
        assert block.findtext("cmn:algorithmIdBlock/cmn:id", "", spaces) == "65535"
    answers = [block.find("cmn:scoreOrError", spaces) for (block,) in blocks]
    assert [each.findtext("cmn:score", None, spaces) for each in answers] == ["73", None, "0", "100", "7"]
    assert answers[1].findtext("cmn:error/cmn:code", None, spaces) == "failureToAssess"
    assert unescape_name(read_rows(path)[4].image) == odd.image
    path.write_text("<qualityRecords/>")
    assert not format_.is_own(path)
    path.write_text("<broken")
    with pytest.raises(DataError, match=r"scores\.xml holds no quality records that `froq predict` wrote"):
        read_rows(path)


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
