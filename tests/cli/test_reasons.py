"""`froq predict --reasons`: what is wrong with each image, in every format, and in runs that go on."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from pyarrow import parquet

from froq_lightning import QualityScorer
from froq_lightning.cli import main
from froq_lightning.defects.components import COMPONENTS

Rows = list[dict[str, str]]
COLUMNS = ["image", "quality_score", "quality", "status", "reason"]
DEFECT_OF = {"dark": "dark", "noise": "noise", "jpeg": "compression", "bright": "bright", "occlusion": "occluded"}


CALLBACK = """
from lightning.pytorch import Callback


class Failing(Callback):
    def on_predict_batch_end(self, trainer, pl_module, outputs, batch, batch_idx, dataloader_idx=0):
        if batch_idx:
            raise RuntimeError("out of memory")
"""


@pytest.fixture(scope="module")
def degraded(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A severely degraded crop of each of some kinds by its name, a clean one, and a file that is no image."""
    folder = tmp_path_factory.mktemp("degraded")
    with (shared / "data" / "degradations.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            link = folder / f"{row['kind']}.jpg"
            if row["kind"] in DEFECT_OF and float(row["severity"]) > 0.8 and not link.exists():
                link.symlink_to(shared / "data" / "faces_degraded" / row["image"])
    (folder / "clean.jpg").symlink_to(shared / "data" / "faces" / "Abdullah_Gul" / "Abdullah_Gul_0001.jpg")
    (folder / "broken.jpg").write_text("no image")
    return folder


@pytest.fixture
def reasoned(degraded: Path, predict: Callable[..., Rows], tmp_path: Path) -> Rows:
    return predict(degraded, tmp_path / "scores.csv", "--reasons")


def test_the_defects_and_the_components_are_columns_behind_the_others(
    reasoned: Rows, degraded: Path, predict: Callable[..., Rows], tmp_path: Path
) -> None:
    assert list(reasoned[0]) == [*COLUMNS, "defects", *COMPONENTS]
    by_image = {row["image"].removesuffix(".jpg"): row for row in reasoned}
    assert {name: by_image[name]["defects"].split("; ")[0] for name in DEFECT_OF} == DEFECT_OF
    assert by_image["clean"]["defects"] == by_image["broken"]["defects"] == ""
    assert {by_image["broken"][name] for name in COMPONENTS} == {"-1"}
    assert by_image["clean"]["HeadPoseYaw"] == "-1", "nothing is known of the photograph"
    alone = predict(degraded, tmp_path / "alone.csv")
    assert list(alone[0]) == COLUMNS
    assert alone == [{name: row[name] for name in COLUMNS} for row in reasoned], "reasons change no score"


def test_columns_are_there_though_the_first_batches_have_no_image(
    degraded: Path, predict: Callable[..., Rows], tmp_path: Path
) -> None:
    (tmp_path / "late").mkdir()
    for name in ("1.jpg", "2.jpg", "3.jpg"):
        (tmp_path / "late" / name).write_text("no image")
    (tmp_path / "late" / "dark.jpg").symlink_to((degraded / "dark.jpg").resolve())
    rows = predict(tmp_path / "late", tmp_path / "scores.csv", "--reasons", "--data.batch_size=1")
    assert list(rows[0]) == [*COLUMNS, "defects", *COMPONENTS]
    assert rows[3]["defects"].startswith("dark")


@pytest.mark.parametrize("suffix", [".tsv", ".jsonl", ".parquet"])
def test_other_formats_hold_the_same(
    suffix: str, reasoned: Rows, degraded: Path, network: tuple[str, ...], observer: Path, tmp_path: Path
) -> None:
    path = tmp_path / f"scores{suffix}"
    run = ["predict", *network, f"--model.observer={observer}", f"--data.source={degraded}", f"--output={path}"]
    assert main([*run, "--reasons=true"]) == 0
    if suffix == ".parquet":
        rows = parquet.read_table(path).to_pylist()
    elif suffix == ".jsonl":
        rows = [json.loads(line) for line in path.read_text().splitlines()]
    else:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
    shown = ["image", "defects", *COMPONENTS]
    assert [{name: str(row[name]) for name in shown} for row in rows] == [
        {name: row[name] for name in shown} for row in reasoned
    ]
    assert main(run) == 0, "a file with reasons may be replaced by one without"


def test_the_table_shows_what_is_wrong(capsys: pytest.CaptureFixture[str], reasoned: Rows) -> None:
    lines = {
        line.split()[2]: line
        for line in capsys.readouterr().out.splitlines()
        if line.startswith(" ") and ".jpg" in line
    }
    assert lines["occlusion.jpg"].endswith("occlusion.jpg  occluded")
    assert len(reasoned) == len(lines) + 1


def test_a_run_that_goes_on_keeps_them_and_another_option_is_refused(
    degraded: Path, network: tuple[str, ...], observer: Path, refused: Callable[..., str], tmp_path: Path
) -> None:
    paths = [f"--model.observer={observer}", f"--data.source={degraded}", "--data.batch_size=3"]
    whole, parts = tmp_path / "whole.csv", tmp_path / "parts.csv"
    assert main(["predict", *network, *paths, "--reasons", f"--output={whole}"]) == 0
    run = ["predict", *network, *paths, f"--output={parts}"]
    failing = "--trainer.callbacks+=test_reasons_callbacks.Failing"
    with pytest.MonkeyPatch.context() as patch:
        (tmp_path / "test_reasons_callbacks.py").write_text(CALLBACK)
        patch.syspath_prepend(tmp_path)
        assert main([*run, "--reasons", failing]) == 2
    assert "data.reasons was True, now is False" in refused(*run)
    assert main([*run, "--reasons"]) == 0
    assert parts.read_bytes() == whole.read_bytes()


def test_the_scorer_names_them_too(reasoned: Rows, degraded: Path, observer: Path, shared: Path) -> None:
    weights = str(shared / "data" / "weights" / "mobilefacenet_casia.ckpt")
    scorer = QualityScorer.from_observer(observer, weights=weights, device="cpu")
    scores = scorer(sorted(degraded.iterdir()), reasons=True)
    assert ["; ".join(row.defects) for row in scores] == [row["defects"] for row in reasoned]
    assert [[str(row.components[name]) for name in COMPONENTS] for row in scores] == [
        [row[name] for name in COMPONENTS] for row in reasoned
    ]
    assert all(row.components == {} and row.defects == () for row in scorer(degraded / "dark.jpg"))
