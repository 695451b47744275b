"""An image that cannot be used is a row that says why; one that is unusual is scored with a remark."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from froq_lightning.cli import main

Refused = Callable[..., str]
FEW_PASSES = ("--model.labeller.noise=0", "--model.labeller.occlusion=0")


def write_odd_images(folder: Path, crop: Path) -> None:
    """Write one face in many ways, and files that are no face at all."""
    with Image.open(crop) as opened:
        face = opened.convert("RGB")
    grey = np.asarray(face.convert("L"))
    exif = Image.Exif()
    exif[0x0112] = 6
    face.save(folder / "plain.png")
    face.rotate(90).save(folder / "rotated.png", exif=exif)
    face.convert("L").save(folder / "grey.png")
    Image.fromarray(grey.astype(np.uint16) * 257).save(folder / "grey16.png")
    face.convert("RGBA").save(folder / "rgba.png")
    face.quantize(256).save(folder / "palette.png")
    face.convert("CMYK").save(folder / "cmyk.jpg", quality=95)
    face.resize((90, 80)).save(folder / "small.png")
    (folder / "truncated.jpg").write_bytes(crop.read_bytes()[:2000])
    (folder / "empty.jpg").touch()
    (folder / "text.jpg").write_text("a letter, not a photograph")
    (folder / "folder.jpg").mkdir()
    (folder / "dangling.jpg").symlink_to(folder / "gone.jpg")


@pytest.mark.parametrize("resize", [False, True])
def test_an_unusable_image_is_a_failed_row_with_a_reason_and_an_unusual_one_is_scored_with_a_remark(
    resize: bool, predict: Callable[..., list[dict[str, str]]], shared: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    write_odd_images(folder, min((shared / "data" / "calibration").glob("*.jpg")))
    reasons = {
        "cmyk.jpg": "converted from CMYK",
        "dangling.jpg": "file does not exist",
        "empty.jpg": "file is empty",
        "folder.jpg": "file is damaged or unreadable: ",
        "grey.png": "grey image",
        "grey16.png": "16-bit grey, scaled to 8 bits",
        "palette.png": "",
        "plain.png": "",
        "rgba.png": "transparency put on black",
        "rotated.png": "rotated as its EXIF says",
        "small.png": "resized from 90 x 80"
        if resize
        else "expected a 112 x 112 crop with 'arcface' alignment, got 90 x 80; set `aligner` for photo",
        "text.jpg": "file is no image of a known format, or damaged",
        "truncated.jpg": "file is damaged or unreadable: image file is truncated",
        "missing.jpg": "file does not exist",
    }
    (folder / "list.csv").write_text("\n".join(["path", *reasons]), encoding="utf-8")
    rows = predict(folder / "list.csv", tmp_path / "scores.csv", f"--data.resize={resize}")
    assert [row["image"] for row in rows] == list(reasons)
    for row, reason in zip(rows, reasons.values(), strict=True):
        assert row["reason"].startswith(reason)
        assert bool(row["reason"]) == bool(reason)
        if reason.startswith(("file", "expected")):
            assert (row["quality_score"], row["quality"], row["status"]) == ("", "-1", "failed")
        else:
            assert row["status"] == "ok"
    scores = {row["image"]: float(row["quality_score"] or "nan") for row in rows}
    for name, twin in (("rotated.png", "plain.png"), ("rgba.png", "plain.png"), ("grey.png", "grey16.png")):
        assert scores[name] == pytest.approx(scores[twin], rel=1e-5)


def test_photographs_without_and_with_several_faces_say_so(
    predict: Callable[..., list[dict[str, str]]], shared: Path, tmp_path: Path
) -> None:
    pytest.importorskip("froq_dlib", reason="needs the plugin froq-dlib")
    photographs = tmp_path / "photographs"
    photographs.mkdir()
    first, second = sorted((shared / "data" / "calibration_photos").glob("*.jpg"))[:2]
    Image.new("RGB", (250, 250), (90, 120, 90)).save(photographs / "none.png")
    with Image.open(first) as left, Image.open(second) as right:
        both = Image.new("RGB", (500, 250))
        both.paste(left, (0, 0))
        both.paste(right, (250, 0))
        both.save(photographs / "two.png")
    (photographs / "one.jpg").symlink_to(first)
    rows = predict(photographs, tmp_path / "scores.csv", "--data.aligner=dlib")
    assert {row["image"]: (row["status"], row["reason"]) for row in rows} == {
        "none.png": ("failed", "no face found"),
        "one.jpg": ("ok", ""),
        "two.png": ("ok", "2 faces, took the largest"),
    }


@pytest.mark.parametrize("verb", ["predict", "validate", "test"])
def test_photographs_without_an_aligner_are_refused_once(
    verb: str, network: tuple[str, ...], shared: Path, tmp_path: Path, refused: Refused
) -> None:
    output = tmp_path / ("output.json" if verb == "validate" else "output.csv")
    arguments = [f"--data.source={shared / 'data' / 'photos'}", f"--output={output}"]
    told = refused(verb, *network, *arguments)
    assert told.startswith("Expected 112 x 112 crops with 'arcface' alignment, but got images of other sizes in ")
    assert told.endswith("with 250 x 250; set data.aligner for photographs, data.resize for crops")
    assert not list(tmp_path.glob("output*"))


@pytest.mark.parametrize("verb", ["predict", "validate", "test"])
def test_a_folder_of_links_is_read_and_what_is_passed_over_is_told_once(
    verb: str,
    network: tuple[str, ...],
    observer: Path,
    shared: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for folder in sorted((shared / "data" / "faces").iterdir())[:7]:
        (tmp_path / "people" / folder.name).parent.mkdir(exist_ok=True)
        (tmp_path / "people" / folder.name).symlink_to(folder)
    (tmp_path / "people" / "up").symlink_to("..")
    (tmp_path / "people" / "notes.txt").touch()
    options = {
        "predict": [f"--model.observer={observer}"],
        "validate": [*FEW_PASSES, "--report=false"],
        "test": ["--model.methods=[random]", "--report=false"],
    }
    capsys.readouterr()
    output = tmp_path / ("output.json" if verb == "validate" else "output.csv")
    arguments = [f"--data.source={tmp_path / 'people'}", f"--output={output}"]
    assert main([verb, *network, *arguments, *options[verb]]) == 0
    told = [line for line in capsys.readouterr().out.splitlines() if "passed over" in line]
    files, links = (
        "1 file not read as images (.txt 1, such as notes.txt)",
        "1 link to a folder above or searched already",
    )
    assert [line.split(": ")[1] for line in told] == [f"{files}; {links}, such as up"]


def test_images_that_all_fail_are_rows_that_all_say_why(
    network: tuple[str, ...],
    observer: Path,
    rows: Callable[[Path], list[dict[str, str]]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "faces").mkdir()
    for number in range(7):
        (tmp_path / "faces" / f"{number}.jpg").touch()
    arguments = [f"--data.source={tmp_path / 'faces'}", f"--output={tmp_path / 'scores.csv'}", "--data.batch_size=3"]
    capsys.readouterr()
    assert main(["predict", *network, f"--model.observer={observer}", *arguments]) == 1
    assert {row["reason"] for row in rows(tmp_path / "scores.csv")} == {"file is empty"}
    told = capsys.readouterr()
    assert "7 could not be scored: 0.jpg: file is empty; " in told.out
    assert told.err == "froq: no image could be scored\n"


@pytest.mark.parametrize("usable", [9, 0])
def test_fewer_than_ten_usable_images_are_refused(
    usable: int, network: tuple[str, ...], calibration_crops: Path, tmp_path: Path, refused: Refused
) -> None:
    for path in sorted(calibration_crops.iterdir())[usable:]:
        path.unlink()
        path.touch()
    arguments = [f"--data.source={calibration_crops}", f"--output={tmp_path / 'observer.json'}", *FEW_PASSES]
    told = refused("validate", *network, *arguments)
    assert told.startswith(f"Expected at least 10 usable calibration images, but got {usable} ({14 - usable} left out")
    assert "file is empty" in told
    assert not list(tmp_path.glob("observer.json*")), "no journal either"
