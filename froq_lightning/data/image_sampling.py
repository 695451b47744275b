"""A random draw from the images of a source, plain or stratified, in memory that grows with the draw alone.

Every name is hashed with the seed, and the images whose hashes are highest are drawn: a reservoir whose random keys are
functions of the names (Efraimidis and Spirakis 2006, with equal weights). So the draw does not depend on the order of
images, on the process, or on the version of a random generator. A larger plain draw holds the smaller one, and of an
archive that grows the images stay that are still among the highest.
"""

import heapq
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from itertools import accumulate, chain, count, groupby
from typing import Literal

from froq_lightning.data.face_dataset import read_ref
from froq_lightning.data.image_refs import ImageRef, Names, subjects_in_order
from froq_lightning.errors import ConfigurationError, DataError, ImageError

Strata = Literal["subject", "size"]
# Most subjects of an archive may have one image, which has no mates; so many times the wanted images are remembered.
SUBJECTS_REMEMBERED = 4
# So many times the wanted images are opened for their sizes.
CANDIDATES = 5
SHARES_SHOWN = 6


@dataclass(frozen=True)
class ImageSample:
    """The images that were drawn.

    Args:
        images: in the order of the source.
        description: how many of how many, in all and of every stratum.
    """

    images: Sequence[ImageRef]
    description: str


