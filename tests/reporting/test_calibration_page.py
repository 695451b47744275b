"""What a calibration page says at its top, and of what was left out."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lightning.pytorch import LightningModule, Trainer

from froq_lightning.calibration.set_utility import SetUtility
from froq_lightning.data.degradations import KINDS
from froq_lightning.errors import ConfigurationError
from froq_lightning.module import FroqModule
from froq_lightning.reporting import CalibrationReport
from froq_lightning.runs.calibration_run import Calibration

BROKEN = "<img src=x onerror=\"window.owned = 'file'\">.jpg"
SHOWN = 3
Run = tuple[Trainer, FroqModule, Path]
Page = Any
Render = Callable[..., Page]


@pytest.fixture
def page(calibration_page: Page) -> Page:
    return calibration_page


def test_one_sentence_tells_what_was_found(calibration: Calibration, page: Page) -> None:
    observer, text = calibration.observer, page.words
    title = "timm (architecture=edgenext_xx_small)"
    assert f"{len(observer.layers)} of {len(observer.candidates)} layers of {title} observe quality" in text
    assert calibration.selection.cost is not None
    assert (
        f"Spearman's rho with the pseudo-quality is {calibration.selection.cross_validated} on images it has not seen "
        f"(cross-validated), and {observer.set_utility:.3f} on the 40 images that the layers were chosen on; reading "
        f"them takes {100 * calibration.selection.cost:.3g} % of a forward pass."
    ) in text


@pytest.fixture
def render_rho(calibration: Calibration, render: Render) -> Callable[[SetUtility], Page]:
    """Writes the page of the calibration with another cross-validated set utility."""

    def rendered(utility: SetUtility) -> Page:
        selection = dataclasses.replace(calibration.selection, cross_validated=utility)
        return render(dataclasses.replace(calibration, selection=selection))

    return rendered


@pytest.mark.parametrize(
    ("utility", "headline"),
    [
        (SetUtility(0.05, 400), "No usable quality was found in the {all} layers of {title}"),
        (SetUtility(0.5, 12), "It is uncertain whether {some} of {all} layers of {title} observe quality"),
        (SetUtility(0.25, 400), "A weak finding: {some} of {all} layers of {title} observe quality"),
        (SetUtility(0.8, 400), "{some} of {all} layers of {title} observe quality"),
    ],
)
def test_the_headline_claims_no_more_than_was_found(
    calibration: Calibration, render_rho: Callable[[SetUtility], Page], utility: SetUtility, headline: str
) -> None:
    text, observer = render_rho(utility).words, calibration.observer
    counts = {"some": len(observer.layers), "all": len(observer.candidates), "title": observer.backbone.title()}
    assert f"Calibration of face-image quality {headline.format(**counts)} Spearman's rho" in text
    assert (f"Spearman's rho is {utility.rho:.3f} (95 % confidence interval" in text) == (utility.rho != 0.8)
    assert ("What may help: more calibration images" in text) == (utility.rho != 0.8)


@pytest.mark.parametrize(
    ("utility", "interval"),
    [
        (SetUtility(None, 40), "Cross-validated rho - Spearman's"),
        (SetUtility(0.5, 40), "95 % confidence interval 0.20 to 0.71 (Fisher)"),
        (
            SetUtility(0.5, 40, 12, (0.1, 0.8)),
            "95 % confidence interval 0.10 to 0.80 (bootstrap over 12 groups of images",
        ),
    ],
)
def test_the_interval_is_stated(utility: SetUtility, interval: str, render_rho: Callable[[SetUtility], Page]) -> None:
    assert interval in render_rho(utility).words


def test_the_page_says_how_it_was_calibrated(validated: Run, page: Page) -> None:
    text, weights = page.words, validated[1].identity.weights
    assert weights.sha256 in text
    assert f"30 % degraded ({', '.join(KINDS)})" in text
    assert "labels that came with the images; higher is better" in text
    assert "repeated layers folded; a score is the mean of the standardised norms of the layers" in text
    assert "none max_cost 1, tolerance 0" in text


@pytest.mark.parametrize(
    ("degradations", "description"),
    [
        ({"share": 0.3, "copies": 0}, "30 % degraded (blur)"),
        ({"share": 0.0, "copies": 1}, "the images and 1 degraded copy of each (blur)"),
        ({"share": 0.3, "copies": 2}, "the images and 2 degraded copies of each, 30 % degraded (blur)"),
        ({"share": 0.3}, "30 % degraded (blur)"),  # of an earlier version
    ],
)
def test_the_page_says_what_was_degraded(
    degradations: dict[str, Any], description: str, calibration: Calibration, render: Render
) -> None:
    images = dataclasses.replace(
        calibration.observer.calibration_set, degradations={"kinds": ["blur"], "seed": 0, **degradations}
    )
    observer = dataclasses.replace(calibration.observer, calibration_set=images)
    assert description in render(dataclasses.replace(calibration, observer=observer)).words


def test_the_page_says_what_a_reader_should_know(page: Page) -> None:
    text = page.words
    assert "Only 40 calibration images: by chance alone a layer utility can reach 0.31" in text
    assert "in-sample rho is flattered, since the layers were chosen on the same images." in text
    assert "1 of 41 images could not be used." in text
    assert f"{BROKEN}: file is empty" in text


def test_the_same_calibration_gives_the_same_page(calibration: Calibration, render: Render, page: Page) -> None:
    assert render(calibration, faces=SHOWN).html == page.html


def test_another_module_is_refused(validated: Run, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="CalibrationReport works with FroqModule, not LightningModule"):
        CalibrationReport(tmp_path / "report.html").on_validation_end(validated[0], LightningModule())
