"""What goes wrong in a run, and that it goes on."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from fault_bench import IMAGES, Bench
from faulty_run import Run, limit_files, lost_and_doubled

from froq_lightning.module import FroqModule


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


# Of every so many faults that are asked for, one is of the kind.
KINDS: dict[Callable[[Bench, int], None], int] = {
    killed: 4,
    killed_of_two: 5,
    labelling_killed: 6,
    disk_full: 8,
    damaged: 8,
    network_raises: 10,
    files_change: 8,
}
