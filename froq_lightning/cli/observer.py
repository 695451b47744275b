"""`froq observer show | compare | push | pull`: Observers, and repositories of the hub that hold one."""

from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory

from froq_lightning.atomic_write import atomic_write, require_replaceable, signature
from froq_lightning.backbones.registry import create_backbone
from froq_lightning.calibration.observer import FILE_NAME, OBSERVER, Observer
from froq_lightning.calibration.observer_card import card, comparison, summary
from froq_lightning.downloads import HUB, HubFile, fetch
from froq_lightning.errors import ConfigurationError, DownloadError, FroqError
from froq_lightning.terminal import Line, show

CARD_NAME = "README.md"
# How a card begins.
CARD = signature(rb"---\nlibrary_name: froq-lightning\n")


def run_show(path: str) -> None:
    """Print the network, calibration set, set utility and layers of an Observer."""
    show(*summary(Observer.load(_file(path))))


def run_compare(first: str, second: str) -> None:
    """Print in what two Observers differ."""
    show(*comparison(Observer.load(_file(first)), Observer.load(_file(second))))


def run_push(path: str, target: str) -> None:
    """Publish an Observer with a generated card, in a repository of the hub (`hf://owner/name`) or a folder.

    Raises:
        DownloadError: if the hub cannot be reached, or refuses.
    """
    observer = Observer.load(path)
    if not target.startswith(HUB):
        _write(observer, Path(target))
        show(Line(f"{target}: {FILE_NAME} and {CARD_NAME}", "status"))
        return
    file = HubFile.parse(target)
    if file.path:
        raise ConfigurationError(f"Expected a repository, hf://owner/name, but got {target!r}")
    from huggingface_hub import HfApi  # noqa: PLC0415 - takes a second

    with TemporaryDirectory() as folder:
        _write(observer, Path(folder), target)
        try:
            HfApi().create_repo(file.repository, exist_ok=True)
            HfApi().upload_folder(
                repo_id=file.repository,
                folder_path=folder,
                revision=file.revision or None,
                commit_message=f"Observer of {observer.backbone.title()}",
            )
        except Exception as error:  # of the network, or what the hub refuses
            reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
            raise DownloadError(f"{target} could not be written: {reason}; `hf auth login` stores a token") from error
    show(Line(f"{target}: {FILE_NAME} and {CARD_NAME}", "status"))


def run_pull(reference: str, output: str) -> None:
    """Fetch an Observer by the name of its repository (or from a folder), check it, and write it to a file."""
    source, path = _file(reference), Path(output)
    observer = Observer.load(source)
    require_replaceable(path, OBSERVER)
    with atomic_write(path, OBSERVER) as place:
        copyfile(source, place)
    show(f"{path}: for {observer.backbone.title()}, weights {observer.backbone.weights.source}")


def _file(reference: str) -> Path:
    """Return the local file of an Observer, of a folder that holds one, or of a reference to the hub."""
    if reference.startswith(HUB):
        return fetch(reference, (FILE_NAME,))
    path = Path(reference)
    return path / FILE_NAME if path.is_dir() else path


def _write(observer: Observer, folder: Path, reference: str = f"{HUB}OWNER/NAME") -> None:
    """Write the Observer and its card into a folder; neither replaces anything else."""
    folder.mkdir(parents=True, exist_ok=True)
    require_replaceable(folder / FILE_NAME, OBSERVER)
    with atomic_write(folder / CARD_NAME, CARD) as place:
        place.write_text(card(observer, reference, takes_weights=not _brings_weights(observer)), encoding="utf-8")
    observer.save(folder / FILE_NAME)


def _brings_weights(observer: Observer) -> bool:
    """Whether the backbone has the weights without being given any, as far as is known here."""
    try:
        backbone = create_backbone(observer.backbone.name, **observer.backbone.options)
    except FroqError:
        return False
    return backbone.weights.sha256 == observer.backbone.weights.sha256
