import os
import subprocess
import sys
from multiprocessing import get_context
from multiprocessing.reduction import ForkingPickler
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from froq_lightning.data.image_list import ImageList
from froq_lightning.data.image_refs import ImageRef, RemoteImage
from froq_lightning.data.stored_texts import BLOCK, RUN, StoredTexts, sorted_texts
from froq_lightning.errors import DataError

TEXT = st.text(st.characters(), max_size=8)  # with surrogates, of which file names that are no UTF-8 have some
NAMES = st.lists(TEXT, max_size=20)
PATHS = st.from_regex(r"[a-c=.]{1,3}(/[a-c.]{1,3}){0,2}", fullmatch=True).filter(lambda path: path.strip("./"))
IMAGES = st.builds(
    ImageRef,
    key=TEXT | PATHS,
    path=PATHS.map(lambda path: Path("faces", path)) | PATHS.map(Path),
    pseudo_quality=st.none() | st.floats(allow_nan=False),
    problem=TEXT,
    subject=TEXT,
    archive=st.none() | st.builds(RemoteImage, TEXT.map("s3://{}".format)),
)
MOST_PER_IMAGE = 0.04  # kB: 40 MB per million; Python objects take 0.6
BESIDES = 12_000  # kB: what is read, sorted and written at a time
LISTING = r"""
import re, sys
from pathlib import Path
from froq_lightning.data.image_refs import Names
from froq_lightning.sources.source import read_faces
few, many = sys.argv[1:]
read_faces(few)
peak = lambda: int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1])
before = peak()
images = read_faces(many).images
names = sum(map(len, Names(images)))
print(peak() - before, len(images))
"""


@given(texts=NAMES, data=st.data())
def test_stored_texts_are_those_of_a_list(texts: list[str], data: st.DataObject) -> None:
    stored = StoredTexts.of(iter(texts), Path())
    assert (len(stored), list(stored), list(reversed(stored))) == (len(texts), texts, texts[::-1])
    assert [stored[place] for place in range(-len(texts), len(texts))] == texts * 2
    part = data.draw(st.slices(len(texts)))
    assert stored[part] == texts[part]
    for place in (len(texts), -len(texts) - 1):
        with pytest.raises(IndexError):
            stored[place]


@given(names=NAMES)
def test_texts_are_sorted_as_a_list_is(names: list[str]) -> None:
    assert list(sorted_texts(names, Path())) == sorted(names)


def test_many_texts_are_stored_and_sorted_in_parts() -> None:
    texts = [str(number * 7919 % 1_000_003) for number in range(2 * RUN + BLOCK + 1)]
    assert list(sorted_texts(texts, Path())) == sorted(texts)
    assert StoredTexts.of(texts, Path())[BLOCK - 1 : BLOCK + 1] == texts[BLOCK - 1 : BLOCK + 1]


@given(images=st.lists(IMAGES, max_size=5), folder=st.sampled_from(["faces", ".", "/", "faces/a"]))
def test_listed_images_are_those_that_were_listed(images: list[ImageRef], folder: str) -> None:
    listed = ImageList.of(images, Path(folder), Path())
    assert list(listed) == images == listed[:] == [listed[place] for place in range(len(images))]
    assert list(listed.keys_in_order()) == [image.key for image in images]


def test_no_file_is_left_in_sight_and_a_folder_that_cannot_be_written_to_is_no_hindrance(tmp_path: Path) -> None:
    stored = StoredTexts.of(["a"], tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert list(StoredTexts.of(stored, tmp_path / "none")) == ["a"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is full")
def test_a_full_disk_is_an_error_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/full").open("r+b", buffering=0) as full:
        monkeypatch.setattr("froq_lightning.data.stored_texts.TemporaryFile", lambda **_: full)
        with pytest.raises(DataError, match="the list of images cannot be kept on disk: No space left on device"):
            StoredTexts.of(["a"], Path())


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_share_the_list_however_they_are_started(method: str) -> None:
    names = [f"{number:09}.jpg" for number in range(50_000)]
    images = ImageList.of((ImageRef(name, Path(name)) for name in names), Path(), Path())
    assert len(ForkingPickler.dumps(images)) < 1000
    loader = DataLoader(images, 500, num_workers=2, collate_fn=list, multiprocessing_context=get_context(method))
    assert [image.key for batch in loader for image in batch] == names


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not tell the peak")
@pytest.mark.parametrize("kind", ["folder", "manifest"])
def test_a_list_of_200_000_images_takes_little_memory(kind: str, tmp_path: Path) -> None:
    few, many = (_lay_out(kind, tmp_path / str(count), count) for count in (100, 200_000))
    command = [sys.executable, "-c", LISTING, str(few), str(many)]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=dict(os.environ)).stdout
    kilobytes, count = map(int, printed.split())
    assert count == 200_000
    assert kilobytes < 200_000 * MOST_PER_IMAGE + BESIDES


def _lay_out(kind: str, folder: Path, count: int) -> Path:
    names = [f"{number % 20:03}/{number:09}.jpg" for number in range(count)]
    folder.mkdir()
    if kind == "manifest":
        rows = "".join(f"{name},{number / 7},{number % 1000}\n" for number, name in enumerate(names))
        (folder / "list.csv").write_text(f"path,pseudo_quality,subject_id\n{rows}")
        return folder / "list.csv"
    for number in range(20):
        (folder / f"{number:03}").mkdir()
    for name in names:
        (folder / name).touch()
    return folder
