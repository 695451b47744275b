"""Of images whose defect is known, the right one is named; clean ones have none."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from froq_lightning.defects.components import components
from froq_lightning.defects.defects import DEFECTS, defects, guidance

SEVERE, IMAGES = 0.6, 30
DEFECT_OF = {
    "blur": "blurred",
    "resolution": "low resolution",
    "noise": "noise",
    "jpeg": "compression",
    "dark": "dark",
    "bright": "bright",
    "occlusion": "occluded",
}


@pytest.fixture(scope="module")
def degraded(shared: Path) -> dict[str, list[Path]]:
    """The first severely degraded crops of each kind."""
    found: dict[str, list[Path]] = {}
    with (shared / "data" / "degradations.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if float(row["severity"]) > SEVERE:
                found.setdefault(row["kind"], []).append(shared / "data" / "faces_degraded" / row["image"])
    return {kind: paths[:IMAGES] for kind, paths in found.items()}


def named(path: Path) -> tuple[str, ...]:
    return defects(components(np.asarray(Image.open(path).convert("RGB"))))


@pytest.mark.parametrize("kind", DEFECT_OF)
def test_the_worst_defect_of_a_degraded_image_is_the_right_one(kind: str, degraded: dict[str, list[Path]]) -> None:
    right = [named(path)[:1] == (DEFECT_OF[kind],) for path in degraded[kind]]
    assert len(right) == IMAGES
    assert np.mean(right) >= 0.85


def test_clean_images_have_no_defect(shared: Path) -> None:
    paths = sorted((shared / "data" / "faces").glob("*/*.jpg"))[::8]
    assert len(paths) > 200
    assert np.mean([named(path) != () for path in paths]) <= 0.02


def test_the_worst_defect_comes_first_and_once() -> None:
    found = {"DarknessPrevention": 20, "NoisePrevention": 49, "BlurPrevention": 0, "GlarePrevention": 50}
    assert defects(found) == ("blurred", "dark", "noise")
    assert defects({"ResolutionLossPrevention": 10, "InterEyeDistance": 0}) == ("low resolution",)
    assert defects({"HeadPoseYaw": -1}) == () == defects({}), "what could not be measured is no defect"


def test_every_defect_has_guidance() -> None:
    assert all(guidance(defect.name).endswith(".") for defect in DEFECTS)
    assert guidance("blurred") == "Hold still."
    assert guidance("unknown") == ""
