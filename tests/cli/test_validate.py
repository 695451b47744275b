import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from froq_lightning.cli import main
from froq_lightning.data.degradations import KINDS

Rows = Callable[[Path], list[dict[str, str]]]
FEW_PASSES = ("--model.labeller.noise=0", "--model.labeller.occlusion=2")


def load(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def test_the_observer_names_network_images_and_labels(observer: Path) -> None:
    content = load(observer)
    assert content["backbone"]["name"] == "mobilefacenet"
    assert content["backbone"]["distribution"] == "froq-mobilefacenet"
    assert content["backbone"]["weights"]["source"] == "mobilefacenet_casia.ckpt"
    assert content["preset"] == "distinct"
    assert content["calibration_set"] == {
        "images": 40,
        "left_out": 0,
        "labels": {"method": "given"},
        "degradations": None,
    }
    assert len(content["quantiles"]) == 101
    assert content["layers"]


def test_every_calibration_image_has_a_row_with_label_and_score(observer: Path, manifest: Path, rows: Rows) -> None:
    written, given = rows(observer.with_suffix(".images.csv")), rows(manifest)
    assert list(written[0]) == ["image", "pseudo_quality", "quality_score", "quality", "status", "reason"]
    assert [row["image"] for row in written] == [row["path"] for row in given]
    for row, label in zip(written, given, strict=True):
        assert float(row["pseudo_quality"]) == pytest.approx(float(label["pseudo_quality"]), rel=1e-7)
        assert row["status"] == "ok"
        assert 0 <= int(row["quality"]) <= 100


def test_a_second_run_and_a_folder_with_a_label_file_give_the_same_bytes(
    observer: Path, manifest: Path, network: tuple[str, ...], tmp_path: Path
) -> None:
    again, beside = tmp_path / "again" / "observer.json", tmp_path / "beside" / "observer.json"
    assert main(["validate", *network, f"--data.source={manifest}", f"--output={again}"]) == 0
    arguments = [f"--data.source={manifest.parent}", f"--data.labels={manifest}", f"--output={beside}"]
    assert main(["validate", *network, *arguments]) == 0
    assert again.read_bytes() == observer.read_bytes()
    assert again.with_suffix(".images.csv").read_bytes() == observer.with_suffix(".images.csv").read_bytes()
    # The folder is sorted by name, as the manifest is.
    assert beside.read_bytes() == observer.read_bytes()


def test_labels_made_on_the_fly_can_be_given_to_a_later_run_with_the_same_outcome(
    calibration_crops: Path, network: tuple[str, ...], rows: Rows, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made, given = tmp_path / "made" / "observer.json", tmp_path / "given" / "observer.json"
    source = f"--data.source={calibration_crops}"
    assert main(["validate", *network, source, *FEW_PASSES, f"--output={made}"]) == 0
    printed = capsys.readouterr().out
    labels = f"--data.labels={made.with_suffix('.images.csv')}"
    assert main(["validate", *network, source, labels, f"--output={given}"]) == 0
    first, second = load(made), load(given)
    assert first.pop("calibration_set")["labels"] == {
        "method": "perturbation",
        "flip": True,
        "noise": 0,
        "alpha": 0.001,
        "occlusion": 2,
        "seed": 0,
        "noise_masks": None,
    }
    assert second.pop("calibration_set")["labels"] == {"method": "given"}
    assert first == second
    assert rows(made.with_suffix(".images.csv")) == rows(given.with_suffix(".images.csv"))
    assert f"of {len(first['candidates'])} layers of mobilefacenet observe quality (preset distinct)" in printed
    assert f"{first['set_utility']:.4f} over 14 images" in printed
    assert f"observer: {made}" in printed


def test_degradations_of_the_calibration_set_are_recorded_in_the_observer(
    network: tuple[str, ...], manifest: Path, observer: Path, tmp_path: Path
) -> None:
    path = tmp_path / "observer.json"
    degrade = ["--data.degrade.share=0.5", "--data.degrade.kinds=[blur, jpeg]", "--data.degrade.seed=4"]
    recorded = {"share": 0.5, "kinds": ["blur", "jpeg"], "seed": 4, "copies": 0}
    arguments = [f"--data.source={manifest}", "--model.preset=paper", f"--output={path}"]
    assert main(["validate", *network, *arguments, *degrade]) == 0
    content = load(path)
    assert content["calibration_set"]["degradations"] == recorded
    assert (content["preset"], content["aggregation"]) == ("paper", "mean_norm")
    assert content["quantiles"] != load(observer)["quantiles"]


def test_subjects_give_labels_to_images_and_copies_that_have_mates(
    shared: Path, network: tuple[str, ...], rows: Rows, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "crops" / "alone").mkdir(parents=True)
    subjects = sorted((shared / "data" / "faces").iterdir())[:9]
    for subject in subjects[1:]:
        (tmp_path / "crops" / subject.name).symlink_to(subject)
    (tmp_path / "crops" / "alone" / "a.jpg").symlink_to(next(subjects[0].iterdir()))
    (tmp_path / "crops" / "loose.jpg").symlink_to(next(subjects[0].iterdir()))
    (tmp_path / "crops" / "broken.jpg").touch()
    output = tmp_path / "observer.json"
    options = ["--data.degrade.copies=1", "--model.labeller=mated", f"--output={output}"]
    assert main(["validate", *network, f"--data.source={tmp_path / 'crops'}", *options]) == 0
    printed = capsys.readouterr().out
    images, written = load(output)["calibration_set"], rows(output.with_suffix(".images.csv"))
    labels = images["labels"]
    assert (labels["method"], labels["subjects"], images["left_out"]) == ("mated", 8, 6)
    assert images["degradations"] == {"share": 0.0, "kinds": list(KINDS), "seed": 0, "copies": 1}
    assert (
        f"labels: mated similarity, {images['images']} images of 8 subjects with {labels['mates']:.1f} mates" in printed
    )
    assert "2 images without a label: no other image of this subject\n" in printed
    assert "! Only 8 subjects have mates" in printed
    page = output.with_suffix(".html").read_text(encoding="utf-8")
    for text in ("mated similarity, ", "Only 8 subjects have mates", "2 images without a label: no other image of"):
        assert text in page
    assert [row["image"] for row in written[:2]] == [written[0]["image"], f"{written[0]['image']} (copy 1)"]
    states = {row["image"]: (row["status"], row["reason"]) for row in written if row["status"] != "ok"}
    expected = {
        "alone/a.jpg": ("unlabelled", "no other image of this subject"),
        "broken.jpg": ("failed", "file is empty"),
        "loose.jpg": ("unlabelled", "its subject is not known"),
    }
    assert states == expected | {f"{name} (copy 1)": state for name, state in expected.items()}
    labels_given = f"--data.labels={output.with_suffix('.images.csv')}"
    again = [labels_given, "--model.preset=ridge", f"--output={tmp_path / 'again.json'}"]  # ridge, as `auto` took
    assert main(["validate", *network, f"--data.source={tmp_path / 'crops'}", *options[:1], *again]) == 0
    assert load(tmp_path / "again.json")["layers"] == load(output)["layers"]


def test_images_without_subjects_are_refused_before_they_are_read(
    network: tuple[str, ...], manifest: Path, tmp_path: Path, refused: Callable[..., str]
) -> None:
    output = f"--output={tmp_path / 'out' / 'observer.json'}"
    arguments = ["validate", *network, f"--data.source={manifest.parent}", "--model.labeller=mated", output]
    assert "got images without subjects; give one sub-folder per subject" in refused(*arguments)
    assert not (tmp_path / "out" / "observer.json.partial").exists()
    assert main([*arguments, f"--data.labels={manifest}"]) == 0  # then nothing is labelled
