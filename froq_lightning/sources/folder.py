"""A folder of images, searched to any depth, with a count of its other files; and a single image."""

import os
from collections import Counter
from heapq import heappop, heappush
from pathlib import Path, PurePosixPath

from froq_lightning.data.image_refs import ImageRef, RemoteImage
from froq_lightning.data.images import SUFFIXES, is_image
from froq_lightning.errors import DataError
from froq_lightning.names import escape_name
from froq_lightning.sources.source import Faces, Request, Source
from froq_lightning.stored_files import address_of, is_address, list_folder
from froq_lightning.terminal import printable

LITTER = frozenset({"thumbs.db", "desktop.ini"})  # besides hidden files; nobody misses them
KINDS_SHOWN = 5


class Folder(Source):
    """The images below a folder, sorted by path; the first folder on the way to an image names its subject."""

    name = "folder of images"
    takes_the_rest = True

    def fits(self, path: Path) -> bool:
        """Tell whether it is a folder."""
        return path.is_dir()

    def faces(self, request: Request) -> Faces:
        """Search the folder."""
        search = FolderSearch(request.path)
        images = [_image(path, path.relative_to(request.path)) for path in search.images]
        if not images:
            others = f", but {search.passed_over}" if search.passed_over else ""
            raise DataError(
                f"{str(request.path)!r} holds no images{others}; images end in {' '.join(sorted(SUFFIXES))}"
            )
        return Faces(images, search.passed_over)


class SingleImage(Source):
    """One image file."""

    name = "image"
    takes_the_rest = True

    def fits(self, path: Path) -> bool:
        """Tell an image by its suffix or its first bytes."""
        return path.is_file() and (path.suffix.lower() in SUFFIXES or is_image(path))

    def faces(self, request: Request) -> Faces:
        """Return the image."""
        return Faces([ImageRef(escape_name(request.path.name), request.path)])


class RemoteFolder(Source):
    """The images below an address in an object store, sorted; the first folder on the way to one names its subject."""

    name = "folder of images in an object store"
    takes_the_rest = True
    reads_addresses = True

    def fits(self, path: Path) -> bool:
        """Tell an address that does not look like that of a file; the web has no folders."""
        return is_address(path) and not str(path).startswith("http") and not path.suffix[1:].isalpha()

    def faces(self, request: Request) -> Faces:
        """List the folder."""
        images, others = list[ImageRef](), 0
        for address, _ in list_folder(folder := address_of(request.path)):
            name = PurePosixPath(address.removeprefix(f"{folder}/"))
            if name.suffix.lower() in SUFFIXES:
                subject = name.parts[0] if len(name.parts) > 1 else ""
                archive = RemoteImage(address)
                images.append(ImageRef(escape_name(str(name)), Path(address), subject=subject, archive=archive))
            else:
                others += not name.name.startswith(".")
        if not images:
            raise DataError(f"{folder} holds no images; images end in {' '.join(sorted(SUFFIXES))}")
        return Faces(images, f"{others:,} files not read as images" if others else "")


def _image(path: Path, name: Path) -> ImageRef:
    return ImageRef(escape_name(name.as_posix()), path, subject=name.parts[0] if len(name.parts) > 1 else "")


class FolderSearch:
    """Searches a folder to any depth.

    Files are images by their suffix, and those without one by their first bytes. Links to folders are followed, but
    every folder is searched once, and none that the searched folder lies in, so that no loop is followed: a folder is
    found where it lies before it is found by a link, and by the link that sorts first.

    Args:
        folder: to search.

    Attributes:
        images: found, sorted by path.

    Raises:
        DataError: if a folder cannot be listed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.images: list[Path] = []
        self._files: Counter[str] = Counter()
        self._links = 0
        self._examples: dict[str, str] = {}
        self._seen = set(map(_identity, folder.resolve().parents))
        folders, links = [folder], list[Path]()
        while folders or links:
            self._list(folders.pop() if folders else heappop(links), folders, links)
        self.images.sort(key=self._key)

    @property
    def passed_over(self) -> str:
        """What is not among the images: counts and an example of each kind; empty if there is nothing else."""
        kinds = [
            f"{suffix or 'no suffix'} {count:,}, such as {self._examples[suffix]}"
            for suffix, count in sorted(self._files.items(), key=lambda kind: (-kind[1], kind[0]))
        ]
        if more := kinds[KINDS_SHOWN:]:
            kinds[KINDS_SHOWN:] = [f"{len(more)} more kinds"]
        files, links = self._files.total(), self._links
        parts = [f"{files:,} {'file' if files == 1 else 'files'} not read as images ({'; '.join(kinds)})"] * bool(files)
        if links:
            what = "1 link to a folder" if links == 1 else f"{links:,} links to folders"
            parts.append(f"{what} above or searched already, such as {self._examples['/']}")
        return printable("; ".join(parts))

    def _list(self, folder: Path, folders: list[Path], links: list[Path]) -> None:
        """List one folder, and put those in it on the lists of what is to be searched."""
        try:
            identity = _identity(folder)
            if identity in self._seen:
                self._links += 1
                self._note("/", folder)
                return
            self._seen.add(identity)
            with os.scandir(folder) as entries:
                for entry in entries:
                    path = Path(entry.path)
                    if not _is_folder(entry):
                        self._sort_in(path)
                    elif entry.is_symlink():
                        heappush(links, path)
                    else:
                        folders.append(path)
        except OSError as error:
            raise DataError(f"folder {str(error.filename)!r} cannot be listed: {error.strerror}") from error

    def _sort_in(self, path: Path) -> None:
        suffix = path.suffix.lower()
        if path.name.startswith(".") or path.name.lower() in LITTER:
            return
        if suffix in SUFFIXES or (not suffix and is_image(path)):
            self.images.append(path)
        else:
            self._files[escape_name(suffix)] += 1
            self._note(escape_name(suffix), path)

    def _note(self, kind: str, path: Path) -> None:
        """Keep the first example of a kind in the order of paths, whatever the order of the file system is."""
        example = escape_name(self._key(path))
        self._examples[kind] = min(example, self._examples.get(kind, example))

    def _key(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()


def _identity(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_dev, status.st_ino


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Tell whether an entry is a folder or leads to one; a link that leads nowhere fails where images are read."""
    try:
        return entry.is_dir()
    except OSError:
        return False
