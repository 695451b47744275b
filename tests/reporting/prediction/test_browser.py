"""The page of `predict` in a browser without network, as people use it: search, filters, order, pages, by keyboard."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from chromium import Browser
from lightning.pytorch import Trainer
from torch.utils.data import DataLoader

from froq_lightning.callbacks import QualityWriter
from froq_lightning.module import FroqModule
from froq_lightning.reporting import PredictionReport
from froq_lightning.reporting.section import PredictionContext
from froq_lightning.runs.prediction import Prediction
from froq_lightning.runs.quality_batch import ScoredRow

pytestmark = pytest.mark.slow
Predicted = tuple[PredictionContext, Path]
SHOWN = "[...document.querySelectorAll('#find-table tbody tr')].map(row => [...row.children].map(c => c.textContent))"


def enter(chromium: Browser, identifier: str, text: str) -> None:
    """Focus a field, and type into it."""
    chromium.value(f"(document.getElementById({json.dumps(identifier)}).focus(), document.activeElement.select?.())")
    chromium.type(text)


def choose(chromium: Browser, option: str, identifier: str = "find-status") -> None:
    field = f"document.getElementById({json.dumps(identifier)})"
    chromium.value(f"({field}.value = {json.dumps(option)}, {field}.dispatchEvent(new Event('input')))")


def column(chromium: Browser, name: str) -> list[str]:
    found: list[str] = chromium.value(
        f"[...document.querySelectorAll('#find-table tbody .{name}')].map(one => one.textContent)"
    )
    return found


def says(chromium: Browser, identifier: str) -> str:
    return str(chromium.value(f"document.getElementById({json.dumps(identifier)}).textContent"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_all_is_within_the_window_no_name_is_run_and_nothing_is_asked_for(
    open_page: Callable[[Path, int, str], Browser], predicted: Predicted, width: int, scheme: str
) -> None:
    page = open_page(predicted[1], width, scheme)
    assert page.value("Math.min(...[...document.images].map(one => one.naturalWidth))") >= 100
    assert page.value("document.querySelector('figure svg').getBoundingClientRect().height") > 100
    assert page.value("document.querySelectorAll('#maps img').length") == 2
    assert len(page.value(SHOWN)) == 22
    assert page.value("document.querySelector('.needs-script')") is None


def test_a_browser_would_tell_if_a_name_were_run_and_the_policy_forbids_it(
    chromium: Browser, predicted: Predicted, tmp_path: Path
) -> None:
    page, attack = predicted[1].read_text(encoding="utf-8"), "<script>window.owned = 1</script>"
    path = tmp_path / "page.html"
    path.write_text(page.replace("</header>", f"{attack}</header>"), encoding="utf-8")
    chromium.complaints.clear()
    chromium.open(path)
    assert chromium.value("window.owned ?? null") is None
    assert "Content Security Policy" in chromium.complaints[0]
    path.write_text(re.sub("script-src '[^']*'", "script-src 'unsafe-inline'", path.read_text("utf-8")), "utf-8")
    chromium.open(path)
    assert chromium.value("window.owned ?? null") == 1


@pytest.mark.parametrize("width", [1280, 360])
def test_search_and_filters_find_rows(chromium: Browser, predicted: Predicted, width: int) -> None:
    rows = list(predicted[0].prediction.rows())
    chromium.open(predicted[1], width)
    assert column(chromium, "quality")[:2] == ["failed", "failed"]
    enter(chromium, "find-text", "OWNED img")
    assert sorted(column(chromium, "image")) == sorted(row.image for row in rows if "<img" in row.image)
    enter(chromium, "find-text", "no such image")
    assert (column(chromium, "image"), says(chromium, "find-count")) == ([], "No image fits, 22 in all")
    chromium.value("document.getElementById('find-reset').click()")
    choose(chromium, "failed")
    assert sorted(column(chromium, "image")) == sorted(row.image for row in rows if row.status == "failed")
    choose(chromium, "best")
    assert says(chromium, "find-count") == "Images 1 to 5 of 5 that fit, 22 in all"
    choose(chromium, "all")
    middle = sorted(row.quality for row in rows)[11]
    enter(chromium, "find-low", str(middle))
    assert sorted(map(int, column(chromium, "quality"))) == sorted(row.quality for row in rows if row.quality >= middle)
    enter(chromium, "find-high", str(middle))
    assert {*column(chromium, "quality")} == {str(middle)}
    enter(chromium, "find-low", "0")
    assert "failed" not in column(chromium, "quality")


def test_the_keyboard_alone_sorts(chromium: Browser, predicted: Predicted) -> None:
    chromium.open(predicted[1])
    chromium.value("document.getElementById('find-reset').focus()")
    for name in ("quality", "image"):
        chromium.press("Tab", 9)
        assert chromium.value("document.activeElement.dataset.column") == name
    chromium.press("Enter", 13, "\r")
    names = sorted((row.image for row in predicted[0].prediction.rows()), key=lambda name: name.encode("utf-16-be"))
    assert column(chromium, "image") == names
    chromium.press("Enter", 13, "\r")
    assert column(chromium, "image") == names[::-1]
    sorting = "[...document.querySelectorAll('#find-table thead th')].map(one => one.ariaSort)"
    assert chromium.value(sorting)[:3] == ["none", "descending", "none"]
    assert chromium.value("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_without_script_the_faces_are_there_and_a_line_says_what_is_not(
    chromium: Browser, predicted: Predicted
) -> None:
    chromium.open(predicted[1], script=False)
    text = "document.querySelector('main').innerText"
    assert "This table needs JavaScript" in chromium.value(text)
    assert "The 4 worst faces" in chromium.value(text)
    assert "file is empty" in chromium.value(text)
    assert not chromium.value("document.querySelector('.finder').checkVisibility()")


@pytest.fixture(scope="module")
def many(
    predicted: Predicted, with_rows: Callable[[list[ScoredRow]], Prediction], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A page of 100,000 images, every tenth of which failed."""
    folder, module = tmp_path_factory.mktemp("many"), predicted[0].module
    assert isinstance(module, FroqModule)
    writer, report = QualityWriter(folder / "scores.csv"), PredictionReport(folder / "scores.html")
    options: dict[str, Any] = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = Trainer(accelerator="cpu", callbacks=[writer], enable_checkpointing=False, **options)
    trainer.predict(module, DataLoader(torch.zeros(2, 3, 112, 112, dtype=torch.uint8)))
    rows = [
        ScoredRow(
            at,
            f"camera_{at % 7}/{at:06}.jpg",
            (at * 7919 % 100_003) / 1e5,
            at * 7919 % 101,
            "ok",
            "",
            ("dark", "blurred")[: at % 3],
        )
        if at % 10
        else ScoredRow(at, f"camera_{at % 7}/{at:06}.jpg", None, -1, "failed", "no face found")
        for at in range(100_000)
    ]
    writer.prediction = with_rows(rows)
    report.on_predict_end(trainer, module)
    return report.path


