"""`froq merge`: the scores of all parts of a run, as one run would have written them."""

import argparse
from pathlib import Path
from typing import Any

import yaml

from froq_lightning.callbacks.quality_gate import NOTHING_SCORED, close_gate, require_gate
from froq_lightning.callbacks.ranked_run import rank_rows
from froq_lightning.callbacks.ranking import print_ranking, require_worst
from froq_lightning.cli.option_paths import expand_home
from froq_lightning.cli.output_paths import require_output
from froq_lightning.errors import ConfigurationError
from froq_lightning.formats.format import Format, find_format, write_file
from froq_lightning.journal.parts import Parts, part_files
from froq_lightning.runs.prediction import Prediction
from froq_lightning.stored_files import address_of
from froq_lightning.terminal import Line, complain, show, tell, wrote

ENDS = 10


def run_merge(options: argparse.Namespace) -> int:
    """Merge, and print the best and the worst images; return 1 if none was scored, or one is below `--fail-under`.

    Args:
        options: of the command line.

    Raises:
        FroqError: if an option cannot work, a part is missing, doubled, damaged or of another run, or an output would
            replace what the tool did not write.
    """
    options = argparse.Namespace(**expand_home(vars(options)))
    require_worst(options.worst)
    require_gate(options.fail_under)
    outputs = _outputs(options)
    output = Path(options.output)
    paths = [Path(path) for path in options.parts or ()] or part_files(output.parent, output.name)
    parts = Parts.read(paths, of=repr(options.output))
    _require_embeddings(parts, options.embeddings)
    prediction = Prediction(parts, len(parts))
    for path, format_ in outputs:
        write_file(format_, path, prediction)
    run = rank_rows(prediction, options.worst or ENDS, options.fail_under)
    print_ranking(run, parts.remarks(), options.worst)
    show(Line(f"merged: {len(parts.files):,} parts of {len(parts):,} images", "status"))
    tell(parts=len(parts.files))
    for path, format_ in outputs:
        wrote(format_.holds, address_of(path))
    if not run.ranking.count:
        complain(NOTHING_SCORED)
    return int(not run.ranking.count or close_gate(run, options.fail_under))


def _outputs(options: argparse.Namespace) -> list[tuple[Path, Format]]:
    """Return the files to be written with their formats; refuse those that cannot be written."""
    path = Path(options.output)
    outputs = [(path, find_format(path, "scores", _named(options.format)))]
    if options.embeddings:
        path = Path(options.embeddings)
        outputs.append((path, find_format(path, "embeddings")))
    if len({path.resolve() for path, _ in outputs}) < len(outputs):
        raise ConfigurationError(f"{str(path)!r} is to be written twice; give every output a name of its own")
    for path, format_ in outputs:
        require_output(path, format_.is_own, {})
    return outputs


def _named(choice: str | None) -> Any:
    """Read the name of a format, or as `froq predict` takes it, `{name: NAME, OPTION: VALUE}`."""
    return yaml.safe_load(choice) if choice is not None and choice.startswith("{") else choice


def _require_embeddings(parts: Parts, path: str | None) -> None:
    held = parts.identity["model"]["embeddings"]
    if path and not held:
        raise ConfigurationError("the parts hold no embeddings: run them with --embeddings, or merge without it")
    if held and not path:
        show(Line("the parts hold embeddings too, which --embeddings FILE writes", "status"))
