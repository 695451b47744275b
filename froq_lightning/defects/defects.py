"""Defects: what is wrong with an image, by its components, in words, and what a person can do about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from operator import itemgetter

from froq_lightning.defects.scale import FAILURE


@dataclass(frozen=True)
class Defect:
    """Something that is wrong with an image where a component is low.

    Args:
        name: in a word or two.
        component: that tells.
        below: the component's value, 0..100, from which on there is nothing wrong.
        guidance: what a person before a camera can do, in a short sentence.
    """

    name: str
    component: str
    below: int
    guidance: str


DEFECTS = (
    Defect("dark", "DarknessPrevention", 50, "More light on the face."),
    Defect("bright", "GlarePrevention", 50, "Less light on the face."),
    Defect("blurred", "BlurPrevention", 50, "Hold still."),
    Defect("low resolution", "ResolutionLossPrevention", 50, "Come closer to the camera."),
    Defect("low resolution", "InterEyeDistance", 10, "Come closer to the camera."),
    Defect("noise", "NoisePrevention", 50, "More light on the face."),
    Defect("compression", "CompressionPrevention", 50, "Send the image less compressed."),
    Defect("occluded", "FlatOcclusionPrevention", 50, "Show the whole face."),
    Defect("turned away", "HeadPoseYaw", 60, "Look straight into the camera."),
    Defect("several faces", "SingleFacePresent", 50, "One person at a time."),
    Defect("cut off", "FaceInsidePhotograph", 90, "Move into the middle of the picture."),
)


def defects(components: Mapping[str, int]) -> tuple[str, ...]:
    """Name what is wrong with an image, the worst first; empty if nothing is.

    Args:
        components: by their names, 0..100, or -1 where one could not be computed, which names no defect.
    """
    found = [
        (value / defect.below, defect.name)
        for defect in DEFECTS
        if 0 <= (value := components.get(defect.component, FAILURE)) < defect.below
    ]
    return tuple(dict.fromkeys(name for _, name in sorted(found, key=itemgetter(0))))


def guidance(defect: str) -> str:
    """Return what a person before a camera can do about a defect; empty for an unknown one."""
    return next((each.guidance for each in DEFECTS if each.name == defect), "")
