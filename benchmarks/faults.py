"""What is lost when things go wrong: faults in real runs, which are then started again with the same command.

    python benchmarks/faults.py --shared DIR [--faults 200] [--seed 0] [--only killed killed_of_two ...]

Each run works on real faces with EdgeFace-XXS and must end with the very bytes of an undisturbed run, but for images
that were changed on purpose. Prints a table in Markdown, and fails if a row was lost or doubled, a byte differs, or a
half file was seen.

`killed`: SIGKILL at a random moment of `predict` with embeddings. `labelling_killed`: of `validate` that makes labels.
`killed_of_two`: one or both of two processes. `disk_full`: a small tmpfs (as root; else a limit to the size of files)
is full at a random byte. `damaged`: a killed run's journal is cut, or a byte of it is changed. `network_raises`: in a
random pass. `files_change`: images vanish, become folders, pipes or garbage while they are read.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from faulty_run import Run, limit_files, lost_and_doubled
from networks import faces, networks
from peak_memory import froq

from froq_lightning.cli.trainer import quieten
from froq_lightning.module import FroqModule

IMAGES = 64
COLUMNS = ("faults", "runs", "rows expected", "lost", "doubled", "other bytes", "half files")
# Of all faults, one in so many is of the kind.
SHARES = {
    "killed": 4,
    "killed_of_two": 5,
    "labelling_killed": 6,
    "disk_full": 8,
    "damaged": 8,
    "network_raises": 10,
    "files_change": 8,
}


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


def kill_at_random(bench: Bench, run: Run, faults: int) -> None:
    """Kill runs at random moments, some several times in a row."""
    reference, seconds = bench.undisturbed(run)
    while bench.tally.faults < faults:
        shutil.rmtree(run.output.parent)
        for _ in range(bench.draw.integers(1, 5)):
            run.start()
            time.sleep(bench.draw.uniform(0.05 * seconds, seconds))
            ranks = [[0], [run.processes - 1], list(range(run.processes))][bench.draw.integers(3)]
            bench.tally.faults += run.kill(ranks)
            bench.watch(run, reference)
        bench.finish(run, reference)


def killed(bench: Bench, faults: int) -> None:
    """Kill `predict`."""
    kill_at_random(bench, bench.predict(bench.folder / "killed" / "scores.csv"), faults)


def killed_of_two(bench: Bench, faults: int) -> None:
    """Kill one or both of two processes."""
    kill_at_random(bench, bench.predict(bench.folder / "two" / "scores.csv", processes=2), faults)


def labelling_killed(bench: Bench, faults: int) -> None:
    """Kill `validate` while it makes labels."""
    kill_at_random(bench, bench.label(bench.folder / "labelled" / "observer.json"), faults)


def disk_full(bench: Bench, faults: int) -> None:
    """Fill the disk that the output goes to."""
    mount = bench.folder / "small"
    mount.mkdir()
    is_root = os.geteuid() == 0
    if is_root:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", mount], check=True)
    try:
        run = bench.predict(mount / "out" / "scores.csv")
        reference, _ = bench.undisturbed(run)
        while bench.tally.faults < faults:
            shutil.rmtree(run.output.parent)
            room = int(bench.draw.integers(4_096, 330_000))
            filler = mount / "filler"
            if is_root:
                filler.write_bytes(bytes(shutil.disk_usage(mount).free - room))
            run.start(lambda: None if is_root else limit_files(room))  # noqa: B023 - called at once
            bench.tally.faults += run.wait() != [0]
            filler.unlink(missing_ok=True)
            bench.watch(run, reference)
            bench.finish(run, reference)
    finally:
        if is_root:
            subprocess.run(["umount", mount], check=True)


def damaged(bench: Bench, faults: int) -> None:
    """Damage what a killed run left."""
    run = bench.predict(bench.folder / "damaged" / "scores.csv")
    reference, seconds = bench.undisturbed(run)
    while bench.tally.faults < faults:
        shutil.rmtree(run.output.parent)
        run.start()
        time.sleep(bench.draw.uniform(0.5 * seconds, seconds))
        run.kill([0])
        shard = run.journal() / "0.shard"
        content = bytearray(shard.read_bytes() if shard.exists() else b"")
        if content:
            place = int(bench.draw.integers(len(content)))
            if bench.draw.random() < 0.5:
                del content[place:]
            else:
                content[place] ^= int(bench.draw.integers(1, 256))
            shard.write_bytes(content)
            bench.tally.faults += 1
        bench.finish(run, reference)


def network_raises(bench: Bench, faults: int) -> None:
    """Let the network raise in one of its passes."""
    run = bench.predict(bench.folder / "raises" / "scores.csv")
    reference, _ = bench.undisturbed(run)
    while bench.tally.faults < faults:
        shutil.rmtree(run.output.parent)
        run.start(lambda: _raise_in_pass(int(bench.draw.integers(IMAGES // 4))))
        bench.tally.faults += run.wait() != [0]
        bench.watch(run, reference)
        bench.finish(run, reference)


def _raise_in_pass(number: int) -> None:
    build = FroqModule.__init__

    def built(self: FroqModule, *args: object, **options: object) -> None:
        build(self, *args, **options)  # type: ignore[arg-type]
        passes = iter(range(number + 1))

        def count(*_: object) -> None:
            if next(passes, None) is None:
                raise RuntimeError("out of memory")

        self.network.register_forward_pre_hook(count)

    FroqModule.__init__ = built  # type: ignore[method-assign]


CHANGES: dict[str, Callable[[Path], object]] = {
    "vanishes": Path.exists,
    "becomes a folder": Path.mkdir,
    "becomes a pipe": os.mkfifo,
    "becomes garbage": lambda path: path.write_bytes(b"\xff\xd8 no image"),
    "becomes empty": Path.touch,
    "points nowhere": lambda path: path.symlink_to("nowhere"),
    "points to itself": lambda path: path.symlink_to(path.name),
}


def files_change(bench: Bench, faults: int) -> None:
    """Change images while they are read; the others keep their scores."""
    run = bench.predict(bench.folder / "changing" / "scores.csv", bench.folder / "changed")
    shutil.copytree(bench.folder / "images", bench.folder / "changed")
    _, seconds = bench.undisturbed(run)
    expected = {row["image"]: row for row in run.rows()}
    while bench.tally.faults < faults:
        shutil.rmtree(bench.folder / "changed")
        shutil.copytree(bench.folder / "images", bench.folder / "changed")
        shutil.rmtree(run.output.parent)
        run.start()
        while not (run.journal() / "0.shard").exists():  # the images are listed by then
            time.sleep(0.001)
        time.sleep(bench.draw.uniform(0, 0.3 * seconds))
        changed = bench.draw.choice(bench.names(), len(CHANGES), replace=False)
        for name, change in zip(changed, CHANGES.values(), strict=True):
            (bench.folder / "changed" / name).unlink()
            change(bench.folder / "changed" / name)
        if run.wait() != [0]:
            raise SystemExit((run.output.parent / "log.txt").read_text()[-2000:])
        bench.tally.faults += len(CHANGES)
        _compare_others(bench, run, expected, set(changed))


def _compare_others(bench: Bench, run: Run, expected: dict[str, dict[str, str]], changed: set[str]) -> None:
    rows = run.rows()
    lost, doubled = lost_and_doubled(rows, bench.names())
    for row in rows:
        told = expected[row["image"]]
        same = row["status"] == told["status"] and row["reason"] == told["reason"]
        close = same and abs(float(row["quality_score"]) - float(told["quality_score"])) < 1e-6
        failed = row["status"] == "failed" and bool(row["reason"]) and row["image"] in changed
        bench.tally.differing += not (close or failed)
    bench.tally.runs += 1
    bench.tally.rows += IMAGES
    bench.tally.lost += lost
    bench.tally.doubled += doubled


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


def main() -> None:
    """Inject faults and print what came of them."""
    kinds = (killed, killed_of_two, labelling_killed, disk_full, damaged, network_raises, files_change)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", choices=SHARES, default=list(SHARES))
    options = parser.parse_args()
    quieten()
    total = Tally()
    print(f"| kind | {' | '.join(COLUMNS)} |\n|{'---|' * (len(COLUMNS) + 1)}", flush=True)
    with tempfile.TemporaryDirectory() as name:
        bench = prepared(Path(name), options.shared, np.random.default_rng(options.seed))
        for kind in kinds:
            if kind.__name__ in options.only:
                bench.tally = Tally()
                kind(bench, -(-options.faults // SHARES[kind.__name__]))
                print(f"| {kind.__name__} | {' | '.join(map(str, bench.tally.cells()))} |", flush=True)
                total = Tally(*map(sum, zip(total.cells(), bench.tally.cells(), strict=True)))
    print(f"| all | {' | '.join(map(str, total.cells()))} |")
    sys.exit(not total.is_clean)


if __name__ == "__main__":
    main()
