"""Whatever is wrong with the input: a row that says why, or exit code 2 and one line. Never a traceback."""

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from PIL import Image
from pyarrow import parquet

from froq_lightning.cli import main

QUIET = ("--data.workers=0", "--trainer.accelerator=cpu", "--trainer.enable_progress_bar=false")
FEW_PASSES = ("--model.labeller.noise=0", "--model.labeller.occlusion=0")
Rows = dict[str, dict[str, str]]
Refused = Callable[..., str]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def crops(shared: Path) -> list[Path]:
    """Fourteen aligned crops."""
    return sorted((shared / "data" / "calibration").glob("*.jpg"))[:14]


@pytest.fixture(scope="module")
def network(shared: Path) -> tuple[str, ...]:
    """Options that choose MobileFaceNet with its real weights."""
    pytest.importorskip("froq_mobilefacenet", reason="needs the plugin froq-mobilefacenet")
    weights = shared / "data" / "weights" / "mobilefacenet_casia.ckpt"
    return ("--model.backbone=mobilefacenet", f"--model.backbone_options.weights={weights}", *QUIET)


@pytest.fixture(scope="module")
def observer(network: tuple[str, ...], crops: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An Observer of MobileFaceNet."""
    folder = tmp_path_factory.mktemp("observer")
    labels = write_table(folder / "labels.csv", {path.name: f"{number}" for number, path in enumerate(crops)})
    arguments = [f"--data.source={labels}", f"--data.root={crops[0].parent}", f"--output={folder / 'observer.json'}"]
    assert main(["validate", *network, *arguments]) == 0
    return folder / "observer.json"


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Refused:
    """Runs a command that must end with code 2 and one line, and returns the line."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> str:
        capsys.readouterr()
        assert main([str(argument) for argument in arguments]) == 2
        told = capsys.readouterr().err
        assert told.startswith("froq: error: ")
        assert told.count("\n") == 1
        return told.removeprefix("froq: error: ").rstrip()

    return run


@pytest.fixture
def folder(crops: list[Path], tmp_path: Path) -> Path:
    """The fourteen crops in a folder of their own."""
    place = tmp_path / "crops"
    place.mkdir()
    for path in crops:
        (place / path.name).symlink_to(path)
    return place


def write_table(path: Path, labels: dict[str, str]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("path", "pseudo_quality"), *labels.items()])
    return path


def read_rows(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as file:
        return {row["image"]: row for row in csv.DictReader(file)}


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


@pytest.fixture(scope="module")
def odd(
    network: tuple[str, ...], observer: Path, crops: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Rows, Rows]:
    """Rows of the odd images, without and with `data.resize`."""
    folder = tmp_path_factory.mktemp("odd")
    write_odd_images(folder, crops[0])
    names = [*sorted(path.name for path in folder.iterdir()), "missing.jpg"]
    (folder / "list.csv").write_text("path\n" + "\n".join(names) + "\n", encoding="utf-8")
    results = []
    for resize in ("false", "true"):
        output = folder / "out" / f"{resize}.csv"
        arguments = [f"--model.observer={observer}", f"--data.source={folder / 'list.csv'}", f"--output={output}"]
        assert main(["predict", *network, *arguments, f"--data.resize={resize}"]) == 0
        results.append(read_rows(output))
        assert list(results[-1]) == names
    return results[0], results[1]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("truncated.jpg", "file is damaged or unreadable: image file is truncated"),
        ("empty.jpg", "file is empty"),
        ("text.jpg", "file is no image of a known format, or damaged"),
        ("folder.jpg", "file is damaged or unreadable: "),
        ("dangling.jpg", "file does not exist"),
        ("missing.jpg", "file does not exist"),
        ("small.png", "expected a 112 x 112 crop with 'arcface' alignment, got 90 x 80; set data.aligner for photo"),
    ],
)
def test_an_unusable_image_is_a_failed_row_with_a_reason(name: str, reason: str, odd: tuple[Rows, Rows]) -> None:
    row = odd[0][name]
    assert (row["quality_score"], row["quality"], row["status"]) == ("", "-1", "failed")
    assert row["reason"].startswith(reason)


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("plain.png", ""),
        ("rotated.png", "rotated as its EXIF says"),
        ("grey.png", "grey image"),
        ("grey16.png", "16-bit grey, scaled to 8 bits"),
        ("rgba.png", "transparency put on black"),
        ("palette.png", ""),
        ("cmyk.jpg", "converted from CMYK"),
    ],
)
def test_an_unusual_image_is_scored_with_a_remark(name: str, note: str, odd: tuple[Rows, Rows]) -> None:
    assert (odd[0][name]["status"], odd[0][name]["reason"]) == ("ok", note)


