"""The head as a list of parts, painted in order, from the skin inwards."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_fusion.phantom.shapes import Blend, Ellipsoid, Floats, Shape, Triple, Tube, mirror
from napari_fusion.phantom.tissue import Tissue


@dataclass(frozen=True)
class Part:
    """A shape made of one tissue."""

    tissue: Tissue
    shape: Shape


def bend(xyz: Floats) -> Floats:
    """Straighten anatomy points (3, n): a real head is a little twisted, the parts are drawn even.

    The left hemisphere reaches further back, the right one further forward (Yakovlevian torque).
    """
    x, y, z = xyz
    twist = x * np.float32(0.02) * np.sin(y * np.float32(1 / 55))
    return np.stack([x + np.float32(1.4) * np.sin(y * np.float32(1 / 45)), y - twist, z])


def unbend(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Find the anatomy points (n, 3) that `bend` sends to `points`."""
    found = points.copy()
    for _ in range(50):
        found += points - bend(found.T.astype(np.float32)).T
    return found


def parts(date: int) -> list[Part]:
    """List every part of the head at one of the two dates, in painting order."""

    def pair(centre: Triple, radii: Triple) -> list[Ellipsoid]:
        return [Ellipsoid(centre, radii), Ellipsoid(mirror(centre), radii)]

    t = Tissue
    out = [
        Part(
            t.SKIN,
            Blend(
                (
                    Ellipsoid((0, 3, 12), (80, 100, 76)),
                    Tube(((0, 20, -40), (0, 30, -140)), (55, 55)),
                ),
                12,
            ),
        ),
        Part(t.FAT, Ellipsoid((0, 3, 12), (77.5, 97.5, 73.5))),
        Part(t.BONE, Ellipsoid((0, 3, 12), (74, 94, 70))),
        Part(t.MARROW, Ellipsoid((0, 3, 12), (72.5, 92.5, 68.5))),
        Part(t.BONE, Ellipsoid((0, 3, 12), (69.5, 89.5, 66.5))),
        Part(t.CSF, Ellipsoid((0, 3, 12), (68, 88, 65))),
        Part(t.GREY, Ellipsoid((0, 3, 12), (66, 86, 63))),
        Part(t.WHITE, Ellipsoid((0, 3, 12), (60, 80, 57))),
    ]
    for shape in pair((9, -10, 18), (6, 30, 9)):
        out.append(Part(t.CSF, shape))
    for shape in pair((26, -12, 6), (6, 18, 10)):
        out.append(Part(t.PUTAMEN, shape))
    for shape in pair((11, 8, 8), (8, 14, 8)):
        out.append(Part(t.THALAMUS, shape))
    for shape in pair((32, -84, -28), (12, 12, 12)):
        out.append(Part(t.VITREOUS, shape))
    for shape in pair((32, -90, -28), (5, 3, 5)):
        out.append(Part(t.LENS, shape))
    out += [
        Part(t.BRAINSTEM, Ellipsoid((0, 14, -26), (14, 12, 20))),
        Part(t.CALCIFICATION, Ellipsoid((0, 18, 5), (2.5, 2.5, 2.5))),
        Part(t.PET_LESION, Ellipsoid((34, 20, 34), (8, 8, 8))),
        Part(t.MR_LESION, Ellipsoid((-32, -26, 32), (8, 8, 8))),
        Part(t.TUMOUR, Ellipsoid((-34, 38, 26), (7 + 4 * date, 8 + 4 * date, 7 + 4 * date))),
    ]
    return out
