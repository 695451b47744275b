"""A folder of images, searched to any depth, with a count of its other files; and a single image."""

import os
from collections import Counter
from collections.abc import Iterator
from heapq import heappop, heappush
from pathlib import Path, PurePath, PurePosixPath

from froq_lightning.data.image_list import ImageList
from froq_lightning.data.image_refs import ImageRef, RemoteImage
from froq_lightning.data.images import SUFFIXES, is_image
from froq_lightning.data.stored_texts import sorted_texts
from froq_lightning.data.subject_names import subject_of_path
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
        names = sorted_texts(search.names(), request.scratch)
        images = ImageList.of((_image(request.path, name) for name in names), request.path, request.scratch)
        if not len(images):
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
        folder, others = address_of(request.path), 0

        def found() -> Iterator[ImageRef]:
            nonlocal others
            for address, _ in list_folder(folder):
                name = PurePosixPath(address.removeprefix(f"{folder}/"))
                if name.suffix.lower() in SUFFIXES:
                    subject = name.parts[0] if len(name.parts) > 1 else ""
                    archive = RemoteImage(address)
                    yield ImageRef(escape_name(str(name)), Path(address), subject=subject, archive=archive)
                else:
                    others += not name.name.startswith(".")

        images = ImageList.of(found(), request.path, request.scratch)
        if not len(images):
            raise DataError(f"{folder} holds no images; images end in {' '.join(sorted(SUFFIXES))}")
        return Faces(images, f"{others:,} files not read as images" if others else "")


def _image(folder: Path, name: str) -> ImageRef:
    return ImageRef(escape_name(name), folder / name, subject=subject_of_path(name))


class FolderSearch:
    """Searches a folder to any depth.

    Files are images by their suffix, and those without one by their first bytes. Links to folders are followed, but
    every folder is searched once, and none that the searched folder lies in, so that no loop is followed: a folder is
    found where it lies before it is found by a link, and by the link that sorts first. Memory grows with the folders.

    Args:
        folder: to search.

    Raises:
        DataError: if a folder cannot be listed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: Counter[str] = Counter()
        self._links = 0
        self._examples: dict[str, str] = {}
        self._seen = set(map(_identity, folder.resolve().parents))

    def names(self) -> Iterator[str]:
        """Search, and yield the paths of the images below the folder, in no order; to be called once."""
        folders, links = [""], list[list[str]]()
        while folders or links:
            yield from self._list(folders.pop() if folders else "/".join(heappop(links)), folders, links)

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

    def _list(self, name: str, folders: list[str], links: list[list[str]]) -> Iterator[str]:
        """List one folder, and put those in it on the lists of what is to be searched; of links the parts."""
        try:
            identity = _identity(folder := self.folder / name)
            if identity in self._seen:
                self._links += 1
                self._note("/", name)
                return
            self._seen.add(identity)
            with os.scandir(folder) as entries:
                for entry in entries:
                    path = f"{name}/{entry.name}" if name else entry.name
                    if not _is_folder(entry):
                        if self._is_image(entry, path):
                            yield path
                    elif entry.is_symlink():
                        heappush(links, path.split("/"))
                    else:
                        folders.append(path)
        except OSError as error:
            raise DataError(f"folder {str(error.filename)!r} cannot be listed: {error.strerror}") from error

    def _is_image(self, entry: os.DirEntry[str], path: str) -> bool:
        """Tell images; count what is none."""
        if entry.name.startswith(".") or entry.name.lower() in LITTER:
            return False
        suffix = PurePath(entry.name).suffix.lower()
        if suffix in SUFFIXES or (not suffix and is_image(Path(entry.path))):
            return True
        self._files[escape_name(suffix)] += 1
        self._note(escape_name(suffix), path)
        return False

    def _note(self, kind: str, path: str) -> None:
        """Keep the first example of a kind in the order of paths, whatever the order of the file system is."""
        example = escape_name(path)
        self._examples[kind] = min(example, self._examples.get(kind, example))


def _identity(folder: Path) -> int:
    """Return device and file number in one, of which a set takes half the memory."""
    status = folder.stat()
    return status.st_dev << 64 | status.st_ino


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Tell whether an entry is a folder or leads to one; a link that leads nowhere fails where images are read."""
    try:
        return entry.is_dir()
    except OSError:
        return False