@pytest.mark.parametrize(("name", "twin"), [("rotated.png", "plain.png"), ("rgba.png", "plain.png")])
def test_the_same_pixels_get_the_same_score(name: str, twin: str, odd: tuple[Rows, Rows]) -> None:
    assert float(odd[0][name]["quality_score"]) == pytest.approx(float(odd[0][twin]["quality_score"]), rel=1e-5)


def test_grey_is_the_same_in_eight_and_sixteen_bits(odd: tuple[Rows, Rows]) -> None:
    eight, sixteen = (float(odd[0][name]["quality_score"]) for name in ("grey.png", "grey16.png"))
    assert eight == pytest.approx(sixteen, rel=1e-5)


def test_crops_of_another_size_are_resized_if_asked_for(odd: tuple[Rows, Rows]) -> None:
    row = odd[1]["small.png"]
    assert (row["status"], row["reason"]) == ("ok", "resized from 90 x 80")
    changed = {name for name in odd[0] if odd[0][name]["status"] != odd[1][name]["status"]}
    assert changed == {"small.png"}


def test_photographs_without_and_with_several_faces_say_so(
    network: tuple[str, ...], observer: Path, shared: Path, tmp_path: Path
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
    arguments = [f"--data.source={photographs}", "--data.aligner=dlib", f"--output={tmp_path / 'scores.csv'}"]
    assert main(["predict", *network, f"--model.observer={observer}", *arguments]) == 0
    rows = read_rows(tmp_path / "scores.csv")
    assert (rows["none.png"]["status"], rows["none.png"]["reason"]) == ("failed", "no face found")
    assert (rows["one.jpg"]["status"], rows["one.jpg"]["reason"]) == ("ok", "")
    assert (rows["two.png"]["status"], rows["two.png"]["reason"]) == ("ok", "2 faces, took the largest")


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
    network: tuple[str, ...], observer: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "faces").mkdir()
    for number in range(7):
        (tmp_path / "faces" / f"{number}.jpg").touch()
    arguments = [f"--data.source={tmp_path / 'faces'}", f"--output={tmp_path / 'scores.csv'}", "--data.batch_size=3"]
    capsys.readouterr()
    assert main(["predict", *network, f"--model.observer={observer}", *arguments]) == 1
    assert {row["reason"] for row in read_rows(tmp_path / "scores.csv").values()} == {"file is empty"}
    told = capsys.readouterr()
    assert "7 could not be scored: 0.jpg: file is empty; " in told.out
    assert told.err == "froq: no image could be scored\n"


def test_missing_extra_and_useless_labels_cost_only_their_rows(
    network: tuple[str, ...], folder: Path, tmp_path: Path
) -> None:
    names = sorted(path.name for path in folder.iterdir())
    labels = {name: f"{number}" for number, name in enumerate(names)}
    del labels[names[0]]
    labels[names[1]] = "nan"
    labels["nobody.jpg"] = "0.5"
    table, output = write_table(tmp_path / "labels.csv", labels), tmp_path / "observer.json"
    arguments = [f"--data.source={folder}", f"--data.labels={table}", f"--output={output}"]
    assert main(["validate", *network, *arguments]) == 0
    rows = read_rows(output.with_suffix(".images.csv"))
    failed = {name: row["reason"] for name, row in rows.items() if row["status"] == "failed"}
    assert failed == {
        names[0]: "no label in labels.csv",
        names[1]: "label 'nan' is no finite number",
        "nobody.jpg": "in labels.csv, but not in the source",
    }
    assert list(rows) == [*names, "nobody.jpg"]
    assert all(rows[name]["quality"] == "-1" for name in failed)


