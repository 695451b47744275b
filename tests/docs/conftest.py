"""A folder with what the commands and programs of the pages name."""

import shutil
from pathlib import Path

import pytest
import torch

from froq_lightning.cli import main

QUIET = "--trainer.enable_progress_bar=false"
NETWORK = ("--backbone=edgeface_xxs", "--weights=edgeface_xxs.safetensors")


def trials_of(data: Path) -> list[tuple[str, str, str]]:
    """A few trials between good faces and degraded ones, with whole paths."""
    rows = (data / "pairs_cross_quality.csv").read_text(encoding="utf-8").splitlines()[1:]
    chosen = [row for row in rows if row.endswith(",1")][:8] + [row for row in rows if row.endswith(",0")][:20]
    return [(str(data / one), str(data / other), mated) for one, other, mated in (row.split(",") for row in chosen)]


def write_table(path: Path, *rows: tuple[str, ...]) -> None:
    path.write_text("\n".join(map(",".join, rows)) + "\n", encoding="utf-8")


@pytest.fixture(scope="session")
def prepared(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photographs, crops, weights and tables, and what other pages made of them: an Observer, scores, trials."""
    data, place = shared / "data", tmp_path_factory.mktemp("prepared")
    for name, source in (("photos", "calibration_photos"), ("crops", "calibration")):
        for number, image in enumerate(sorted((data / source).glob("*.jpg"))[:10]):
            folder = place / name / (f"person_{number % 2}" if name == "photos" else "")
            folder.mkdir(parents=True, exist_ok=True)
            (folder / image.name).symlink_to(image)
    people = [folder for folder in sorted((data / "faces").iterdir()) if len(list(folder.iterdir())) > 1]
    (place / "archive").mkdir()
    for folder in people[:6]:
        (place / "archive" / folder.name).symlink_to(folder)
    (place / "photo.jpg").symlink_to(data / "photos" / "Aaron_Sorkin" / "Aaron_Sorkin_0001.jpg")
    for weights in (data / "weights").iterdir():
        (place / weights.name).symlink_to(weights)
    trials = trials_of(data)
    images = sorted({image for one, other, _ in trials for image in (one, other)})
    write_table(place / "pairs.csv", ("image_a", "image_b", "mated"), *trials)
    write_table(
        place / "people.csv", ("path", "age"), *((image, "old" if "A" in image else "young") for image in images)
    )
    write_table(place / "ofiq.csv", ("image", "quality"), *((image, str(len(image) % 50)) for image in images))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        assert main(["validate", "crops", *NETWORK, "--output=observer.json", QUIET]) == 0
        assert main(["validate", "crops", *NETWORK, "--preset=distinct", "--output=published.json", QUIET]) == 0
        scoring = ["--observer=observer.json", NETWORK[1], QUIET]
        assert main(["test", "pairs.csv", *scoring, "--output=results.csv", "--trials=trials.csv"]) == 0
        assert main(["predict", "photos", "--output=scores.csv", "--embeddings=embeddings.npy", QUIET]) == 0
    return place


@pytest.fixture
def workplace(prepared: Path, tmp_path: Path) -> Path:
    """A copy of it, which is the working folder."""
    shutil.copytree(prepared, tmp_path, symlinks=True, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
def images() -> torch.Tensor:
    """[2, 3, 112, 112] uint8 RGB crops of noise, as programs of the pages name them."""
    return torch.randint(0, 256, (2, 3, 112, 112), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
