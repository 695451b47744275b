"""`froq predict --report` writes a page beside the scores, and `--worst` says what is printed and shown."""

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from froq_lightning.cli import main

Rows = list[dict[str, str]]
Predict = Callable[..., Rows]
FAILING = """
from lightning.pytorch import Callback

class Failing(Callback):
    def on_predict_batch_end(self, trainer, pl_module, outputs, batch, batch_idx, dataloader_idx=0):
        if batch_idx:
            raise RuntimeError("out of memory")
"""


def table(page: Path) -> list[dict[str, Any]]:
    """The rows that a page's script shows."""
    data = json.loads(re.findall(r'id="images-data">(.*?)</script>', page.read_text(encoding="utf-8"))[0])
    return [dict(zip(data["columns"], row, strict=True)) for row in data["rows"]]


def pictures(page: Path) -> list[str]:
    """What the pictures of a page show."""
    return re.findall(r'<img src="[^"]+" alt="([^"]+)"', page.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("options", "is_written"),
    [((), False), (("--report",), True), (("--report", "true"), True), (("--report=false",), False)],
)
def test_a_page_is_written_where_it_is_wanted(
    predict: Predict, faces: Path, tmp_path: Path, options: tuple[str, ...], is_written: bool, capsys: Any
) -> None:
    scored = predict(faces, tmp_path / "scores.csv", *options)
    page = tmp_path / "scores.html"
    assert page.exists() == is_written
    assert (f"report: {page}" in capsys.readouterr().out) == is_written
    if is_written:
        assert [row["image"] for row in table(page)] == [row["image"] for row in scored]
        ranked = sorted(scored, key=lambda row: float(row["quality_score"]))
        assert pictures(page) == [row["image"] for row in ranked]


@pytest.mark.parametrize("worst", [4, 50])
def test_the_worst_are_printed_the_very_worst_first(
    predict: Predict, faces: Path, tmp_path: Path, worst: int, capsys: pytest.CaptureFixture[str]
) -> None:
    scored = predict(faces, tmp_path / "scores.csv", "--report", f"--worst={worst}")
    ranked = [row["image"] for row in sorted(scored, key=lambda row: float(row["quality_score"]))]
    lines = capsys.readouterr().out.splitlines()
    assert [name for line in lines for name in ranked if name in line] == ranked[:worst]
    assert any("… 5 better" in line for line in lines) == (worst == 4)
    assert pictures(tmp_path / "scores.html") == [*ranked[:4], *ranked[:3:-1]] if worst == 4 else ranked


def test_a_number_below_one_is_refused(
    refused: Callable[..., str], network: tuple[str, ...], observer: Path, faces: Path
) -> None:
    arguments = ("predict", *network, f"--model.observer={observer}", f"--data.source={faces}")
    assert refused(*arguments, "--worst=0") == "Expected `worst` to be at least 1, but got 0"


@pytest.mark.parametrize("source", ["bin_file", "rec_file", "crop", "people"])
def test_sources_of_every_kind_are_shown(
    predict: Predict, source: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    crops = request.getfixturevalue("crops")
    if source == "crop":
        path = crops[0].path
    elif source == "people":
        path = tmp_path / "people.csv"
        rows = [("path", "subject_id"), *((crop.path, f"<b>{crop.subject}") for crop in crops), ("lost.jpg", "ghost")]
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)
    else:
        path = request.getfixturevalue(source)
    scored = predict(path, tmp_path / "scores.csv", "--report")
    page = tmp_path / "scores.html"
    assert [row["image"] for row in table(page)] == [row["image"] for row in scored]
    ranked = [row for row in scored[::-1] if row["quality_score"]]  # the earlier of equals is better
    ranked.sort(key=lambda row: float(row["quality_score"]))
    assert pictures(page)[: len(ranked)] == [row["image"] for row in ranked]
    html = page.read_text(encoding="utf-8")
    assert ("5 subjects, of which 1 has no image that could be scored" in html) == (source == "people")
    assert "<b>A" not in html


def test_a_run_in_which_all_failed_has_a_page_and_one_of_some_batches_says_so(
    predict: Predict, network: tuple[str, ...], observer: Path, faces: Path, tmp_path: Path
) -> None:
    predict(faces, tmp_path / "some.csv", "--report", "--data.batch_size=2", "--trainer.limit_predict_batches=2")
    assert len(table(tmp_path / "some.html")) == 4
    html = (tmp_path / "some.html").read_text(encoding="utf-8")
    assert "trainer.limit_predict_batches 2: not all images were asked for" in html
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "empty.jpg").touch()
    arguments = ("predict", *network, f"--model.observer={observer}", f"--data.source={tmp_path / 'bad'}")
    assert main([*arguments, f"--output={tmp_path / 'bad.parquet'}", "--report"]) == 1
    assert [row["quality"] for row in table(tmp_path / "bad.html")] == [-1]
    assert not pictures(tmp_path / "bad.html")


def test_a_file_that_the_tool_did_not_write_is_kept_and_an_earlier_page_replaced(
    predict: Predict, refused: Callable[..., str], network: tuple[str, ...], observer: Path, faces: Path, tmp_path: Path
) -> None:
    page = tmp_path / "scores.html"
    page.write_text("<!DOCTYPE html>mine")
    arguments = ("predict", *network, f"--model.observer={observer}", f"--data.source={faces}")
    output = f"--output={tmp_path / 'scores.csv'}"
    assert "holds something that this command did not write" in refused(*arguments, output, "--report")
    assert page.read_text() == "<!DOCTYPE html>mine"
    page.unlink()
    for number in (1, 2):
        predict(faces, tmp_path / "scores.csv", "--report", f"--worst={number}")
    assert "The 2 worst faces" in page.read_text(encoding="utf-8")


def test_a_run_that_goes_on_shows_all_images(
    predict: Predict,
    network: tuple[str, ...],
    observer: Path,
    faces: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "failing_callback.py").write_text(FAILING)
    monkeypatch.syspath_prepend(tmp_path)
    arguments = ["predict", *network, f"--model.observer={observer}", f"--data.source={faces}", "--data.batch_size=2"]
    output = f"--output={tmp_path / 'scores.csv'}"
    assert main([*arguments, output, "--report", "--trainer.callbacks=failing_callback.Failing"]) != 0
    assert not (tmp_path / "scores.html").exists()
    scored = predict(faces, tmp_path / "scores.csv", "--report", "--data.batch_size=2")
    assert "going on: 4 of 9 done" in capsys.readouterr().out
    assert [row["image"] for row in table(tmp_path / "scores.html")] == [row["image"] for row in scored]
    assert len(pictures(tmp_path / "scores.html")) == 9
