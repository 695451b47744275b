"""The command `froq`. Heavy libraries are imported only by the command that needs them."""

import argparse
import os
import select
import signal
import sys
from collections.abc import Sequence
from importlib import metadata
from io import TextIOWrapper, UnsupportedOperation
from typing import Any

from froq_lightning.cli.error_messages import StrictParser, print_error
from froq_lightning.errors import ConfigurationError

OUTPUT_CLOSED = 1
USAGE_ERROR = 2
NO_FIT = (
    "there is nothing to fit: FROQ reads quality out of a frozen network without training; "
    "`froq validate` calibrates which layers are read, `froq predict` scores images"
)
RESUMED = {
    "validate": "; the same command goes on with what is done",
    "predict": "; the same command goes on with what is done",
    "test": "; the same command begins anew",
}
RESUMED_SELECTION = {"select": "; the same command goes on with what is done"}
EPILOG = """\
examples:
  froq predict --config configs/quickstart.yaml
  froq predict --model.backbone dlib_resnet29 --data.source photos/ --data.aligner dlib
  froq validate --config configs/calibrate.yaml --data.source crops/ --output observer.json
  froq test --config configs/evaluate.yaml --data.source pairs.csv
  froq select scores.csv --best-per-subject 1 --source photos/ --to best/
  froq export --config configs/predict.yaml --output quality.onnx

`froq COMMAND --help` lists the options of a command, `froq COMMAND --print_config` writes them as YAML.
"""


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line; return 0, or 2 with one line on standard error if it fails, whatever was raised.

    Return 1 if no image could be scored, or on a broken pipe; 130 after Ctrl-C, 143 after SIGTERM.
    """
    arguments = list(sys.argv[1:] if args is None else args)
    if args is None and isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # paths may be no UTF-8
    try:
        status = _run(arguments)
        sys.stdout.flush()
        return status  # noqa: TRY300 - the output is part of what may fail
    except KeyboardInterrupt as interrupt:
        return _interrupted(interrupt, arguments[0] if arguments else "")
    except Exception as error:  # whatever it is
        if isinstance(error, BrokenPipeError) and not _output_is_read():
            return OUTPUT_CLOSED
        print_error(error)
        return USAGE_ERROR


def _run(arguments: list[str]) -> int:
    command = arguments[0] if arguments else ""
    if command in RESUMED:
        from froq_lightning.cli.trainer import run_trainer  # noqa: PLC0415 - imports torch

        return run_trainer(arguments)
    if command == "export":
        from froq_lightning.cli.export import run_export  # noqa: PLC0415 - imports torch

        run_export(arguments[1:])
        return 0
    if command in ("fit", "train"):
        raise ConfigurationError(NO_FIT)
    parsed = _parser().parse_args(arguments or ["--help"])
    if parsed.command == "select":
        from froq_lightning.cli.image_selection import run_select  # noqa: PLC0415 - imports torch

        return run_select(parsed)
    if parsed.command == "weights":
        from froq_lightning.cli import weights  # noqa: PLC0415 - looks at what is installed

        weights.run_list() if parsed.action == "list" else weights.run_fetch(parsed.name)
    elif parsed.command == "threshold":
        from froq_lightning.cli.threshold import run_threshold  # noqa: PLC0415 - imports torch

        run_threshold(parsed)
    elif parsed.command == "observer":
        _run_on_observer(parsed)
    elif parsed.command == "data":
        from froq_lightning.cli.data import run_inspect  # noqa: PLC0415 - imports torch

        run_inspect(parsed.path, parsed.root, parsed.part)
    elif parsed.action == "list":
        from froq_lightning.cli.backbones import run_list  # noqa: PLC0415 - looks at what is installed

        run_list(check=parsed.check)
    else:
        _run_on_backbone(parsed.action, parsed.name, parsed.options)
    return 0


def _interrupted(interrupt: KeyboardInterrupt, command: str) -> int:
    """Say how to go on, and return what shells expect: 128 and the number of the signal."""
    if os.environ.get("LOCAL_RANK", "0") == "0":
        print(f"\nfroq: interrupted{(RESUMED | RESUMED_SELECTION).get(command, '')}", file=sys.stderr)
    return 128 + (signal.SIGINT if type(interrupt) is KeyboardInterrupt else signal.SIGTERM)


def _run_on_backbone(action: str, name: str, options: Sequence[str]) -> None:
    from froq_lightning.cli.backbones import run_check, run_show  # noqa: PLC0415 - looks at what is installed
    from froq_lightning.extensions import BACKBONES, find  # noqa: PLC0415 - looks at what is installed

    plugin = find(BACKBONES, name)  # refuses an unknown name before torch is imported
    (run_show if action == "show" else run_check)(plugin, options)


def _run_on_observer(parsed: argparse.Namespace) -> None:
    from froq_lightning.cli import observer  # noqa: PLC0415 - imports torch

    if parsed.action == "show":
        observer.run_show(parsed.observer)
    elif parsed.action == "compare":
        observer.run_compare(parsed.observer, parsed.other)
    elif parsed.action == "push":
        observer.run_push(parsed.observer, parsed.target)
    else:
        observer.run_pull(parsed.observer, parsed.output)


def _output_is_read() -> bool:
    """Tell whether somebody reads what is printed; `head` has enough sooner. If not, nothing more is printed."""
    try:
        output = sys.stdout.fileno()
    except UnsupportedOperation:
        return True
    poll = select.poll()
    poll.register(output, 0)
    closed = any(event & select.POLLERR for _, event in poll.poll(0))
    if closed:
        os.dup2(os.open(os.devnull, os.O_WRONLY), output)
    return not closed


def _parser() -> argparse.ArgumentParser:
    parser = StrictParser(
        prog="froq",
        description="Face-image quality from a frozen face-recognition network.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"froq {metadata.version('froq-lightning')}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    commands.add_parser("validate", help="calibrate: choose the layers to observe on labelled or unlabelled faces")
    commands.add_parser("predict", help="score images: one row of quality each")
    commands.add_parser("test", help="evaluate: how well quality methods foretell recognition errors")
    commands.add_parser("export", help="write a network and its Observer as one graph: ONNX, or torch.export")
    _add_threshold(commands)
    _add_select(commands)
    _add_data(commands)
    _add_backbones(commands)
    _add_weights(commands)
    _add_observer(commands)
    return parser


def _add_threshold(commands: Any) -> None:
    threshold = commands.add_parser("threshold", help="which quality is bad: thresholds for error rates, with bounds")
    threshold.add_argument("trials", help="table of trials with comparison scores, as `froq test --trials` writes it")
    threshold.add_argument("--quality", metavar="SCORES", help="qualities of the images: a table of `froq predict`")
    threshold.add_argument("--column", help="of the qualities (default: quality, 0..100)")
    threshold.add_argument("--data-set", help="which one, where the trials are of several")
    share = {"type": float, "metavar": "SHARE"}
    text = "false match rate that sets the comparison threshold (default: %(default)s)"
    threshold.add_argument("--fmr", **share, default=1e-3, help=text)
    text = "comparison score that a match exceeds, in place of an FMR"
    threshold.add_argument("--comparison-threshold", type=float, metavar="SCORE", help=text)
    threshold.add_argument("--max-fnmr", **share, help="target: a false non-match rate of at most this, such as 0.01")
    threshold.add_argument("--max-discard", **share, help="target: at most this share of the images is discarded")
    text = "target: the FNMR at most so many times that before (default: %(default)s, half)"
    threshold.add_argument("--fnmr-factor", type=float, default=0.5, metavar="FACTOR", help=text)
    text = "largest share of images that may be thought of (default: %(default)s)"
    threshold.add_argument("--most-discarded", **share, default=0.3, help=text)
    threshold.add_argument("--groups", metavar="TABLE", help="paths and groups of people, for rates by group")
    threshold.add_argument("--group-column", default="group", help="column of the groups (default: %(default)s)")
    threshold.add_argument("--output", metavar="JSON", help="file for all of it")


def _add_select(commands: Any) -> None:
    select_ = commands.add_parser("select", help="choose images by their scores: best shots, good ones, the worst")
    select_.add_argument("scores", metavar="SCORES", help="what `froq predict` wrote, in any of its formats")
    select_.add_argument("--min-quality", type=float, metavar="Q", help="only images of quality Q (0..100) or more")
    select_.add_argument("--best-per-subject", type=int, metavar="N", help="of these, the N best of each subject")
    select_.add_argument("--worst", type=int, metavar="N", help="of these, the N worst")
    select_.add_argument("--to", metavar="LIST|FOLDER", help="write a .csv, .tsv or .txt list, or fill a folder")
    select_.add_argument("--source", metavar="FOLDER", help="what was scored, where images go to a folder")
    select_.add_argument("--action", choices=("copy", "move", "link"), help="what is done with them; default: copy")
    select_.add_argument("--yes", action="store_true", help="touch files; without it, only say what would be done")
    who = "folder (default): the first one of the path; a table with a column of subjects; or clusters of embeddings"
    select_.add_argument("--subjects", default="folder", metavar="folder|TABLE|clusters", help=who)
    select_.add_argument("--subject-column", default="subject_id", metavar="NAME", help="default: %(default)s")
    select_.add_argument("--embeddings", metavar="FILE", help=".npy or .parquet of the run that made the scores")
    select_.add_argument("--same-above", type=float, metavar="COSINE", help="mean similarity that joins clusters")
    select_.add_argument("--templates", metavar="FILE", help=".npy or .parquet: a quality-weighted mean per subject")


def _add_data(commands: Any) -> None:
    data = commands.add_parser("data", help="look at a folder, manifest, pairs file or archive")
    inspect = data.add_subparsers(dest="action", metavar="ACTION", required=True).add_parser(
        "inspect", help="format, counts, sizes, and what looks wrong"
    )
    inspect.add_argument("path")
    inspect.add_argument("--root", help="folder that paths in a manifest or pairs file are relative to")
    inspect.add_argument("--part", help="of a source that holds several sets: FF or FP of CFP")


def _add_backbones(commands: Any) -> None:
    backbones = commands.add_parser("backbones", help="list, show and check the installed networks")
    actions = backbones.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="name, distribution, version and licence; imports none of them")
    listing.add_argument("--check", action="store_true", help="import each, and say why one does not work")
    for action, text in (("show", "how a network is fed, and its candidate layers"), ("check", "test the contract")):
        parsed = actions.add_parser(action, help=text)
        parsed.add_argument("name", help="as in `froq backbones list`")
        parsed.add_argument("options", nargs="*", metavar="option=value", help="of the backbone, such as weights=FILE")


def _add_weights(commands: Any) -> None:
    weights = commands.add_parser("weights", help="list and fetch the checkpoints that authors of networks publish")
    actions = weights.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser("list", help="backbone, size, licence and address of each; fetches nothing")
    fetch = actions.add_parser("fetch", help="download one, check its hash, and say how it is used")
    fetch.add_argument("name", help="as in `froq weights list`")


def _add_observer(commands: Any) -> None:
    observer = commands.add_parser("observer", help="show, compare, publish and fetch Observers")
    actions = observer.add_subparsers(dest="action", metavar="ACTION", required=True)
    place = "file, folder, or hf://owner/name"
    actions.add_parser("show", help="what it is, on what it was made, how sure it is").add_argument(
        "observer", help=place
    )
    compare = actions.add_parser("compare", help="in what two differ")
    compare.add_argument("observer", help=place)
    compare.add_argument("other", help=place)
    push = actions.add_parser("push", help="publish one with a generated card")
    push.add_argument("observer", help="its file")
    push.add_argument("target", help="hf://owner/name, or a folder")
    pull = actions.add_parser("pull", help="fetch one, and check it")
    pull.add_argument("observer", help="hf://owner/name[@revision], or a folder")
    pull.add_argument("--output", default="observer.json", help="file to write (default: %(default)s)")
