"""`froq select` on what `froq predict` wrote."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet

from froq_lightning.cli import main
from froq_lightning.conformance.formats import EMBEDDINGS, ROWS, KnownResults
from froq_lightning.formats.format import find_format, write_file
from froq_lightning.names import escape_name
from froq_lightning.runs.quality_batch import FAILED, OK, ScoredRow

Select = Callable[..., str]
# Two people with two scored images each, one of them of two names; one whose images all failed, one image of nobody.
IMAGES = {
    "ann/1.jpg": (0.5, 60),
    "ann/2.jpg": (0.9, 80),
    "bob/1.jpg": (0.1, 20),
    "bob/2.jpg": (-0.4, 5),
    "eve/1.jpg": None,
    "lost.jpg": (0.3, 40),
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The current folder with scores.csv, embeddings.npy, who.csv and the images in photos/."""
    rows = [
        ScoredRow(place, name, None, -1, FAILED, "no face found")
        if score is None
        else ScoredRow(place, name, *score, OK, "")
        for place, (name, score) in enumerate(IMAGES.items())
    ]
    vectors = np.array([[9, 1], [2, 0], [0, 1], [0.1, 3], [np.nan, np.nan], [1, 0.1]], "<f4")
    for name in ("scores.csv", "scores.tsv", "scores.parquet", "scores.jsonl"):
        write_file(find_format(Path(name), "scores"), tmp_path / name, KnownResults(rows, vectors))
    for name in ("embeddings.npy", "embeddings.parquet"):
        write_file(find_format(Path(name), "embeddings"), tmp_path / name, KnownResults(rows, vectors))
    for name in IMAGES:
        (tmp_path / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "photos" / name).write_bytes(name.encode())
    (tmp_path / "who.csv").write_text("path;person\n/x/ann/1.jpg;A\n/x/ann/2.jpg;B\n/x/bob/1.jpg;A\n/x/eve/1.jpg;B\n")
    return tmp_path


@pytest.fixture
def select(place: Path, capsys: pytest.CaptureFixture[str]) -> Select:
    """Selects, and returns what is printed."""
    del place

    def run(*options: str, scores: str = "scores.csv", status: int = 0) -> str:
        capsys.readouterr()
        assert main(["select", scores, *options]) == status
        printed = capsys.readouterr()
        return printed.out + printed.err

    return run


def listed(path: str) -> list[str]:
    with Path(path).open(encoding="utf-8", newline="") as file:
        return [row["image"] for row in csv.DictReader(file, delimiter="\t" if path.endswith(".tsv") else ",")]


def files(folder: str) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in Path(folder).rglob("*") if path.is_file()}


@pytest.mark.parametrize("scores", ["scores.csv", "scores.tsv", "scores.parquet", "scores.jsonl"])
def test_images_are_selected_from_every_format(scores: str, select: Select) -> None:
    text = select("--best-per-subject=1", "--to=best.tsv", scores=scores)
    assert listed("best.tsv") == ["ann/2.jpg", "bob/1.jpg"]
    assert text.splitlines() == [
        "selected 2 of 6 images: the best 1 of each subject",
        "1 could not be scored, and are never selected",
        "1 are of no known subject, and were left out",
        "subjects that have only images that failed: 1 (eve)",
        "list: best.tsv",
    ]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("--worst=2", ["bob/2.jpg", "bob/1.jpg"]),
        ("--min-quality=20", ["ann/1.jpg", "ann/2.jpg", "bob/1.jpg", "lost.jpg"]),
        ("--min-quality=21 --worst=2", ["lost.jpg", "ann/1.jpg"]),
        ("--best-per-subject=2 --worst=9", ["bob/2.jpg", "bob/1.jpg", "ann/1.jpg", "ann/2.jpg"]),
        ("--best-per-subject=1 --min-quality=21", ["ann/2.jpg"]),
        ("--best-per-subject=1 --subjects=who.csv --subject-column=PERSON", ["ann/1.jpg", "ann/2.jpg"]),
        (
            "--best-per-subject=1 --subjects=clusters --embeddings=embeddings.npy --same-above=0.9",
            ["ann/2.jpg", "bob/1.jpg"],
        ),
        (
            "--best-per-subject=1 --subjects=clusters --embeddings=embeddings.npy --same-above=0.9 --min-quality=21",
            ["ann/2.jpg"],
        ),
        ("--min-quality=100", []),
    ],
)
def test_conditions_combine(options: str, expected: list[str], select: Select) -> None:
    select(*options.split(), "--to=list.csv")
    assert listed("list.csv") == expected


def test_without_an_output_the_images_are_shown_and_subjects_below_the_threshold_are_named(select: Select) -> None:
    text = select("--best-per-subject=1", "--min-quality=50")
    assert "subjects that have only images of less quality: 1 (bob)" in text
    assert text.splitlines()[-1].split() == ["ann/2.jpg", "ann", "0.9", "80"]


def test_a_list_is_a_manifest_with_subjects_and_is_replaced_by_its_own_command_only(
    select: Select, refused: Callable[..., str]
) -> None:
    for _ in range(2):
        select("--worst=1", "--to=list.csv")
    assert Path("list.csv").read_text() == ("image,subject_id,quality_score,quality,reason\nbob/2.jpg,bob,-0.4,5,\n")
    Path("mine.csv").write_text("mine")
    assert "holds something that this command did not write" in refused(
        "select", "scores.csv", "--worst=1", "--to=mine.csv"
    )
    assert "it is read as SCORES" in refused("select", "list.csv", "--worst=1", "--to=list.csv")


BEST = ("--best-per-subject=1", "--source=photos", "--to=best/")


