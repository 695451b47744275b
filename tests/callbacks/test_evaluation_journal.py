"""What an evaluation that ended early goes on with."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from froq_lightning.callbacks import EvaluationWriter
from froq_lightning.datamodules.loading import BatchSize
from froq_lightning.datamodules.trials import Source, TrialDataModule
from froq_lightning.errors import JournalError
from froq_lightning.evaluation.evaluate import MetricOptions
from froq_lightning.module import FroqModule

METHODS = ("embedding_norm", {"method": "random", "seed": 1})


class FixedBatchSize(Callback):
    """Finds a batch size, as `FastestBatchSize` does, that does not depend on time."""

    def __init__(self, size: int) -> None:
        self.size = size

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Set it where none was found yet."""
        del pl_module, stage
        data: TrialDataModule = trainer.datamodule  # type: ignore[attr-defined]
        data.batch_size = self.size if data.batch_size == "auto" else data.batch_size


class EndedError(Exception):
    """Stands for whatever ends a run."""


class EndAfter(Callback):
    """Ends a run after some batches."""

    def __init__(self, batches: int) -> None:
        self.batches = batches

    def on_test_batch_end(self, *_: Any, **_options: Any) -> None:
        """Count the batches."""
        self.batches -= 1
        if not self.batches:
            raise EndedError


def people(shared: Path, folder: Path, first: int, count: int) -> str:
    """Link some subjects of the shared faces into a folder."""
    folder.mkdir()
    for subject in sorted((shared / "data" / "faces").iterdir())[first : first + count]:
        (folder / subject.name).symlink_to(subject)
    return str(folder)


def network(methods: Sequence[Any] = METHODS) -> FroqModule:
    """The same network each time."""
    torch.manual_seed(0)
    options = {"architecture": "test_resnet", "num_classes": 8}
    return FroqModule("timm", options, methods=tuple(methods), metrics=MetricOptions(("froq",), (0.1,)))


def evaluate(
    module: FroqModule, output: Path, sources: Sequence[Source], *callbacks: Callback, batch_size: BatchSize = 4
) -> TrialDataModule:
    """Run `test`, and return the data."""
    data = TrialDataModule(list(sources), module.preprocessing, batch_size=batch_size, workers=0)
    options = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = Trainer(
        accelerator="cpu", enable_checkpointing=False, callbacks=[EvaluationWriter(output), *callbacks], **options
    )
    trainer.test(module, data, verbose=False)
    return data


def test_methods_in_another_order_do_not_go_on(shared: Path, tmp_path: Path) -> None:
    sources, output = [people(shared, tmp_path / "few", 0, 4)], tmp_path / "results.csv"
    with pytest.raises(EndedError):
        evaluate(network(), output, sources, EndAfter(2))
    with pytest.raises(JournalError, match=r"model\.order_of_methods was"):
        evaluate(network(METHODS[::-1]), output, sources)


def test_a_batch_size_that_was_found_is_taken_again_after_a_small_data_set(shared: Path, tmp_path: Path) -> None:
    sources = [people(shared, tmp_path / "few", 0, 3), people(shared, tmp_path / "many", 3, 8)]
    output = tmp_path / "results.csv"
    found = len(list((tmp_path / "few").glob("*/*"))) + 5
    with pytest.raises(EndedError):
        evaluate(network(), output, sources, FixedBatchSize(found), EndAfter(1), batch_size="auto")
    data = evaluate(network(), output, sources, FixedBatchSize(found + 1), batch_size="auto")
    assert data.batch_size == found


def test_a_run_after_one_that_failed_takes_the_methods_that_the_module_has_now(shared: Path, tmp_path: Path) -> None:
    sources, module = [people(shared, tmp_path / "few", 0, 4)], network()
    with pytest.raises(EndedError):
        evaluate(module, tmp_path / "failed.csv", sources, EndAfter(2))
    module.methods = METHODS[:1]
    evaluate(module, tmp_path / "results.csv", sources)
    assert module.evaluation is not None
    assert [method.name for method in module.evaluation.methods] == ["embedding_norm"]


def test_other_trials_between_the_images_of_a_data_set_go_on(shared: Path, tmp_path: Path) -> None:
    source, output = people(shared, tmp_path / "few", 0, 4), tmp_path / "results.csv"
    with pytest.raises(EndedError):
        evaluate(network(), output, [{"source": source, "non_mated": 9}], EndAfter(2))
    data = evaluate(network(), output, [{"source": source, "non_mated": 12, "seed": 1}])
    assert int((~data.sets[0].comparisons.mated).sum()) == 12
    assert not output.with_name("results.csv.partial").exists()
