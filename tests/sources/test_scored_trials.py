from pathlib import Path

import numpy as np
import pytest

from froq_lightning.errors import DataError, DataNotFoundError
from froq_lightning.sources.scored_trials import ScoredTrials, read_scored_trials

HEADER = "image_a,image_b,mated,comparison_score,quality_a,quality_b"


def read(*rows: str, header: str = HEADER) -> ScoredTrials:
    path = Path("trials.csv")
    path.write_text("\n".join([header, *rows]), encoding="utf-8")
    return read_scored_trials(path)


def test_every_image_stands_once_with_its_quality_and_its_subject() -> None:
    scored = read("a,b,1,0.9,5,7", "b,c,0,,7,-1", "c,d,1,0.2,-1,nan")
    assert list(scored.keys) == ["a", "b", "c", "d"]
    np.testing.assert_array_equal(scored.qualities["quality"], [5, 7, -1, np.nan])
    np.testing.assert_array_equal(scored.trials.scores, [0.9, np.nan, 0.2])
    assert scored.trials.mated.tolist() == [True, False, True]
    assert scored.trials.subjects.tolist() == [0, 0, 1, 1]


def test_subjects_that_are_named_count_and_other_names_of_columns_are_known() -> None:
    scored = read("a,b,1,0.9,x,x", "c,d,1,0.9,x,x", header="img1,img2,label,similarity,subject_a,subject_b")
    assert scored.trials.subjects.tolist() == [0, 0, 0, 0]
    assert not scored.qualities


def test_trials_that_contradict_the_subjects_are_counted() -> None:
    header = "image_a,image_b,mated,score,subject_a,subject_b"
    rows = ("a,b,1,0.9,x,x", "a,c,1,0.9,x,y", "a,b,0,0.1,x,x", "c,c,1,1,y,y", "b,c,0,0.1,x,y")
    assert read(*rows, header=header).note == (
        "1 trials compare an image with itself; 1 trials compare two subjects as mated; "
        "1 trials compare one subject as non-mated"
    )
    assert not read(rows[0], rows[-1], header=header).note


@pytest.mark.parametrize(
    ("rows", "header", "message"),
    [
        (["a,b,1,0.9,5,7", "a,c,0,0.1,6,7"], HEADER, "trials.csv, line 3: 'a' has '6' here, and '5' in another row"),
        (["a,b,maybe,0.9,5,7"], HEADER, "Expected `mated` to be 0 or 1, but got 'maybe'"),
        ([], HEADER, "trials.csv holds no comparison trials"),
        (["a,b,1"], "image_a,image_b,mated", "but got no comparison_score among image_a, image_b, mated"),
    ],
)
def test_tables_that_do_not_hold_together_are_refused(rows: list[str], header: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(*rows, header=header)


def test_a_missing_table_is_said_to_be_missing() -> None:
    with pytest.raises(DataNotFoundError, match="does not exist"):
        read_scored_trials(Path("nowhere.csv"))
