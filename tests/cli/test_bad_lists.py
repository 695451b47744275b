"""Lists, labels and trials that cannot be used are refused in a line; those that can in part cost only their rows."""

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from froq_lightning.cli import main

Refused = Callable[..., str]


def write_table(path: Path, labels: dict[str, str]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("path", "pseudo_quality"), *labels.items()])
    return path


def test_missing_extra_and_useless_labels_cost_only_their_rows(
    network: tuple[str, ...], calibration_crops: Path, rows: Callable[[Path], list[dict[str, str]]], tmp_path: Path
) -> None:
    names = sorted(path.name for path in calibration_crops.iterdir())
    labels = {name: f"{number}" for number, name in enumerate(names)}
    del labels[names[0]]
    labels[names[1]] = "nan"
    labels["nobody.jpg"] = "0.5"
    table, output = write_table(tmp_path / "labels.csv", labels), tmp_path / "observer.json"
    arguments = [f"--data.source={calibration_crops}", f"--data.labels={table}", f"--output={output}"]
    assert main(["validate", *network, *arguments]) == 0
    written = {row["image"]: row for row in rows(output.with_suffix(".images.csv"))}
    failed = {name: row["reason"] for name, row in written.items() if row["status"] == "failed"}
    assert failed == {
        names[0]: "no label in labels.csv",
        names[1]: "label 'nan' is no finite number",
        "nobody.jpg": "in labels.csv, but not in the source",
    }
    assert list(written) == [*names, "nobody.jpg"]
    assert all(written[name]["quality"] == "-1" for name in failed)


def test_constant_labels_are_refused(
    network: tuple[str, ...], calibration_crops: Path, tmp_path: Path, refused: Refused
) -> None:
    labels = write_table(tmp_path / "labels.csv", {path.name: "0.5" for path in calibration_crops.iterdir()})
    output = tmp_path / "observer.json"
    told = refused(
        "validate", *network, f"--data.source={calibration_crops}", f"--data.labels={labels}", f"--output={output}"
    )
    assert told.startswith("all calibration images have the same pseudo-quality")
    assert not output.exists()


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
    rows: tuple[str, ...],
    message: str,
    network: tuple[str, ...],
    calibration_crops: Path,
    tmp_path: Path,
    refused: Refused,
) -> None:
    for number in range(2):
        (tmp_path / f"{number}.jpg").write_bytes(sorted(calibration_crops.iterdir())[number].read_bytes())
    (tmp_path / "9.jpg").touch()
    lines = [re.sub(r"\d(?=, )", r"\g<0>.jpg", row) for row in rows]
    (tmp_path / "pairs.csv").write_text("\n".join(["image_a, image_b, mated", *lines]))
    arguments = ["--model.methods=[embedding_norm]", f"--data.source={tmp_path / 'pairs.csv'}"]
    told = refused("test", *network, *arguments, f"--output={tmp_path / 'out.csv'}")
    assert told == f"Expected pairs to have usable trials, mated and non-mated, but got no {message}"
    assert not (tmp_path / "out.csv").exists()
