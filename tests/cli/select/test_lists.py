"""Which images `froq select` writes to a list or shows, and the templates of their subjects."""

import csv
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet

Select = Callable[..., str]


def listed(path: str) -> list[str]:
    with Path(path).open(encoding="utf-8", newline="") as file:
        return [row["image"] for row in csv.DictReader(file, delimiter="\t" if path.endswith(".tsv") else ",")]


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
    select("--templates=none.npy", "--embeddings=embeddings.npy", "--min-quality=100")
    assert np.load("none.npy", allow_pickle=False).shape == (0, 2)


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


@pytest.mark.slow
def test_a_reader_that_has_enough_gets_no_traceback(place: Path) -> None:
    command = f"{sys.executable} -m froq_lightning select scores.csv --worst=1 | sleep 0; echo ${{PIPESTATUS[0]}}"
    run = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True, cwd=place)
    assert (run.stdout, run.stderr) == ("1\n", "")
