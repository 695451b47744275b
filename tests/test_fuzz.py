"""Hostile files: what `benchmarks/fuzz.py` does for half an hour, for a moment; and that it would notice."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fuzz_child import Child, Limits, write_case
from fuzz_readers import Reader, every_reader
from fuzz_seeds import write

from froq_lightning.errors import DataError

READERS = {reader.name: reader for reader in every_reader()}
FILES = 150

pytestmark = pytest.mark.slow


@pytest.fixture
def child() -> Iterator[Callable[..., Child]]:
    """Starts processes that read changed files, and ends them."""
    started = []

    def start(reader: Reader, limits: Limits = Limits()) -> Child:  # noqa: B008 - immutable
        started.append(Child(reader, limits))
        return started[-1]

    yield start
    for each in started:
        each.close()


@pytest.mark.parametrize("name", READERS)
def test_the_files_to_start_from_are_read(name: str, tmp_path: Path) -> None:
    for number, files in enumerate(READERS[name].seeds):
        write(files, tmp_path / str(number))
        READERS[name].read(tmp_path / str(number))


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_changed_files_are_read_or_refused(name: str, child: Callable[..., Child]) -> None:
    reading = child(READERS[name])
    outcomes = [reading.read(number) for number in range(FILES)]
    assert [outcome for outcome in outcomes if outcome.is_finding] == []
    assert {"refused"} <= {outcome.kind for outcome in outcomes} <= {"read", "refused"}


def test_the_same_number_gives_the_same_files(tmp_path: Path) -> None:
    for place in ("one", "other"):
        write_case(READERS["Observer"], 17, tmp_path / place)
    one, other = ((tmp_path / place / "a.json").read_bytes() for place in ("one", "other"))
    assert one == other != READERS["Observer"].seeds[0]["a.json"]


def refuse_at_length(_: Path) -> None:
    class LongError(DataError):
        def __str__(self) -> str:
            return "x" * 10_000

    raise LongError


def loop(_: Path) -> None:
    while True:
        pass


@pytest.mark.slow
@pytest.mark.parametrize(
    ("read", "kind"),
    [
        (lambda _: [].pop(), "IndexError"),
        (lambda _: os.abort(), "ended by SIGABRT"),
        (loop, "more than 0.5 s"),
        (lambda _: bytearray(os.urandom(1)) * 150_000_000, "MB"),
        (refuse_at_length, "a message of 10,011 characters"),
    ],
)
def test_what_goes_wrong_is_noticed(read: Callable[[Path], object], kind: str, child: Callable[..., Child]) -> None:
    reading = child(Reader("wrong", [{"a": b"1"}], read), Limits(seconds=0.5, megabytes=100))
    for number in range(2):  # after a crash, another process reads on
        outcome = reading.read(number)
        assert outcome.is_finding
        assert outcome.kind.endswith(kind)
