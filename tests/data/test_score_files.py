import math
from pathlib import Path

import numpy as np
import pytest

from froq_lightning.data.image_refs import ImageRef
from froq_lightning.data.score_files import read_scores, with_labels
from froq_lightning.errors import DataError

KEYS = ["ann/1.jpg", "ann/2.jpg", "bob/1.jpg"]
OFIQ = (
    "Filename;UnifiedQualityScore;UnifiedQualityScore.scalar;Sharpness;Sharpness.scalar\n"
    "C:\\faces\\ann\\1.jpg;24.25;33;0.1;9\n"
    "C:\\faces\\ann\\2.jpg;;-1;;-1\n"
    "C:\\faces\\bob\\1.jpg;26.5;60;0.7;80\n"
)
OURS = (
    "image,quality_score,quality,status,reason\n"
    "ann/1.jpg,24.25,40,ok,\n"
    "ann/2.jpg,,-1,failed,no face found\n"
    "bob/1.jpg,26.5,80,ok,\n"
)


def scores(tmp_path: Path, text: str, name: str = "scores.csv", **knobs: str) -> list[float]:
    (tmp_path / name).write_text(text, encoding="utf-8")
    return read_scores(tmp_path / name, KEYS, **knobs).tolist()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ofiq.csv", OFIQ),
        ("scores.csv", OURS),
        ("edifiqa.txt", "/data/ann/1.jpg 24.25\n\n/data/bob/1.jpg 26.5\n"),
        ("crfiqa.txt", "./ann/1.jpg\t24.25\nbob/1.jpg\t2.65e1\n"),
        ("lines.csv", "/data/ann/1.jpg,24.25\n/data/bob/1.jpg,26.5\n"),
        ("named.csv", "name,score\nann/1.jpg,24.25\nann/2.jpg,inf\nbob/1.jpg,26.5\n"),
        ("comma.csv", "File Name;Quality Score\nann/1.jpg;24,25\nbob/1.jpg;26,5\n"),
        ("spaces.txt", "path  score\nann/1.jpg 24.25\n\nbob/1.jpg  26.5\n"),
        ("stems.csv", "image_path,score\nann/1,24.25\nbob/1,26.5\n"),
        ("png.tsv", "path\tscore\nC:\\ann\\1.png\t24.25\nC:\\bob\\1.PNG\t26.5\n"),
        ("repeated.csv", "path,score\nann/1.jpg,24.25\nbob/1.jpg,26.5\nann/1.jpg,24.250\n./ann/1.jpg,24.25\n"),
        ("failed.csv", "path,score\nann/1.jpg,24.25\nann/2.jpg,\nann/2.jpg,nan\nbob/1.jpg,26.5\n"),
        ("other.csv", "path,pseudo_quality\nann/1.jpg,24.25\nbob/1.jpg,26.5\n"),
    ],
)
def test_scores_of_every_tool_find_their_images(name: str, text: str, tmp_path: Path) -> None:
    np.testing.assert_array_equal(scores(tmp_path, text, name), [24.25, math.nan, 26.5])


def test_a_column_may_be_named(tmp_path: Path) -> None:
    assert scores(tmp_path, OFIQ, column="UnifiedQualityScore.scalar") == [33, -1, 60]


def test_a_path_may_hold_spaces_where_lines_have_no_header(tmp_path: Path) -> None:
    (tmp_path / "scores.txt").write_text("my faces/ann/1.jpg 3\n")
    assert read_scores(tmp_path / "scores.txt", ["my faces/ann/1.jpg"]).tolist() == [3]
    assert read_scores(tmp_path / "scores.txt", ["all/my faces/ann/1.jpg"]).tolist() == [3]


