from pathlib import Path

import pytest

from froq_lightning.errors import DataError, DataNotFoundError
from froq_lightning.sources.source import read_trials

MATED = ("Al_Gore", "1", "2")
NON_MATED = ("Al_Gore", "3", "Bill_Gates", "1")


def pairs(text: str) -> str:
    Path("pairs.txt").write_text(text, encoding="utf-8")
    return "pairs.txt"


@pytest.mark.parametrize("header", ["10\t300\n", "10 300\n", "300\n", ""])
@pytest.mark.parametrize("separator", ["\t", " ", "  "])
def test_real_faces_are_found_whatever_the_header_and_separator(header: str, separator: str, shared: Path) -> None:
    source = pairs(header + "\n\n".join(separator.join(cells) for cells in (MATED, NON_MATED)) + "\n")
    read = read_trials(source, root=str(shared / "data" / "faces"))
    assert [image.key for image in read.images] == [
        "Al_Gore/Al_Gore_0001.jpg",
        "Al_Gore/Al_Gore_0002.jpg",
        "Al_Gore/Al_Gore_0003.jpg",
        "Bill_Gates/Bill_Gates_0001.jpg",
    ]
    assert all(image.path.is_file() for image in read.images)
    assert (read.first.tolist(), read.second.tolist()) == ([0, 2], [1, 3])
    assert read.mated.tolist() == [True, False]
    assert read.subjects.tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize("suffix", [".JPG", ".png", ".TIFF"])
def test_images_may_have_any_suffix_and_names_spaces_between_tabs(suffix: str, tmp_path: Path) -> None:
    (tmp_path / "Al Gore").mkdir()
    for name in (f"0001{suffix}", "0001.txt", f"0002{suffix}", "0002.jpg"):
        (tmp_path / "Al Gore" / f"Al Gore_{name}").touch()
    read = read_trials(pairs("Al Gore\t1\t2\n"))
    assert [image.key for image in read.images] == [f"Al Gore/Al Gore_0001{suffix}", "Al Gore/Al Gore_0002.jpg"]


def test_a_list_in_csv_is_the_same_list(tmp_path: Path) -> None:
    (tmp_path / "Ann").mkdir()
    (tmp_path / "Ann" / "Ann_0001.jpg").touch()
    (tmp_path / "pairs.csv").write_text("name,imagenum1,imagenum2,\nAnn,1,2,\nAnn,1,Bob,3\n")
    read = read_trials(str(tmp_path / "pairs.csv"))
    assert [image.key for image in read.images] == ["Ann/Ann_0001.jpg", "Ann/Ann_0002.jpg", "Bob/Bob_0003.jpg"]
    assert read.mated.tolist() == [True, False]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "10 300\nAl_Gore 1 2\nAl_Gore one 2\n",
            "line 3: Expected NAME 1 2 or NAME 1 OTHER 2, but got 'Al_Gore one 2'",
        ),
        ("Al_Gore 1 2\n10 300\n", "line 2: Expected NAME 1 2 or NAME 1 OTHER 2, but got '10 300'"),
        ("Al_Gore 1 2\nAl_Gore 1 Ann 2 3\n", "line 2: Expected NAME 1 2 .*, but got 'Al_Gore 1 Ann 2 3'"),
        ("Al_Gore 1\n", "or in lines 'a.jpg b.jpg 1' or, as LFW has them, 'NAME 1 2', but got Al_Gore 1"),
        ("Al_Gore 1 Ann 2 3\n", "as LFW has them, 'NAME 1 2', but got Al_Gore 1 Ann 2 3"),
    ],
)
def test_a_malformed_line_is_refused_by_its_number(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_trials(pairs(text))


def test_a_file_without_trials_or_faces_is_refused() -> None:
    with pytest.raises(DataError, match="pairs holds no comparison trials"):
        read_trials(pairs("10 300\n"))
    with pytest.raises(DataNotFoundError, match=r"none of the 2 images of pairs exists .*Al_Gore_0001\.jpg'; set `ro"):
        read_trials(pairs("Al_Gore 1 2\n"))
