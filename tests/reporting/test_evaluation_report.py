import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from lightning.pytorch import Trainer
from PIL import Image

from froq_lightning.evaluation.outcome import Evaluation
from froq_lightning.module import FroqModule
from froq_lightning.reporting import EvaluationReport

BROKEN = "<img src=x onerror=\"window.owned = 'file'\">.jpg"
Tested = tuple[Trainer, FroqModule, Path]
Look = Callable[[str, str], object]
Content = Any
ContentOf = Callable[[str], Content]


@pytest.fixture(scope="module")
def content(page: str, content_of: ContentOf) -> Content:
    return content_of(page)


def evaluation_of(tested: Tested) -> Evaluation:
    evaluation = tested[1].evaluation
    assert evaluation is not None
    return evaluation


def again(tested: Tested, evaluation: Evaluation, path: Path, faces: int = 0) -> str:
    """Write the page of another evaluation of the same data."""
    trainer, module, _ = tested
    kept, module.evaluation = module.evaluation, evaluation
    EvaluationReport(path, faces).on_test_end(trainer, module)
    module.evaluation = kept
    return path.read_text(encoding="utf-8")


def test_the_page_shows_every_figure_under_its_convention(tested: Tested, content: Content) -> None:
    evaluation, text = evaluation_of(tested), "".join(content.text)
    for convention in evaluation.conventions:
        assert convention.describe()[1:] in text
        for fmr in evaluation.fmr:
            assert f"{convention.name} at FMR {fmr:g}" in text
    cells = {data.strip() for data in content.text}
    for one in evaluation.results:
        if one.convention == "froq":
            assert f"{one.value:.3f}" in cells
        assert f"{100 * one.fnmr:.2f} %" in text
    assert any("60 mated, 180 non-mated" in data for data in cells)


def test_the_page_says_what_a_reader_should_know(tested: Tested, content: Content) -> None:
    text, images = "".join(content.text), evaluation_of(tested).sets[1].images
    assert "grafiqs cannot work here: GraFIQs needs BatchNorm2d layers" in text
    assert f"plain: 1 of {images} images gave no embedding; 1 comparison trials are left out with them" in text
    assert f"{BROKEN}: file is empty" in text
    assert "random: figures are means over several draws, the curve is that of the first." in text


def test_charts_are_drawn_for_every_curve_and_distribution(content: Content) -> None:
    sets, methods, curves, rates = 2, 3, 3, 2
    assert content.count("figure") == sets * (curves * rates + 1 + methods)
    drawings = [
        attributes for tag, attributes in content.elements if tag == "svg" and attributes.get("class") != "swatch"
    ]
    assert len(drawings) == content.count("figure")


def test_the_worst_and_best_faces_are_those_of_the_qualities(tested: Tested, content: Content) -> None:
    evaluation, data = evaluation_of(tested), tested[0].datamodule  # type: ignore[attr-defined]
    shown = [attributes["alt"] for tag, attributes in content.elements if tag == "img"]
    expected = []
    for one, faces in zip(evaluation.sets, data.faces, strict=True):
        for method in evaluation.working():
            quality = one.qualities[method.name]
            order = [place for place in np.argsort(quality, kind="stable") if np.isfinite(quality[place])]
            expected += [faces.images[place].key for place in (*order[:3], *order[-3:])]
    assert shown == expected


def test_names_stay_text(page: str, content: Content) -> None:
    assert content.active() == []
    text = "".join(content.text)
    for name in ("<script>window.owned = 'method'</script>", "window.owned = 'set'", "window.owned = 'file'"):
        assert name in text
    assert page.count("<script") == 0


def test_the_page_asks_nothing_of_a_network(page: str, content: Content) -> None:
    assert "http:" not in page
    assert "https:" not in page
    assert "url(http" not in page.replace(" ", "")
    assert content.addresses() == []
    assert content.forbids_everything_else()