@pytest.mark.parametrize("width", [1280, 360])
def test_a_hundred_thousand_images_are_searched_sorted_and_paged(chromium: Browser, many: Path, width: int) -> None:
    assert many.stat().st_size < 10 * 2**20
    chromium.open(many, width)
    assert says(chromium, "find-count") == "Images 1 to 25 of 100\u202f000"
    assert chromium.value("document.querySelectorAll('*').length") < 1_000
    for step in ("last 4000", "next 4000", "previous 3999", "first 1", "previous 1", "next 2"):
        name, page = step.split()
        chromium.value(f"document.getElementById('find-{name}').click()")
        assert says(chromium, "find-page").replace("\u202f", "") == f"Page {page} of 4000"
    assert len(chromium.value(SHOWN)) == 25
    choose(chromium, "ok")
    choose(chromium, "blurred", "find-defect")
    assert {*column(chromium, "defect")} == {"dark, blurred"}
    chromium.value("document.querySelector('[data-column=score]').click()")
    scores = [float(cell) for cell in column(chromium, "score")]
    assert scores == sorted(scores)
    enter(chromium, "find-text", "camera_3 0424")
    expected = [at for at in range(100_000) if at % 10 and at % 7 == 3 and at % 3 == 2 and "0424" in f"{at:06}"]
    assert sorted(column(chromium, "image")) == [f"camera_3/{at:06}.jpg" for at in expected]
    assert chromium.value("document.documentElement.scrollWidth <= window.innerWidth")
