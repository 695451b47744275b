"""`froq predict --part` and `froq merge`: the bytes of one run, whatever its parts went through."""

from collections.abc import Callable
from pathlib import Path

import pytest

from froq_lightning.cli import main

Refused = Callable[..., str]
PARTS = 5
SCORES = ("scores.csv", "scores.tsv", "scores.parquet", "scores.jsonl", "scores.xml")
EMBEDDINGS = {"scores.csv": "embeddings.npy", "scores.tsv": "embeddings.parquet"}


@pytest.fixture
def scoring(network: tuple[str, ...], observer: Path, shared: Path, tmp_path: Path) -> list[str]:
    """The command that scores 42 files, one of which is no image, with reasons; its output is to be added."""
    folder = tmp_path / "faces"
    folder.mkdir()
    for number, image in enumerate(sorted((shared / "data" / "faces").glob("*/*.jpg"))[:41]):
        (folder / f"{number:02}.jpg").symlink_to(image)
    (folder / "08b.jpg").write_text("no image")
    paths = [f"--model.observer={observer}", f"--data.source={folder}", "--data.batch_size=4", "--reasons"]
    return ["predict", *network, *paths]


@pytest.fixture
def with_parts(scoring: list[str], tmp_path: Path) -> list[str]:
    """The command that scored all parts into the folder `parts`."""
    command = [*scoring, f"--output={tmp_path / 'parts' / 'scores.csv'}", "--embeddings=embeddings.npy"]
    for number in (3, 1, 5, 2, 4):
        assert main([*command, f"--part={number}/{PARTS}"]) == 0
    return command


@pytest.mark.slow
def test_the_parts_in_any_order_and_one_twice_make_the_bytes_of_one_run_in_every_format(
    scoring: list[str], with_parts: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*with_parts, "--part=3/5"]) == 0
    assert "part 3/5 was done already: 8 of 42 images, 0 not scored" in capsys.readouterr().out
    files = {path.name for path in (tmp_path / "parts").iterdir()}
    assert files == {"scores.config.yaml", *(f"scores.csv.part-{number}-of-5" for number in range(1, 6))}
    for name in SCORES:
        whole, merged = tmp_path / "whole" / name, tmp_path / "merged" / name
        embeddings = [folder.with_name(EMBEDDINGS.get(name, "e.npy")) for folder in (whole, merged)]
        assert main([*scoring, f"--output={whole}", f"--embeddings={embeddings[0]}"]) == 0
        table = capsys.readouterr().out.split("\nquality 0..100")[1].split("\nscores: ")[0]
        options = ["--parts", str(tmp_path / "parts"), "--embeddings", str(embeddings[1])]
        assert main(["merge", str(merged), *options]) == 0
        assert capsys.readouterr().out.split("\nquality 0..100")[1].split("\nmerged: ")[0] == table
        assert merged.read_bytes() == whole.read_bytes()
        assert embeddings[1].read_bytes() == embeddings[0].read_bytes()
    assert {path.name for path in (tmp_path / "parts").iterdir()} == files


def test_a_merge_prints_the_worst_and_goes_on_where_a_part_was_damaged(
    with_parts: list[str], tmp_path: Path, refused: Refused, capsys: pytest.CaptureFixture[str]
) -> None:
    output, damaged = tmp_path / "parts" / "scores.csv", tmp_path / "parts" / "scores.csv.part-2-of-5"
    damaged.write_bytes(damaged.read_bytes()[:-7])
    assert refused("merge", output) == f"part 2/5 ('{damaged}') is damaged; run its command again"
    assert not output.exists()
    assert main([*with_parts, "--part=2/5"]) == 0
    assert main(["merge", str(output), "--worst=1"]) == 0
    out = capsys.readouterr().out
    assert "part 2/5: 8 of 42 images, 1 not scored" in out
    assert "the parts hold embeddings too, which --embeddings FILE writes" in out
    assert "40 better" in out


