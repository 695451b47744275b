from pathlib import Path

import pytest

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
