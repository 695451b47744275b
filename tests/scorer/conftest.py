"""Scorers with real networks."""

from pathlib import Path

import pytest

from froq_lightning import QualityScorer


@pytest.fixture(scope="session")
def photographs(shared: Path) -> list[Path]:
    """Three photographs of three subjects, in which dlib finds the face."""
    names = (
        "Aaron_Sorkin/Aaron_Sorkin_0001",
        "Adolfo_Rodriguez_Saa/Adolfo_Rodriguez_Saa_0002",
        "Adrian_McPherson/Adrian_McPherson_0002",
    )
    return [shared / "data" / "photos" / f"{name}.jpg" for name in names]


@pytest.fixture(scope="session")
def scorer() -> QualityScorer:
    """dlib's network with the Observer that ships, for photographs."""
    pytest.importorskip("froq_dlib", reason="needs the plugin froq-dlib")
    return QualityScorer.from_pretrained("dlib_resnet29", aligner="dlib", device="cpu", batch_size=4)


@pytest.fixture(scope="session")
def crop_scorer(scorer: QualityScorer) -> QualityScorer:
    """The same network, for crops."""
    return QualityScorer(scorer.backbone, scorer.observer)
