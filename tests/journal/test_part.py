"""Parts cover all images once, and are cut only where batches end."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from froq_lightning.errors import ConfigurationError
from froq_lightning.journal.part import Part


@given(images=st.integers(0, 5000), step=st.integers(1, 300), count=st.integers(1, 400))
def test_every_image_is_in_exactly_one_part_and_batches_are_those_of_the_whole(
    images: int, step: int, count: int
) -> None:
    shares = [Part(number, count).share(images, step) for number in range(1, count + 1)]
    assert [position for share in shares for position in share] == list(range(images))
    assert all(share.start % step == 0 for share in shares if share)
    sizes = [len(share) for share in shares]
    assert max(sizes) - min(sizes) < 2 * step


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("17", "Expected a part as NUMBER/COUNT, such as 17/1000, but got '17'"),
        ("1/2/3", "Expected a part as"),
        ("-1/2", "Expected a part as"),
        ("1/0", "Expected a part from 1/1"),
        ("1001/1000", "from 1/1000 on to the last, but got 1001/1000$"),
        ("0/1000", "got 0/1000; where jobs are counted from 0, add 1 to their numbers"),
    ],
)
def test_what_is_no_part_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Part.parse(text)


def test_files_of_parts_lie_beside_the_output_and_sort_by_number() -> None:
    output = Path("runs") / "scores.csv"
    assert Part.parse("17/1000").file(output) == Path("runs/scores.csv.part-0017-of-1000")
    names = [Part(number, 120).file(output).name for number in range(1, 121)]
    assert names == sorted(names)
