"""What `froq select` refuses: one sentence each, and nothing is written."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from froq_lightning.conformance.formats import EMBEDDINGS, ROWS, KnownResults
from froq_lightning.formats.format import find_format, write_file


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("", "Expected --best-per-subject, --worst, --min-quality or --templates, but nothing was given"),
        ("--min-quality=200", "Expected a lowest quality in 0..100, but got 200"),
        ("--best-per-subject=none", "invalid int value: 'none'"),
        ("--wors=1", "unknown option '--wors'; nearest: --worst"),
        ("--worst=1 --to=a.xls", "Expected the list to go to a .csv, .tsv or .txt file, but got 'a.xls'"),
        ("--worst=1 --to=best/", "--source, the folder that was scored, and --to FOLDER belong together"),
        ("--worst=1 --source=photos --to=a.csv", "--source, the folder that was scored, and --to FOLDER belong"),
        ("--worst=1 --to=a.csv --yes", "--action and --yes are of images that go to a folder; give it as --to FOLDER/"),
        ("--worst=1 --to=best/ --source=photos --action=burn", "argument --action: invalid choice: 'burn'"),
        ("--templates=t.npy", "--templates joins embeddings: give --embeddings"),
        ("--templates=t.npy --embeddings=embeddings.npy --worst=3", "templates of the worst images are not made"),
        ("--templates=t.npy --embeddings=embeddings.npy --to=t.csv", "'t.csv' is to be written twice"),
        ("--best-per-subject=1 --subjects=clusters", "--subjects clusters wants --embeddings of the run"),
        ("--best-per-subject=1 --same-above=0.3", "--same-above is of --subjects clusters"),
        ("--best-per-subject=1 --subjects=gone.csv", "file 'gone.csv' does not exist"),
        (
            "--best-per-subject=1 --subjects=who.csv",
            "Expected who.csv to have a column subject_id, but got path, person",
        ),
        (
            "--best-per-subject=1 --subjects=other.csv",
            "other.csv names none of the images: it names 'z.jpg', the data",
        ),
        ("--best-per-subject=1 --subjects=twice.csv", "line 3: 'ann/1.jpg' stands there twice, with 'A' and 'B'"),
        (
            "--templates=t.npy --embeddings=short.npy",
            "'short.npy' has 4 rows, but 'scores.csv' 6; give those of one run",
        ),
        ("--templates=t.npy --embeddings=full.npy", "Expected 'full.npy' to lack the images that failed and no others"),
        (
            "--templates=t.npy --embeddings=scores.csv",
            "Expected embeddings in 'scores.csv', but it is damaged or no .npy",
        ),
        (
            "--templates=t.npy --embeddings=scores.parquet",
            "Expected embeddings in 'scores.parquet', but its columns are",
        ),
    ],
)
def test_what_cannot_work_is_refused_in_one_sentence(
    options: str, message: str, place: Path, refused: Callable[..., str]
) -> None:
    np.save("short.npy", EMBEDDINGS)
    np.save("full.npy", np.ones((6, 2), np.float32))
    (place / "other.csv").write_text("path,subject_id\nz.jpg,Z\n")
    (place / "twice.csv").write_text("path,subject_id\nann/1.jpg,A\nann/1.jpg,B\n")
    before = sorted(path.name for path in place.iterdir())
    assert message in refused("select", "scores.csv", *options.split())
    assert sorted(path.name for path in place.iterdir()) == before


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "a,b\n1,2\n",
            "Expected bad.csv to be what `froq predict` wrote, with the columns image, quality_score and qual",
        ),
        (
            "image,quality_score,quality\na,1,high\n",
            "bad.csv, line 2: Expected a quality in 0..100, or -1, but got 'high'",
        ),
        (
            "image,quality_score,quality\na,1,101\n",
            "bad.csv, line 2: Expected a quality in 0..100, or -1, but got '101'",
        ),
    ],
)
def test_what_holds_no_scores_is_refused(content: str, message: str, place: Path, refused: Callable[..., str]) -> None:
    (place / "bad.csv").write_text(content)
    assert message in refused("select", "bad.csv", "--worst=1")
    assert "does not exist" in refused("select", "gone.csv", "--worst=1")
    for line in ("[]", '{"image": "a"}', "no JSON"):
        (place / "bad.jsonl").write_text(f"{line}\n")
        assert f"bad.jsonl, line 1: Expected a row that `froq predict` wrote, but got '{line}'" in refused(
            "select", "bad.jsonl", "--worst=1"
        )


def test_images_in_no_folder_have_no_subject(place: Path, refused: Callable[..., str]) -> None:
    write_file(find_format(Path("a.csv"), "scores"), place / "flat.csv", KnownResults(ROWS[:1], EMBEDDINGS))
    line = refused("select", "flat.csv", "--best-per-subject=1")
    assert line.startswith(
        "Expected the subject of an image, but 'plain.jpg' lies in no folder that names it; give --subj"
    )
