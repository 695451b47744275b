"""`froq export`: a network and its Observer as one graph."""

from argparse import SUPPRESS, ArgumentError
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from jsonargparse import Namespace
from lightning.pytorch.cli import LightningArgumentParser

from froq_lightning.cli.error_messages import REQUIRED, option_names, with_nearest
from froq_lightning.cli.option_paths import expand_home, find_files
from froq_lightning.cli.output_paths import require_output
from froq_lightning.cli.trainer import quieten
from froq_lightning.cli.yaml_loader import use_unique_keys
from froq_lightning.datamodules.faces import FaceDataModule
from froq_lightning.errors import ConfigurationError, UnknownNameError
from froq_lightning.export.agreement import Agreement
from froq_lightning.export.export import SIGNATURES, export
from froq_lightning.export.images import first_images, random_images
from froq_lightning.export.options import ExportOptions, Kind, Precision, kind_of
from froq_lightning.extensions import FORMATS, discover
from froq_lightning.module import FroqModule
from froq_lightning.terminal import Line, Part, show

DESCRIPTION = """\
Writes one graph of a network and its Observer, as ONNX or a program of torch.export: images in; embedding,
quality_score and quality (0..100) out. Takes the configurations of `froq predict`. The graph is compared with
the network before it is written, on images of data.source or on random ones."""
# What configurations of runs hold besides; see `_parser`.
OF_RUNS = ("trainer", "seed_everything", "restart", "embeddings", "report", "quiet", "json", "fail_under")


def run_export(args: Sequence[str]) -> None:
    """Export, and print what was written and how far it agrees with the network; `args` are the options."""
    quieten()
    use_unique_keys()
    parser = _parser()
    config = expand_home(_parsed(parser, args))
    path = Path(config.output)
    options = ExportOptions(
        kind_of(path, _stated_kind(config.format)),
        config.quality_only,
        config.with_preprocessing,
        config.precision,
        config.opset,
    )
    inputs = dict(find_files({"model": config.model, "data": config.data}))
    require_output(path, SIGNATURES[options.kind], inputs)
    classes = parser.instantiate_classes(config)
    module, source = classes.model, config.data.source
    observer = module.read_observer()
    images = first_images(classes.data) if source else random_images(module.preprocessing.size)
    agreement = export(path, module.backbone, module.identity, observer, options, images)
    show(*_summary(path, options, agreement, source or "random images"))


def _summary(path: Path, options: ExportOptions, agreement: Agreement, source: str) -> list[Part]:
    takes = "uint8 RGB images" if options.with_preprocessing else "the network's input, already preprocessed"
    gives = "quality_score, quality" if options.quality_only else "embedding, quality_score, quality"
    size = path.stat().st_size / 1e6
    return [
        f"checked on {source}; {next(agreement.lines())}",
        *list(agreement.lines())[1:],
        Line(f"graph: {path} ({size:.1f} MB): {takes} -> {gives}", "status"),
    ]


def _stated_kind(stated: str | dict[str, Any] | None) -> Kind | None:
    """Check the format of the graph; that of scores, in a configuration of `froq predict`, means nothing here."""
    if stated is None or isinstance(stated, dict) or stated in discover(FORMATS).plugins:
        return None
    for kind in get_args(Kind):
        if stated == kind:
            return kind
    raise UnknownNameError.among("format", stated, get_args(Kind))


def _parsed(parser: LightningArgumentParser, args: Sequence[str]) -> Namespace:
    if of_run := next((arg for arg in args if arg.startswith(tuple(f"--{name}" for name in OF_RUNS))), None):
        option = of_run.partition("=")[0]
        raise ConfigurationError(f"`froq export` runs no Trainer and takes no {option}; leave it out")
    try:
        return parser.parse_args(list(args))
    except ArgumentError as error:
        if required := REQUIRED.search(str(error)):
            names = " and ".join(f"--{name}" for name in required[1].split(", "))
            raise ConfigurationError(f"Expected {names}, but nothing was given") from error
        shown = [name for name in option_names(parser) if name.partition(".")[0] not in OF_RUNS]
        raise with_nearest(str(error), shown) or error from error


def _parser() -> LightningArgumentParser:
    parser = LightningArgumentParser(
        prog="froq export", description=DESCRIPTION, exit_on_error=False, allow_abbrev=False
    )
    parser.add_argument("--output", type=str, required=True, help="file to write, .onnx or .pt2")
    text = f"{' or '.join(get_args(Kind))}; by default as the suffix of the output says"
    parser.add_argument("--format", type=str | dict[str, Any] | None, default=None, help=text)
    text = "leave the embedding out, and the network behind the deepest observed layer"
    parser.add_argument("--quality-only", action="store_true", help=text)
    text = "take uint8 RGB images: the graph scales, normalises and reorders channels"
    parser.add_argument("--with-preprocessing", action="store_true", help=text)
    text = "bits of the network's numbers; norms and scores have 32 or more"
    parser.add_argument("--precision", type=Precision, default=32, help=text)
    parser.add_argument("--opset", type=int | None, default=None, help="version of ONNX's operators, from 18 on")
    parser.add_argument("-c", "--config", action="config", help="configuration in YAML, as of `froq predict`")
    parser.add_class_arguments(FroqModule, "model", sub_configs=True)
    parser.add_class_arguments(FaceDataModule, "data", skip={"source"}, sub_configs=True)
    parser.link_arguments("model.preprocessing", "data.preprocessing", apply_on="instantiate")
    text = "images to compare the graph with the network on, the first 64; by default random ones"
    parser.add_argument("--data.source", type=str, default="", help=text)
    for name in OF_RUNS:  # may be in a configuration, and means nothing here
        parser.add_argument(f"--{name}", type=object, default=None, help=SUPPRESS)
    return parser
