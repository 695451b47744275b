"""Where faults are injected: images, weights and an Observer, runs on them, and a count of what came of it."""

import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from faulty_run import Run, lost_and_doubled
from networks import faces, networks
from peak_memory import froq

IMAGES = 64


@dataclass
class Tally:
    """What came of the faults of a kind."""

    faults: int = 0
    runs: int = 0
    rows: int = 0
    lost: int = 0
    doubled: int = 0
    differing: int = 0
    half: int = 0

    def cells(self) -> list[int]:
        """In the order of the columns."""
        return [self.faults, self.runs, self.rows, self.lost, self.doubled, self.differing, self.half]

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost."""
        return not (self.lost or self.doubled or self.differing or self.half)


@dataclass
class Bench:
    """A place to work in, with images, weights and an Observer.

    Args:
        folder: of everything.
        network: options that choose the network.
        observer: file of the Observer.
        draw: source of chance.
    """

    folder: Path
    network: list[str]
    observer: Path
    draw: np.random.Generator
    tally: Tally = field(default_factory=Tally)

    def predict(self, output: Path, images: Path | None = None, processes: int = 1) -> Run:
        """Score the images, four at a time."""
        asked = [f"--data.source={images or self.folder / 'images'}", f"--model.observer={self.observer}"]
        asked += [f"--output={output}", f"--embeddings={output.with_name('embeddings.npy')}", "--data.workers=1"]
        if processes > 1:
            asked += [f"--trainer.devices={processes}", "--trainer.strategy=ddp"]
        return Run(self._command("predict", *asked), output, ("scores.csv", "embeddings.npy"), processes)

    def label(self, output: Path) -> Run:
        """Label the images and calibrate on them, four at a time."""
        asked = [f"--data.source={self.folder / 'images'}", f"--output={output}", "--report=false"]
        asked += ["--model.labeller={noise: 0, occlusion: 2}", "--data.workers=1"]
        return Run(self._command("validate", *asked), output, ("observer.json", "observer.images.csv"))

    def undisturbed(self, run: Run) -> tuple[dict[str, bytes | None], float]:
        """Return the results of a run and how long it took."""
        shutil.rmtree(run.output.parent, ignore_errors=True)
        begun = time.monotonic()
        run.start()
        if any(run.wait()):
            raise SystemExit((run.output.parent / "log.txt").read_text())
        return run.contents(), time.monotonic() - begun

    def names(self) -> list[str]:
        """Names of the images."""
        return sorted(path.name for path in (self.folder / "images").iterdir())

    def watch(self, run: Run, reference: dict[str, bytes | None]) -> None:
        """Look for results that are there but not whole."""
        self.tally.half += sum(content not in (None, reference[name]) for name, content in run.contents().items())

    def finish(self, run: Run, reference: dict[str, bytes | None]) -> None:
        """Start the command once more, and compare what it leaves."""
        run.start()
        statuses = run.wait()
        if any(statuses) or run.leftovers():
            log = (run.output.parent / "log.txt").read_text()[-2000:]
            raise SystemExit(f"did not go on: {statuses}, {run.leftovers()}\n{log}")
        lost, doubled = lost_and_doubled(run.rows(), self.names())
        self.tally.runs += 1
        self.tally.rows += IMAGES
        self.tally.lost += lost
        self.tally.doubled += doubled
        self.tally.differing += run.contents() != reference

    def _command(self, verb: str, *options: str) -> list[str]:
        quiet = ["--trainer.enable_progress_bar=false", "--trainer.accelerator=cpu", "--data.batch_size=4"]
        return [verb, *self.network, *quiet, *options]


def prepared(folder: Path, shared: Path, draw: np.random.Generator) -> Bench:
    """Lay out images, and calibrate an Observer on them."""
    images = folder / "images"
    images.mkdir()
    for number, face in enumerate(faces(shared)[:IMAGES]):
        shutil.copy(face, images / f"{number:03}.jpg")
    network = networks(shared)["edgeface_xxs"].arguments()
    observer = folder / "observer.json"
    labels = "".join(f"{path.name},{number * 7919 % 97}\n" for number, path in enumerate(sorted(images.iterdir())))
    (folder / "labels.csv").write_text("path,pseudo_quality\n" + labels)
    given = [f"--data.source={images}", f"--data.labels={folder / 'labels.csv'}", "--report=false"]
    froq("validate", *network, *given, f"--output={observer}")
    return Bench(folder, network, observer, draw)
