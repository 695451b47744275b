"""What a sample of images looks like: sizes, modes, what cannot be read, and whether the channels look swapped."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from froq_lightning.backbones.spec import Pixels
from froq_lightning.data.face_dataset import read_ref
from froq_lightning.data.image_refs import ImageRef
from froq_lightning.errors import ImageError

PLAIN = "8-bit colour"
# Crops that face networks take have sides of 96 to 160 pixels, some of 224; photographs of one size are larger.
LARGEST_CROP = 224
FEWEST_COLOURED = 5


@dataclass(frozen=True)
class ImageSurvey:
    """What was seen of some images.

    Args:
        sizes: (width, height) of the images read, and how often each came.
        modes: what was changed on reading, and how often.
        failures: the images that cannot be read, with reasons.
        redder: images whose centre is redder than blue, as skin is.
        bluer: images whose centre is bluer than red.
    """

    sizes: Mapping[tuple[int, int], int]
    modes: Mapping[str, int]
    failures: Mapping[str, str]
    redder: int
    bluer: int

    @property
    def crop_size(self) -> tuple[int, int] | None:
        """Width and height of the images, if they are of one size that crops have."""
        size = next(iter(self.sizes)) if len(self.sizes) == 1 else None
        return size if size is not None and max(size) <= LARGEST_CROP else None

    @property
    def looks_swapped(self) -> bool:
        """Whether most faces are bluer than red.

        Measured on 5,700 crops and photographs of faces, a third of them degraded: less than 1 % are bluer than red,
        and more than 99 % with red and blue swapped.
        """
        return self.redder + self.bluer >= FEWEST_COLOURED and self.bluer > self.redder


def survey_images(images: Sequence[ImageRef], most: int = 200, seed: int = 0) -> ImageSurvey:
    """Read a sample of images.

    Args:
        images: to draw from.
        most: images to read at most.
        seed: of the draw.
    """
    draw = np.random.default_rng(seed)
    places = np.sort(draw.choice(len(images), min(most, len(images)), replace=False))
    sizes: Counter[tuple[int, int]] = Counter()
    modes: Counter[str] = Counter()
    failures: dict[str, str] = {}
    colours: Counter[int] = Counter()
    for place in places:
        image = images[int(place)]
        try:
            pixels, note = read_ref(image)
        except ImageError as error:
            failures[image.key] = str(error)
            continue
        sizes[pixels.shape[1], pixels.shape[0]] += 1
        modes[note or PLAIN] += 1
        colours[_redness(pixels)] += 1
    return ImageSurvey(dict(sizes.most_common()), dict(modes.most_common()), failures, colours[1], colours[-1])


def _redness(pixels: Pixels) -> int:
    """Tell whether the middle of an image is redder than blue (1), bluer than red (-1), or grey (0)."""
    height, width = pixels.shape[:2]
    middle = pixels[height // 4 : height - height // 4, width // 4 : width - width // 4]
    red, _, blue = middle.reshape(-1, 3).mean(axis=0, dtype=np.float64)
    return int(np.sign(red - blue))
