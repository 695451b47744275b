"""Lists, labels and trials that cannot be used are refused in a line; those that can in part cost only their rows."""

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from froq_lightning.cli import main

Refused = Callable[..., str]


def write_table(path: Path, labels: dict[str, str]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("path", "pseudo_quality"), *labels.items()])
    return path


def test_missing_extra_and_useless_labels_cost_only_their_rows(
    network: tuple[str, ...], crops: Path, rows: Callable[[Path], list[dict[str, str]]], tmp_path: Path
) -> None:
    names = sorted(path.name for path in crops.iterdir())
    labels = {name: f"{number}" for number, name in enumerate(names)}
    del labels[names[0]]
    labels[names[1]] = "nan"
    labels["nobody.jpg"] = "0.5"
    table, output = write_table(tmp_path / "labels.csv", labels), tmp_path / "observer.json"
    arguments = [f"--data.source={crops}", f"--data.labels={table}", f"--output={output}"]
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


def test_a_label_that_stands_twice_is_refused(
    network: tuple[str, ...], crops: Path, tmp_path: Path, refused: Refused
) -> None:
    (tmp_path / "labels.csv").write_text("path,pseudo_quality\na.jpg,1\na.jpg,2\n")
    arguments = [f"--data.source={crops}", f"--data.labels={tmp_path / 'labels.csv'}"]
    assert (
        refused("validate", *network, *arguments) == "labels.csv, line 3: 'a.jpg' stands there twice, with '1' and '2'"
    )


def test_constant_labels_are_refused(network: tuple[str, ...], crops: Path, tmp_path: Path, refused: Refused) -> None:
    labels = write_table(tmp_path / "labels.csv", {path.name: "0.5" for path in crops.iterdir()})
    output = tmp_path / "observer.json"
    told = refused("validate", *network, f"--data.source={crops}", f"--data.labels={labels}", f"--output={output}")
    assert told.startswith("all calibration images have the same pseudo-quality")
    assert not output.exists()


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
    rows: tuple[str, ...], message: str, network: tuple[str, ...], crops: Path, tmp_path: Path, refused: Refused
) -> None:
    for number in range(2):
        (tmp_path / f"{number}.jpg").write_bytes(sorted(crops.iterdir())[number].read_bytes())
    (tmp_path / "9.jpg").touch()
    lines = [re.sub(r"\d(?=, )", r"\g<0>.jpg", row) for row in rows]
    (tmp_path / "pairs.csv").write_text("\n".join(["image_a, image_b, mated", *lines]))
    arguments = ["--model.methods=[embedding_norm]", f"--data.source={tmp_path / 'pairs.csv'}"]
    told = refused("test", *network, *arguments, f"--output={tmp_path / 'out.csv'}")
    assert told == f"Expected pairs to have usable trials, mated and non-mated, but got no {message}"
    assert not (tmp_path / "out.csv").exists()


def test_a_parquet_manifest_is_scored_like_a_csv(predict: Callable[..., object], crops: Path, tmp_path: Path) -> None:
    names = sorted(path.name for path in crops.iterdir())[:3]
    parquet.write_table(pa.table({"path": names}), crops / "list.parquet")
    write_table(crops / "list.csv", dict.fromkeys(names, "1"))
    rows = [predict(crops / f"list.{kind}", tmp_path / f"{kind}.scores.csv") for kind in ("parquet", "csv")]
    assert rows[0] == rows[1]


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
