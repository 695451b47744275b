"""A face in its photograph: what an aligner knows of it, and the components that follow from that."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from froq_lightning.defects.scale import FAILURE, component, sigmoid

Points = npt.NDArray[np.float64]

# Distance from the eyes to the chin (T in ISO/IEC 29794-5), in distances between the eyes: of adults in frontal view.
EYES_TO_CHIN = 1.83
# The face around the middle between the eyes, in distances between the eyes: to either side, up, and down to the chin.
SIDE, UP = 1.0, 0.8


@dataclass(frozen=True)
class FaceLandmarks:
    """Points of a face in its photograph, x and y in pixels.

    Args:
        eyes: `[2, 2]` centres of the eyes, first the one on the left of the picture.
        nose: `[2]` a point of the nose, if one is known.
        nose_depth: how far that point lies before the line between the eyes, in distances between the eyes.
    """

    eyes: Points
    nose: Points | None = None
    nose_depth: float = 0.6

    @property
    def distance(self) -> float:
        """Distance between the eyes in the picture."""
        return float(np.hypot(*(self.eyes[1] - self.eyes[0])))

    def yaw(self) -> float:
        """Return how far the head is turned to a side, in degrees; NaN if no nose is known.

        A point that lies before the eyes by d distances between them is seen beside their middle by d tan(yaw)
        distances, as these are seen foreshortened.
        """
        if self.nose is None or not self.distance > 0:
            return math.nan
        across = (self.eyes[1] - self.eyes[0]) / self.distance
        beside = float((self.nose - self.eyes.mean(0)) @ across) / self.distance
        return math.degrees(math.atan(beside / self.nose_depth))

    def roll(self) -> float:
        """Return how far the head leans to a side, in degrees."""
        across = self.eyes[1] - self.eyes[0]
        return math.degrees(math.atan2(across[1], across[0]))


@dataclass(frozen=True)
class FaceInPhotograph:
    """What is known of a face besides its crop.

    Args:
        size: (height, width) of the photograph.
        landmarks: of the face, if they are known.
        faces: number of faces in the photograph, if it is known.
        areas: of the boxes of all these faces, if they are known.
    """

    size: tuple[int, int]
    landmarks: FaceLandmarks | None = None
    faces: int | None = None
    areas: tuple[float, ...] = ()


def placement(face: FaceInPhotograph | None) -> dict[str, int]:
    """Return the components of size, place and pose; failures where nothing is known.

    `FaceInsidePhotograph` is our own: the share of the face, from forehead to chin, that the photograph shows. The
    others are those of ISO/IEC 29794-5, with our estimates of the distance to the chin and of the pose.
    """
    names = (
        "InterEyeDistance",
        "LeftwardCropOfTheFaceImage",
        "RightwardCropOfTheFaceImage",
        "MarginAboveOfTheFaceImage",
        "MarginBelowOfTheFaceImage",
        "HeadPoseYaw",
        "HeadPoseRoll",
        "FaceInsidePhotograph",
    )
    found = {"SingleFacePresent": FAILURE if face is None else _single_face(face), **dict.fromkeys(names, FAILURE)}
    if face is None or face.landmarks is None or not 0 < face.landmarks.distance < math.inf:
        return found
    landmarks, (height, width) = face.landmarks, face.size
    yaw, roll, seen = landmarks.yaw(), landmarks.roll(), landmarks.distance
    facing = 1.0 if math.isnan(yaw) else math.cos(math.radians(yaw))
    chin = EYES_TO_CHIN * seen / facing
    (left, _), (right, _) = landmarks.eyes
    eyes = float(landmarks.eyes[:, 1].mean())
    return found | {
        "InterEyeDistance": component(100 * sigmoid(seen / facing, 70, 20)),
        "LeftwardCropOfTheFaceImage": component(100 * sigmoid(left / seen, 0.9, 0.1)),
        "RightwardCropOfTheFaceImage": component(100 * sigmoid((width - right) / seen, 0.9, 0.1)),
        "MarginAboveOfTheFaceImage": component(100 * sigmoid(eyes / chin, 1.4, 0.1)),
        "MarginBelowOfTheFaceImage": component(100 * sigmoid((height - eyes) / chin, 1.8, 0.1)),
        "HeadPoseYaw": component(100 * math.cos(math.radians(yaw)) ** 2) if math.isfinite(yaw) else FAILURE,
        "HeadPoseRoll": component(100 * max(0.0, math.cos(math.radians(roll))) ** 2),
        "FaceInsidePhotograph": component(100 * _share_inside(landmarks, face.size)),
    }


def _single_face(face: FaceInPhotograph) -> int:
    """Compare the two largest faces; others of unknown size count as if they were as large."""
    if not face.faces:
        return FAILURE
    if face.faces == 1:
        return 100
    largest, second, *_ = sorted(face.areas, reverse=True) if len(face.areas) > 1 else (1.0, 1.0)
    return component(100 * (1 - math.sqrt(second / largest))) if largest > 0 else FAILURE


def _share_inside(landmarks: FaceLandmarks, size: tuple[int, int]) -> float:
    across = landmarks.eyes[1] - landmarks.eyes[0]
    down = np.array([-across[1], across[0]])
    sides, heights = np.linspace(-SIDE, SIDE, 21), np.linspace(-UP, EYES_TO_CHIN, 21)
    points = landmarks.eyes.mean(0) + sides[:, None, None] * across + heights[None, :, None] * down
    inside = (points >= 0) & (points <= np.array(size[::-1]))
    return float(inside.all(axis=-1).mean())