def test_a_label_that_stands_twice_is_refused(
    network: tuple[str, ...], folder: Path, tmp_path: Path, refused: Refused
) -> None:
    (tmp_path / "labels.csv").write_text("path,pseudo_quality\na.jpg,1\na.jpg,2\n")
    arguments = [f"--data.source={folder}", f"--data.labels={tmp_path / 'labels.csv'}"]
    assert (
        refused("validate", *network, *arguments) == "labels.csv, line 3: 'a.jpg' stands there twice, with '1' and '2'"
    )


def test_constant_labels_are_refused(network: tuple[str, ...], folder: Path, tmp_path: Path, refused: Refused) -> None:
    labels = write_table(tmp_path / "labels.csv", {path.name: "0.5" for path in folder.iterdir()})
    output = tmp_path / "observer.json"
    told = refused("validate", *network, f"--data.source={folder}", f"--data.labels={labels}", f"--output={output}")
    assert told.startswith("all calibration images have the same pseudo-quality")
    assert not output.exists()


@pytest.mark.parametrize("usable", [9, 0])
def test_fewer_than_ten_usable_images_are_refused(
    usable: int, network: tuple[str, ...], folder: Path, tmp_path: Path, refused: Refused
) -> None:
    for path in sorted(folder.iterdir())[usable:]:
        path.unlink()
        path.touch()
    arguments = [f"--data.source={folder}", f"--output={tmp_path / 'observer.json'}", *FEW_PASSES]
    told = refused("validate", *network, *arguments)
    assert told.startswith(f"Expected at least 10 usable calibration images, but got {usable} ({14 - usable} left out")
    assert "file is empty" in told
    assert not (tmp_path / "observer.json").exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("list.csv", b"who\na.jpg\n", "Expected list.csv to have one of the columns path, image, "),
        ("list.csv", b"path,pseudo_quality\na.jpg\n", "list.csv, line 2: Expected 2 cells as in line 1, but got 1"),
        ("list.csv", "path\nM\u00fcller.jpg\n".encode("latin-1"), "list.csv is no text in UTF-8, save it as such: "),
        ("list.parquet", b"path\na.jpg\n", "list.parquet is no Parquet file"),
        (
            "list.md",
            b"a.jpg\n",
            "Expected a folder, an image, or a manifest (.csv .tsv .txt .parquet), but got list.md",
        ),
    ],
)
def test_a_malformed_manifest_is_refused(
    name: str,
    content: bytes,
    message: str,
    network: tuple[str, ...],
    observer: Path,
    tmp_path: Path,
    refused: Refused,
) -> None:
    (tmp_path / name).write_bytes(content)
    arguments = [f"--model.observer={observer}", f"--data.source={tmp_path / name}"]
    assert refused("predict", *network, *arguments, f"--output={tmp_path / 'scores.csv'}").startswith(message)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (("0, 1, 1",), "non-mated"),
        (("0, 1, 0",), "mated"),
        (("0, 1, 1", "1, 9, 0"), "non-mated ones: 1 of 3 embeddings are missing, as of '9.jpg' (file is empty)"),
        (
            ("9, 0, 1", "9, 1, 0"),
            "mated and no non-mated ones: 1 of 3 embeddings are missing, as of '9.jpg' (file is empty)",
        ),
    ],
)
def test_trials_of_which_none_or_one_kind_is_usable_are_refused(
    rows: tuple[str, ...], message: str, network: tuple[str, ...], crops: list[Path], tmp_path: Path, refused: Refused
) -> None:
    for number in range(2):
        (tmp_path / f"{number}.jpg").write_bytes(crops[number].read_bytes())
    (tmp_path / "9.jpg").touch()
    lines = [re.sub(r"\d(?=, )", r"\g<0>.jpg", row) for row in rows]
    (tmp_path / "pairs.csv").write_text("\n".join(["image_a, image_b, mated", *lines]))
    arguments = ["--model.methods=[embedding_norm]", f"--data.source={tmp_path / 'pairs.csv'}"]
    told = refused("test", *network, *arguments, f"--output={tmp_path / 'out.csv'}")
    assert told == f"Expected pairs to have usable trials, mated and non-mated, but got no {message}"
    assert not (tmp_path / "out.csv").exists()


