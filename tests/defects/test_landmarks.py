"""Size, place and pose follow from the landmarks of a face in its photograph."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from froq_lightning.defects.components import components
from froq_lightning.defects.defects import defects
from froq_lightning.defects.landmarks import FaceInPhotograph, FaceLandmarks, placement

SIZE = (600, 400)


def face(x: float = 200, y: float = 250, distance: float = 70, nose: float = 0, roll: float = 0) -> FaceLandmarks:
    """A face whose eyes have (x, y) in their middle; `nose` is how far its tip lies beside that, in such distances."""
    across = distance * np.array([np.cos(np.radians(roll)), np.sin(np.radians(roll))])
    middle, down = np.array([x, y]), np.array([-across[1], across[0]])
    return FaceLandmarks(np.stack([middle - across / 2, middle + across / 2]), middle + nose * across + 0.6 * down)


def test_a_large_face_in_the_middle_has_no_defect() -> None:
    found = placement(FaceInPhotograph(SIZE, face(), 1))
    assert found["InterEyeDistance"] == 50  # S(70; 70, 20)
    assert found["HeadPoseYaw"] == found["HeadPoseRoll"] == found["FaceInsidePhotograph"] == 100
    assert found["SingleFacePresent"] == 100
    assert defects(found) == ()


@pytest.mark.parametrize(
    ("landmarks", "defect"),
    [
        (face(distance=20), "low resolution"),
        (face(nose=0.6), "turned away"),  # 45 degrees
        (face(nose=-0.7), "turned away"),
        (face(x=20), "cut off"),
        (face(y=520), "cut off"),
    ],
)
def test_what_is_wrong_with_a_face_is_named(landmarks: FaceLandmarks, defect: str) -> None:
    assert defects(placement(FaceInPhotograph(SIZE, landmarks, 1))) == (defect,)


@pytest.mark.parametrize(
    ("faces", "areas", "expected"),
    [
        (1, (), 100),
        (2, (100.0, 25.0), 50),
        (3, (25.0, 100.0, 4.0), 50),
        (2, (81.0, 81.0), 0),
        (2, (), 0),
        (None, (), -1),
    ],
)
def test_other_faces_count_by_their_size(faces: int | None, areas: tuple[float, ...], expected: int) -> None:
    found = placement(FaceInPhotograph(SIZE, None, faces, areas))
    assert found["SingleFacePresent"] == expected
    assert set(found.values()) == {expected, -1}, "nothing else is known"


@given(st.floats(-80, 80))
def test_the_pose_is_that_of_the_landmarks(angle: float) -> None:
    turned = placement(FaceInPhotograph(SIZE, face(nose=0.6 * np.tan(np.radians(angle)), roll=20)))
    assert turned["HeadPoseYaw"] == pytest.approx(100 * np.cos(np.radians(angle)) ** 2, abs=0.6)
    assert turned["HeadPoseRoll"] == 88


@pytest.mark.parametrize("eyes", [np.zeros((2, 2)), np.full((2, 2), np.nan), np.array([[0, 0], [np.inf, 0]])])
def test_landmarks_that_are_no_face_are_failures(eyes: np.ndarray) -> None:
    found = components(np.zeros((112, 112, 3), np.uint8), face=FaceInPhotograph(SIZE, FaceLandmarks(eyes), 1))
    assert found["InterEyeDistance"] == found["HeadPoseYaw"] == found["FaceInsidePhotograph"] == -1


def test_padding_beyond_the_photograph_is_no_occlusion() -> None:
    draw = np.random.default_rng(0)
    crop = draw.integers(60, 200, (112, 112, 3), dtype=np.uint8)
    crop[:, :50] = 0
    assert components(crop)["FlatOcclusionPrevention"] >= 0
    assert components(crop, face=FaceInPhotograph(SIZE, face(x=40), 1))["FlatOcclusionPrevention"] == -1
