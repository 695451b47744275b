"""Real crops in the layouts that archives have, written byte by byte."""

import json
import pickle
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

MAGIC = 0xCED7230A


@dataclass(frozen=True)
class Crop:
    """A real crop: its file, its subject, and its pixels."""

    path: Path
    subject: str
    pixels: np.ndarray

    @property
    def content(self) -> bytes:
        return self.path.read_bytes()


@pytest.fixture(scope="session")
def crops(shared: Path) -> list[Crop]:
    """Twelve crops of four subjects, three of each."""
    folders = (folder for folder in sorted((shared / "data" / "faces").iterdir()) if len(list(folder.iterdir())) >= 3)
    paths = [path for folder, _ in zip(folders, range(4), strict=False) for path in sorted(folder.iterdir())[:3]]
    return [Crop(path, path.parent.name, np.array(Image.open(path))) for path in paths]


@pytest.fixture(scope="session")
def paired(crops: list[Crop]) -> tuple[list[Crop], list[bool]]:
    """Trials of the crops as archives hold them: two by two, and whether each two are mated."""
    trials = [(0, 1), (1, 2), (0, 3), (4, 5), (3, 6), (9, 10), (7, 8), (2, 11)]
    members = [crops[place] for trial in trials for place in trial]
    return members, [crops[a].subject == crops[b].subject for a, b in trials]


@pytest.fixture(scope="session")
def bin_file(paired: tuple[list[Crop], list[bool]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trials as an insightface .bin file."""
    path = tmp_path_factory.mktemp("bin") / "lfw.bin"
    path.write_bytes(pickle.dumps(([crop.content for crop in paired[0]], paired[1]), protocol=4))
    return path


@pytest.fixture(scope="session")
def memfile(paired: tuple[list[Crop], list[bool]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trials as AdaFace's folder `lfw`, beside `lfw_list.npy`."""
    folder = tmp_path_factory.mktemp("adaface") / "lfw"
    write_memfile(folder / "memfile", [crop.pixels for crop in paired[0]])
    np.save(folder.with_name("lfw_list.npy"), np.array(paired[1]))
    return folder


def write_memfile(folder: Path, images: Sequence[np.ndarray]) -> None:
    folder.mkdir(parents=True)
    values = np.stack([(image[..., ::-1].transpose(2, 0, 1) / 255 - 0.5) / 0.5 for image in images]).astype(np.float32)
    (folder / "mem_file.dat").write_bytes(values.tobytes())
    (folder / "mem_file.dat.conf").write_text(json.dumps({"shape": values.shape, "dtype": "float32"}))


def framed(content: bytes) -> bytes:
    """Frame a record; where it holds the magic number at a multiple of four, it is split there."""
    magic = struct.pack("<I", MAGIC)
    cuts = [place for place in range(0, len(content) - 3, 4) if content[place : place + 4] == magic]
    starts, ends = [0, *(cut + 4 for cut in cuts)], [*cuts, len(content)]
    frames = []
    for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
        part = content[start:end]
        kind = 0 if not cuts else 1 if number == 0 else 3 if number == len(cuts) else 2
        frames.append(struct.pack("<II", MAGIC, kind << 29 | len(part)) + part + b"\0" * (-len(part) % 4))
    return b"".join(frames)


def packed(number: int, labels: Sequence[float], image: bytes = b"") -> bytes:
    """Pack a record as MXNet does: one label stands in the header, several follow it."""
    if len(labels) == 1:
        return framed(struct.pack("<IfQQ", 0, labels[0], number, 0) + image)
    head = struct.pack("<IfQQ", len(labels), 0.0, number, 0)
    return framed(head + np.array(labels, dtype=np.float32).tobytes() + image)


@pytest.fixture(scope="session")
def frame_record() -> Callable[[bytes], bytes]:
    """Frames bytes as a record."""
    return framed


@pytest.fixture(scope="session")
def pack_record() -> Callable[..., bytes]:
    """Packs number, labels and image into a framed record."""
    return packed


@pytest.fixture(scope="session")
def write_records() -> Callable[..., Path]:
    """Writes records (key, bytes) into a .rec file, and their offsets into an .idx file."""

    def write(path: Path, records: Sequence[tuple[int, bytes]], *, index: bool = True) -> Path:
        content, lines = b"", []
        for key, record in records:
            lines.append(f"{key}\t{len(content)}\n")
            content += record
        path.write_bytes(content)
        if index:
            path.with_suffix(".idx").write_text("".join(lines))
        return path

    return write


@pytest.fixture(scope="session")
def insightface_records(crops: list[Crop]) -> list[tuple[int, bytes]]:
    """The crops as insightface packs them: images from 1 on, record 0 with ranges, one record per subject."""
    names = sorted({crop.subject for crop in crops})
    images = [(n, packed(n, (names.index(crop.subject), 1), crop.content)) for n, crop in enumerate(crops, start=1)]
    end = len(crops) + 1
    ranges = [(end + n, packed(end + n, (1 + 3 * n, 4 + 3 * n))) for n in range(len(names))]
    return [*images, (0, packed(0, (end, end + len(names)))), *ranges]


@pytest.fixture(scope="session")
def rec_file(
    write_records: Callable[..., Path],
    insightface_records: list[tuple[int, bytes]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The crops as train.rec and train.idx."""
    return write_records(tmp_path_factory.mktemp("rec") / "train.rec", insightface_records)
