"""Components of light are those of the standard; ours fall as degradation grows, whatever the size of the crop."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from froq_lightning.data.degradations import KINDS
from froq_lightning.defects.components import COMPONENTS, UNKNOWN, components, measure
from froq_lightning.defects.defects import defects

# How far a component may rise by chance, and the value below which a defect is named, whatever its degree.
TOLERANCE, NAMED = 4, 50
OF_KIND = {
    "blur": "BlurPrevention",
    "downscale": "ResolutionLossPrevention",
    "noise": "NoisePrevention",
    "jpeg": "CompressionPrevention",
    "dark": "DarknessPrevention",
    "bright": "GlarePrevention",
    "occlusion": "FlatOcclusionPrevention",
}


def grey(level: int) -> np.ndarray:
    return np.full((112, 112, 3), level, np.uint8)


@pytest.mark.parametrize(
    ("image", "component", "expected"),
    [
        (grey(0), "LuminanceMean", 2),  # 100 S(0; 0.2, 0.05) (1 - S(0; 0.8, 0.05))
        (grey(128), "LuminanceMean", 100),
        (grey(128), "LuminanceVariance", 0),
        (grey(0), "UnderExposurePrevention", 0),
        (grey(26), "UnderExposurePrevention", 100),
        (grey(246), "OverExposurePrevention", 100),
        (grey(247), "OverExposurePrevention", 1),  # 1 / (1 + 0.01)
        (grey(90), "DynamicRange", 0),
        (
            np.repeat(np.arange(224, dtype=np.uint8)[:112, None, None], 336, 1).reshape(112, 112, 3),
            "DynamicRange",
            77,
        ),  # 72 levels
        (np.repeat(grey(60)[:, :56], 2, 1), "IlluminationUniformity", 100),
        (np.concatenate([grey(60)[:, :56], grey(160)[:, :56]], 1), "IlluminationUniformity", 0),
    ],
)
def test_light_is_measured_as_the_standard_defines_it(image: np.ndarray, component: str, expected: int) -> None:
    assert components(image)[component] == expected


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 200), st.integers(1, 200), st.integers(0, 2**32 - 1), st.sampled_from([1, 3, 255]))
def test_components_are_0_to_100_or_minus_1_of_any_pixels(height: int, width: int, seed: int, levels: int) -> None:
    draw = np.random.default_rng(seed)
    values = measure(draw.integers(0, levels, (height, width, 3), dtype=np.uint8))
    assert len(values) == len(COMPONENTS) == len(UNKNOWN)
    assert all(-1 <= value <= 100 for value in values)


@pytest.mark.parametrize("kind", KINDS)
def test_the_component_of_a_degradation_falls_as_it_grows(kind: str, crops: list[Any]) -> None:
    @settings(max_examples=12, deadline=None)
    @given(st.integers(0, len(crops) - 1), st.floats(0, 0.7), st.floats(0.3, 1), st.integers(0, 2**31))
    def check(place: int, low: float, step: float, seed: int) -> None:
        image = torch.from_numpy(crops[place].pixels).permute(2, 0, 1)
        values = []
        for severity in (low, min(1.0, low + step)):
            degraded = KINDS[kind](image, severity, torch.Generator().manual_seed(seed))
            values.append(components(degraded.permute(1, 2, 0).numpy())[OF_KIND[kind]])
        less, more = values
        assert more <= less + TOLERANCE or max(less, more) < NAMED

    check()


@pytest.mark.parametrize("size", [96, 150, 160, 224])
def test_clean_crops_of_another_size_have_no_defect(size: int, shared: Path) -> None:
    paths = sorted((shared / "data" / "faces").glob("*/*.jpg"))[::16]
    resized = [Image.open(path).resize((size, size), Image.Resampling.LANCZOS) for path in paths]
    assert len(paths) > 100
    assert np.mean([defects(components(np.asarray(image))) != () for image in resized]) <= 0.05
