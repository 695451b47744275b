"""A gate passes or fails images."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter

from froq_lightning import QualityScorer
from froq_lightning.errors import ConfigurationError


def test_what_reaches_the_lowest_quality_passes(scorer: QualityScorer, photographs: list[Path]) -> None:
    quality = scorer(photographs[0])[0].quality
    passed, failed = (scorer.gate(min_quality=lowest)(photographs[0]) for lowest in (quality, quality + 1))
    assert (passed.passed, passed.reason, bool(passed)) == (True, "", True)
    assert (failed.passed, failed.reason) == (False, f"quality {quality} is below {quality + 1}")
    assert not failed


def test_many_images_get_a_verdict_each_and_bad_ones_fail(scorer: QualityScorer, photographs: list[Path]) -> None:
    verdicts = scorer.gate(min_quality=0)([photographs[0], None])
    assert [verdict.passed for verdict in verdicts] == [True, False]
    assert "got NoneType" in verdicts[1].reason
    assert scorer.gate(min_quality=0)([]) == []


def test_scores_of_a_watch_can_be_judged(crop_scorer: QualityScorer) -> None:
    inputs = crop_scorer.backbone.inputs(torch.zeros(2, 3, 150, 150))
    inputs[1] = torch.nan
    with torch.no_grad(), crop_scorer.watch() as watch:
        crop_scorer.backbone.network(inputs)
        verdicts = crop_scorer.gate(min_quality=0).judge(watch.scores())
    assert [verdict.passed for verdict in verdicts] == [True, False]
    assert verdicts[1].reason == "the network gives NaN or infinite values for it"


@pytest.mark.parametrize("lowest", [-1, 101])
def test_a_quality_that_there_is_not_is_refused(lowest: int, scorer: QualityScorer) -> None:
    with pytest.raises(ConfigurationError, match=f"`min_quality` in 0..100, but got {lowest}"):
        scorer.gate(min_quality=lowest)


def test_an_image_that_fails_gets_its_defects_and_guidance(scorer: QualityScorer, photographs: list[Path]) -> None:
    photograph = Image.open(photographs[0])
    blurred = photograph.filter(ImageFilter.GaussianBlur(4))
    gate = scorer.gate(min_quality=100, reasons=True)
    verdict, clean = gate([blurred, photograph])
    assert (verdict.defects[0], verdict.guidance) == ("blurred", "Hold still.")
    assert verdict.reason == f"quality {verdict.quality} is below 100: {', '.join(verdict.defects)}"
    assert (clean.defects, clean.guidance, clean.reason) == ((), "", f"quality {clean.quality} is below 100")
    unasked = scorer.gate(min_quality=100)(blurred)
    assert (unasked.defects, unasked.reason) == ((), f"quality {verdict.quality} is below 100")
    passed = scorer.gate(min_quality=0, reasons=True)(blurred)
    assert (passed.passed, passed.defects) == (True, ())


def test_a_face_at_the_edge_of_a_photograph_is_cut_off(scorer: QualityScorer, photographs: list[Path]) -> None:
    pixels = np.array(Image.open(photographs[0]))
    row = scorer(pixels[:, 110:], reasons=True)[0]
    assert "cut off" in row.defects
    assert "occluded" not in row.defects
    two = np.concatenate([pixels, pixels[:, ::-1]], axis=1)
    assert scorer(two, reasons=True)[0].defects == ("several faces",)