def test_a_part_that_is_done_is_so_on_a_machine_where_the_images_lie_elsewhere(
    with_parts: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "elsewhere").symlink_to(tmp_path / "faces")
    assert main([*with_parts, "--part=2/5", f"--data.source={tmp_path / 'elsewhere'}"]) == 0
    assert "part 2/5 was done already" in capsys.readouterr().out


def test_parts_that_do_not_make_one_run_are_refused_by_name(
    with_parts: list[str], tmp_path: Path, refused: Refused, observer: Path
) -> None:
    folder = tmp_path / "parts"
    output, second = folder / "scores.csv", folder / "scores.csv.part-2-of-5"
    copy = tmp_path / "copy"
    copy.write_bytes(second.read_bytes())
    assert refused("merge", output, "--parts", folder, copy) == f"part 2/5 is there 2 times: '{second}', '{copy}'"
    other = tmp_path / "observer.json"
    other.write_text(observer.read_text(encoding="utf-8").replace('"licence": "unknown"', '"licence": "known"'))
    changed = [*with_parts, "--part=2/5", f"--model.observer={other}"]
    assert "is of a run that differs from this one: model.observer was '" in refused(*changed)
    assert main([*changed, "--restart=true"]) == 0
    message = f"part 2/5 ('{second}') is of another run than part 1/5: model.observer is '"
    assert refused("merge", output).startswith(message)
    second.unlink()
    (tmp_path / "faces" / "99.jpg").symlink_to(tmp_path / "faces" / "00.jpg")
    assert main([*with_parts, "--part=2/5"]) == 0
    assert "is of another run than part 1/5: images.count is 43, not 42" in refused("merge", output)
    second.unlink()
    assert refused("merge", output) == "missing of 5 parts: 2"
    assert refused("merge", tmp_path / "nothing.csv").startswith(f"Expected parts of '{tmp_path / 'nothing.csv'}'")
    output.write_text("mine")
    assert "holds something that this command did not write" in refused("merge", output)
    assert output.read_text() == "mine"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--part=0/9",), "where jobs are counted from 0, add 1 to their numbers"),
        (("--part=9",), "Expected a part as NUMBER/COUNT"),
        (("--part=1/9", "--data.batch_size=auto"), "Expected a number as `batch_size` where a part is scored"),
        (("--part=1/9", "--report"), "Expected --report without --part"),
        (("--part=1/9", "--worst=3"), "`froq merge` has --worst and --fail-under for all parts"),
        (("--part=1/9", "--fail-under=30"), "Expected --fail-under without --part"),
        (("--part=1/9", "--trainer.limit_predict_batches=1"), "Expected all images of part 1/9 to be scored"),
    ],
)
def test_what_a_part_cannot_do_is_refused(
    options: tuple[str, ...], message: str, scoring: list[str], tmp_path: Path, refused: Refused
) -> None:
    assert message in refused(*scoring, f"--output={tmp_path / 'new' / 'scores.csv'}", *options)
    assert not list((tmp_path / "new").glob("*"))


def test_a_part_without_images_is_done_and_where_no_part_has_a_score_the_merge_fails(
    scoring: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for image in sorted((tmp_path / "faces").iterdir())[1:]:
        image.unlink()
    (tmp_path / "faces" / "00.jpg").unlink()
    (tmp_path / "faces" / "00.jpg").write_text("no image")
    command = [*scoring, f"--output={tmp_path / 'scores.csv'}", "--data.resize=true"]
    assert [main([*command, f"--part={number}/2"]) for number in (1, 2)] == [0, 0]
    assert "part 1/2: 0 of 1 images, 0 not scored" in capsys.readouterr().out
    assert main(["merge", str(tmp_path / "scores.csv")]) == 1
    assert "no image could be scored" in capsys.readouterr().err
    assert (tmp_path / "scores.csv").read_text().count("\n") == 2
