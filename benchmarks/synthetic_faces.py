"""Made-up crops of faces in tar files, in any number, and a network so small that it does not hide what they cost."""

import io
import itertools
import tarfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from networks import Network
from PIL import Image
from safetensors.torch import save_file

SIZE = 112
IMAGES_OF_A_SUBJECT = 5
IN_A_SHARD = 1_000
DIFFERENT = 1_000
# 16 patches to a crop: the pass takes about as long as decoding.
TINY = {"architecture": "test_vit", "img_size": SIZE, "patch_size": SIZE // 4}


@dataclass(frozen=True)
class SyntheticFaces:
    """Tar files of a folder, each of `IN_A_SHARD` crops, in folders by subject; contents repeat, names do not.

    Args:
        folder: that holds them.
        images: how many there are in all.
    """

    folder: Path
    images: int

    @classmethod
    def write(cls, folder: Path, images: int) -> "SyntheticFaces":
        """Write the tar files; those of a larger number begin with those of a smaller one."""
        folder.mkdir()
        contents = crops(DIFFERENT)
        numbers = range(images)
        for shard, start in enumerate(range(0, images, IN_A_SHARD)):
            with tarfile.open(folder / f"{shard:04}.tar", "w", format=tarfile.USTAR_FORMAT) as tar:
                for number in numbers[start : start + IN_A_SHARD]:
                    header = tarfile.TarInfo(entry(number))
                    header.size = len(contents[number % DIFFERENT])
                    tar.addfile(header, io.BytesIO(contents[number % DIFFERENT]))
                    tar.members.clear()  # type: ignore[attr-defined]
        return cls(folder, images)

    def first(self, images: int, folder: Path) -> "SyntheticFaces":
        """Link the first tar files into another folder, so that their index is made anew."""
        folder.mkdir()
        for path in itertools.islice(sorted(self.folder.iterdir()), -(-images // IN_A_SHARD)):
            (folder / path.name).hardlink_to(path)
        return SyntheticFaces(folder, images)

    def names(self) -> list[str]:
        """Return the names of the crops, as outputs have them."""
        return [f"{number // IN_A_SHARD:04}/{entry(number)}" for number in range(self.images)]


def entry(number: int) -> str:
    """Name a crop in its tar file."""
    return f"{number // IMAGES_OF_A_SUBJECT:07}/{number:08}.jpg"


def crops(count: int) -> list[bytes]:
    """Make JPEG files of 112 x 112 pixels, about as large as those of faces: noise of low frequency."""
    generator = np.random.default_rng(0)
    files = []
    for _ in range(count):
        grid = generator.integers(0, 256, (14, 14, 3), dtype=np.uint8)
        file = io.BytesIO()
        Image.fromarray(grid).resize((SIZE, SIZE), Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
        files.append(file.getvalue())
    return files


def tiny_network(folder: Path) -> Network:
    """Write the weights of the small network, which are random, to a folder; they are the same every time."""
    module = Network("tiny", "timm", 0, TINY).module()
    weights = folder / "tiny.safetensors"
    save_file({name: value.contiguous() for name, value in module.backbone.network.state_dict().items()}, weights)
    return Network("tiny", "timm", 0, {**TINY, "weights": str(weights)})