@dataclass(frozen=True)
class ImageSampling:
    """How images are drawn.

    Args:
        images: how many at most.
        stratify: `subject` draws subjects of two images or more, and about equally many images of each: `per_subject`,
            or more if there are few subjects. `size` draws equally many images of every class of size, as far as there
            are so many: a class is a doubling of the shorter side in pixels. None draws from all images alike.
        seed: of the draw.
        per_subject: how many images of a subject, where there are enough subjects.

    Raises:
        ConfigurationError: if `images` or `seed` is out of its range.
    """

    images: int
    stratify: Strata | None = None
    seed: int = 0
    per_subject: int = 4

    def __post_init__(self) -> None:
        if self.images < 1:
            raise ConfigurationError(f"Expected `sample` to be at least 1, but got {self.images}")
        if not 0 <= self.seed < 2**64:
            raise ConfigurationError(f"Expected `seed` to be in 0..{2**64 - 1}, but got {self.seed}")

    def draw(self, images: Sequence[ImageRef]) -> ImageSample:
        """Draw from the images of a source, whose names are read once, or twice if subjects are strata.

        Raises:
            DataError: if there are no strata to draw from.
        """
        if self.stratify == "subject":
            places, strata = self._of_subjects(images)
        elif self.stratify == "size":
            places, strata = self._of_sizes(images)
        else:
            places, strata = self._highest(images, self.images), ""
        drawn = [images[place] for place in sorted(places)]
        return ImageSample(drawn, f"drew {len(drawn):,} of {len(images):,} images (seed {self.seed}){strata}")

    def _highest(self, images: Sequence[ImageRef], most: int) -> list[int]:
        """Return the positions of the images that rank highest, the highest first."""
        ranks = map(self._rank, Names(images))
        return [place for _, place in heapq.nlargest(most, zip(ranks, count(), strict=False))]

    def _rank(self, name: str, what: str = "image") -> bytes:
        """Hash a name: to numbers that are as good as uniform and independent, and that no two names share."""
        content, salt = name.encode("utf-8", "surrogatepass"), self.seed.to_bytes(8)
        return blake2b(content, digest_size=16, salt=salt, person=what.encode()).digest()

    def _of_subjects(self, images: Sequence[ImageRef]) -> tuple[list[int], str]:
        """Draw subjects, each as likely as any other, and then images of each."""
        shares = self._shares_of_subjects(self._count_subjects(images))
        if not shares:
            raise DataError(
                "Expected subjects with two images or more, to stratify a sample by `subject`, but got none; leave "
                "data.stratify out, or give one sub-folder per subject, subject_id, or labels of an archive"
            )
        rank = lru_cache(2**10)(lambda subject: self._rank(subject, "subject"))
        drawn: dict[bytes, list[tuple[bytes, int]]] = {subject: [] for subject in shares}
        for place, (name, subject) in enumerate(zip(Names(images), subjects_in_order(images), strict=True)):
            if subject and (of_subject := drawn.get(rank(subject))) is not None:
                is_full = len(of_subject) == shares[rank(subject)]
                (heapq.heappushpop if is_full else heapq.heappush)(of_subject, (self._rank(name), place))
        places = [place for of_subject in drawn.values() for _, place in of_subject]
        return places, f": {_describe_shares(list(shares.values()))}"

    def _count_subjects(self, images: Sequence[ImageRef]) -> dict[bytes, int]:
        """Count the images of the subjects that rank highest."""
        counts: dict[bytes, int] = {}
        lowest: list[bytes] = []  # a heap of the same subjects
        for subject, run in groupby(subjects_in_order(images)):
            if not subject:
                continue
            rank = self._rank(subject, "subject")
            if rank not in counts:
                if len(lowest) < SUBJECTS_REMEMBERED * self.images:
                    heapq.heappush(lowest, rank)
                elif rank < lowest[0]:
                    continue
                else:  # what leaves never comes back, since the lowest rank only rises: so counts are whole
                    del counts[heapq.heapreplace(lowest, rank)]
                counts[rank] = 0
            counts[rank] += sum(1 for _ in run)
        return counts

    def _shares_of_subjects(self, counts: dict[bytes, int]) -> dict[bytes, int]:
        """Choose subjects from the highest rank on, and say how many images are drawn of each."""
        ranked = sorted((rank for rank, images in counts.items() if images > 1), reverse=True)
        most = [min(counts[rank], self.per_subject) for rank in ranked]
        needed = next((number for number, total in enumerate(accumulate(most), 1) if total >= self.images), None)
        if needed is None:  # too few subjects: more of each
            most = [counts[rank] for rank in ranked]
        shares = equal_shares(most[:needed], self.images)
        return {rank: share for rank, share in zip(ranked, shares, strict=False) if share}

    def _of_sizes(self, images: Sequence[ImageRef]) -> tuple[list[int], str]:
        """Draw from classes of size.

        Sizes stand in the files themselves: to open all of them is out of the question, so some are opened that are
        drawn from all alike. The number of bytes would be cheaper, but tells as much of compression as of size.
        """
        candidates = self._highest(images, CANDIDATES * self.images)
        sizes = {place: _size_class(images[place]) for place in sorted(candidates)}
        classes: dict[int, list[int]] = {size: [] for size in sorted(filter(None, set(sizes.values())))}
        for place in candidates:
            if sizes[place]:
                classes[sizes[place]].append(place)
        if not classes:
            raise DataError(
                f"Expected images that can be read, to stratify a sample by `size`, but got none among "
                f"{len(candidates):,}; leave data.stratify out to see why"
            )
        shares = equal_shares([len(places) for places in classes.values()], self.images)
        drawn = [places[:share] for places, share in zip(classes.values(), shares, strict=True)]
        parts = [
            f"{len(places):,} of {len(classes[size]):,} with a shorter side of {size} to {2 * size - 1} pixels"
            for places, size in zip(drawn, classes, strict=True)
        ]
        unread = f"; {missing:,} cannot be read" if (missing := Counter(sizes.values())[0]) else ""
        return list(chain(*drawn)), f": of {len(candidates):,} that were opened, {', '.join(parts)}{unread}"


def equal_shares(counts: Sequence[int], total: int) -> list[int]:
    """Share a total among strata as equally as their counts allow; what small ones leave goes to the larger ones."""
    shares, left = [0] * len(counts), total
    for done, place in enumerate(sorted(range(len(counts)), key=counts.__getitem__)):
        shares[place] = min(counts[place], left // (len(counts) - done))
        left -= shares[place]
    return shares


def _size_class(image: ImageRef) -> int:
    """Return the power of two that the shorter side of an image reaches, in pixels; 0 if it cannot be read."""
    try:
        height, width, _ = (0, 0, 0) if image.problem else read_ref(image)[0].shape
    except ImageError:
        return 0
    side = min(height, width)
    return 1 << side.bit_length() - 1 if side else 0


def _describe_shares(shares: Iterable[int]) -> str:
    counts = sorted(Counter(shares).items(), reverse=True)
    subjects = sum(number for _, number in counts)
    if len(counts) > SHARES_SHOWN:
        return f"{counts[-1][0]:,} to {counts[0][0]:,} of each of {subjects:,} subjects"
    return ", ".join(f"{share:,} of each of {number:,} subject{'s' * (number > 1)}" for share, number in counts)
