"""What reads files of strangers: images, archives, checkpoints and Observers; each with valid files to start from."""

import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import fuzz_seeds as seeds
from fuzz_seeds import Files
from torch import nn

from froq_lightning.backbones.hub import hub_model
from froq_lightning.backbones.spec import Preprocessing
from froq_lightning.backbones.weights import load_weights, read_state_dict
from froq_lightning.calibration.observer import Observer
from froq_lightning.data.face_dataset import FaceDataset
from froq_lightning.data.image_refs import ImageRef
from froq_lightning.data.images import read_image
from froq_lightning.errors import DataError
from froq_lightning.sources.source import read_faces, read_trials

MOST_IMAGES = 50
JSON_WORDS = (b"NaN", b"Infinity", b"1e999", b"null", b"[[[[[[[[", b'{"a":', b"-1", b"9" * 5000)
PICKLE_WORDS = (b"cos\nsystem\n", b"(S'x'\ntR", b"\x80\x04", b"]", b"a", b".", b"\x85R", b"builtins\nbytearray\n")
TAR_WORDS = (
    b"ustar\0",
    b"27 GNU.sparse.map=0,9,9,9\n",
    b"20 size=99999999999\n",
    b"11 size=-1\n",
    b"././@LongLink",
    b"x",
    b"L",
)
Read = Callable[[Path], object]


@dataclass(frozen=True)
class Reader:
    """What is read, and how.

    Args:
        name: for people.
        seeds: valid files, by their paths below a folder; one of them at a time is changed.
        read: reads them from that folder; raises a FroqError for what it refuses.
        words: that mean something in such files.
    """

    name: str
    seeds: Sequence[Files]
    read: Read
    words: tuple[bytes, ...] = ()


def every_reader() -> list[Reader]:
    """List them."""
    return [*_images_and_archives(), *_networks_and_observers()]


def _images_and_archives() -> list[Reader]:
    return [
        Reader("images", seeds.images(), _image),
        Reader(
            "insightface .bin",
            [{"a.bin": seeds.pickled_images(p)} for p in (2, 3, 4, 5)],
            _archive("a.bin"),
            PICKLE_WORDS,
        ),
        Reader(
            "RecordIO", [seeds.records(index=True), seeds.records(index=False)], _archive("train.rec"), (seeds.MAGIC,)
        ),
        Reader(
            "tar",
            [{"a.tar": seeds.tar(kind)} for kind in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)],
            _archive("a.tar"),
            TAR_WORDS,
        ),
        Reader("tar, checksums mended", [{"a.tar": seeds.tar(tarfile.PAX_FORMAT)}], _mended_tar, TAR_WORDS),
        *([Reader("Parquet", [{"a.parquet": seeds.parquet()}], _trials("a.parquet"))] if find_spec("pyarrow") else []),
        Reader("AdaFace memfile", [seeds.memfile()], _archive("lfw/memfile/mem_file.dat"), JSON_WORDS),
        Reader("pairs of a .bin", [{"a.bin": seeds.pickled_images(4)}], _trials("a.bin"), PICKLE_WORDS),
        Reader("pairs of a memfile", [seeds.memfile()], _trials("lfw"), JSON_WORDS),
        Reader("subjects of RecordIO", [seeds.records(index=True)], _trials("train.rec"), (seeds.MAGIC,)),
    ]


def _networks_and_observers() -> list[Reader]:
    new = [seeds.checkpoint(), seeds.checkpoint(epoch=3, name=b"x", sizes=(1, (2, 3)))]
    return [
        Reader("Observer", [{"a.json": seeds.observer()}], lambda folder: Observer.load(folder / "a.json"), JSON_WORDS),
        Reader("checkpoint", [{"a.pt": file} for file in new], _weights("a.pt"), PICKLE_WORDS),
        Reader("checkpoint before 1.6", [{"a.pt": seeds.checkpoint(old=True)}], _weights("a.pt"), PICKLE_WORDS),
        Reader("safetensors", [{"a.safetensors": seeds.safetensors()}], _weights("a.safetensors"), JSON_WORDS),
        *([Reader("dlib .dat", [{"a.dat": seeds.dlib_file()}], _dlib)] if find_spec("froq_dlib") else []),
        Reader("timm folder", [seeds.timm_folder()], _timm_folder, JSON_WORDS),
    ]


def _image(folder: Path) -> None:
    for path in folder.iterdir():
        read_image(path)


def _faces(records: Sequence[ImageRef]) -> None:
    """Read the first images; what fails is a reason."""
    faces = FaceDataset(records, Preprocessing((seeds.SIZE, seeds.SIZE)))
    for place in range(min(len(faces), MOST_IMAGES)):
        faces[place]


def _archive(name: str) -> Read:
    return lambda folder: _faces(read_faces(folder / name, scratch=folder).images)


def _mended_tar(folder: Path) -> None:
    """Read a tar file after giving its headers right checksums, without which nothing else in them is looked at."""
    content = bytearray((folder / "a.tar").read_bytes())
    for start in range(0, len(content) - tarfile.BLOCKSIZE + 1, tarfile.BLOCKSIZE):
        if content[start + 257 : start + 262] == b"ustar":
            block = content[start : start + tarfile.BLOCKSIZE]
            block[148:156] = b" " * 8
            content[start + 148 : start + 156] = b"%06o\0 " % sum(block)
    (folder / "a.tar").write_bytes(content)
    _archive("a.tar")(folder)


def _trials(name: str) -> Read:
    def read(folder: Path) -> None:
        _faces(read_trials(str(folder / name)).images)

    return read


def _weights(name: str) -> Read:
    def read(folder: Path) -> None:
        network = nn.Sequential(nn.Conv2d(1, 8, 3))
        load_weights(network, read_state_dict(folder / name), name)

    return read


def _dlib(folder: Path) -> None:
    from froq_dlib.serialization import load_parameters, read_bytes  # noqa: PLC0415 - a plugin

    network, data = seeds.dlib_network(), read_bytes(folder / "a.dat")
    try:
        load_parameters(network, data)
    except ValueError as error:  # a plugin may raise it; the registry tells it
        raise DataError(str(error)) from error


def _timm_folder(folder: Path) -> None:
    model = hub_model(f"local-dir:{folder}")
    Preprocessing(model.size, mean=model.mean, std=model.std)
    read_state_dict(str(model.weights))
