"""`froq predict --explain` shows on the page what pulls the worst scores down, and leaves the scores alone."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

Predict = Callable[..., list[dict[str, str]]]


def explained(page: Path) -> list[str]:
    """The images that a page shows with maps."""
    text = page.read_text(encoding="utf-8")
    section = re.search(r'<section id="maps">(.*?)</section>', text, re.DOTALL)
    return re.findall(r'<img src="[^"]+" alt="([^"]+)"', section[1]) if section else []


@pytest.fixture
def few(faces: Path) -> Path:
    """Three faces, and a broken file."""
    for image in sorted(faces.iterdir())[3:]:
        image.unlink()
    (faces / "broken.jpg").touch()
    return faces


@pytest.mark.parametrize(
    ("options", "count"),
    [((), 0), (("--report", "--explain=false"), 0), (("--explain", "--worst=2"), 2), (("--explain", "--reasons"), 3)],
)
def test_the_worst_faces_are_explained_where_it_is_wanted(
    predict: Predict, few: Path, tmp_path: Path, options: tuple[str, ...], count: int
) -> None:
    rows = predict(few, tmp_path / "scores.csv", *options)
    ranked = sorted((row for row in rows if row["status"] == "ok"), key=lambda row: float(row["quality_score"]))
    page = tmp_path / "scores.html"
    assert page.exists() == bool(options)
    assert not options or explained(page) == [row["image"] for row in ranked[:count]]


def test_explaining_changes_no_score(predict: Predict, few: Path, tmp_path: Path) -> None:
    plain = predict(few, tmp_path / "plain.csv")
    assert predict(few, tmp_path / "explained.csv", "--explain", "--worst=1") == plain
    assert (tmp_path / "explained.csv").read_bytes() == (tmp_path / "plain.csv").read_bytes()