@pytest.mark.parametrize("action", ["copy", "move", "link"])
def test_nothing_is_touched_before_yes_and_the_same_command_goes_on(action: str, select: Select) -> None:
    before = files("photos")
    assert f"would {action} 2 images to best/; nothing is touched without --yes" in select(*BEST, "--action", action)
    assert not Path("best").exists()
    select(*BEST, "--action", action, "--yes")
    assert files("best") == {name: name for name in ("ann/2.jpg", "bob/1.jpg")}
    left = {name for name in before if action != "move" or name not in files("best")}
    assert set(files("photos")) == left
    assert "0 images to best/; 2 are there already" in select(*BEST, "--action", action, "--yes")
    assert set(files("photos")) == left


def test_missing_images_are_listed_the_others_done_and_a_wrong_source_is_refused(
    select: Select, refused: Callable[..., str]
) -> None:
    Path("photos/bob/1.jpg").unlink()
    for options in ((), ("--yes",)):
        text = select(*BEST, *options, status=1)
        assert "froq: 1 of the selected images are missing: photos/bob/1.jpg" in text
    assert files("best") == {"ann/2.jpg": "ann/2.jpg"}
    line = refused("select", "scores.csv", "--best-per-subject=1", "--source=best/ann", "--to=other", "--yes")
    assert line.startswith("none of the 2 images is in 'best/ann', such as 'best/ann/ann/2.jpg'; give")
    assert not Path("other").exists()


def test_a_file_with_other_content_is_refused_by_name(select: Select, refused: Callable[..., str]) -> None:
    select(*BEST, "--yes")
    Path("best/bob/1.jpg").write_text("mine")
    Path("best/ann/2.jpg").unlink()
    assert "'best/bob/1.jpg' holds something else than 'photos/bob/1.jpg'" in refused(
        "select", "scores.csv", *BEST, "--yes"
    )
    assert files("best") == {"bob/1.jpg": "mine"}


def test_odd_names_are_found_again_and_none_leaves_the_folder(
    place: Path, select: Select, refused: Callable[..., str]
) -> None:
    names = ("=x/two\nlines.jpg", r"back\slash.jpg", r"looks\x0alike.jpg", "-2.jpg", "caf\u00e9.jpg")
    rows = [ScoredRow(number, escape_name(name), 1.0, 50, OK, "") for number, name in enumerate(names)]
    write_file(find_format(Path("a.csv"), "scores"), place / "odd.csv", KnownResults(rows, EMBEDDINGS))
    for name in names:
        (place / "photos" / name).parent.mkdir(exist_ok=True)
        (place / "photos" / name).write_text(name)
    select("--worst=9", "--source=photos", "--to=odd", "--yes", scores="odd.csv")
    assert files("odd") == {name: name for name in names}
    (place / "out.csv").write_text("image,quality_score,quality,status,reason\n../scores.csv,1,50,ok,\n")
    line = refused("select", "out.csv", "--worst=9", "--source=photos", "--to=odd", "--yes")
    assert line.startswith("'../scores.csv' lies outside of 'photos', and so has no place in 'odd'")


def test_templates_are_written_with_the_names_of_their_rows(select: Select) -> None:
    text = select("--templates=t.npy", "--embeddings=embeddings.parquet", "--min-quality=10", scores="scores.jsonl")
    assert "templates: t.npy, a row for each of 2 subjects, as in t.csv" in text
    vectors = np.load("t.npy", allow_pickle=False)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(vectors[1], [0, 1], atol=1e-6)
    assert Path("t.csv").read_text() == "subject_id,images\nann,2\nbob,1\n"
    select("--templates=t.parquet", "--embeddings=embeddings.npy", "--best-per-subject=1")
    assert parquet.read_table("t.parquet").to_pydict()["image"] == ["ann", "bob"]
    assert Path("t.csv").read_text() == "subject_id,images\nann,1\nbob,1\n"


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
            "other.csv names none of the images: it names 'z.jpg', the scores",
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


def test_images_in_no_folder_have_no_subject(place: Path, refused: Callable[..., str]) -> None:
    write_file(find_format(Path("a.csv"), "scores"), place / "flat.csv", KnownResults(ROWS[:1], EMBEDDINGS))
    line = refused("select", "flat.csv", "--best-per-subject=1")
    assert line.startswith(
        "Expected the subject of an image, but 'plain.jpg' lies in no folder that names it; give --subj"
    )


@pytest.mark.slow
def test_the_best_shots_of_real_people_are_copied_and_clusters_find_them(
    predict: Callable[..., list[dict[str, str]]], shared: Path, tmp_path: Path, select: Select
) -> None:
    people = sorted(folder for folder in (shared / "data" / "faces").iterdir() if len(list(folder.iterdir())) > 3)[:12]
    (tmp_path / "faces").mkdir()
    for folder in people:
        (tmp_path / "faces" / folder.name).symlink_to(folder)
    rows = predict(tmp_path / "faces", tmp_path / "real.csv", f"--embeddings={tmp_path / 'real.npy'}")
    best = {}
    for row in rows:
        name = row["image"].split("/")[0]
        best[name] = max(best.get(name, row), row, key=lambda each: float(each["quality_score"]))
    select("--best-per-subject=1", "--source=faces", "--to=best", "--yes", scores="real.csv")
    assert sorted(str(path.relative_to("best")) for path in Path("best").glob("*/*")) == sorted(
        row["image"] for row in best.values()
    )
    clusters = ("--subjects=clusters", "--embeddings=real.npy", "--same-above=0.35")
    select("--best-per-subject=1", *clusters, "--to=clusters.csv", scores="real.csv")
    people_found = {name.split("/")[0] for name in listed("clusters.csv")}
    assert people_found == set(best)
    assert len(listed("clusters.csv")) <= len(best) + 3
