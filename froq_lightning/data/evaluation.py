"""Comparison sets as a LightningDataModule: what `froq test` runs on."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from lightning.pytorch import LightningDataModule
from lightning.pytorch.overrides.distributed import UnrepeatedDistributedSampler
from torch.utils.data import DataLoader

from froq_lightning.backbones.registry import create_aligner
from froq_lightning.backbones.spec import Backbone
from froq_lightning.data.comparison_set import ComparisonSet
from froq_lightning.data.face_dataset import FaceDataset
from froq_lightning.data.loading import face_loader, require_loading
from froq_lightning.data.pairs import read_comparisons
from froq_lightning.data.score_files import read_scores
from froq_lightning.errors import ConfigurationError, DataError, UnknownNameError
from froq_lightning.evaluation.comparisons import Floats

KNOBS = ("source", "root", "name", "part", "non_mated", "seed")
Source = str | dict[str, Any]


class EvaluationDataModule(LightningDataModule):
    """Feeds `test` with the faces of comparison sets, each image once.

    Args:
        source: pairs CSV, LFW or XQLFW pairs.txt, CFP or IJB-C folder, insightface .bin, or anything whose subjects are
            known: a folder with one sub-folder per subject, RecordIO. A list gives several data sets; a mapping
            `{source: …, root: …, name: …, part: …, non_mated: …, seed: …}` sets options of one.
        root: folder that the paths in pairs files are relative to; by default the file's own.
        non_mated: how many non-mated trials are sampled where only subjects are known.
        scores: quality scores from elsewhere as methods of their own: `{OFIQ: ofiq.csv, CR-FIQA: scores.txt}`, or
            `{name: {path: file, column: name}}`; higher must be better.
        aligner: registered name of an aligner for photographs; without one, images are aligned crops.
        resize: whether crops of another size than the network's are resized; otherwise they are left out.
        batch_size: images per step.
        workers: processes that read images; by default one less than there are cores, 8 at most.

    Attributes:
        sets: the comparison sets, after `setup`.
        scores_given: for every set the `[N]` scores from elsewhere, by name.
    """

    def __init__(
        self,
        source: Source | list[Source],
        root: str | None = None,
        non_mated: int | None = None,
        scores: dict[str, str | dict[str, str]] | None = None,
        aligner: str | None = None,
        resize: bool = False,
        batch_size: int = 32,
        workers: int | None = None,
    ) -> None:
        super().__init__()
        self.source = source
        self.shared: dict[str, Any] = {"root": root, "non_mated": non_mated}
        self.scores = scores or {}
        self.aligner = aligner
        self.resize = resize
        self.batch_size = batch_size
        self.workers = require_loading(batch_size, workers)
        self.sets: list[ComparisonSet] = []
        self.scores_given: list[dict[str, Floats]] = []

    def setup(self, stage: str) -> None:
        """Read the comparison trials, not yet the images; called by the Trainer."""
        del stage
        if self.trainer is None:
            raise ConfigurationError("EvaluationDataModule is set up by a Trainer")
        preprocessing = cast("Backbone", self.trainer.lightning_module.backbone).preprocessing
        self.sets = [self._read(source) for source in _listed(self.source)]
        names = [one.name for one in self.sets]
        if len(set(names)) < len(names):
            raise ConfigurationError(f"Expected data sets of different names, but got {', '.join(names)}; set `name`")
        self.scores_given = [self._given(one) for one in self.sets]
        aligner = self.aligner and create_aligner(self.aligner, preprocessing.alignment, preprocessing.size)
        self.faces = [FaceDataset(one.records, preprocessing, aligner or None, resize=self.resize) for one in self.sets]

    def test_dataloader(self) -> list[DataLoader[Any]]:
        """Batches of every comparison set's images; processes share them without repeating any."""
        return [face_loader(faces, self.batch_size, self.workers, sampler=self._sampler(faces)) for faces in self.faces]

    def _read(self, source: Source) -> ComparisonSet:
        options = {"source": source} if isinstance(source, str) else dict(source)
        for knob in options:
            if knob not in KNOBS:
                raise UnknownNameError.among("option of a data set", knob, KNOBS)
        if "source" not in options:
            raise ConfigurationError(f"Expected a data set to have a `source`, but got {options}")
        return read_comparisons(**{**self.shared, **options})

    def _given(self, one: ComparisonSet) -> dict[str, Floats]:
        keys = [record.key for record in one.records]
        given = {}
        for name, spec in self.scores.items():
            options = {"path": spec} if isinstance(spec, str) else dict(spec)
            if not {"path"} <= set(options) <= {"path", "column"}:
                raise ConfigurationError(f"Expected scores {name!r} as a path or as path and column, but got {spec}")
            given[name] = read_scores(options["path"], keys, options.get("column"))
        return given

    def _sampler(self, faces: FaceDataset) -> UnrepeatedDistributedSampler | None:
        trainer = self.trainer
        if trainer is None or trainer.world_size == 1:
            return None
        if len(faces) < trainer.world_size:
            raise DataError(f"Expected at least {trainer.world_size} images, one per process, but got {len(faces)}")
        return UnrepeatedDistributedSampler(
            faces, num_replicas=trainer.world_size, rank=trainer.global_rank, shuffle=False
        )


def _listed(source: str | Sequence[Source] | Mapping[str, Any]) -> list[Source]:
    listed = [source] if isinstance(source, (str, Mapping)) else list(source)
    if not listed:
        raise ConfigurationError("Expected at least one data set as `source`")
    return cast("list[Source]", listed)
