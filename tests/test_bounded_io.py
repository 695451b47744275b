"""Files are read within limits."""

import os
from pathlib import Path

import numpy as np
import pytest

from froq_lightning.bounded_io import name_in_errors, numbered_lines, read_array, read_json
from froq_lightning.errors import DataError, DataNotFoundError


def test_lines_come_with_their_numbers_and_without_a_mark_of_their_order(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n\ntwo", encoding="utf-8-sig")
    assert list(numbered_lines(tmp_path / "a.txt")) == [(1, "one\n"), (2, "\n"), (3, "two")]


def test_text_that_is_no_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"one\n\xff")
    with pytest.raises(DataError, match=r"a\.txt is no text in UTF-8"):
        list(numbered_lines(tmp_path / "a.txt"))


def test_pipes_and_folders_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, Path("/dev/zero")):
        with pytest.raises(DataError, match="is a folder, pipe or device"):
            list(numbered_lines(path))
        with pytest.raises(DataError, match="is a folder, pipe or device"):
            read_json(path)
    with pytest.raises(DataNotFoundError, match="file 'nowhere' does not exist"):
        list(numbered_lines(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[" * 100_000, "nested too deeply"),
        ('{"a": ' * 100_000, "nested too deeply"),
        ("[1, NaN]", "number NaN, which is not finite"),
        ("[-Infinity]", "number -Infinity, which is not finite"),
        ("[1e999]", "number 1e999, which is not finite"),
        ("[" + "9" * 5000 + "]", "a number of 5,000 digits"),
        ('{"a": 1, "a": 2}', "it states one of a twice"),
        ("{", "Expecting property name"),
        ("\xff", "utf-8"),
    ],
)
def test_json_that_could_be_taken_for_something_else_is_refused(text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError, match=told):
        read_json(tmp_path / "a.json")


def test_a_file_that_the_system_will_not_give_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").symlink_to(tmp_path / "a.txt")
    for read in (read_json, read_array, lambda path: list(numbered_lines(path))):
        with pytest.raises(DataError, match=r"a\.txt cannot be read: Too many levels of symbolic links"):
            read(tmp_path / "a.txt")
    with pytest.raises(DataError, match=r"b\.bin cannot be read: Permission denied"), name_in_errors("b.bin"):
        raise PermissionError(13, "Permission denied")


def test_json_of_any_size_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "a.json").open("wb") as file:
        file.truncate(2**26 + 1)
    with pytest.raises(DataError, match="more than 67 megabytes"):
        read_json(tmp_path / "a.json")


def test_an_array_is_not_in_memory(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(6).reshape(2, 3))
    array = read_array(tmp_path / "a.npy")
    assert isinstance(array, np.memmap)
    assert array.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_an_array_that_claims_more_than_its_file_holds_takes_no_memory(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros(4))
    content = (tmp_path / "a.npy").read_bytes()
    assert b"(4,), }     " in content
    (tmp_path / "a.npy").write_bytes(content.replace(b"(4,), }      ", b"(2000000,), }", 1))
    with pytest.raises(DataError, match="it is damaged"):
        read_array(tmp_path / "a.npy")


def test_what_is_no_array_of_numbers_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", a=np.zeros(4))
    np.save(tmp_path / "b.npy", np.array([(1.0,)], dtype=[("field", "f4")]))
    for name, message in (("a.npz", "archive of arrays"), ("b.npy", "no numbers or booleans")):
        with pytest.raises(DataError, match=message):
            read_array(tmp_path / name)
