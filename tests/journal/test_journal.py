"""A journal goes on where a run ended, and with that run alone."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from froq_lightning.errors import JournalError
from froq_lightning.journal.block import Block
from froq_lightning.journal.journal import Journal

IDENTITY = {"model": {"backbone": "timm", "observer": "aa"}, "data": {"resize": False}}
NAMES = ("a.png", "b.png", "c\n.png")


def opened(
    folder: Path, identity: dict[str, Any] = IDENTITY, names: Sequence[str] = NAMES, *, restart: bool = False
) -> Journal:
    journal = Journal(folder / "scores.csv")
    journal.open(journal.identity(identity, names), names, restart=restart)
    return journal


def steps(journal: Journal) -> list[int]:
    return [block.facts["step"] for block in journal.done()]


def steps_of_a_new_run(folder: Path, identity: dict[str, Any] = IDENTITY) -> list[int]:
    """The steps that a run finds when it begins."""
    journal = opened(folder, identity)
    done = steps(journal)
    journal.close()
    return done


@pytest.fixture
def unfinished(tmp_path: Path) -> Path:
    """The folder of an output whose run ended after two steps."""
    journal = opened(tmp_path)
    for step in range(2):
        journal.append(Block({"step": step}))
    journal.close()
    return tmp_path


def test_a_run_goes_on_behind_the_steps_that_are_done(unfinished: Path) -> None:
    journal = opened(unfinished)
    assert steps(journal) == [0, 1]
    journal.append(Block({"step": 2}))
    journal.close()
    journal = opened(unfinished)
    assert steps(journal) == [0, 1, 2]
    journal.close()
    assert [[block.facts["step"] for block in shard] for shard in journal.steps()] == [[0, 1, 2]]


@pytest.mark.parametrize(
    ("identity", "names", "difference"),
    [
        ({**IDENTITY, "data": {"resize": True}}, NAMES, "data.resize was False, now is True"),
        ({**IDENTITY, "model": {"backbone": "timm", "observer": "bb"}}, NAMES, "model.observer was 'aa', now is 'bb'"),
        ({**IDENTITY, "new": 1}, NAMES, "new was None, now is 1"),
        (IDENTITY, (*NAMES, "d.png"), r"images: 1 new \(d.png\)"),
        (IDENTITY, NAMES[1:], r"images: 1 gone \(a.png\)"),
        (IDENTITY, NAMES[::-1], "images: in another order"),
    ],
)
def test_another_run_is_refused_with_the_difference_and_changes_nothing(
    identity: dict[str, Any], names: Sequence[str], difference: str, unfinished: Path
) -> None:
    with pytest.raises(
        JournalError, match=rf"unfinished run that differs from this one: {difference}\. .*--restart=true"
    ):
        opened(unfinished, identity, names)
    assert steps_of_a_new_run(unfinished) == [0, 1]


def test_another_number_of_processes_and_images_that_are_not_known_any_more_are_refused(unfinished: Path) -> None:
    journal = Journal(unfinished / "scores.csv", processes=2)
    identity = journal.identity(IDENTITY, NAMES)
    with pytest.raises(JournalError, match="processes was 1, now is 2"):
        journal.open(identity, NAMES, restart=False)
    (unfinished / "scores.csv.partial" / "images.txt").write_text("[", encoding="ascii")
    with pytest.raises(JournalError, match="images: others than these"):
        opened(unfinished, names=NAMES[1:])


def test_a_restart_drops_what_is_there(unfinished: Path) -> None:
    journal = opened(unfinished, {"other": 1}, restart=True)
    assert steps(journal) == []
    journal.append(Block({"step": 7}))
    journal.close()
    assert steps_of_a_new_run(unfinished, {"other": 1}) == [7]


def test_an_abandoned_journal_leaves_its_steps_and_nothing_where_there_are_none(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    journal.abandon()
    assert list(tmp_path.iterdir()) == []
    journal.abandon()  # twice does no harm
    journal = opened(tmp_path)
    journal.append(Block({"step": 0}))
    journal.abandon()
    assert steps_of_a_new_run(tmp_path) == [0]


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX limits")
def test_a_full_disk_is_refused_and_costs_only_the_last_step(unfinished: Path) -> None:
    import resource  # noqa: PLC0415 - not on Windows

    journal = opened(unfinished)
    assert steps(journal) == [0, 1]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    room = (unfinished / "scores.csv.partial" / "0.shard").stat().st_size + 10
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        with pytest.raises(JournalError, match=r"cannot be written to: File too large; .*the same command"):
            journal.append(Block({"step": 2}))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    journal.close()
    assert steps_of_a_new_run(unfinished) == [0, 1]
