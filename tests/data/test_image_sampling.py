import random
import tracemalloc
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.stats import chi2

from froq_lightning.data.image_refs import ImageRef, LazyRefs
from froq_lightning.data.image_sampling import ImageSampling, Strata, equal_shares
from froq_lightning.errors import DataError
from froq_lightning.sources.source import read_faces


def refs(subjects: Sequence[str]) -> list[ImageRef]:
    return [ImageRef(f"{place:04}.jpg", Path(f"{place:04}.jpg"), subject=who) for place, who in enumerate(subjects)]


def names(images: Sequence[ImageRef], sampling: ImageSampling) -> list[str]:
    return [image.key for image in sampling.draw(images).images]


@dataclass(frozen=True)
class LongList(LazyRefs):
    """An archive of a million images; every second subject has one image, the others have seven."""

    count: int = 1_000_000

    def __len__(self) -> int:
        return self.count

    def make(self, index: int) -> ImageRef:
        return ImageRef(str(index), Path("archive"), subject=self._subject(index))

    def keys_in_order(self) -> Iterator[str]:
        return map(str, range(self.count))

    def subjects_in_order(self) -> Iterator[str]:
        return map(self._subject, range(self.count))

    def _subject(self, index: int) -> str:
        return f"{index // 8}" if index % 8 else f"alone {index}"


@given(st.integers(1, 40), st.integers(1, 50), st.integers(0, 2**64 - 1), st.randoms(use_true_random=False))
def test_a_draw_is_the_same_whatever_the_order_and_part_of_a_larger_one(
    count: int, sample: int, seed: int, shuffling: random.Random
) -> None:
    images = refs([""] * count)
    drawn = names(images, ImageSampling(sample, seed=seed))
    assert len(drawn) == min(sample, count)
    assert drawn == sorted(set(drawn))
    assert set(drawn) <= set(names(images, ImageSampling(sample + 3, seed=seed)))
    shuffled = shuffling.sample(images, count)
    assert sorted(names(shuffled, ImageSampling(sample, seed=seed))) == drawn


@pytest.mark.parametrize("stratify", [None, "subject"])
def test_every_image_and_every_subject_is_equally_likely(stratify: Strata | None) -> None:
    draws, subjects = 800, [f"{place // 5}" for place in range(60)]
    images = refs(subjects)
    seeds = range(draws)
    counts = Counter(key for seed in seeds for key in names(images, ImageSampling(12, stratify, seed)))
    expected = draws * 12 / 60
    # Of 60 images, or of 4 out of 5 of a subject, as independent draws would be; without repeats they vary less.
    assert len(counts) == 60
    statistic = sum((number - expected) ** 2 / expected for number in counts.values())
    # Whole subjects of 4 images are drawn together, which makes their counts vary up to 4 times as much.
    assert statistic / (4 if stratify else 1) < chi2.ppf(0.999, 59)
    assert statistic > chi2.ppf(0.001, 59) / 4


@given(st.lists(st.integers(0, 30), max_size=20), st.integers(0, 200))
def test_shares_are_as_equal_as_counts_allow(counts: list[int], total: int) -> None:
    shares = equal_shares(counts, total)
    assert sum(shares) == min(total, sum(counts))
    for share, most in zip(shares, counts, strict=True):
        assert 0 <= share <= most
        assert share == most or max(shares) <= share + 1


@settings(deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=25), st.integers(2, 60), st.integers(0, 99))
def test_a_sample_of_subjects_has_mates_of_each(sizes: list[int], sample: int, seed: int) -> None:
    images = refs([f"s{number}" for number, size in enumerate(sizes) for _ in range(size)])
    random.Random(seed).shuffle(images)  # noqa: S311 - no secret
    possible = sum(size for size in sizes if size > 1)
    if not possible:
        with pytest.raises(DataError, match="Expected subjects with two images or more"):
            ImageSampling(sample, "subject", seed).draw(images)
        return
    drawn = Counter(image.subject for image in ImageSampling(sample, "subject", seed).draw(images).images)
    assert drawn.total() == min(sample, possible)
    assert all(sizes[int(subject[1:])] > 1 for subject in drawn)
    # One image of a subject is drawn only where the last one has no room for more.
    assert sum(number == 1 for number in drawn.values()) <= 1
    if possible >= 4 * sample:
        assert max(drawn.values()) <= 4


def test_few_subjects_give_more_images_each_and_those_without_a_name_none() -> None:
    sample = ImageSampling(30, "subject").draw(refs(["a"] * 50 + ["b"] * 7 + ["c"] + [""] * 40 + ["d"] * 50))
    assert Counter(image.subject for image in sample.images) == {"a": 12, "b": 7, "d": 11}
    assert sample.description == (
        "drew 30 of 148 images (seed 0): 12 of each of 1 subject, 11 of each of 1 subject, 7 of each of 1 subject"
    )


@pytest.mark.slow
@pytest.mark.parametrize("stratify", [None, "subject"])
def test_memory_grows_with_the_sample_and_not_with_the_archive(stratify: Strata | None) -> None:
    images = LongList()
    tracemalloc.start()
    try:
        drawn = ImageSampling(1000, stratify, 5).draw(images).images
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(drawn) == 1000
    assert peak < 4e6
    if stratify:
        assert set(Counter(image.subject for image in drawn).values()) == {4}


def test_tar_files_in_any_order_and_a_part_of_them_give_the_same_draw(tar_folder: Path, tmp_path: Path) -> None:
    files = sorted(tar_folder.glob("*.tar"))
    whole = read_faces(tar_folder, with_subjects=True, scratch=tmp_path).images
    turned = read_faces("::".join(map(str, reversed(files))), with_subjects=True, scratch=tmp_path).images
    for stratify in (None, "subject"):
        drawn = names(whole, ImageSampling(6, stratify, 1))
        assert sorted(names(turned, ImageSampling(6, stratify, 1))) == drawn
    part = read_faces("::".join(map(str, files[1:])), scratch=tmp_path).images
    kept = [name for name in names(whole, ImageSampling(6)) if not name.startswith("faces-0")]
    assert set(kept) <= set(names(part, ImageSampling(6)))


def test_a_sample_by_size_has_as_many_images_of_every_size_as_there_are(tmp_path: Path) -> None:
    for size, number in ((24, 3), (40, 20), (112, 60)):
        for place in range(number):
            Image.new("RGB", (size + 9, size)).save(tmp_path / f"{size}-{place:02}.png")
    for place in range(4):
        (tmp_path / f"broken-{place}.png").write_bytes(b"no image")
    images = read_faces(tmp_path).images
    sample = ImageSampling(21, "size").draw(images)
    assert Counter(image.key.split("-")[0] for image in sample.images) == {"24": 3, "40": 9, "112": 9}
    assert sample.description == (
        "drew 21 of 87 images (seed 0): of 87 that were opened, 3 of 3 with a shorter side of 16 to 31 pixels, 9 of 20 "
        "with a shorter side of 32 to 63 pixels, 9 of 60 with a shorter side of 64 to 127 pixels; 4 cannot be read"
    )
    with pytest.raises(DataError, match="Expected images that can be read, to stratify a sample by `size`"):
        ImageSampling(2, "size").draw([image for image in images if image.key.startswith("broken")])
