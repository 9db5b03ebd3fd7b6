"""Training slices: folders of registered pictures, and endless new contrasts made from them.

A folder `ROOT/SET/CONTRAST/NAME.png` holds slices; those of the same name in the contrasts of one
set show the same anatomy and are registered. Names are a case and a slice number (`16003.png`:
case 16, slice 3), so that patients, not slices, are kept apart.
"""

import hashlib
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fusion.errors import ReadError

Plane = NDArray[np.float32]
Generator = np.random.Generator

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sample:
    """One slice seen in several contrasts.

    Parameters
    ----------
    group
        The set it belongs to, such as "CT-MRI".
    case
        The patient, from the name.
    name
        Its file's name without the suffix.
    contrasts
        Names of the contrasts, in order.
    planes
        (k, h, w) uint8.
    """

    group: str
    case: str
    name: str
    contrasts: tuple[str, ...]
    planes: NDArray[np.uint8]


def load_samples(root: Path) -> list[Sample]:
    """Read every slice that is there in two contrasts or more; grey, colour as its luminance.

    A file that cannot be read, or whose size differs from its partner's, is named in a warning
    and left out.

    Raises
    ------
    ReadError
        There is no such folder, or nothing in it is paired.
    """
    if not root.is_dir():
        raise ReadError(f"the slices are looked for in {root}, which is not a folder")
    samples: list[Sample] = []
    spoilt: list[str] = []
    for group in [root, *sorted(p for p in root.iterdir() if p.is_dir())]:
        folders = [f for f in sorted(group.iterdir()) if f.is_dir() and any(f.glob("*.png"))]
        names = sorted({path.stem for folder in folders for path in folder.glob("*.png")})
        found = (_sample(group.name, name, folders, spoilt) for name in names)
        samples += [sample for sample in found if sample is not None]
    if spoilt:
        logger.warning("%d of the pictures in %s were left out", len(spoilt), root.name)
    if not samples:
        raise ReadError(
            f"the folder {root} holds no paired slices: expected SET/CONTRAST/NAME.png with the "
            "same NAME in at least two contrasts of a set"
        )
    return samples


def digest(root: Path) -> str:
    """Give the SHA-256 of every slice's path and bytes in a folder, in hexadecimal."""
    total = hashlib.sha256()
    for path in sorted(root.rglob("*.png")):
        total.update(path.relative_to(root).as_posix().encode())
        total.update(path.read_bytes())
    return total.hexdigest()


def greys(samples: list[Sample]) -> dict[str, list[float]]:
    """Count the slices of every SET/CONTRAST and give their mean grey level, from 0 to 255.

    Processors round differently: the same recipe gives other last bits, another `digest`, and
    here and there another grey level, which moves such a mean by less than 0.001.
    """
    found: dict[str, list[float]] = {}
    for sample in samples:
        for contrast, plane in zip(sample.contrasts, sample.planes, strict=True):
            found.setdefault(f"{sample.group}/{contrast}", []).append(float(plane.mean()))
    return {name: [len(means), round(float(np.mean(means)), 4)] for name, means in found.items()}


def held_out(samples: list[Sample], cases: set[str]) -> tuple[list[Sample], list[Sample]]:
    """Part samples into those of other cases and those of the cases named."""
    kept = [s for s in samples if s.case not in cases]
    return kept, [s for s in samples if s.case in cases]


