"""The options of the commands that are no verb of the Trainer. Imports nothing heavy."""

import argparse
from importlib import metadata
from typing import Any

from froq_lightning.cli.error_messages import StrictParser
from froq_lightning.cli.short_options import options_of

EPILOG = """\
examples:
  froq quickstart
  froq predict photos/ --output scores.csv
  froq select scores.csv --best-per-subject 1 --source photos/ --to best/
  froq validate crops/ --backbone edgeface_xxs --weights edgeface_xxs.pt --output observer.json
  froq predict crops/ --observer observer.json --weights edgeface_xxs.pt --part 17/1000
  froq merge scores.csv
  froq test pairs.csv --trials trials.csv
  froq threshold trials.csv --max-fnmr 0.01
  froq export --backbone dlib_resnet29 --output quality.onnx

exit codes:
  0    done
  1    no image could be scored, images to copy are missing, a gate (--fail-under) failed, or a pipe was closed
  2    an option, an input or the machine did not allow it: one line on standard error says why
  130  Ctrl-C; the same command goes on with what is done
  143  SIGTERM; likewise

`froq COMMAND --help` lists the options of a command.
"""
# Commands that run a network, and what their help says besides.
VERBS = {
    "validate": (
        "calibrate: choose the layers to observe on labelled or unlabelled faces",
        "folder, manifest or archive of faces",
    ),
    "predict": ("score images: one row of quality each", "folder, image, manifest or archive of faces"),
    "test": (
        "evaluate: how well quality methods foretell recognition errors",
        "trials: a table, pairs.txt, .bin, or a folder a subject",
    ),
    "export": (
        "write a network and its Observer as one graph: ONNX, or torch.export",
        "images to compare the graph with the network on",
    ),
}
MORE = "`--help all` lists all options, Lightning's too; `--print_config` writes them as YAML."
# Options of commands that have a result to print.
PRINTING = {
    "quiet": "print nothing but errors, and remarks on doubtful results, on standard error",
    "json": "print the result as one JSON object on standard output, in place of tables; all else on standard error",
}


def create_parser() -> argparse.ArgumentParser:
    """Build the parser of all commands; those of the Trainer's verbs and of `export` only stand in its help."""
    parser = StrictParser(
        prog="froq",
        description="Face-image quality from a frozen face-recognition network.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"froq {metadata.version('froq-lightning')}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_quickstart(commands)
    for verb in VERBS:
        _add_verb(commands, verb)
    _add_merge(commands)
    _add_threshold(commands)
    _add_select(commands)
    _add_data(commands)
    _add_backbones(commands)
    _add_weights(commands)
    _add_observer(commands)
    _add_config(commands)
    _add_completion(commands)
    return parser


def _add_quickstart(commands: Any) -> None:
    text = "score a sample photograph and degraded versions of it"
    quickstart = commands.add_parser(
        "quickstart",
        help=text,
        description="Stands for `froq predict --config quickstart`, and takes the options of predict.",
    )
    text = "photographs of yours in their place"
    quickstart.add_argument("source", nargs="?", metavar="SOURCE", help=text)


def _add_verb(commands: Any, verb: str) -> None:
    """Add what `--help` shows; a LightningCLI parses the options."""
    text, source = VERBS[verb]
    command = commands.add_parser(
        verb,
        help=text,
        usage=f"froq {verb} [SOURCE] [options]",
        description=f"{text[0].upper()}{text[1:]}.",
        epilog=MORE,
        formatter_class=_Lines,
    )
    command.add_argument("source", nargs="?", metavar="SOURCE", help=source)
    for option in options_of(verb).values():
        if option.metavar:
            command.add_argument(option.flag, metavar=option.metavar, help=option.help)
        else:
            command.add_argument(option.flag, action="store_true", help=option.help)


class _Lines(argparse.HelpFormatter):
    """A line for every option, on one screen."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30, width=100)


def _add_merge(commands: Any) -> None:
    merge = commands.add_parser("merge", help="put the parts of `froq predict --part` together")
    merge.add_argument("output", metavar="OUTPUT", help="file of the scores to write, as the --output of the parts")
    text = "their files, or folders of these; default: those beside OUTPUT with its name"
    merge.add_argument("--parts", nargs="+", metavar="PART", help=text)
    merge.add_argument("--embeddings", metavar="FILE", help=".npy or .parquet file for the embeddings of the parts")
    text = "format of the scores, or '{name: NAME, OPTION: VALUE}'; by default the suffix chooses it"
    merge.add_argument("--format", metavar="NAME", help=text)
    text = "number of worst images to print, instead of the best and the worst"
    merge.add_argument("--worst", type=int, metavar="N", help=text)
    text = "exit with status 1 if an image has a quality (0..100) below Q, or failed; all outputs are written"
    merge.add_argument("--fail-under", type=float, metavar="Q", help=text)
    _add_printing(merge)


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
    _add_printing(threshold)


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
    _add_printing(select_)


def _add_printing(command: argparse.ArgumentParser) -> None:
    for name, text in PRINTING.items():
        command.add_argument(f"--{name}", action="store_true", help=text)


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


def _add_config(commands: Any) -> None:
    config = commands.add_parser("config", help="list the configurations that come with froq, or write one")
    config.add_argument("name", nargs="?", metavar="NAME", help="which one; without it, they are listed")
    config.add_argument("--output", metavar="FILE", help="file to write; by default it is printed")


def _add_completion(commands: Any) -> None:
    text = "print what completes commands and options in a shell"
    completion = commands.add_parser("completion", help=text, description='For bash: eval "$(froq completion bash)"')
    completion.add_argument("shell", choices=("bash", "zsh", "fish"))
