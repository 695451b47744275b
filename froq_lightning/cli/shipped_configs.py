"""The configurations that come with froq: `froq config`, `--config NAME`, and what a verb takes where none is given."""

from collections.abc import Sequence
from pathlib import Path

from froq_lightning.errors import ConfigurationError, UnknownNameError
from froq_lightning.extensions import BACKBONES, discover
from froq_lightning.terminal import Table, complain, show, wrote

FOLDER = Path(__file__).parents[1] / "configs"
USUAL = {"validate": "calibrate", "predict": "predict", "test": "evaluate"}
CONFIGS = ("--config=", "-c=")
NEED_THE_USUAL = {f"{option}{FOLDER / name}.yaml" for option in CONFIGS for name in (*USUAL.values(), "quickstart")}
# Options that name a network, or may do so.
NAME_A_NETWORK = (*CONFIGS, "--model=", "--model.backbone=", "--model.observer=")
QUIET = {"--quiet=true", "--quiet=yes", "--quiet=on"}
USUAL_BACKBONE = "dlib_resnet29"
INSTALL = "pip install 'froq-lightning[dlib]'"


def config_names() -> list[str]:
    """Return the names of the configurations."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def find_config(name: str) -> Path:
    """Return the file of a configuration.

    Raises:
        UnknownNameError: if there is none of that name; the text gives the nearest names.
    """
    if name not in config_names():
        raise UnknownNameError.among("configuration", name, config_names())
    return FOLDER / f"{name}.yaml"


def run_config(name: str | None, output: str | None) -> None:
    """List the configurations, print one, or write it to a file that is not there yet."""
    if name is None:
        lines = [find_config(each).read_text(encoding="utf-8").splitlines() for each in config_names()]
        rows = [[each, text[1].removeprefix("# ")] for each, text in zip(config_names(), lines, strict=True)]
        show(Table(["configuration", "what it does"], rows))
        return
    content = find_config(name).read_text(encoding="utf-8")
    if output is None:
        print(content, end="")
        return
    try:
        with Path(output).open("x", encoding="utf-8") as file:
            file.write(content)
    except FileExistsError as error:
        raise ConfigurationError(f"{output!r} is there already; give another name") from error
    wrote("configuration", output)


def with_config(verb: str, arguments: Sequence[str]) -> list[str]:
    """Return the arguments of a verb with files for names of configurations, and with one if no network is named.

    Args:
        verb: whose usual configuration is taken.
        arguments: as `write_out` returns them.

    Raises:
        ConfigurationError: if a configuration is needed whose network is not installed.
        UnknownNameError: for a name without a suffix that is no file, and no configuration.
    """
    given = [_with_file(argument) if argument.startswith(CONFIGS) else argument for argument in arguments]
    if not NEED_THE_USUAL.isdisjoint(given) and not _starts(given, "--model.backbone="):
        _require_usual()
    if verb not in USUAL or _starts(given, *NAME_A_NETWORK):
        return given
    _require_usual()
    if not any(argument == "--quiet" or argument.lower() in QUIET for argument in given):
        complain(f"the network is {USUAL_BACKBONE}, for photographs; --backbone NAME takes another", "status")
    return [f"--config={find_config(USUAL[verb])}", *given]


def _starts(arguments: Sequence[str], *options: str) -> bool:
    return any(argument.startswith(options) for argument in arguments)


def _require_usual() -> None:
    if USUAL_BACKBONE not in discover(BACKBONES).plugins:
        raise ConfigurationError(
            f"Expected a network, --backbone NAME (`froq backbones list`), or the usual one, which `{INSTALL}` installs"
        )


def _with_file(argument: str) -> str:
    option, _, name = argument.partition("=")
    if Path(name).exists() or not name.isidentifier():
        return argument
    return f"{option}={find_config(name)}"