def luminance(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Give the Y of full-range BT.601 YCbCr of (h, w, 3), or a grey picture as it is."""
    if picture.ndim == 2:
        return picture
    y = picture[..., :3] @ np.array([0.299, 0.587, 0.114])
    grey: NDArray[np.uint8] = np.rint(y).astype(np.uint8)
    return grey


def batch(
    samples: list[Sample], rng: Generator, *, count: int = 8, side: int = 96, synthetic: float = 0.6
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Draw a training batch: what the network sees and what it is judged by.

    Both are (2, count, side, side) in [0, 1]. They differ where a picture was made coarser and
    filled up with doubled pixels, as emission pictures often are: the staircase is seen, but the
    smooth picture counts. Groups are drawn equally often. Crops are turned, flipped, scaled,
    changed in contrast, blurred and given noise; with probability `synthetic` one side is a new
    contrast made from the tissues.
    """
    groups: dict[str, list[Sample]] = {}
    for sample in samples:
        groups.setdefault(sample.group, []).append(sample)
    names = sorted(groups)
    pairs: list[Plane] = []
    while len(pairs) < count:
        group = groups[names[rng.integers(len(names))]]
        crop = _crop(group[rng.integers(len(group))].planes, side, rng)
        if (crop.max(axis=0) > 0.1).mean() > 0.25:  # mostly empty crops teach nothing
            pairs.append(_pair(crop, rng, synthetic))
    seen, meant = np.ascontiguousarray(np.stack(pairs, axis=2), np.float32)
    return seen, meant


def contrast_of_tissues(planes: Plane, rng: Generator) -> Plane:
    """Paint the anatomy of (k, h, w) in a contrast no scanner has: a random value per tissue.

    Tissues are soft clusters around the intensities of random pixels, so that every call gives
    another modality with the true anatomy; what is empty everywhere stays empty.
    """
    h, w = planes.shape[1:]
    inside = planes.max(axis=0) > 0.03
    pixels = planes[:, inside].T
    if len(pixels) < 16:
        return _float32(planes[0])
    centres = pixels[rng.integers(len(pixels), size=rng.integers(3, 8))]
    values = rng.uniform(0, 1, len(centres)) ** rng.uniform(0.6, 2)
    distance = ((pixels[:, None] - centres[None]) ** 2).sum(axis=2)
    closeness = np.exp(-(distance - distance.min(axis=1, keepdims=True)) / rng.uniform(0.004, 0.03))
    painted: Plane = np.zeros((h, w), np.float32)
    painted[inside] = (closeness * values).sum(axis=1) / closeness.sum(axis=1)
    return painted


def _sample(group: str, name: str, folders: list[Path], spoilt: list[str]) -> Sample | None:
    """Read one slice in every contrast; the names of pictures left out go to `spoilt`."""
    planes: list[NDArray[np.uint8]] = []
    contrasts: list[str] = []
    for folder in folders:
        plane = _read(folder / f"{name}.png", spoilt)
        if plane is None:
            continue
        if planes and plane.shape != planes[0].shape:
            logger.warning("%s/%s/%s.png has another size: left out", group, folder.name, name)
            spoilt.append(name)
            continue
        planes.append(plane)
        contrasts.append(folder.name)
    if len(planes) < 2:
        return None
    found = re.match(r"(.*?)[-_]?\d{1,3}$", name)
    case = found.group(1) if found else name
    return Sample(group, f"{group}/{case}", name, tuple(contrasts), np.stack(planes))


def _read(path: Path, spoilt: list[str]) -> NDArray[np.uint8] | None:
    from PIL import Image

    if not path.is_file():
        return None
    try:
        with Image.open(path) as image:
            if image.mode.startswith("I"):  # 16 bits, which Pillow's own conversion clips at 255
                return np.rint(np.asarray(image) / 257).astype(np.uint8)
            return luminance(np.asarray(image.convert("L" if image.mode in ("L", "1") else "RGB")))
    except (OSError, SyntaxError, ValueError) as fault:
        logger.warning("%s cannot be read and is left out: %s", path.name, fault)
        spoilt.append(path.stem)
        return None


def _crop(planes: NDArray[np.uint8], side: int, rng: Generator) -> Plane:
    """Cut a square (k, side, side) out, turned and scaled at random; outside is empty."""
    import cv2

    h, w = planes.shape[1:]
    angle = rng.uniform(0, 2 * np.pi) if rng.random() < 0.5 else rng.integers(4) * np.pi / 2
    scale = np.exp(rng.uniform(-0.3, 0.5)) if rng.random() < 0.7 else 1.0
    cos, sin = np.cos(angle) / scale, np.sin(angle) / scale
    turn = np.array([[cos, -sin], [sin, cos]]) * [1, rng.choice([-1, 1])]
    centre = np.array([w, h]) / 2 + rng.uniform(-0.32, 0.32, 2) * [w, h]
    shift = centre - turn @ np.full(2, (side - 1) / 2)
    matrix = np.column_stack([turn, np.rint(shift)])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    turned = [cv2.warpAffine(p, matrix, (side, side), flags=flags) for p in planes]
    return _float32(np.stack(turned)) / np.float32(255)


def _pair(planes: Plane, rng: Generator, synthetic: float) -> Plane:
    """Give one pair twice (2, 2, h, w): as it is seen, and as it is meant."""
    first, second = rng.permutation(len(planes))[:2]
    a, b = planes[first], planes[second]
    coarse = False
    if rng.random() < synthetic:
        b = contrast_of_tissues(planes, rng)
        if rng.random() < 0.6:
            b = _blurred(b, rng.uniform(1.0, 4.0))  # as emission tomography sees it
            coarse = rng.random() < 0.6
        if rng.random() < 0.3:
            b = _palette(b, rng)
    outside = planes.max(axis=0) == 0
    changes: list[Callable[[Plane, Generator], Plane]] = [_contrast, _noise, _shifted]
    pair = []
    for plane in (a, b):
        for change in changes:
            if rng.random() < 0.5:
                plane = change(plane, rng)
        plane[outside & (plane < 0.1)] = 0
        pair.append(np.clip(plane, 0, 1))
    seen = [pair[0], _doubled(pair[1], rng) if coarse else pair[1]]
    order = rng.permutation(2)
    return np.stack([np.stack([side[i] for i in order]) for side in (seen, pair)])


def _doubled(plane: Plane, rng: Generator) -> Plane:
    """Halve the resolution and double the pixels again."""
    import cv2

    shift = rng.integers(2, size=2)
    moved = np.roll(plane, shift, (0, 1))
    small = cv2.resize(moved, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    large = cv2.resize(small, plane.shape[::-1], interpolation=cv2.INTER_NEAREST)
    return _float32(np.roll(large, -shift, (0, 1))) * (plane > 0)


def _contrast(plane: Plane, rng: Generator) -> Plane:
    return _float32(rng.uniform(0.4, 1.3) * plane ** rng.uniform(0.6, 1.6))


def _palette(plane: Plane, rng: Generator) -> Plane:
    """Give the luminance of a random colour scale, which need not rise with the value."""
    steps = rng.uniform(0.1, 1, 6)
    scale = np.concatenate([[0], np.cumsum(steps) / steps.sum()])
    scale[1:] += rng.uniform(-0.25, 0.25, 6)
    painted = np.interp(plane, np.linspace(0, 1, 7), scale.clip(0, 1))
    return _float32(painted)


def _noise(plane: Plane, rng: Generator) -> Plane:
    noise = rng.normal(0, rng.uniform(0, 0.03), plane.shape)
    return _float32(plane + noise * (plane > 0))


def _shifted(plane: Plane, rng: Generator) -> Plane:
    """Misregister by up to two pixels."""
    import cv2

    dx, dy = rng.uniform(-1.5, 1.5, 2)
    moved = cv2.warpAffine(plane, np.array([[1, 0, dx], [0, 1, dy]]), plane.shape[::-1])
    return np.asarray(moved, np.float32)


def _blurred(plane: Plane, sigma: float) -> Plane:
    import cv2

    return np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma), np.float32)


def _float32(values: NDArray[Any]) -> Plane:
    return np.array(values, np.float32)
