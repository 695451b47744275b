"""Cheap measurements of a crop that tell degradations apart: light, spectrum, interpolation, grain, blocks, flatness.

They are our own, and no components of ISO/IEC 29794-5: `degradations.py` makes components of them.
"""

from functools import cache

import numpy as np
import numpy.typing as npt

from froq_lightning.defects.exposure import HIGH, LOW, luminance, middle

Floats = npt.NDArray[np.float32]

# Crops are measured at this width and height, so that no measurement depends on the network's.
SIDE = 112
# Lower bounds of rings of the spectrum, in cycles a crop; the last one reaches into the corners.
RINGS = (2, 4, 7, 11, 15, 19, 23, 27, 32, 38, 45, 56)
# Width of the narrow rings, in cycles, in which the steepest fall of the spectrum is looked for.
NARROW = 2
# Lowest number of original pixels in a crop's width that interpolation is looked for.
FEWEST = 9
PERCENTILES = (1, 5, 50, 95, 99)
# Sides of the squares that are looked for as flat patches, and by how many grey levels flat neighbours differ at most.
SQUARES = (8, 12, 16, 20, 26, 32, 40, 50)
FLAT = 3
# Added before logarithms, so that nothing depends on what is below the noise of rounding and resizing.
FLOOR = 0.3


def measurements(rgb: Floats, source: Floats) -> dict[str, float]:
    """Measure a crop.

    Args:
        rgb: `[SIDE, SIDE, 3]` RGB, 0..255.
        source: `[h, w, 3]` RGB, 0..255, at least 32 x 32: the pixels as they were decoded, whose 8 x 8 blocks begin at
            the corner.
    """
    planes = np.ascontiguousarray(rgb.transpose(2, 0, 1))
    levels = luminance(rgb)
    return {
        **_light(planes, levels),
        **_spectrum(levels),
        **_interpolation(levels),
        **_grain(planes, levels),
        **_blocks(source),
        **_flatness(planes),
    }


def _light(planes: Floats, levels: Floats) -> dict[str, float]:
    rounded = np.rint(levels)
    face = middle(rounded)
    shares = np.cumsum(np.bincount(rounded.astype(np.uint8).ravel(), minlength=256)) / levels.size
    percentiles = {f"percentile_{each}": float(np.searchsorted(shares, each / 100)) for each in PERCENTILES}
    return percentiles | {
        "mean": float(face.mean()),
        "deviation": float(face.std()),
        "low": float((face <= LOW).mean()),
        "high": float((face >= HIGH).mean()),
        "clipped": float((planes >= 254).any(axis=0).mean()),
    }


def _spectrum(levels: Floats) -> dict[str, float]:
    """Return the logarithm of the mean power in each ring of the power spectrum, and its steepest fall.

    A Gaussian blur makes the spectrum fall the more the higher the frequency, a loss of resolution all at once.
    """
    window, rings, narrow = _rings()
    power = np.abs(np.fft.rfft2((levels - levels.mean()) * window)) ** 2 / SIDE**2
    bands = np.log(_means(power, rings)[1:] + FLOOR)
    profile = np.log(_means(power, narrow)[2:28] + FLOOR)
    return {f"ring_{low}": float(band) for low, band in zip(RINGS, bands, strict=True)} | {
        "steepest_fall": float((profile[:-3] - profile[3:]).max()),
        "rise_behind_fall": float((profile - np.minimum.accumulate(profile)).max()),
    }


