"""The whole head: every part in painting order, from the skin inwards."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from napari_fusion.phantom import brain, face, skull
from napari_fusion.phantom.brain import white
from napari_fusion.phantom.fields import BRAIN_BOX
from napari_fusion.phantom.part import Part, paint
from napari_fusion.phantom.shapes import Blend, Ellipsoid, Field, Floats, Meet
from napari_fusion.phantom.tissue import Tissue


def bend(xyz: Floats) -> Floats:
    """Straighten anatomy points (3, n): a real head is a little twisted, the parts are drawn even.

    The left hemisphere reaches further back, the right one further forward (Yakovlevian torque).
    """
    x, y, z = xyz
    square = y * y
    twist = np.float32(3) * np.tanh(x * np.float32(1 / 22)) * square / (square + np.float32(1600))
    return np.stack([x + np.float32(1.6) * np.sin(y * np.float32(1 / 45)), y - twist, z])


def unbend(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Find the anatomy points (n, 3) that `bend` sends to `points`."""
    found = np.array(points, float)
    for _ in range(50):
        found += points - bend(found.T.astype(np.float32)).T
    return found


@cache
def parts(date: int) -> tuple[Part, ...]:
    """List every part of the head at one of the two dates, in painting order."""
    return (
        *skull.outside(),
        *skull.vault(),
        *skull.base(),
        *face.bones(),
        *face.airways(),
        *face.orbits(),
        *brain.coverings(),
        *brain.cerebrum(),
        *brain.stem_and_cerebellum(),
        *brain.arteries(),
        *findings(date),
    )


def findings(date: int) -> list[Part]:
    """List what a reader is to find; the tumour grows from date 0 to date 1."""
    t = Tissue
    grown = 4.0 * date
    tumour = Blend(
        (
            Ellipsoid((-36, 40, 28), (7 + grown, 8 + grown, 7 + grown)),
            Ellipsoid((-40, 33, 31), (4 + grown, 4 + grown, 5 + grown)),
            Ellipsoid((-32, 44, 22), (4 + grown, 5 + grown, 4 + grown)),
        ),
        4,
    )
    water = Ellipsoid((-35, 38, 27), (17 + grown, 21 + grown, 17 + grown))
    plaque = Blend((Ellipsoid((-27, -34, 29), (6, 8, 5)), Ellipsoid((-30, -27, 32), (4, 5, 4))), 3)
    return [
        *paint(t.OEDEMA, Meet((water, Field(white, BRAIN_BOX)))),  # it spreads along white matter
        *paint(t.TUMOUR, tumour),
        *paint(t.PET_LESION, Ellipsoid((32, 16, 40), (7, 8, 7))),
        *paint(t.MR_LESION, plaque),
        *paint(t.CAPSULE, Ellipsoid((83, -10, 4), (4, 4, 7))),
    ]