def test_links_lead_somewhere_and_identifiers_are_used_once(content: Content) -> None:
    identifiers = [attributes["id"] for _, attributes in content.elements if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    targets = [
        attributes[name] for _, attributes in content.elements for name in ("href", "xlink:href") if name in attributes
    ]
    assert {str(target).removeprefix("#") for target in targets} <= set(identifiers)


def test_the_same_evaluation_gives_the_same_page(tested: Tested, page: str, tmp_path: Path) -> None:
    assert again(tested, evaluation_of(tested), tmp_path / "again.html", faces=3) == page
    assert [path.name for path in tmp_path.iterdir()] == ["again.html"]


def test_in_a_browser_all_pictures_are_there_and_no_name_is_run(page: str, look: Look) -> None:
    expression = (
        "{owned: window.owned ?? null, pictures: [...document.images].map(one => one.naturalWidth), "
        "drawings: [...document.querySelectorAll('figure svg')].map(one => one.getBoundingClientRect().height), "
        "wide: document.documentElement.scrollWidth > window.innerWidth}"
    )
    seen = look(page, expression)
    assert isinstance(seen, dict)
    assert seen["owned"] is None
    assert len(seen["pictures"]) == 2 * 3 * 6
    assert min(seen["pictures"]) > 50
    assert min(seen["drawings"]) > 50
    assert not seen["wide"]


def test_a_browser_would_tell_if_a_name_were_run(page: str, look: Look) -> None:
    broken = page.replace(
        "&lt;script&gt;window.owned = &#39;method&#39;&lt;/script&gt;", "<script>window.owned = 1</script>", 1
    )
    assert look(broken, "window.owned ?? null") == 1


def test_the_page_fills_a_screen(page: str, browse: Callable[..., str], tmp_path: Path) -> None:
    browse(page, "--window-size=1000,1400", f"--screenshot={tmp_path / 'page.png'}")
    picture = np.asarray(Image.open(tmp_path / "page.png").convert("L"))
    assert picture.shape == (1400, 1000)
    assert (picture.min(axis=1) < 128).mean() > 0.2, "there is something on many lines"


def test_faces_can_be_left_out(tested: Tested, tmp_path: Path, content_of: ContentOf) -> None:
    without = content_of(again(tested, evaluation_of(tested), tmp_path / "page.html"))
    assert without.count("img") == 0
    assert "#faces" not in [attributes.get("href") for _, attributes in without.elements]


def test_of_many_failures_fifty_are_named(tested: Tested, tmp_path: Path, content_of: ContentOf) -> None:
    evaluation = evaluation_of(tested)
    many = dataclasses.replace(evaluation.sets[0], left_out={f"{n}.jpg": "no face found" for n in range(70)})
    text = "".join(
        content_of(
            again(tested, dataclasses.replace(evaluation, sets=(many, *evaluation.sets[1:])), tmp_path / "page.html")
        ).text
    )
    assert "49.jpg: no face found" in text
    assert "50.jpg" not in text
    assert "… and 20 more" in text


def test_intervals_are_shown_where_they_were_asked_for(tested: Tested, tmp_path: Path, content_of: ContentOf) -> None:
    evaluation = evaluation_of(tested)
    results = tuple(dataclasses.replace(one, low=0.25, high=0.75) for one in evaluation.results)
    told = "".join(
        content_of(again(tested, dataclasses.replace(evaluation, results=results), tmp_path / "page.html")).text
    )
    assert "0.250 to 0.750" in told
    assert "95 % confidence intervals" in told
    assert "confidence" not in "".join(content_of(again(tested, evaluation, tmp_path / "page.html")).text)


def with_figures(evaluation: Evaluation, errors: int) -> Evaluation:
    """Set one method's figures apart from those of the others, on so many errors."""
    figures = {"random": 0.9, "embedding_norm": 0.2}
    results = [
        dataclasses.replace(one, value=value, low=value - 0.05, high=value + 0.05, false_non_matches=errors)
        for one in evaluation.results
        for value in [figures.get(one.method, 0.5)]
    ]
    return dataclasses.replace(evaluation, results=tuple(results))


def test_a_method_is_marked_only_where_its_interval_is_apart_and_on_enough_errors(
    tested: Tested, page: str, tmp_path: Path
) -> None:
    evaluation = evaluation_of(tested)
    found = again(tested, with_figures(evaluation, 30), tmp_path / "page.html")
    assert "<td><b>0.200</b><small>0.150 to 0.250</small></td>" in found
    assert "Best by froq at FMR 0.02</dt><dd>embedding_norm<small>0.200 on average" in found
    few = again(tested, with_figures(evaluation, 7), tmp_path / "page.html")
    for unmarked in (page, few[: few.index("cr-fiqa at FMR 0.02")]):
        assert "<td><b>" not in unmarked
        assert "Best by" not in unmarked


def test_the_page_says_how_many_errors_figures_rest_on(tested: Tested, tmp_path: Path, content_of: ContentOf) -> None:
    evaluation = evaluation_of(tested)
    text = "".join(content_of(again(tested, with_figures(evaluation, 7), tmp_path / "page.html")).text)
    matched = evaluation.results[0].false_matches
    assert f"7 false non-matches, {matched} false matches" in text
    assert "plain, FMR 0.02: 7 false non-matches" in text
    assert "plain at FMR 0.02: figures rest on 7 false non-matches, and the threshold on" in text
    assert "with fewer than 30 errors, differences between methods may be chance" in text


def test_a_time_that_is_not_known_has_no_bar(tested: Tested, tmp_path: Path, content_of: ContentOf) -> None:
    evaluation = evaluation_of(tested)
    methods = [dataclasses.replace(one, milliseconds=float("nan")) for one in evaluation.methods]
    unknown = dataclasses.replace(evaluation, methods=tuple(methods))
    text = "".join(content_of(again(tested, unknown, tmp_path / "page.html")).text)
    assert "embedding_norm: scores from elsewhere, time not known" in text
    assert text.count("\u00d7") == 1, "that of the bare pass"


def test_an_evaluation_without_failures_or_a_method_that_works_is_a_page_too(
    tested: Tested, tmp_path: Path, content_of: ContentOf
) -> None:
    evaluation = evaluation_of(tested)
    refused = tuple(one for one in evaluation.methods if one.refusal)
    sets = tuple(dataclasses.replace(one, left_out={}) for one in evaluation.sets)
    empty = dataclasses.replace(evaluation, methods=refused, results=(), sets=sets)
    text = "".join(content_of(again(tested, empty, tmp_path / "page.html", faces=3)).text)
    assert "None: every image gave an embedding" in text
    assert "grafiqs cannot work here" in text


def test_only_the_first_process_writes(tested: Tested, tmp_path: Path) -> None:
    other = SimpleNamespace(is_global_zero=False)
    EvaluationReport(tmp_path / "report.html").on_test_end(other, tested[1])  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_parameters_are_shown_and_long_lists_of_them_shortened(tested: Tested, tmp_path: Path) -> None:
    evaluation = evaluation_of(tested)
    knobs = {"alpha": 0.001, "layers": [f"block{n}" for n in range(12)], "norm": {"mean": 0.5, "kinds": ["a", "b"]}}
    methods = (dataclasses.replace(evaluation.methods[0], parameters=knobs), *evaluation.methods[1:])
    page = again(tested, dataclasses.replace(evaluation, methods=methods), tmp_path / "page.html")
    shown = dict(re.findall(r"<dt>(\w+)</dt><dd>(.*?)</dd>", page))
    assert shown["alpha"] == "0.001"
    assert shown["layers"] == ", ".join(f"block{n}" for n in range(8)) + ", … (12 in all)"
    assert shown["norm"] == "mean 0.5, kinds a, b"
