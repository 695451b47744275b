"""Parts that do not make one run are refused, and every one of them is named."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from froq_lightning.errors import DataError, DataNotFoundError
from froq_lightning.journal.block import Block
from froq_lightning.journal.journal import Journal
from froq_lightning.journal.part import Part
from froq_lightning.journal.part_file import PartFile
from froq_lightning.journal.parts import Parts

IMAGES, BATCH, COUNT = 50, 2, 7
NAMES = [f"{index}.png" for index in range(IMAGES)]
DATA = {"source": "here", "root": None, "archive": None, "batch_size": BATCH}
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a part as two processes record it."""

    def write_part(number: int, facts: dict[str, Any] | None = None, folder: str = "parts", count: int = COUNT) -> Path:
        (tmp_path / folder).mkdir(exist_ok=True)
        part, given = Part(number, count), {"model": {"observer": "aa"}, "data": DATA, "parts": count, **(facts or {})}
        output, names = part.file(tmp_path / folder / "scores.csv"), given.pop("names", NAMES)
        images = part.share(IMAGES, 2 * BATCH)
        for process in range(2):
            journal = Journal(output, process, 2)
            identity = journal.identity(given, names)
            journal.open(identity, (), restart=True)
            share = images[process::2]
            for start in range(0, len(share), BATCH):
                index = torch.tensor(share[start : start + BATCH])
                journal.append(Block({"samples": len(index)}, {"index": index}))
            journal.close()
        machine = "cpu A" if number % 2 else "cpu B"
        file = PartFile(output, part, images, identity, machine, ("few images",)).write(journal)
        assert PartFile.read(output) == file
        journal.remove()
        return output

    return write_part


def test_parts_in_any_order_give_the_steps_of_every_process_in_theirs(write: Write, tmp_path: Path) -> None:
    paths = [write(number) for number in (3, 1, 7, 2, 6, 5, 4)]
    for given in (paths, [tmp_path / "parts"]):
        parts = Parts.read(given, of="scores.csv")
        assert len(parts) == IMAGES
        for process, steps in enumerate(parts.steps()):
            batches = [block.tensors["index"].tolist() for block in steps]
            whole = list(range(process, IMAGES, 2))
            assert batches == [whole[start : start + BATCH] for start in range(0, len(whole), BATCH)]
    remarks = parts.remarks()
    assert remarks[0] == "few images"
    assert remarks[1].startswith("the parts were computed on cpu A and cpu B: the last digits")


def test_there_may_be_more_parts_than_batches(write: Write) -> None:
    parts = Parts.read([write(number, count=40) for number in range(1, 41)], of="scores.csv")
    assert sum(len(block.tensors["index"]) for steps in parts.steps() for block in steps) == IMAGES


def test_missing_and_doubled_parts_are_named(write: Write) -> None:
    paths = [write(number) for number in (1, 3, 7)] + [write(3, folder="copies")]
    message = r"^part 3/7 is there 2 times: '.*parts.*', '.*copies.*'; missing of 7 parts: 2,4-6$"
    with pytest.raises(DataError, match=message):
        Parts.read(paths, of="scores.csv")


@pytest.mark.parametrize(
    ("facts", "difference"),
    [
        ({"model": {"observer": "bb"}}, "model.observer is 'bb', not 'aa'"),
        ({"data": {**DATA, "batch_size": 4}}, "data.batch_size is 4, not 2"),
        ({"names": NAMES[1:]}, "images.count is 49, not 50; images.sha256 is "),
        ({"software": {"torch": "3"}}, "software is .*, not None"),
        ({"parts": 8}, "parts is 8, not 7"),
    ],
)
def test_a_part_of_another_run_is_named_with_the_difference(
    facts: dict[str, Any], difference: str, write: Write
) -> None:
    paths = [write(1, facts), *(write(number) for number in range(2, COUNT + 1))]
    with pytest.raises(DataError, match=rf"^part 1/7 \('.*'\) is of another run than part 2/7: {difference}"):
        Parts.read(paths, of="scores.csv")


def test_images_may_lie_at_another_place_on_another_machine(write: Write) -> None:
    archive = {**DATA, "archive": [100, 7]}
    elsewhere = {"data": {**archive, "source": "there", "root": "x", "archive": [100, 8]}}
    others = [write(number, {"data": archive}) for number in range(2, COUNT + 1)]
    assert len(Parts.read([write(1, elsewhere), *others], of="scores.csv")) == IMAGES
    changed = write(1, {"data": {**archive, "archive": [101, 7]}})
    with pytest.raises(DataError, match=r"data\.archive is 101, not 100"):
        Parts.read([changed, *others], of="scores.csv")


def test_a_damaged_part_is_named(write: Write) -> None:
    paths = [write(number) for number in range(1, COUNT + 1)]
    content = paths[3].read_bytes()
    for damaged in (content[:-1], content[:-1] + b"?"):
        paths[3].write_bytes(damaged)
        assert not PartFile.read(paths[3]).is_whole()
        with pytest.raises(DataError, match=r"part 4/7 \('.*'\) is damaged; run its command again"):
            _ = [block for steps in Parts.read(paths, of="scores.csv").steps() for block in steps]
    paths[3].write_bytes(content[:30])
    with pytest.raises(DataError, match=r"Expected a part, .* but '.*part-4-of-7' holds none"):
        Parts.read(paths, of="scores.csv")


def test_without_parts_it_is_said_how_they_are_made(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match=r"Expected parts of scores.csv, as `froq predict --part 1/1000`"):
        Parts.read([tmp_path], of="scores.csv")


def test_a_journal_that_lacks_images_makes_no_part(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "scores.csv.part-1-of-1")
    identity = journal.identity({"data": DATA}, NAMES)
    journal.open(identity, (), restart=True)
    journal.close()
    part = PartFile(journal.output, Part(1, 1), range(IMAGES), identity, "cpu", ())
    with pytest.raises(DataError, match="has 0 rows for the 50 images of part 1/1"):
        part.write(journal)
