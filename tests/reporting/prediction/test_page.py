"""What the page of `predict` says, and that it needs nothing else, whatever names the images have."""

import base64
import csv
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from froq_lightning.errors import ConfigurationError
from froq_lightning.extensions import SECTIONS, find
from froq_lightning.reporting import PredictionReport
from froq_lightning.reporting.section import Part, PredictionContext
from froq_lightning.runs.prediction import Prediction
from froq_lightning.runs.quality_batch import ScoredRow

HOSTILE = (
    "<b>caf\\udce9 \\x1b",
    "window.owned='script'",
    "window.owned='attribute'",
    "window.owned='broken'",
    "{{ 7 * 7 }}",
)
Predicted = tuple[PredictionContext, Path]
WithRows = Callable[[list[ScoredRow]], Prediction]
Page = Any


def scores(predicted: Predicted) -> list[dict[str, str]]:
    with predicted[1].with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def part(name: str, context: PredictionContext) -> Part:
    (found,) = find(SECTIONS, name).load().render(context)
    return found


def shown(page: Page) -> list[str | None]:
    return [attributes["alt"] for tag, attributes in page.elements if tag == "img"]


def made_up(count: int, failed: int = 0) -> list[ScoredRow]:
    """Rows of rising quality, the first of which failed."""
    scored = [ScoredRow(at, f"{at}.jpg", at / count, 100 * at // count, "ok", "") for at in range(count)]
    return [row._replace(quality_score=None, quality=-1, status="failed", reason="lost") for row in scored[:failed]] + (
        scored[failed:]
    )


def test_the_page_runs_one_script_which_its_policy_names_and_names_stay_text(page: Page) -> None:
    (policy,) = [attributes["content"] for tag, attributes in page.elements if "default-src" in str(attributes)]
    scripts = re.findall(
        r"<script( type=\"application/json\" id=\"images-data\")?>(.*?)</script>", page.html, re.DOTALL
    )
    (data, code) = (content for _, content in scripts)
    digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    assert policy == (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert page.count("script") == 2
    assert not set("<>&") & set(data)
    assert "innerHTML" not in code
    assert "http:" not in page.html
    assert "https:" not in page.html
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert not page.count("form")
    assert all(name in "".join(page.text) for name in HOSTILE)


def test_the_table_has_the_rows_of_the_scores(predicted: Predicted, page: Page) -> None:
    data = json.loads(re.findall(r'id="images-data">(.*?)</script>', page.html)[0])
    rows = [dict(zip(data["columns"], row, strict=True)) for row in data["rows"]]
    for row, score in zip(rows, scores(predicted), strict=True):
        assert (row["image"], str(row["quality"])) == (score["image"], score["quality"])
        assert data["remarks"][row["remark"]] == score["reason"]
        assert (row["score"] is None) == (score["status"] == "failed")
        assert row["score"] is None or row["score"] == pytest.approx(float(score["quality_score"]), abs=1e-4)
    subjects = [data["subjects"][row["subject"]] for row in rows]
    for subject in set(subjects) - {""}:
        of_subject = [row for row, name in zip(rows, subjects, strict=True) if name == subject]
        (best,) = [row for row in of_subject if row["best"]]
        assert best["score"] == max(row["score"] for row in of_subject)


def test_the_worst_the_best_and_the_failed_are_there_without_the_script(predicted: Predicted, page: Page) -> None:
    ranked = sorted((row for row in scores(predicted) if row["quality_score"]), key=lambda r: float(r["quality_score"]))
    names = [row["image"] for row in ranked]
    assert shown(page)[:8] == [*names[:4], *names[: -4 - 1 : -1]]
    failed = [row["image"] for row in scores(predicted) if row["status"] == "failed"]
    assert len(failed) == 2
    assert "file is empty: 1" in page.words
    assert page.html.count("no picture") == 1
    assert "large.jpg" in shown(page), "an image of another size is shown all the same"
    assert "This table needs JavaScript" in page.words


def test_each_subject_is_shown_by_its_best_image_the_worst_of_these_first(predicted: Predicted, parse: Any) -> None:
    best: dict[str, tuple[float, str]] = {}
    for row in scores(predicted):
        if "/" in row["image"] and row["quality_score"]:
            subject = row["image"].split("/")[0]
            best[subject] = max(best.get(subject, (-9e9, "")), (float(row["quality_score"]), row["image"]))
    section = parse(part("best_shots", predicted[0]).content)
    assert shown(section) == [image for _, image in sorted(best.values())]
    assert section.words.count("best of 4 images") == 5
    assert "5 subjects." in section.words


def test_few_images_are_shown_once_and_a_page_without_images_shows_none(
    predicted: Predicted, with_rows: WithRows, parse: Any
) -> None:
    context = replace(predicted[0], ends=24, worst=24)
    faces = parse(part("predicted_faces", context).content)
    assert len(shown(faces)) == len(set(shown(faces))) == 20
    assert "Faces, from the worst to the best" in faces.words
    single = replace(context, prediction=with_rows([row for row in context.prediction.rows() if row.quality >= 0][:1]))
    assert len(shown(parse(part("predicted_faces", single).content))) == 1
    for name in ("predicted_faces", "best_shots"):
        assert not list(find(SECTIONS, name).load().render(replace(context, ends=0)))
    assert not shown(parse(part("failed_images", replace(context, ends=0)).content))


def test_another_number_of_worst_faces(predicted: Predicted, parse: Any) -> None:
    faces = parse(part("predicted_faces", replace(predicted[0], ends=2, worst=9)).content)
    assert "The 9 worst faces" in faces.words
    assert "The 2 best faces" in faces.words


def test_thresholds_say_how_many_images_they_discard(predicted: Predicted, with_rows: WithRows, parse: Any) -> None:
    context = replace(predicted[0], prediction=with_rows(made_up(200, failed=20)), faces=None)
    section = parse(part("predicted_qualities", context).content)
    below = {row[0]: row[1:] for row in section.rows("Share")}
    assert below["10"] == ["0", "0.00 %"]
    assert below["20"] == ["20", "11.11 %"]  # of 180
    assert below["50"] == ["80", "44.44 %"]


def test_defects_are_counted_with_what_helps_and_stand_below_the_faces(
    predicted: Predicted, with_rows: WithRows, parse: Any
) -> None:
    context = predicted[0]
    rows = [row._replace(defects=("blurred", "dark") if row.quality >= 0 else ()) for row in context.prediction.rows()]
    with_defects = replace(context, prediction=with_rows(rows))
    section = parse(part("found_defects", with_defects).content)
    counted = ["20", "90.91 %"]  # of 22
    assert section.rows("Share") == [["blurred Hold still.", *counted], ["dark More light on the face.", *counted]]
    assert parse(part("predicted_faces", with_defects).content).words.count("blurred; dark") == 8
    data = part("all_images", with_defects).data
    assert data["defects"] == ["blurred", "dark"]
    assert {row[-1] for row in data["rows"]} == {(0, 1), ()}
    without = replace(context, prediction=with_rows([row._replace(defects=()) for row in rows]))
    assert not list(find(SECTIONS, "found_defects").load().render(without))


def test_a_run_in_which_all_failed_has_a_page(predicted: Predicted, with_rows: WithRows, parse: Any) -> None:
    context = replace(predicted[0], prediction=with_rows(made_up(30, failed=30)), faces=None)
    assert "No image could be scored." in part("predicted_qualities", context).content
    failed = parse(part("failed_images", context).content)
    assert "30 images could not be scored; the first 24 are shown" in failed.words
    assert "lost: 30" in failed.words
    assert not list(find(SECTIONS, "predicted_faces").load().render(context))


def test_of_very_many_images_the_table_has_those_that_failed_or_scored_lowest(
    predicted: Predicted, with_rows: WithRows
) -> None:
    rows = made_up(200_100, failed=3)[::-1]
    rows = [row._replace(sample_index=at) for at, row in enumerate(rows)]
    found = part("all_images", replace(predicted[0], prediction=with_rows(rows), faces=None))
    assert [row.image for row in found.data["rows"]] == [row.image for row in rows[100:]]
    assert "Of 200\u202f100 images, the 200\u202f000 that failed or scored lowest" in found.content


def test_a_number_of_worst_images_below_one_is_refused_and_a_large_one_bounded() -> None:
    with pytest.raises(ConfigurationError, match="Expected `worst` to be at least 1, but got 0"):
        PredictionReport("scores.html", worst=0)
    assert PredictionReport("scores.html", worst=5_000).worst == 200
