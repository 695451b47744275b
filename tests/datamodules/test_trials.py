from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning.pytorch import LightningModule, Trainer

from froq_lightning.backbones.spec import Preprocessing
from froq_lightning.data.face_batch import FaceBatch
from froq_lightning.datamodules.trials import TrialDataModule
from froq_lightning.errors import ConfigurationError, DataError, DataNotFoundError, UnknownNameError


class Collector(LightningModule):
    """Keeps the batches that `test` feeds it."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[tuple[int, FaceBatch]] = []

    def test_step(self, batch: FaceBatch, batch_idx: int, dataloader_idx: int = 0) -> None:
        del batch_idx
        self.batches.append((dataloader_idx, batch))


def run(data: TrialDataModule) -> list[tuple[int, FaceBatch]]:
    """Run `test` on the data, and return what it was fed."""
    module = Collector()
    options = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    Trainer(accelerator="cpu", enable_checkpointing=False, **options).test(module, data)
    return module.batches


def test_the_images_of_several_sets_come_once_each(bin_file: Path, memfile: Path, rec_file: Path) -> None:
    sources = [str(bin_file), {"source": str(memfile), "name": "memfile"}, {"source": str(rec_file), "non_mated": 7}]
    data = TrialDataModule(sources, Preprocessing(), batch_size=5, workers=0)
    batches = run(data)
    assert [data_set.comparisons.name for data_set in data.sets] == ["lfw", "memfile", "train"]
    assert [len(data_set.comparisons.mated) for data_set in data.sets] == [8, 8, 12 + 7]
    for number in range(3):
        indices = torch.cat([batch.sample_index for place, batch in batches if place == number])
        assert indices.tolist() == list(range(12))
        assert [len(batch.images) for place, batch in batches if place == number] == [5, 5, 2]
    assert all(not batch.failures and batch.pseudo_quality is None for _, batch in batches)
    assert [data_set.scores for data_set in data.sets] == [{}, {}, {}]


def test_options_of_a_set_precede_the_shared_ones(shared: Path, crops: list, tmp_path: Path) -> None:
    for crop in crops:
        (tmp_path / "few" / crop.subject).mkdir(parents=True, exist_ok=True)
        (tmp_path / "few" / crop.subject / crop.path.name).symlink_to(crop.path)
    two = [str(tmp_path / "few"), {"source": str(tmp_path / "few"), "name": "other", "non_mated": 5, "seed": 2}]
    data = TrialDataModule(two, Preprocessing(), root=str(shared), non_mated=9, workers=0)
    run(data)
    assert [data_set.comparisons.note.split(", ")[1] for data_set in data.sets] == [
        "9 of 54 non-mated trials sampled (seed 0)",
        "5 of 54 non-mated trials sampled (seed 2)",
    ]


def test_scores_from_elsewhere_find_the_images(bin_file: Path, tmp_path: Path) -> None:
    (tmp_path / "ofiq.csv").write_text("Filename;UnifiedQualityScore;Other\nx/000003;5;1\nx/000000;4;2\nx/000001;;3\n")
    scores: dict[str, Any] = {"OFIQ": str(tmp_path / "ofiq.csv")}
    scores["other"] = {"path": str(tmp_path / "ofiq.csv"), "column": "other"}
    data = TrialDataModule(str(bin_file), Preprocessing(), scores=scores, workers=0)
    run(data)
    keys = [image.key for image in data.sets[0].images]
    assert keys[:3] == ["000000", "000001", "000003"]
    np.testing.assert_array_equal(data.sets[0].scores["OFIQ"][:4], [4, np.nan, 5, np.nan])
    np.testing.assert_array_equal(data.sets[0].scores["other"][:4], [2, 3, 1, np.nan])


def test_what_cannot_be_read_is_a_failure_of_its_batch(crops: list, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(crops[0].content[:900])
    (tmp_path / "pairs.csv").write_text(
        f"image_a,image_b,mated\n{crops[0].path},broken.jpg,1\n{crops[3].path},gone,0\n"
    )
    ((_, batch),) = run(TrialDataModule(str(tmp_path / "pairs.csv"), Preprocessing(), workers=0))
    assert batch.sample_index.tolist() == [0, 2]
    assert [sample.index for sample in batch.failures] == [1, 3]
    assert batch.failures[1].note == "file does not exist"


def test_photographs_are_aligned_and_crops_resized_on_demand(shared: Path, tmp_path: Path) -> None:
    pytest.importorskip("froq_dlib", reason="needs the plugin froq-dlib")
    names = ["Al_Gore/Al_Gore_0001.jpg", "Al_Gore/Al_Gore_0002.jpg", "Bill_Gates/Bill_Gates_0001.jpg"]
    (tmp_path / "pairs.csv").write_text(f"image_a,image_b,mated\n{names[0]},{names[1]},1\n{names[0]},{names[2]},0\n")
    options: dict[str, Any] = {"root": str(shared / "data" / "photos"), "workers": 0}
    ((_, aligned),) = run(TrialDataModule(str(tmp_path / "pairs.csv"), Preprocessing(), aligner="dlib", **options))
    ((_, resized),) = run(TrialDataModule(str(tmp_path / "pairs.csv"), Preprocessing(), resize=True, **options))
    assert (len(aligned.images), len(resized.images)) == (3, 3)
    assert resized.notes == ["resized from 250 x 250"] * 3
    with pytest.raises(ConfigurationError, match=r"in pairs, such as .* with 250 x 250; set data.aligner for"):
        run(TrialDataModule(str(tmp_path / "pairs.csv"), Preprocessing(), **options))


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ([], ConfigurationError, "Expected at least one data set as `source`"),
        ([{"name": "x"}], ConfigurationError, "Expected a data set to have a `source`, but got {'name': 'x'}"),
        ([{"source": "x", "rot": "y"}], UnknownNameError, "unknown option of a data set 'rot'; nearest: root"),
        (["gone"], DataNotFoundError, "data source 'gone' does not exist"),
    ],
)
def test_a_source_that_cannot_be_is_refused(source: Any, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        run(TrialDataModule(source, Preprocessing(), workers=0))


@pytest.mark.parametrize(
    ("count", "scores", "message"),
    [
        (2, {}, "data sets of different names, but got lfw, lfw; set `name`"),
        (1, {"OFIQ": {"column": "x"}}, "Expected scores 'OFIQ' as a path or as path and column, but got"),
        (1, {"OFIQ": {"path": "x", "colum": "y"}}, "Expected scores 'OFIQ' as a path or as path and column, but got"),
    ],
)
def test_names_and_scores_that_cannot_be_are_refused(count: int, scores: Any, message: str, bin_file: Path) -> None:
    with pytest.raises(ConfigurationError, match=message):
        run(TrialDataModule([str(bin_file)] * count, Preprocessing(), scores=scores, workers=0))


def test_every_bin_file_of_a_folder_without_images_is_a_data_set(bin_file: Path, crops: list, tmp_path: Path) -> None:
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    for name in ("cfp_fp.bin", "agedb_30.BIN", ".hidden.bin", "notes.txt"):
        (folder / name).write_bytes(bin_file.read_bytes())
    data = TrialDataModule([str(folder), str(bin_file)], Preprocessing(), workers=0)
    assert len(run(data)) == 3
    assert [data_set.comparisons.name for data_set in data.sets] == ["agedb_30", "cfp_fp", "lfw"]
    (folder / "face.jpg").symlink_to(crops[0].path)
    with pytest.raises(DataError, match="tell the subject of every image"):
        run(TrialDataModule(str(folder), Preprocessing(), workers=0))


def test_a_folder_of_which_a_bin_file_cannot_be_read_or_is_named_or_scored_twice_is_refused(
    bin_file: Path, tmp_path: Path
) -> None:
    for name in ("lfw.bin", "cplfw.bin"):
        (tmp_path / name).write_bytes(bin_file.read_bytes())
    named = {"source": str(tmp_path), "name": "mine"}
    with pytest.raises(ConfigurationError, match=r"no `name` for 2 data sets, the \.bin files of .*, but got 'mine'"):
        run(TrialDataModule([named], Preprocessing(), workers=0))
    scored = {"source": str(tmp_path), "scores": {"OFIQ": "ofiq.csv"}}
    with pytest.raises(ConfigurationError, match=r"no `scores` for 2 data sets, .*; give each file as a `source`"):
        run(TrialDataModule([scored], Preprocessing(), workers=0))
    (tmp_path / "cplfw.bin").write_bytes(b"weights of something")
    with pytest.raises(DataError, match=r"cplfw\.bin is no pickle, or damaged"):
        run(TrialDataModule(str(tmp_path), Preprocessing(), workers=0))
