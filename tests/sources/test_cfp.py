from pathlib import Path

import pytest

from froq_lightning.errors import DataError, DataNotFoundError
from froq_lightning.sources.source import read_trials

FRONTAL, PROFILE = "Pair_list_F.txt", "Pair_list_P.txt"


@pytest.fixture
def cfp(crops: list, tmp_path: Path) -> Path:
    """Real crops of three subjects in CFP's layout, with two folds."""
    folder = tmp_path / "cfp-dataset"
    for subject in range(3):
        for kind, places in (("frontal", (0, 1)), ("profile", (2,))):
            place = folder / "Data" / "Images" / f"{subject + 1:03d}" / kind
            place.mkdir(parents=True)
            for number, crop in enumerate(places, start=1):
                (place / f"{number:02d}.jpg").write_bytes(crops[3 * subject + crop].content)
    protocol = folder / "Protocol"
    protocol.mkdir()
    frontal = [f"../Data/Images/{s:03d}/frontal/{n:02d}.jpg" for s in (1, 2, 3) for n in (1, 2)]
    profile = [f"../Data/Images/{s:03d}/profile/01.jpg" for s in (1, 2, 3)]
    for name, paths in ((FRONTAL, frontal), (PROFILE, profile)):
        (protocol / name).write_text("".join(f"{n} {path}\r\n" for n, path in enumerate(paths, start=1)))
    write_folds(protocol / "Split" / "FF", {"01": ("1,2\n3,4\n", "1,3\n2,5\n"), "02": ("5,6\n", "4,6\n")})
    write_folds(protocol / "Split" / "FP", {"01": ("1,1\n", "1,2\n"), "02": ("4,2\n6,3", "5,1\n3,3\n")})
    return folder


def write_folds(split: Path, folds: dict[str, tuple[str, str]]) -> None:
    for fold, (same, diff) in folds.items():
        (split / fold).mkdir(parents=True)
        (split / fold / "same.txt").write_text(same)
        (split / fold / "diff.txt").write_text(diff)


def named(read: object) -> list[tuple[str, str, bool]]:
    keys = [image.key for image in read.images]
    return [(keys[a], keys[b], m) for a, b, m in zip(read.first, read.second, read.mated.tolist(), strict=True)]


def test_frontal_faces_are_compared_with_profiles_by_default(cfp: Path) -> None:
    read = read_trials(str(cfp))
    assert read.name == "cfp-dataset-FP"
    assert named(read) == [
        ("001/frontal/01.jpg", "001/profile/01.jpg", True),
        ("001/frontal/01.jpg", "002/profile/01.jpg", False),
        ("002/frontal/02.jpg", "002/profile/01.jpg", True),
        ("003/frontal/02.jpg", "003/profile/01.jpg", True),
        ("003/frontal/01.jpg", "001/profile/01.jpg", False),
        ("002/frontal/01.jpg", "003/profile/01.jpg", False),
    ]
    assert read.images[0].path == cfp / "Data" / "Images" / "001" / "frontal" / "01.jpg"
    assert all(image.path.is_file() for image in read.images)


def test_frontal_faces_are_compared_with_frontal_ones_on_demand(cfp: Path) -> None:
    read = read_trials(str(cfp), part="FF")
    assert (read.name, len(read.mated), int(read.mated.sum())) == ("cfp-dataset-FF", 6, 3)
    assert named(read)[3] == ("001/frontal/02.jpg", "003/frontal/01.jpg", False)
    subjects = [image.key[:3] for image in read.images]
    assert read.subjects.tolist() == [int(subject) - 1 for subject in subjects]


def test_the_images_may_lie_elsewhere(cfp: Path) -> None:
    aligned = cfp.parent / "aligned"
    (cfp / "Data" / "Images").rename(aligned)
    assert read_trials(str(cfp), root=str(aligned)).images[0].path.is_file()
    with pytest.raises(DataNotFoundError, match="none of the 8 images of cfp-dataset-FP exists"):
        read_trials(str(cfp))


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("Split/FP/01/diff.txt", "1,1\n77 1\n", r"FP/01/diff\.txt, line 2: there is no image '77'"),
        ("Split/FP/02/diff.txt", "1\n", r"FP/02/diff\.txt, line 1: Expected two cells, but got '1'"),
    ],
)
def test_a_malformed_protocol_is_refused_by_file_and_line(file: str, content: str, message: str, cfp: Path) -> None:
    (cfp / "Protocol" / file).write_bytes(content.encode("latin-1"))
    with pytest.raises(DataError, match=message):
        read_trials(str(cfp))


def test_a_protocol_that_misses_something_is_refused(cfp: Path) -> None:
    (cfp / "Protocol" / "Split" / "FP" / "02" / "same.txt").unlink()
    with pytest.raises(DataNotFoundError, match=r"file 'FP/02/same\.txt' does not exist"):
        read_trials(str(cfp))
    (cfp / "Protocol" / "Split" / "FP").rename(cfp / "elsewhere")
    with pytest.raises(DataNotFoundError, match="cfp-dataset-FP holds no folds: no folders below Protocol/Split/FP"):
        read_trials(str(cfp))