def test_a_parquet_manifest_is_scored_like_a_csv(
    network: tuple[str, ...], observer: Path, folder: Path, tmp_path: Path
) -> None:
    names = sorted(path.name for path in folder.iterdir())[:3]
    parquet.write_table(pa.table({"path": names}), folder / "list.parquet")
    write_table(folder / "list.csv", dict.fromkeys(names, "1"))
    for kind in ("parquet", "csv"):
        arguments = [f"--data.source={folder / f'list.{kind}'}", f"--output={tmp_path / f'{kind}.scores.csv'}"]
        assert main(["predict", *network, f"--model.observer={observer}", *arguments]) == 0
    assert (tmp_path / "parquet.scores.csv").read_bytes() == (tmp_path / "csv.scores.csv").read_bytes()


def test_a_source_that_is_not_there_or_empty_is_refused(
    network: tuple[str, ...], observer: Path, tmp_path: Path, refused: Refused
) -> None:
    (tmp_path / "empty").mkdir()
    base = ["predict", *network, f"--model.observer={observer}", f"--output={tmp_path / 'scores.csv'}"]
    assert refused(*base, f"--data.source={tmp_path / 'gone'}").endswith("gone' does not exist")
    assert "empty' holds no images; images end in .avif .bmp .dib .gif" in refused(
        *base, f"--data.source={tmp_path / 'empty'}"
    )
    told = refused(*base, "--data.source=sample:astronut", f"--trainer.default_root_dir={tmp_path}")
    assert told == "unknown sample 'astronut'; nearest: astronaut"


def test_an_unknown_backbone_or_layer_or_option_names_the_nearest(tmp_path: Path, refused: Refused) -> None:
    source = f"--data.source={tmp_path}"
    assert refused("predict", "--model.backbone=tim", source) == "unknown backbone 'tim'; nearest: timm"
    options = "--model.backbone_options={architecture: edgenext_xx_small, layers: [stages.9]}"
    told = refused("predict", "--model.backbone=timm", options, source)
    assert told.startswith("unknown layer 'stages.9'; nearest: stages.")
    options = "--model.backbone_options={architecture: edgenext_xx_smal}"
    told = refused("predict", "--model.backbone=timm", options, source)
    assert told.startswith("unknown timm architecture 'edgenext_xx_smal'; nearest: edgenext_xx_small, ")
    told = refused("predict", "--model.backbone=timm", "--model.backbone_options={wieghts: a.pt}", source)
    assert told.startswith("options of 'timm': missing a required argument: 'architecture'; it takes: architecture, we")


@pytest.mark.parametrize("backbone", ["mobilefacenet", "dlib_resnet29"])
def test_weights_that_are_missing_or_of_another_kind_are_refused(
    backbone: str, tmp_path: Path, refused: Refused
) -> None:
    pytest.importorskip({"mobilefacenet": "froq_mobilefacenet", "dlib_resnet29": "froq_dlib"}[backbone])
    (tmp_path / "letter.ckpt").write_text("dear network")
    for name in ("gone.ckpt", "letter.ckpt"):
        options = f"--model.backbone_options.weights={tmp_path / name}"
        assert refused("predict", f"--model.backbone={backbone}", options, f"--data.source={tmp_path}")


def test_an_aligner_that_does_not_exist_is_refused(
    network: tuple[str, ...], observer: Path, folder: Path, refused: Refused
) -> None:
    arguments = [f"--model.observer={observer}", f"--data.source={folder}", "--data.aligner=dlbi"]
    assert refused("predict", *network, *arguments, f"--output={folder.parent / 's.csv'}").startswith("unknown aligner")


