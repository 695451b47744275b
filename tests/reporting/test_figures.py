"""The SVG figures of `froq test --figures`: read as XML, with names that try to break out."""

import dataclasses
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from lightning.pytorch import Trainer

from froq_lightning.errors import ConfigurationError
from froq_lightning.evaluation.outcome import Evaluation
from froq_lightning.module import FroqModule
from froq_lightning.reporting import FigureWriter

Run = tuple[Trainer, FroqModule, Path]
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "results.figures"


def write(run: Run, folder: Path, evaluation: Evaluation | None = None) -> dict[str, ET.Element]:
    """Write the figures of an evaluation, and read them."""
    trainer, module, _ = run
    before = module.evaluation
    module.evaluation = evaluation or before
    FigureWriter(folder.with_suffix(".csv")).on_test_end(trainer, module)
    module.evaluation = before
    return {path.name: ET.parse(path).getroot() for path in sorted(folder.iterdir())}  # noqa: S314 - ours


def words(figure: ET.Element) -> str:
    return " ".join(" ".join(part for text in figure.iter(f"{SVG}text") for part in text.itertext()).split())


def test_there_is_a_figure_for_every_set_convention_with_a_curve_and_rate(
    tested: Run, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluation = tested[1].evaluation
    assert evaluation is not None
    drawn = write(tested, folder)
    curves = {(one.data_set, one.convention, one.fmr) for one in evaluation.results if any(one.curve)}
    assert len(drawn) == len(curves) > 2
    assert capsys.readouterr().out == f"figures: {len(drawn)} in {folder}\n"
    assert not any(set(name) & set("<>\"' /=\\") - {"="} for name in drawn), "names of files are plain"
    for data_set, convention, fmr in curves:
        (text,) = (words(one) for one in drawn.values() if f"{data_set}, {convention} at FMR {fmr:g}" in words(one))
        result = evaluation.result(data_set, evaluation.working()[0].name, convention, fmr)
        assert f"{result.false_non_matches:,} false non-matches" in text
        for part in ("is better", "false non-match rate (FNMR)", "discarded share of", "cosine to the subject's mean"):
            assert part in text
        assert ("perfect" in text) == (convention != "cr-fiqa")
        for method in evaluation.working():
            assert method.name in text


def test_the_same_evaluation_gives_the_same_bytes(tested: Run, folder: Path) -> None:
    write(tested, folder)
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    write(tested, folder)
    assert first == {path.name: path.read_bytes() for path in folder.iterdir()}
    assert not any(b"<script" in content or b"gid" in content for content in first.values())


@pytest.mark.parametrize("repeated", [0, 60])
def test_names_that_a_file_cannot_have_or_that_become_alike_are_told_apart(
    repeated: int, tested: Run, folder: Path
) -> None:
    evaluation = tested[1].evaluation
    assert evaluation is not None
    long = repeated * "\u4eba " + "\u4eba"
    names = {one.name: name for one, name in zip(evaluation.sets, (f"a/b $x$ {long}", f"A?B $x$ {long}"), strict=False)}
    renamed = dataclasses.replace(
        evaluation,
        sets=tuple(dataclasses.replace(one, name=names[one.name]) for one in evaluation.sets if one.name in names),
        results=tuple(
            dataclasses.replace(one, data_set=names[one.data_set])
            for one in evaluation.results
            if one.data_set in names
        ),
        oracles=(),
    )
    drawn = write(tested, folder, renamed)
    assert len({name.casefold() for name in drawn}) == len(drawn) > 2
    assert all(name.startswith(("a_b_x_", "A_B_x_")) for name in drawn)
    texts = [words(one) for one in drawn.values()]
    assert any("a/b $x$ \u4eba" in text and "\u4eba, froq at FMR" in text for text in texts), "dollars are no formula"
    assert not any("perfect" in words(one) for one in drawn.values())


def test_figures_and_folders_of_others_are_refused_before_the_run(tested: Run, folder: Path) -> None:
    trainer, module, _ = tested
    write(tested, folder)
    writer = FigureWriter(folder.with_suffix(".csv"))
    writer.setup(trainer, module, "test")
    own = sorted(folder.iterdir())[0]
    own.write_text("<?xml version='1.0'?><svg>mine</svg>")
    with pytest.raises(ConfigurationError, match="is to be written, but holds something that this command did not"):
        writer.setup(trainer, module, "test")
    with pytest.raises(ConfigurationError, match="holds something"):
        writer.on_test_end(trainer, module)
    assert "mine" in own.read_text()
    taken = folder.with_name("other.figures")
    taken.write_text("a file")
    with pytest.raises(ConfigurationError, match=r"other\.figures' is to be written, but holds something"):
        FigureWriter(folder.with_name("other.csv")).setup(trainer, module, "test")
