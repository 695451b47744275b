from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from froq_lightning.cli import main
from froq_lightning.formats.format import read_rows

Rows = list[dict[str, str]]
Predict = Callable[..., Rows]


def test_every_image_has_a_row_in_input_order(predict: Predict, faces: Path, tmp_path: Path) -> None:
    names = sorted(path.name for path in faces.iterdir())[::-1]
    (faces / "empty.jpg").touch()
    names.insert(3, "empty.jpg")
    manifest = faces / "list.csv"
    manifest.write_text("path\n" + "\n".join(names) + "\n", encoding="utf-8")
    scored = predict(manifest, tmp_path / "scores.csv", "--data.batch_size=4")
    assert list(scored[0]) == ["image", "quality_score", "quality", "status", "reason"]
    assert [row["image"] for row in scored] == names
    failed = scored.pop(3)
    assert (failed["quality_score"], failed["quality"], failed["status"]) == ("", "-1", "failed")
    assert failed["reason"] == "file is empty"
    assert all(row["status"] == "ok" and 0 <= int(row["quality"]) <= 100 for row in scored)
    ranked = sorted(scored, key=lambda row: float(row["quality_score"]))
    assert [int(row["quality"]) for row in ranked] == sorted(int(row["quality"]) for row in scored)


def test_the_batch_size_does_not_change_the_scores(predict: Predict, faces: Path, tmp_path: Path) -> None:
    single, seven, many = (predict(faces, tmp_path / f"{size}.csv", f"--data.batch_size={size}") for size in (1, 7, 64))
    scores = [float(row["quality_score"]) for row in single]
    for rows in (seven, many):
        assert [row["image"] for row in rows] == [row["image"] for row in single]
        assert [float(row["quality_score"]) for row in rows] == pytest.approx(scores, rel=1e-5)
    (row,) = predict(faces / single[4]["image"], tmp_path / "one.csv")
    assert float(row["quality_score"]) == pytest.approx(scores[4], rel=1e-5)


def test_a_second_run_gives_the_same_bytes_and_so_does_the_saved_configuration(
    predict: Predict, faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    predict(faces, first)
    predict(faces, second)
    before = first.read_bytes()
    assert second.read_bytes() == before
    first.unlink()
    assert main(["predict", f"--config={first.with_suffix('.config.yaml')}"]) == 0
    assert first.read_bytes() == before
    leftovers = {path.name for path in tmp_path.iterdir()} - {"faces"}
    assert leftovers == {"first.csv", "second.csv", "first.config.yaml", "second.config.yaml"}
    assert capsys.readouterr().err == ""


def test_the_table_shows_the_best_first_and_the_failures(
    predict: Predict, faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (faces / "text.jpg").write_text("no image")
    scored = predict(faces, tmp_path / "scores.csv", "--data.batch_size=2")
    printed = capsys.readouterr().out
    ranked = sorted((row for row in scored if row["status"] == "ok"), key=lambda row: -float(row["quality_score"]))
    places = [printed.index(row["image"]) for row in ranked]
    assert places == sorted(places)
    assert "1 could not be scored: text.jpg: file is no image of a known format, or damaged" in printed
    assert f"scores: {tmp_path / 'scores.csv'}" in printed


def test_a_long_table_is_cut_in_the_middle(
    predict: Predict, shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "faces").mkdir()
    for image in sorted((shared / "data" / "faces").glob("*/*.jpg"))[:25]:
        (tmp_path / "faces" / image.name).symlink_to(image)
    predict(tmp_path / "faces", tmp_path / "scores.csv", "--data.batch_size=8")
    lines = capsys.readouterr().out.splitlines()
    assert sum(".jpg" in line for line in lines) == 20
    assert "… 5 more" in lines[lines.index(next(line for line in lines if "…" in line))]


def test_the_contact_sheet_shows_the_ranked_faces(predict: Predict, faces: Path, tmp_path: Path) -> None:
    picture = tmp_path / "pictures" / "ranked.png"
    sheet = [
        "--trainer.callbacks=froq_lightning.reporting.ContactSheet",
        f"--trainer.callbacks.path={picture}",
        "--trainer.callbacks.ends=3",
        "--trainer.callbacks.columns=4",
    ]
    scored = predict(faces, tmp_path / "scores.csv", *sheet)
    best = max(scored, key=lambda row: float(row["quality_score"]))["image"]
    with Image.open(picture) as drawn, Image.open(faces / best) as face:
        assert drawn.size == (4 * 120 + 8, 2 * (112 + 34 + 8) + 8)
        assert drawn.crop((8, 8, 120, 120)).tobytes() == face.convert("RGB").tobytes()


@pytest.mark.parametrize(
    ("choice", "suffix"), [("ofiq", ".csv"), ("{name: iso, organization: 257, algorithm: 2}", ".xml")]
)
def test_a_format_is_chosen_by_its_name(
    choice: str, suffix: str, predict: Predict, faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (faces / "empty.jpg").touch()
    scored = predict(faces, tmp_path / "scores.csv")
    path = tmp_path / f"named{suffix}"
    for _ in range(2):  # the second replaces the first
        predict(faces, path, f"--format={choice}")
    rows = read_rows(path)
    assert [(row.image, str(row.quality), row.status) for row in rows] == [
        (row["image"], row["quality"], row["status"]) for row in scored
    ]
    assert (tmp_path / "scores.csv").read_text().startswith("image,")
