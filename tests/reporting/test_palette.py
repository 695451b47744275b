from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest

from froq_lightning.reporting.palette import DARK, LIGHT, Stroke

Colours = npt.NDArray[np.float64]
# Linear RGB as it looks without one kind of cone (Machado et al., 2009, severity 1).
VISIONS = {
    "normal": np.eye(3),
    "no red cones": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "no green cones": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "no blue cones": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}
CARDS = {LIGHT: "#f6f8fb", DARK: "#181f2a"}


def linear(colours: tuple[str, ...]) -> Colours:
    values = np.array([[int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)] for colour in colours])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def oklab(rgb: Colours) -> Colours:
    """Linear RGB in a space where distances are differences that one sees (Ottosson, 2020)."""
    cones = [[0.4122, 0.5363, 0.0514], [0.2119, 0.6807, 0.1074], [0.0883, 0.2817, 0.6300]]
    axes = [[0.2105, 0.7936, -0.0041], [1.9780, -2.4286, 0.4506], [0.0259, 0.7828, -0.8087]]
    return np.cbrt(rgb.clip(0, 1) @ np.transpose(cones)) @ np.transpose(axes)


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_colours_are_told_apart(palette: tuple[str, ...], vision: str) -> None:
    lab = oklab(linear(palette) @ np.transpose(VISIONS[vision]))
    distances = {pair: np.linalg.norm(lab[pair[0]] - lab[pair[1]]) for pair in combinations(range(len(lab)), 2)}
    assert min(distances.values()) > 0.075, min(distances, key=distances.__getitem__)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_colours_stand_out_from_the_page(palette: tuple[str, ...]) -> None:
    luminance = linear((*palette, CARDS[palette])) @ [0.2126, 0.7152, 0.0722]
    pairs = np.sort(np.stack([luminance[:-1], np.full(len(palette), luminance[-1])]), axis=0)
    assert ((pairs[1] + 0.05) / (pairs[0] + 0.05)).min() > 2.75


def test_strokes_of_28_methods_differ_in_colour_or_dashes() -> None:
    strokes = [Stroke.of(number) for number in range(28)]
    assert len({(stroke.colour, stroke.dashes) for stroke in strokes}) == 28
    assert len({stroke.mark for stroke in strokes}) == 28
