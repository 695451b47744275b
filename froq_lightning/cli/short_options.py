"""The options of the Trainer's verbs that most runs need, with their short forms, as `--help` shows them.

`froq predict photos/ --weights FILE` stands for `froq predict --data.source photos/ --model.backbone_options.weights
FILE`. All options, Lightning's among them, go by their dotted names. Imports nothing heavy.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from froq_lightning.errors import ConfigurationError

# Options of the parser that take no value.
ALONE = {"--print_config", "--help", "-h"}
TRUTHS = {"true", "false", "yes", "no", "on", "off", "null"}


@dataclass(frozen=True)
class ShortOption:
    """An option as most users write it.

    Attributes:
        flag: such as `--source`.
        metavar: what its value is called; empty if it is a switch.
        help: one line.
        dotted: name of the option that it stands for; empty if it is that option.
        verbs: that have it.
    """

    flag: str
    metavar: str
    help: str
    dotted: str = ""
    verbs: tuple[str, ...] = ("predict", "validate", "test")

    @property
    def written_out(self) -> str:
        """The option that it stands for."""
        return f"--{self.dotted}" if self.dotted else self.flag


of_all = partial(ShortOption, verbs=("predict", "validate", "test", "export"))
of_predict = partial(ShortOption, verbs=("predict",))
of_validate = partial(ShortOption, verbs=("validate",))
of_test = partial(ShortOption, verbs=("test",))
of_export = partial(ShortOption, verbs=("export",))

OPTIONS = (
    ShortOption("--source", "SOURCE", "the same as SOURCE alone", "data.source"),
    of_export("--source", "SOURCE", "images to compare the graph with the network on", "data.source"),
    of_all("--config", "FILE", "options in YAML: a file, or a name of `froq config`"),
    of_all("--backbone", "NAME", "network; `froq backbones list`", "model.backbone"),
    of_all("--weights", "FILE", "of the network, as published", "model.backbone_options.weights"),
    of_all("--observer", "FILE", "to score with; it names its network, too", "model.observer"),
    ShortOption("--aligner", "NAME", "for photographs, such as dlib; crops need none", "data.aligner"),
    of_validate("--labels", "TABLE", "labels of yours: path, pseudo_quality", "data.labels"),
    of_validate("--labeller", "NAME", "what labels the images; default: auto", "model.labeller"),
    of_validate("--preset", "NAME", "rule that chooses layers; default: auto", "model.preset"),
    of_validate("--sample", "N", "calibrate on N images, drawn at random", "data.sample"),
    of_test("--methods", "NAMES", "what is compared: all, or '[froq, ser_fiq]'", "model.methods"),
    of_test("--scores", "FILES", "of other tools: '{OFIQ: ofiq.csv}'", "data.scores"),
    of_test("--groups", "TABLE", "groups of people, for rates by group", "data.groups"),
    of_all("--output", "FILE", "to write"),
    of_predict("--format", "NAME", "of the output, if its suffix does not tell"),
    of_predict("--embeddings", "FILE", "write the embeddings of the same passes, too"),
    of_predict("--reasons", "", "say what is wrong with each image"),
    of_predict("--worst", "N", "print the N worst images"),
    ShortOption("--report", "", "write an HTML page beside the output"),
    of_predict("--explain", "", "show on it what pulls down the worst faces"),
    of_predict("--fail-under", "Q", "exit with 1 if any image is below quality Q"),
    of_test("--trials", "TABLE", "write the scored trials, for `froq threshold`"),
    of_test("--figures", "", "write every curve as an SVG figure"),
    of_predict("--part", "K/N", "score only this part; `froq merge` joins all"),
    ShortOption("--restart", "", "drop what an unfinished run left"),
    ShortOption("--batch-size", "N", "images a pass, or auto; default: 32", "data.batch_size"),
    ShortOption("--workers", "N", "processes that read images", "data.workers"),
    ShortOption("--devices", "N", "GPUs, or processes on a CPU", "trainer.devices"),
    ShortOption("--precision", "NAME", "such as bf16-mixed", "trainer.precision"),
    ShortOption("--quiet", "", "print nothing but errors, and doubts"),
    ShortOption("--json", "", "print one JSON object in place of tables"),
    of_export("--with-preprocessing", "", "take uint8 RGB images"),
    of_export("--quality-only", "", "leave the embedding out"),
    of_export("--format", "NAME", "onnx or pt2, if the suffix does not tell"),
    of_export("--precision", "BITS", "16 or 32, of the network's numbers; default: 32"),
    of_export("--opset", "N", "version of ONNX's operators"),
)


def options_of(verb: str) -> dict[str, ShortOption]:
    """Return the short options of a verb, by their flags."""
    return {option.flag: option for option in OPTIONS if verb in option.verbs}


def write_out(verb: str, arguments: Sequence[str]) -> list[str]:
    """Return the arguments of a verb with dotted options for short ones, and for a source that stands alone.

    Configurations come first, so that an option wins over them wherever it stands.

    Raises:
        ConfigurationError: if there are several sources.
    """
    given = list(_paired(options_of(verb), arguments))
    alone = [value for flag, value in given if not flag]
    sources = [value for flag, value in given if flag in ("", "--data.source")]
    if alone and len(sources) > 1:
        raise ConfigurationError(
            f"Expected one source, but got {sources[0]!r} and {sources[1]!r}; name images in a manifest, and join "
            "archives by `::`"
        )
    given.sort(key=lambda option: option[0] not in ("--config", "-c"))
    return [flag if value is None else f"{flag or '--data.source'}={value}" for flag, value in given]


def _paired(known: dict[str, ShortOption], arguments: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    """Yield options with their values; without a name for what stands alone, without a value for switches."""
    left = list(arguments)
    while left:
        argument = left.pop(0)
        if argument == "--":  # behind it, nothing is an option
            yield from (("", source) for source in left)
            return
        if not argument.startswith("-"):
            yield "", argument
            continue
        flag, equals, value = argument.partition("=")
        option = known.get(flag)
        is_switch = flag in ALONE or (option is not None and not option.metavar)
        if not equals and left and _is_value(left[0], is_switch=is_switch):
            equals, value = "=", left.pop(0)
        yield option.written_out if option else flag, value if equals else None


def _is_value(argument: str, *, is_switch: bool) -> bool:
    """Return whether the argument behind an option is its value."""
    if is_switch:
        return argument.lower() in TRUTHS
    return not argument.startswith("-") or argument[1:2].isdigit()
