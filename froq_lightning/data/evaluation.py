"""Comparison sets as a LightningDataModule: what `froq test` runs on."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader

from froq_lightning.backbones.registry import create_aligner
from froq_lightning.backbones.spec import Backbone
from froq_lightning.data.comparison_set import ComparisonSet
from froq_lightning.data.face_dataset import FaceDataset
from froq_lightning.data.loading import BatchSize, face_loader, images_at_once, require_loading
from froq_lightning.data.pairs import read_comparisons
from froq_lightning.data.score_files import read_scores
from froq_lightning.data.sharing import shared_among_processes
from froq_lightning.errors import ConfigurationError, UnknownNameError
from froq_lightning.evaluation.comparisons import Floats

KNOBS = {"source": str, "root": str, "name": str, "part": str, "non_mated": int, "seed": int, "scores": dict}
Source = str | dict[str, Any]


class EvaluationDataModule(LightningDataModule):
    """Feeds `test` with the faces of comparison sets, each image once.

    Args:
        source: pairs CSV or list, LFW or XQLFW pairs.txt, CFP or IJB-C folder, insightface .bin, or anything whose
            subjects are known: a folder with one sub-folder per subject, RecordIO. A list gives several data sets; a
            mapping `{source: …, root: …, name: …, part: …, non_mated: …, seed: …, scores: …}` sets options of one.
        root: folder that the paths in pairs files are relative to, and must not lead out of; by default the file's own,
            which they may lead out of.
        non_mated: how many non-mated trials are sampled where only subjects are known.
        scores: quality scores from elsewhere as methods of their own: `{OFIQ: ofiq.csv, CR-FIQA: scores.txt}`, or
            `{name: {path: file, column: name}}`; higher must be better. A data set may have files of its own.
        aligner: registered name of an aligner for photographs; without one, images are aligned crops.
        resize: whether crops of another size than the network's are resized; otherwise they are left out.
        batch_size: images per step; `auto` takes the number that the network is fastest at, found before the run.
        workers: processes that read images; by default one less than there are cores, 8 at most.

    Attributes:
        sets: the comparison sets, after `setup`.
        scores_given: for every set the `[N]` scores from elsewhere, by name; NaN where a set has none of that name.
    """

    def __init__(
        self,
        source: Source | list[Source],
        root: str | None = None,
        non_mated: int | None = None,
        scores: dict[str, str | dict[str, Any]] | None = None,
        aligner: str | None = None,
        resize: bool = False,
        batch_size: BatchSize = 32,
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
        asked = [_checked(source) for source in _listed(self.source)]
        self.sets = [read_comparisons(**{**self.shared, **_but_scores(options)}) for options in asked]
        names = [one.name for one in self.sets]
        if len(set(names)) < len(names):
            raise ConfigurationError(f"Expected data sets of different names, but got {', '.join(names)}; set `name`")
        self._require_keys_of_one_set()
        given = [
            _given(one, {**self.scores, **options.get("scores", {})})
            for one, options in zip(self.sets, asked, strict=True)
        ]
        every = dict.fromkeys(name for scores in given for name in scores)
        self.scores_given = [
            {name: scores.get(name, np.full(len(one.records), np.nan)) for name in every}
            for one, scores in zip(self.sets, given, strict=True)
        ]
        aligner = self.aligner and create_aligner(self.aligner, preprocessing.alignment, preprocessing.size)
        self.faces = [FaceDataset(one.records, preprocessing, aligner or None, resize=self.resize) for one in self.sets]
        for one, faces in zip(self.sets, self.faces, strict=True):
            faces.require_crops(one.name)
            if one.passed_over and self.trainer.is_global_zero:
                print(f"passed over in {one.name}: {one.passed_over}", flush=True)

    def test_dataloader(self) -> list[DataLoader[Any]]:
        """Batches of every comparison set's images; processes share them without repeating any."""
        size = images_at_once(self.batch_size, self.trainer)
        return [
            face_loader(faces, size, self.workers, sampler=shared_among_processes(faces, self.trainer))
            for faces in self.faces
        ]

    def _require_keys_of_one_set(self) -> None:
        """Refuse one file of scores for several archives, whose images have the same names: their numbers."""
        archives = [one.name for one in self.sets if one.records[0].archive is not None]
        if self.scores and len(archives) > 1:
            raise ConfigurationError(
                f"Expected `scores` beside the `source` of each data set, since the images of {' and '.join(archives)} "
                "are told apart by their numbers alone"
            )


def _listed(source: str | Sequence[Source] | Mapping[str, Any]) -> list[Source]:
    listed = [source] if isinstance(source, (str, Mapping)) else list(source)
    if not listed:
        raise ConfigurationError("Expected at least one data set as `source`")
    return cast("list[Source]", listed)


def _checked(source: Source) -> dict[str, Any]:
    """Return the options of a data set, their types checked."""
    options = {"source": source} if isinstance(source, str) else dict(source)
    for knob, value in options.items():
        if knob not in KNOBS:
            raise UnknownNameError.among("option of a data set", str(knob), KNOBS)
        if value is not None and type(value) is not KNOBS[knob]:
            raise ConfigurationError(
                f"Expected `{knob}` of a data set to be of type {KNOBS[knob].__name__}, but got {value!r}"
            )
    if options.get("source") is None:
        raise ConfigurationError(f"Expected a data set to have a `source`, but got {options}")
    return {knob: value for knob, value in options.items() if value is not None}


def _but_scores(options: Mapping[str, Any]) -> dict[str, Any]:
    return {knob: value for knob, value in options.items() if knob != "scores"}


def _given(one: ComparisonSet, scores: Mapping[str, Any]) -> dict[str, Floats]:
    keys = [record.key for record in one.records]
    given = {}
    for name, spec in scores.items():
        options = {"path": spec} if isinstance(spec, str) else spec
        if not _is_score_file(options):
            raise ConfigurationError(f"Expected scores {name!r} as a path or as path and column, but got {spec!r}")
        given[str(name)] = read_scores(options["path"], keys, options.get("column"))
    return given


def _is_score_file(options: Any) -> bool:
    known = isinstance(options, Mapping) and {"path"} <= set(options) <= {"path", "column"}
    return known and all(isinstance(value, str) for value in options.values())
