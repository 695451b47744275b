"""Ray Data and Spark on this machine, in their local modes: the scores of `froq predict`."""

import csv
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
from pyarrow import parquet

from froq_lightning.cli import main

EXAMPLES = Path(__file__).parents[2] / "examples"
BATCH = 4
# For Spark's workers, and for Ray without its reports of usage.
ENVIRONMENT = {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1", "RAY_USAGE_STATS_ENABLED": "0"}
Rows = list[dict[str, str]]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def calibrated(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the weights, an Observer, 18 crops, a file that is no image, and their scores by `froq predict`."""
    pytest.importorskip("froq_mobilefacenet", reason="needs the plugin froq-mobilefacenet")
    folder = tmp_path_factory.mktemp("engines")
    (folder / "weights.ckpt").symlink_to(shared / "data" / "weights" / "mobilefacenet_casia.ckpt")
    for name, source, count in (("faces", "faces/*/*.jpg", 18), ("calibration", "calibration/*.jpg", 20)):
        (folder / name).mkdir()
        for image in sorted((shared / "data").glob(source))[:count]:
            (folder / name / image.name).write_bytes(image.read_bytes())
    (folder / "faces" / "M.jpg").write_text("no image")
    network = ["--model.backbone=mobilefacenet", f"--model.backbone_options.weights={folder / 'weights.ckpt'}"]
    quiet = ["--data.workers=0", "--trainer.accelerator=cpu", "--trainer.enable_progress_bar=false"]
    observer, scores = folder / "observer.json", folder / "scores.csv"
    made = ["--report=false", f"--data.source={folder / 'calibration'}", f"--output={observer}"]
    assert main(["validate", *network, *quiet, *made]) == 0
    paths = [f"--model.observer={observer}", f"--data.source={folder / 'faces'}", f"--output={scores}"]
    assert main(["predict", *network, *quiet, *paths, f"--data.batch_size={BATCH}"]) == 0
    return folder


@pytest.fixture
def scored(calibrated: Path, tmp_path: Path) -> Callable[..., Rows]:
    """Runs an example, and returns its rows in the order of their names, as the table of `froq predict` has them."""

    def run(example: str, *options: str) -> Rows:
        paths = {"observer": "observer.json", "weights": "weights.ckpt", "source": "faces"}
        named = [f"--{name}={calibrated / path}" for name, path in paths.items()]
        command = [sys.executable, str(EXAMPLES / example), *named, f"--output={tmp_path / 'scores'}"]
        subprocess.run(
            [*command, f"--batch-size={BATCH}", *options], env=os.environ | ENVIRONMENT, check=True, timeout=400
        )
        found = [
            {name: "" if value != value else str(value) for name, value in row.items()}  # noqa: PLR0124 - NaN
            | {"image": Path(row["image"]).name, "quality_score": _digits(row["quality_score"])}
            for file in (tmp_path / "scores").glob("*.parquet")
            for row in parquet.read_table(file).to_pylist()
        ]
        return sorted(found, key=lambda row: row["image"])

    return run


def _digits(score: float | None) -> str:
    return "" if score is None or score != score else f"{score:.9g}"  # noqa: PLR0124 - NaN


def expected(folder: Path) -> Rows:
    with (folder / "scores.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.skipif(find_spec("ray") is None, reason="needs the extra ray")
def test_ray_gives_the_scores_of_froq_predict(scored: Callable[..., Rows], calibrated: Path) -> None:
    assert scored("ray_data.py") == expected(calibrated)


@pytest.mark.skipif(find_spec("pyspark") is None or not shutil.which("java"), reason="needs the extra spark, and Java")
def test_spark_gives_the_scores_of_froq_predict(scored: Callable[..., Rows], calibrated: Path) -> None:
    assert scored("spark.py", "--partitions=1") == expected(calibrated)
