from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import map_coordinates

from froq_lightning.data.landmark_alignment import TEMPLATES, Similarity, align_by_landmarks
from froq_lightning.errors import ImageError

ARCFACE = TEMPLATES["arcface"]


def moved(points: np.ndarray, similarity: Similarity) -> np.ndarray:
    x, y = points.T
    a, b = similarity.a, similarity.b
    return np.stack([a * x - b * y + similarity.u, b * x + a * y + similarity.v], axis=1)


def umeyama(source: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The published closed form by singular values: matrix and shift."""
    middle, goal = source.mean(0), target.mean(0)
    u, d, vt = np.linalg.svd((target - goal).T @ (source - middle) / len(source))
    sign = np.diag([1, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    scale = np.trace(np.diag(d) @ sign) / (source - middle).var(0).sum()
    matrix = scale * u @ sign @ vt
    return matrix, goal - matrix @ middle


def test_the_fit_is_that_of_umeyama() -> None:
    draw = np.random.default_rng(0)
    for _ in range(50):
        source = ARCFACE * draw.uniform(0.2, 5) + draw.normal(0, 6, (5, 2)) + draw.uniform(-100, 100, 2)
        fitted = Similarity.fit(source, ARCFACE)
        matrix, shift = umeyama(source, ARCFACE)
        np.testing.assert_allclose(moved(source, fitted), source @ matrix.T + shift, atol=1e-9)


def test_every_pixel_of_a_crop_is_sampled_where_the_transform_says(shared: Path) -> None:
    photograph = np.array(Image.open(min((shared / "data" / "photos" / "Al_Gore").iterdir())))
    landmarks = np.array([[104.0, 112], [143, 110], [121, 138], [108, 155], [143, 154]])
    crop = align_by_landmarks(photograph, landmarks, (112, 112), "arcface")
    back = Similarity.fit(landmarks, ARCFACE).inverse()
    across, down = np.meshgrid(np.arange(112.0), np.arange(112.0))
    x, y = moved(np.stack([across.ravel(), down.ravel()], axis=1), back).T
    expected = np.stack([map_coordinates(photograph[..., c].astype(float), [y, x], order=1) for c in range(3)], axis=1)
    inside = (x > 1) & (x < 248) & (y > 1) & (y < 248)
    assert inside.mean() > 0.9
    assert np.abs(crop.reshape(-1, 3)[inside] - expected[inside]).max() <= 1


@pytest.mark.parametrize("size", [(112, 112), (224, 224), (160, 160), (56, 56), (112, 96), (96, 112)])
def test_the_template_fills_the_longer_side(size: tuple[int, int]) -> None:
    landmarks = (ARCFACE + 0.5) * 3 + 20 - 0.5  # a face three times as large
    rows, columns = np.indices((400, 400))
    spots = [np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / 2 / 12**2) for x, y in landmarks[[0, 2, 4]]]
    image = (255 * np.stack(spots, axis=2)).round().astype(np.uint8)
    crop = align_by_landmarks(image, landmarks, size, "arcface").astype(float)
    assert crop.shape == (*size, 3)
    scale, middle = max(size) / 112, np.array(size[::-1]) / 2
    for channel, point in enumerate(ARCFACE[[0, 2, 4]]):
        down, across = np.indices(size)
        weight = crop[..., channel] / crop[..., channel].sum()
        found = np.array([(weight * across).sum(), (weight * down).sum()]) + 0.5
        np.testing.assert_allclose(found, (point + 0.5 - 56) * scale + middle, atol=0.1)


def test_beyond_the_image_a_crop_is_black() -> None:
    white = np.full((50, 50, 3), 255, dtype=np.uint8)
    crop = align_by_landmarks(white, ARCFACE - 60, (112, 112), "arcface")
    assert not crop[:50, :50].any()
    assert (crop[62:108, 62:108] == 255).all()


@pytest.mark.parametrize(
    ("landmarks", "reason"),
    [
        (np.full((5, 2), 30.0), "they are the same point, or not finite"),
        (np.full((5, 2), np.nan), "they are the same point, or not finite"),
        (np.full((5, 2), 1e200), "they are the same point, or not finite"),
        (np.array([[0, 0], [1, 0], [0, 0], [0, 0], [0, 0]]) * 1e9, "they do not resemble the template"),
    ],
)
def test_landmarks_that_are_no_face_are_a_reason(landmarks: np.ndarray, reason: str) -> None:
    with pytest.raises(ImageError, match=f"^landmarks are no face: {reason}$"):
        align_by_landmarks(np.zeros((50, 50, 3), np.uint8), landmarks, (112, 112), "arcface")
