import re
from itertools import combinations
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from froq_lightning.reporting import palette
from froq_lightning.reporting.palette import AMBER, DARK, DARK_THEME, GREEN, LIGHT, LIGHT_THEME, Stroke, Theme

LOGO = Path(palette.__file__).with_name("logo.svg")
Colours = npt.NDArray[np.float64]
# Linear RGB as it looks without one kind of cone (Machado et al., 2009, severity 1).
VISIONS = {
    "normal": np.eye(3),
    "no red cones": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "no green cones": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "no blue cones": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}
THEMES = {"light": LIGHT_THEME, "dark": DARK_THEME}
# What is written on what, in the style of the pages.
TEXTS = {
    "ink": ("paper", "card", "note"),
    "soft": ("paper", "card"),
    "accent": ("paper", "card", "note"),
    "best_ink": ("best",),
    "bad": ("paper", "card"),
}


def linear(colours: tuple[str, ...]) -> Colours:
    values = np.array([[int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)] for colour in colours])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def oklab(rgb: Colours) -> Colours:
    """Linear RGB in a space where distances are differences that one sees (Ottosson, 2020)."""
    cones = [[0.4122, 0.5363, 0.0514], [0.2119, 0.6807, 0.1074], [0.0883, 0.2817, 0.6300]]
    axes = [[0.2105, 0.7936, -0.0041], [1.9780, -2.4286, 0.4506], [0.0259, 0.7828, -0.8087]]
    return np.cbrt(rgb.clip(0, 1) @ np.transpose(cones)) @ np.transpose(axes)


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_colours_are_told_apart(colours: tuple[str, ...], vision: str) -> None:
    lab = oklab(linear(colours) @ np.transpose(VISIONS[vision]))
    distances = {pair: np.linalg.norm(lab[pair[0]] - lab[pair[1]]) for pair in combinations(range(len(lab)), 2)}
    assert min(distances.values()) > 0.075, min(distances, key=distances.__getitem__)


def contrast(first: str, second: str) -> float:
    """Contrast of two colours, 1..21 (WCAG 2.2)."""
    low, high = np.sort(linear((first, second)) @ [0.2126, 0.7152, 0.0722])
    return float((high + 0.05) / (low + 0.05))


@pytest.mark.parametrize("scheme", THEMES)
def test_colours_of_methods_stand_out_from_the_page(scheme: str) -> None:
    theme = THEMES[scheme]
    assert min(contrast(colour, theme.card) for colour in theme.series) > 2.75


@pytest.mark.parametrize("scheme", THEMES)
@pytest.mark.parametrize(("text", "behind"), [(text, one) for text, under in TEXTS.items() for one in under])
def test_text_can_be_read(scheme: str, text: str, behind: str) -> None:
    theme = THEMES[scheme]
    assert contrast(getattr(theme, text), getattr(theme, behind)) >= 4.5


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_the_logo_is_seen_on_every_page(theme: Theme) -> None:
    assert contrast(GREEN, theme.paper) >= 3
    assert contrast(AMBER, theme.paper) >= 2


def test_the_logo_has_the_colours_of_the_palette() -> None:
    drawing = LOGO.read_text(encoding="utf-8")
    assert len(drawing) < 1_000
    assert set(re.findall(r'fill="(#\w+)"', drawing)) == {GREEN, AMBER, LIGHT_THEME.paper, LIGHT_THEME.ink}


def test_the_style_of_a_page_has_no_colour_of_its_own() -> None:
    style = LOGO.with_name("style.html").read_text(encoding="utf-8")
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b(?=[;, )])", style) == []
    assert set(re.findall(r"var\((--[\w-]+)\)", style)) <= set(LIGHT_THEME.properties())


def test_strokes_of_28_methods_differ_in_colour_or_dashes() -> None:
    strokes = [Stroke.of(number) for number in range(28)]
    assert len({(stroke.colour, stroke.dashes) for stroke in strokes}) == 28
    assert len({stroke.mark for stroke in strokes}) == 28