def test_the_observer_of_another_network_is_refused_with_what_differs(
    observer: Path, shared: Path, folder: Path, refused: Refused
) -> None:
    weights = shared / "data" / "weights" / "edgeface_xxs.safetensors"
    options = f"--model.backbone_options={{architecture: edgenext_xx_small, weights: {weights}}}"
    arguments = ["--model.backbone=timm", options, f"--model.observer={observer}", f"--data.source={folder}"]
    told = refused("predict", *arguments, *QUIET, f"--output={folder.parent / 's.csv'}")
    assert told.startswith("the observer was made for ")
    assert "mobilefacenet" in told
    assert "timm" in told


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "observer file '"),
        ("{", "observer.json is no Observer: "),
        ("[]", "Expected schema_version 1, 2 or 3, but got None"),
        ('{"schema_version": 4}', "Expected schema_version 1, 2 or 3, but got 4"),
        ('{"schema_version": 1}', "observer.json is no Observer: "),
    ],
)
def test_a_damaged_or_absent_observer_is_refused(
    content: str | None, message: str, network: tuple[str, ...], folder: Path, tmp_path: Path, refused: Refused
) -> None:
    path = tmp_path / "observer.json"
    if content is not None:
        path.write_text(content)
    told = refused("predict", *network, f"--model.observer={path}", f"--data.source={folder}")
    assert message in told


def test_scoring_without_an_observer_is_refused_with_how_to_get_one(
    network: tuple[str, ...], folder: Path, refused: Refused
) -> None:
    told = refused("predict", *network, f"--data.source={folder}", f"--output={folder.parent / 's.csv'}")
    assert told.startswith("backbone 'mobilefacenet' ships no observer; calibrate one with `froq validate`")


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--model.presett=paper", "--model.presett"),
        ("--model.preset=papr", "papr"),
        ("--data.batch_size=many", "data.batch_size"),
        ("--data.batch_size=0", "Expected `batch_size` to be at least 1, but got 0"),
        ("--data.workers=-1", "Expected `workers` to be at least 0, but got -1"),
        ("--data.degrade.share=2", "Expected `share` to be in 0..1, but got 2.0"),
        ("--data.degrade.kinds=[blurr]", "unknown degradation 'blurr'; nearest: blur"),
        ("--model.labeller.alpha=0", "Expected `alpha` to be in 0..1, but got 0.0"),
        ("--config=gone.yaml", "gone.yaml"),
    ],
)
def test_a_wrong_option_is_refused(option: str, message: str, refused: Refused) -> None:
    base = ("--model.backbone=timm", "--model.backbone_options={architecture: resnet10t}", "--data.source=faces")
    assert message in refused("validate", *base, option)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("model: [1\n", "parsing"),
        ("model:\n  backbon: timm\n", "backbon"),
        ("data:\n  batch_size: {a: 1}\n", "batch_size"),
        ("- a list\n", ""),
    ],
)
def test_a_wrong_configuration_file_is_refused(content: str, message: str, tmp_path: Path, refused: Refused) -> None:
    (tmp_path / "run.yaml").write_text(content)
    told = refused("predict", f"--config={tmp_path / 'run.yaml'}", "--model.backbone=timm", "--data.source=faces")
    assert message in told


def test_required_options_are_asked_for(refused: Refused) -> None:
    assert "model.backbone" in refused("predict", "--data.source=faces")
    assert "data.source" in refused("predict", "--model.backbone=timm")


def test_an_output_that_cannot_be_written_is_refused_before_any_image_is_read(
    network: tuple[str, ...], observer: Path, folder: Path, tmp_path: Path, refused: Refused
) -> None:
    (tmp_path / "file").touch()
    base = ["predict", *network, f"--model.observer={observer}", f"--data.source={folder}"]
    assert "folder of the output" in refused(*base, f"--output={tmp_path / 'file' / 'scores.csv'}")
    assert refused(*base, f"--output={folder}").endswith("is a folder")
