"""The commands of docs/reproduce.md, on a network with real weights and real faces under the names of the paper."""

import csv
import pickle
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from froq_lightning.cli import main

DOCS = Path(__file__).parents[2] / "docs"
ON_TEMPLATE = "38.2946 51.6963 73.5318 51.5014 56.0252 71.7366 41.5493 92.3655 70.7299 92.2041"
BINS = ("lfw", "cplfw", "cfp_fp", "calfw", "agedb_30")


def commands() -> list[list[str]]:
    blocks = re.findall(r"```bash\n(.*?)```", (DOCS / "reproduce.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    texts = [text for block in blocks for text in re.split(r"(?m)^froq ", block) if text]
    return [shlex.split(text.replace("\\\n", " ")) for text in texts]


@pytest.fixture
def workplace(shared: Path, crops: list[Any], bin_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the commands name: the data sets of the paper, with twelve faces each, and faces to calibrate on."""
    (tmp_path / "calibration").mkdir()
    for image in sorted((shared / "data" / "calibration").glob("*.jpg"))[:12]:
        (tmp_path / "calibration" / image.name).symlink_to(image)
    (tmp_path / "benchmarks").mkdir()
    for name in BINS:
        (tmp_path / "benchmarks" / f"{name}.bin").symlink_to(bin_file)
    for folder, name in (("adience", "{0}/{1}"), ("xqlfw", "{0}/{0}_{1:04d}.jpg")):
        for number, crop in enumerate(crops):
            path = tmp_path / folder / name.format(crop.subject, number % 3 + 1)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.with_suffix(".jpg").symlink_to(crop.path)
    first, second = crops[0].subject, crops[3].subject
    (tmp_path / "xqlfw" / "xqlfw_pairs.txt").write_text(f"{first}\t1\t2\n{second}\t1\t3\n{first}\t2\t{second}\t1\n")
    for name in ("meta", "loose_crop"):
        (tmp_path / "IJBC" / name).mkdir(parents=True)
    for number, crop in enumerate(crops):
        (tmp_path / "IJBC" / "loose_crop" / f"{number}.jpg").symlink_to(crop.path)
    protocol = {
        "face_tid_mid": [f"{number}.jpg {number // 2} {number}" for number in range(12)],
        "name_5pts_score": [f"{number}.jpg {ON_TEMPLATE} 0.9" for number in range(12)],
        "template_pair_label": ["0 1 1", "0 2 0", "1 3 0"],
    }
    for name, lines in protocol.items():
        (tmp_path / "IJBC" / "meta" / f"ijbc_{name}.txt").write_text("\n".join(lines) + "\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_the_table_is_made_by_one_command_to_calibrate_and_one_to_test(
    workplace: Path, shared: Path, quiet: tuple[str, ...]
) -> None:
    network = f"{{architecture: edgenext_xx_small, weights: {shared / 'data/weights/edgeface_xxs.safetensors'}}}"
    other = {
        "adaface_ir101": "timm",
        "--weights": "--model.backbone_options",
        "adaface.ckpt": network,
    }
    calibrate, folder, all_sets = ([other.get(word, word) for word in command] for command in commands())
    assert main([*calibrate, *quiet]) == 0
    assert main([*folder, *quiet]) == 0
    assert main([*all_sets, "--model.methods=[froq, random]", *quiet]) == 0
    made = workplace / "froq_runs" / "paper"
    with (made / "results.table.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert header[4:] == [*sorted(BINS), "mean"]
    methods = {row[3] for row in rows if row[2] == "method"}
    assert {"froq", "face_qan", "perturbation", "prefiqs", "embedding_norm", "random"} <= methods
    assert {row[3] for row in rows if row[2] == "oracle"} == {"perfect", "cosine to the subject's mean"}
    assert {row[0] for row in rows} == {"froq"}
    with (made / "all.table.csv").open(encoding="utf-8", newline="") as file:
        assert next(csv.reader(file))[4:] == ["adience", *BINS, "xqlfw", "ijbc", "mean"]
    assert (made / "results.tex").read_text(encoding="utf-8").count(r"\begin{table}") == 2
    with (made / "results.errors.csv").open(encoding="utf-8", newline="") as file:
        counts = list(csv.DictReader(file))
    assert [row["few_errors"] for row in counts] == ["1"] * len(BINS)
    drawn = {path.stem for path in (made / "results.figures").glob("*.svg")}
    assert drawn == {f"{row['data_set']}-froq-0.001" for row in counts if row["false_non_matches"] != "0"}


@pytest.mark.slow
def test_one_file_of_the_folder_that_cannot_be_read_ends_the_run_with_a_line(
    workplace: Path, quiet: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    (workplace / "benchmarks" / "lfw.bin").unlink()
    (workplace / "benchmarks" / "lfw.bin").write_bytes(pickle.dumps(["no images"]))
    options = ["--model.backbone=timm", "--model.backbone_options={architecture: test_resnet}", "--report=false"]
    assert main(["test", *options, "--model.methods=random", "--data.source=benchmarks/", *quiet]) == 2
    (line,) = [text for text in capsys.readouterr().err.splitlines() if text.startswith("froq: error")]
    assert "Expected lfw.bin to be a list of images and a list of booleans, but got another" in line