@cache
def _rings() -> tuple[Floats, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return a window against the edges of the crop, and the ring and the narrow ring of each frequency."""
    hann = np.hanning(SIDE)
    rows, columns = np.fft.fftfreq(SIDE) * SIDE, np.fft.rfftfreq(SIDE) * SIDE
    radius = np.hypot(rows[:, None], columns[None])
    rings = np.searchsorted(RINGS, radius, side="right")
    return np.outer(hann, hann).astype(np.float32), rings, (radius / NARROW).astype(np.int64)


def _means(power: npt.NDArray[np.floating], rings: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    return np.bincount(rings.ravel(), weights=power.ravel()) / np.bincount(rings.ravel())


def _interpolation(levels: Floats) -> dict[str, float]:
    """Look for the period that enlarging leaves in second differences (Gallagher, 2005).

    An image that had n pixels across has a peak at n cycles. The edges of JPEG's 8 x 8 blocks have theirs at multiples
    of SIDE / 8, which are left out.
    """
    total = np.zeros(SIDE // 2 + 1)
    for lines in (levels, levels.T):
        profile = np.log(np.abs(np.diff(lines, n=2, axis=1)).mean(axis=0) + 0.3)
        smooth = np.convolve(np.pad(profile, 4, mode="edge"), np.full(9, 1 / 9), "valid")
        total += np.abs(np.fft.rfft((profile - smooth) * np.hanning(len(profile)), SIDE)) ** 2
    cycles = np.arange(len(total))
    searched = total[(cycles >= FEWEST) & (cycles % (SIDE // 8) > 0)]
    return {
        "period": float(np.log(searched.max() + 0.001)),
        "period_alone": float(np.log((searched.max() + 0.001) / (np.median(searched) + 0.001))),
    }


def _grain(planes: Floats, levels: Floats) -> dict[str, float]:
    """Measure noise by the mask that smooth shading and straight edges leave at 0 (Immerkær, 1996)."""
    grey, colour = (np.sort(np.abs(_curvature(each)), axis=None) for each in (levels, planes[0] - planes[1]))
    return {
        "grain": float(np.log(grey[grey.size // 2] + FLOOR)),
        "grain_of_smooth_parts": float(np.log(grey[grey.size // 10] + FLOOR)),
        "grain_of_colour": float(np.log(colour[colour.size // 2] + FLOOR)),
    }


def _curvature(levels: Floats) -> Floats:
    down = levels[2:] - 2 * levels[1:-1] + levels[:-2]
    return down[:, 2:] - 2 * down[:, 1:-1] + down[:, :-2]


def _blocks(source: Floats) -> dict[str, float]:
    """Compare steps at the edges of 8 x 8 blocks, where JPEG leaves them, with the steps elsewhere."""
    found = {}
    for name, levels in (("grey", luminance(source)), ("colour", source[..., 0] - source[..., 1])):
        steps, jumps = np.zeros(8), np.zeros(8)
        for lines in (levels, levels.T):
            # A jump is a step that the slopes on both sides do not explain.
            step = np.abs(np.diff(lines, axis=1)).mean(axis=0)
            jump = np.abs(np.diff(lines, n=3, axis=1)).mean(axis=0)
            steps += [step[place::8].mean() for place in range(8)]
            jumps += [jump[place::8].mean() for place in range(8)]
        found[f"steps_{name}"] = float(np.log((steps[7] + FLOOR) / (steps[:7].mean() + FLOOR)))
        found[f"jumps_{name}"] = float(np.log((jumps[6] + FLOOR) / (np.delete(jumps, 6).mean() + FLOOR)))
    return found


def _flatness(planes: Floats) -> dict[str, float]:
    """Return the share of pixels that are as their neighbours, and the side of the largest square of such."""
    across, down = (np.abs(np.diff(planes, axis=axis)).max(axis=0) <= FLAT for axis in (2, 1))
    flat = np.asarray(across)[:-1] & np.asarray(down)[:, :-1]
    sums = np.pad(flat.cumsum(0, dtype=np.int32).cumsum(1, dtype=np.int32), ((1, 0), (1, 0)))
    largest = 0
    for side in SQUARES:
        inside = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
        if inside.max() < 0.98 * side**2:
            break
        largest = side
    return {"flat": float(flat.mean()), "flat_square": largest / SIDE}