def test_names_alone_find_images_where_they_tell_them_apart(tmp_path: Path) -> None:
    (tmp_path / "scores.txt").write_text("1.jpg 3\n2.jpg 4\n")
    assert read_scores(tmp_path / "scores.txt", ["ann/1.jpg", "bob/2.jpg"]).tolist() == [3, 4]
    (tmp_path / "scores.txt").write_text("ann/1.jpg 3\nbob/2.jpg 4\n")
    assert read_scores(tmp_path / "scores.txt", ["1.jpg", "2.jpg"]).tolist() == [3, 4]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1.jpg 3\n2.jpg 4\n", r"scores\.txt names '1\.jpg', which is 'ann/1\.jpg' and 'bob/1\.jpg'; Expected paths"),
        ("a/ann/1.jpg 3\nb/ann/1.jpg 4\n", r"scores\.txt names several images that may be 'ann/1\.jpg'; Expected"),
        ("ann/1.jpg 3\n./ann/1.jpg 4\n", r"scores\.txt, line 2: '\./ann/1\.jpg' stands there twice, with '3' and '4'"),
        ("ann/1.png 3\nann/1.bmp 4\n", r"scores\.txt names several images that may be 'ann/1\.jpg'"),
        ("1 3\n", r"scores\.txt names '1', which is 'ann/1\.jpg' and 'bob/1\.jpg'"),
        ("ann/1.jpg 3\nann/2.jpg 1,5\n", r"scores\.txt, line 2: Expected 1 cells as in line 1, but got 2"),
        ("eve/1.jpg 3\n", r"scores\.txt scores none of the images: it names 'eve/1\.jpg', the data set 'ann/1\.jpg'"),
        ("", r"scores\.txt scores none of the images: it names 'nothing'"),
        ("ann/1.jpg good\n", r"scores\.txt, line 1: Expected a path and a score, but got 'ann/1\.jpg good'"),
        ("ann/1.jpg\n", r"scores\.txt, line 1: Expected a path and a score"),
        (". 4\n", r"scores\.txt, line 1: the path is empty"),
        (
            "path,size\nann/1.jpg,4\n",
            r"scores\.txt has no column quality_score or .*: Expected one, but got path, size",
        ),
        ("subject,score\nann,4\n", r"scores\.txt has no column path or image or .*: Expected one, but got subject, sc"),
        ("path,score\nann/1.jpg\n", r"scores\.txt, line 2: Expected 2 cells as in line 1, but got 1"),
    ],
)
def test_scores_that_fit_no_or_several_images_are_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        scores(tmp_path, text, "scores.txt")


@pytest.mark.parametrize(
    ("keys", "stated", "expected"),
    [
        (["a.jpg", "a.png"], ["a.jpg", "a"], [0, 1]),
        (["1.jpg", "sub/1.jpg"], ["1.jpg"], [0, math.nan]),
        (["1.jpg", "sub/1.jpg"], ["/x/sub/1.jpg", "/x/1.jpg"], [1, 0]),
        (["1.jpg", "sub/1.jpg", "other.jpg"], ["/x/sub/1.jpg"], [math.nan, 0, math.nan]),
        (["1.jpg", "s/1.jpg", "t/s/1.jpg"], ["/x/1.png", "/x/s/1.png", "/x/t/s/1.png"], [0, 1, 2]),
        (["a.v1.jpg", "a.v2.jpg", "a.jpg"], ["a.v1", "a.v2"], [0, 1, math.nan]),
        (["caf\u00e9/1.jpg", "x.jpg"], ["/all/cafe\u0301/1.jpg", "x.jpg"], [0, 1]),
        (["caf\u00e9.jpg", "cafe\u0301.jpg"], ["cafe\u0301.jpg", "caf\u00e9.jpg"], [1, 0]),
    ],
)
def test_the_nearest_spelling_of_a_path_counts(
    keys: list[str], stated: list[str], expected: list[float], tmp_path: Path
) -> None:
    lines = [f"{path},{place}" for place, path in enumerate(stated)]
    (tmp_path / "scores.csv").write_text("\n".join(["path,score", *lines]), encoding="utf-8")
    np.testing.assert_array_equal(read_scores(tmp_path / "scores.csv", keys), expected)


def images() -> list[ImageRef]:
    return [ImageRef(key, Path(key)) for key in KEYS]


@pytest.mark.parametrize(("name", "text"), [("ofiq.csv", OFIQ), ("scores.csv", OURS)])
def test_any_score_file_can_label_a_calibration(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    labelled = with_labels(images(), tmp_path / name)
    assert [(image.key, image.problem) for image in labelled] == [
        ("ann/1.jpg", ""),
        ("ann/2.jpg", "label '' is no finite number"),
        ("bob/1.jpg", ""),
    ]
    assert [labelled[place].pseudo_quality for place in (0, 2)] == [24.25, 26.5]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("a/" * 3_000 + "b.jpg", "line 2: the path has 6,005 characters"),
        ("a/" * 200 + "b.jpg", "more than 100 folders"),
    ],
)
def test_paths_that_no_file_has_are_refused(path: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "scores.csv").write_text(f"path,quality_score\n{path},1\n")
    with pytest.raises(DataError, match=message):
        read_scores(tmp_path / "scores.csv", ["b.jpg"])


def test_a_name_is_found_by_the_text_that_stands_for_it_too(tmp_path: Path) -> None:
    (tmp_path / "scores.txt").write_text("below/=x.jpg 1\nother.jpg 2\n")
    assert read_scores(tmp_path / "scores.txt", ["./=x.jpg", "other.jpg"]).tolist() == [1, 2]
