"""Comparison sets as a LightningDataModule, for `test`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader

from froq_lightning.backbones.spec import Preprocessing
from froq_lightning.data.comparison_set import ComparisonSet, ImagesOfSets
from froq_lightning.data.face_dataset import TrialDataset
from froq_lightning.data.image_refs import Names, archive_stamp
from froq_lightning.data.score_files import read_scores
from froq_lightning.data.subject_names import read_names
from froq_lightning.datamodules.loading import (
    BatchSize,
    Step,
    aligner_for,
    face_loader,
    print_passed_over,
    require_loading,
    share_of,
    skipped,
)
from froq_lightning.errors import ConfigurationError, UnknownNameError
from froq_lightning.evaluation.comparisons import Floats
from froq_lightning.sources.source import read_trials, sets_of

OPTIONS = {"source": str, "root": str, "name": str, "part": str, "non_mated": int, "seed": int, "scores": dict}
Source = str | dict[str, Any]


class TrialDataModule(LightningDataModule):
    """Feeds `test` with the faces of comparison sets, each image once.

    Args:
        source: pairs CSV or list, LFW or XQLFW pairs.txt, CFP or IJB-C folder, insightface .bin, or anything whose
            subjects are known: a folder with one sub-folder per subject, RecordIO. A list gives several data sets, and
            so does a folder that holds .bin files and no images: one for each. A mapping `{source: …, root: …,
            name: …, part: …, non_mated: …, seed: …, scores: …}` sets options of one.
        preprocessing: of the backbone; it says how large crops are, and how they are aligned.
        root: folder that the paths in pairs files are relative to, and must not lead out of; by default the file's own,
            which they may lead out of.
        non_mated: how many non-mated trials are sampled where only subjects are known.
        scores: quality scores from elsewhere as methods of their own: `{OFIQ: ofiq.csv, CR-FIQA: scores.txt}`, or
            `{name: {path: file, column: name}}`; higher must be better. A data set may have files of its own.
        groups: table with a column of paths and one of groups of people, such as a manifest, for rates by group.
        group_column: the column of groups.
        aligner: registered name of an aligner for photographs; without one, images are aligned crops.
        resize: whether crops of another size than the network's are resized; otherwise they are left out.
        batch_size: images per step; `auto` takes the number that the network is fastest at, found before the run.
        workers: processes that read images; by default one less than there are cores, 8 at most.

    Attributes:
        sets: after `setup`, the data sets with their trials and scores.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - the options of the command line
        self,
        source: Source | list[Source],
        preprocessing: Preprocessing,
        root: str | None = None,
        non_mated: int | None = None,
        scores: dict[str, str | dict[str, Any]] | None = None,
        groups: str | None = None,
        group_column: str = "group",
        aligner: str | None = None,
        resize: bool = False,
        batch_size: BatchSize = 32,
        workers: int | None = None,
    ) -> None:
        super().__init__()
        self.source = source
        self.preprocessing = preprocessing
        self.shared: dict[str, Any] = {"root": root, "non_mated": non_mated}
        self.scores = scores or {}
        self.groups, self.group_column = groups, group_column
        self.aligner = aligner
        self.resize = resize
        self.batch_size = batch_size
        self.workers = require_loading(batch_size, workers)
        self.sets: list[TrialDataset] = []
        self._skipped: list[int] = []

    def setup(self, stage: str) -> None:
        """Read the comparison trials, not yet the images; called by the Trainer."""
        del stage
        options = [each for source in _listed(self.source) for each in _sets(_checked(source))]
        scores_of_sets = [{**self.scores, **each.pop("scores", {})} for each in options]
        run_folder = Path(self.trainer.default_root_dir if self.trainer else ".")
        sets = [read_trials(**{**self.shared, **each}, scratch=run_folder) for each in options]
        names = [each.name for each in sets]
        if len(set(names)) < len(names):
            raise ConfigurationError(f"Expected data sets of different names, but got {', '.join(names)}; set `name`")
        self._require_keys_of_one_set(sets)
        scores = [_scores(each, stated) for each, stated in zip(sets, scores_of_sets, strict=True)]
        every = dict.fromkeys(name for each in scores for name in each)
        self.sets = [
            TrialDataset(
                each,
                self.preprocessing,
                aligner_for(self.aligner, self.preprocessing),
                resize=self.resize,
                scores={name: own.get(name, np.full(len(each.images), np.nan)) for name in every},
                groups=self._groups(each),
            )
            for each, own in zip(sets, scores, strict=True)
        ]
        for dataset in self.sets:
            dataset.require_crops(dataset.comparisons.name)
            print_passed_over(dataset.comparisons.name, dataset.comparisons.passed_over, self.trainer)
        self._skipped = [0] * len(self.sets)

    def test_dataloader(self) -> list[DataLoader[Any]]:
        """Batches of every comparison set's images; processes share them without repeating any."""
        return [
            face_loader(dataset, self.batch_size, self.workers, share_of(dataset, self.trainer, done))
            for dataset, done in zip(self.sets, self._skipped, strict=True)
        ]

    def skip(self, steps: Sequence[Step]) -> None:
        """Leave out what an earlier run of this process did; call it after `setup`; see `skipped`."""
        self._skipped, self.batch_size = skipped(steps, len(self.sets), self.batch_size)

    def names(self) -> Sequence[str]:
        """Return the names of the images of all data sets in their order; call it after `setup`."""
        return Names(ImagesOfSets([each.comparisons for each in self.sets]))

    def identity(self) -> dict[str, Any]:
        """Say, as JSON values, what the batches depend on besides the names of the images."""
        return {
            "source": [_without_trials(source) for source in _listed(self.source)],
            "root": self.shared["root"],
            "archives": [stamp for each in self.sets if (stamp := archive_stamp(each.images[0])) is not None],
            "aligner": self.aligner,
            "resize": self.resize,
            "batch_size": self.batch_size,
        }

    def _groups(self, comparisons: ComparisonSet) -> tuple[str, list[str]] | None:
        if self.groups is None:
            return None
        keys = [image.key for image in comparisons.images]
        return self.group_column, read_names(Path(self.groups), keys, self.group_column)

    def _require_keys_of_one_set(self, sets: Sequence[ComparisonSet]) -> None:
        """Refuse one file of scores for several archives, whose images have the same names: their numbers."""
        archives = [each.name for each in sets if each.images[0].archive is not None]
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
    for option, value in options.items():
        if option not in OPTIONS:
            raise UnknownNameError.among("option of a data set", str(option), OPTIONS)
        if value is not None and type(value) is not OPTIONS[option]:
            raise ConfigurationError(
                f"Expected `{option}` of a data set to be of type {OPTIONS[option].__name__}, but got {value!r}"
            )
    if options.get("source") is None:
        raise ConfigurationError(f"Expected a data set to have a `source`, but got {options}")
    return {option: value for option, value in options.items() if value is not None}


def _without_trials(source: Source) -> Source:
    """Return what of a data set the images depend on, not the choice of trials or scores from elsewhere."""
    if isinstance(source, str):
        return source
    return {option: value for option, value in source.items() if option not in {"non_mated", "seed", "scores"}}


def _sets(options: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the options of the data sets that a source stands for: itself, or those of a folder."""
    path = Path(options["source"])
    paths = sets_of(path)
    # An image of an archive has a number for a name, which images of the other archives have, too.
    if len(paths) > 1 and (own := {"name", "scores"} & set(options)):
        option = min(own)
        raise ConfigurationError(
            f"Expected no `{option}` for {len(paths)} data sets, the files of {path.name}, but got "
            f"{options[option]!r}; give each file as a `source`"
        )
    return [{**options, "source": str(each)} for each in paths]


def _scores(comparisons: ComparisonSet, scores: Mapping[str, Any]) -> dict[str, Floats]:
    keys = [image.key for image in comparisons.images]
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
