"""Lists that name images, faces or trials: what is wrong in one is refused by its name and line."""

from pathlib import Path

import pytest

from froq_lightning.errors import DataError, DataNotFoundError
from froq_lightning.sources.source import read_faces, read_trials


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "list.csv",
            "who,pseudo_quality\na.jpg,1\n",
            r"Expected list\.csv to have one of the columns path, .*, but got",
        ),
        ("list.csv", "path\na.jpg\na.jpg\n", r"list\.csv, line 3: 'a\.jpg' stands there twice"),
        ("list.csv", "path,pseudo_quality\n,1\n", r"list\.csv, line 2: the path is empty"),
        ("list.csv", "path,pseudo_quality\n", "holds no images"),
        ("list.csv", "", "holds no images"),
        ("notes.md", "a", r"notes\.md is of no known format; there are: AdaFace .*; folder of images; image; manifest"),
    ],
)
def test_lists_of_faces(name: str, text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises((DataError, DataNotFoundError), match=message):
        read_faces(tmp_path / name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a.jpg b.jpg 1\na.jpg 0\n", r"line 2: Expected two images and whether they are mated, but got 'a\.jpg 0'"),
        ("a.jpg b.jpg 1\na.jpg c.jpg 2\n", r"line 2: Expected `mated` to be 0 or 1, but got '2'"),
        ("a.jpg 1\n\nb.jpg 0\n", r"line 1: Expected two lines .*, but got 'a\.jpg 1' and 'b\.jpg 0'"),
        ("a.jpg 0.3\n", r"or in lines 'a\.jpg b\.jpg 1' .*, but got a\.jpg 0\.3"),
        ("image_a,image_b,mated\na.jpg,b.jpg,2\n", "line 2: Expected `mated` to be 0 or 1, but got '2'"),
        ("image_a,image_b,mated\na.jpg,,1\n", "line 2: the path is empty"),
        ("image_1,image_3,mated\na.jpg,b.jpg,1\n", "to have .* trials in columns image_a, image_b and mated, or"),
        (
            "image_a,image_b,mated\nx/a.jpg,b.jpg,1\n",
            r"none of the 2 images of pairs exists below .*'x/a\.jpg'; set `r",
        ),
        ("10 300\nAnn 1 2\nAnn one 2\n", "line 3: Expected NAME 1 2 or NAME 1 OTHER 2, but got 'Ann one 2'"),
        ("Ann 1 2\nAnn 1 Bob 2 3\n", "line 2: Expected NAME 1 2 .*, but got 'Ann 1 Bob 2 3'"),
        ("Ann 1\n", "or in lines 'a.jpg b.jpg 1' or, as LFW has them, 'NAME 1 2', but got Ann 1"),
        ("10 300\n", "pairs holds no comparison trials"),
        ("Ann 1 2\n", r"none of the 2 images of pairs exists .*Ann_0001\.jpg'; set `root`"),
        ("Müller 1 2\n", r"pairs\.txt is no text in UTF-8"),
    ],
)
def test_lists_of_trials(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "pairs.txt").write_bytes(text.encode("latin-1"))
    with pytest.raises((DataError, DataNotFoundError), match=message):
        read_trials(str(tmp_path / "pairs.txt"))


def test_what_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match=r"data source '.*gone' does not exist"):
        read_faces(tmp_path / "gone")
    with pytest.raises(DataNotFoundError, match=r"root '.*gone' of the images does not exist"):
        read_faces(tmp_path, tmp_path / "gone")
