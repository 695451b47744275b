"""Scores of a few images, as `froq predict` wrote them, and the command on them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from froq_lightning.cli import main
from froq_lightning.conformance.formats import KnownResults
from froq_lightning.formats.format import find_format, write_file
from froq_lightning.runs.quality_batch import FAILED, OK, ScoredRow

Select = Callable[..., str]
# Two people with two scored images each, one of them of two names; one whose images all failed, one image of nobody.
IMAGES = {
    "ann/1.jpg": (0.5, 60),
    "ann/2.jpg": (0.9, 80),
    "bob/1.jpg": (0.1, 20),
    "bob/2.jpg": (-0.4, 5),
    "eve/1.jpg": None,
    "lost.jpg": (0.3, 40),
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The current folder with scores.csv, embeddings.npy, who.csv and the images in photos/."""
    rows = [
        ScoredRow(place, name, None, -1, FAILED, "no face found")
        if score is None
        else ScoredRow(place, name, *score, OK, "")
        for place, (name, score) in enumerate(IMAGES.items())
    ]
    vectors = np.array([[9, 1], [2, 0], [0, 1], [0.1, 3], [np.nan, np.nan], [1, 0.1]], "<f4")
    for name in ("scores.csv", "scores.tsv", "scores.parquet", "scores.jsonl"):
        write_file(find_format(Path(name), "scores"), tmp_path / name, KnownResults(rows, vectors))
    for name in ("embeddings.npy", "embeddings.parquet"):
        write_file(find_format(Path(name), "embeddings"), tmp_path / name, KnownResults(rows, vectors))
    for name in IMAGES:
        (tmp_path / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "photos" / name).write_bytes(name.encode())
    (tmp_path / "who.csv").write_text("path;person\n/x/ann/1.jpg;A\n/x/ann/2.jpg;B\n/x/bob/1.jpg;A\n/x/eve/1.jpg;B\n")
    return tmp_path


@pytest.fixture
def select(place: Path, capsys: pytest.CaptureFixture[str]) -> Select:
    """Selects, and returns what is printed."""
    del place

    def run(*options: str, scores: str = "scores.csv", status: int = 0) -> str:
        capsys.readouterr()
        assert main(["select", scores, *options]) == status
        printed = capsys.readouterr()
        return printed.out + printed.err

    return run
