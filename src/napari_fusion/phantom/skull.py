"""The bones of vault, base and neck, the air in them, and the muscles that hold them."""

from __future__ import annotations

import numpy as np

from napari_fusion.phantom.fields import PETROUS, WINGS, cavity, head, muscle_bundles, skull
from napari_fusion.phantom.part import Part, paint
from napari_fusion.phantom.shapes import (
    Cut,
    Ellipsoid,
    Field,
    Floats,
    Grown,
    Meet,
    Points,
    Shape,
    Tube,
    both,
    box,
    overlap,
)
from napari_fusion.phantom.tissue import Tissue

_f = np.float32
HEAD_BOX = box((-92, -132, -150), (92, 112, 96))
SKULL_BOX = box((-84, -98, -72), (84, 106, 92))


def outside() -> list[Part]:
    """List skin, fat and the muscles under them."""
    t = Tissue
    under_skin = Field(head, HEAD_BOX, -5.0)
    muscles = (
        *both(Ellipsoid((66, -26, -4), (15, 40, 44))),  # temporalis
        *both(Ellipsoid((58, -24, -80), (7, 19, 32), (10, 0, 0))),  # masseter
        *both(Tube(((61, 30, -56), (56, 18, -100), (44, 6, -145)), (7, 10, 10), (0.8, 1.5, 1))),
        *both(Tube(((14, 74, -40), (16, 80, -90), (22, 80, -145)), (6, 6, 7), (2.2, 1, 1))),
        *both(Tube(((14, 62, -44), (13, 66, -90), (13, 66, -145)), (7, 7, 7), (1.5, 1, 1))),
        *both(Tube(((34, 58, -44), (32, 64, -90), (32, 66, -145)), (7, 7, 7), (1.3, 1, 1))),
        *both(Tube(((42, 40, -52), (40, 44, -90), (38, 46, -145)), (7, 8, 9))),
        *both(Tube(((16, 50, -62), (18, 54, -84)), (6, 6), (1.5, 1, 1))),
        Ellipsoid((0, -52, -106), (24, 36, 22)),  # tongue
    )
    pads = (
        *both(Ellipsoid((25, -13, -74), (4, 8, 20), (0, -10, 30))),  # beside the pharynx
        *both(Ellipsoid((47, -50, -66), (7, 12, 17))),  # the cheek's
        *both(Ellipsoid((40, -44, -54), (11, 6, 9), (0, 0, 15))),  # behind the maxilla
    )
    return [
        *paint(t.SKIN, Field(head, HEAD_BOX)),
        *paint(t.FAT, Field(head, HEAD_BOX, -1.9)),
        *paint(t.MUSCLE, Field(_deep, HEAD_BOX)),
        *[part for muscle in muscles for part in _sheathed(muscle, under_skin)],
        *paint(t.FAT, *pads),
        *paint(
            t.GLAND,
            *(Meet((gland, under_skin)) for gland in both(Ellipsoid((61, 2, -68), (9, 12, 20)))),
        ),
    ]


def _deep(p: Points) -> Floats:
    """Give the muscle around spine and jaws, in bundles with fat between them."""
    padding = _f(6) + _f(5) * np.exp(-(((p.y + 74) / _f(26)) ** 2))  # the cheeks are fat
    bulk = np.maximum(p.field(head) + padding, p.z + 30 - _f(0.12) * p.y)
    return overlap(bulk, _f(0.3) - p.field(muscle_bundles))


def _sheathed(muscle: Shape, under_skin: Shape) -> list[Part]:
    """Wrap a muscle in the film of fat that sets it off from its neighbours."""
    return [
        *paint(Tissue.FAT, Meet((Grown(muscle, 0.6), under_skin))),
        *paint(Tissue.MUSCLE, Meet((muscle, under_skin))),
    ]


def vault() -> list[Part]:
    """List the shell around the brain: outer table, diploe, inner table, frontal sinuses."""
    t = Tissue
    sinuses = (
        Ellipsoid((11, -88, -11), (13, 4.2, 11), (0, 12, 12)),
        Ellipsoid((-9, -89, -14), (8, 3.8, 8), (0, 0, -8)),
    )
    return [
        *paint(t.BONE, Field(skull, SKULL_BOX)),
        *paint(t.MARROW, Field(_diploe, SKULL_BOX)),
        *paint(t.BONE, *(Grown(sinus, 1.8) for sinus in sinuses)),
        *paint(t.AIR, *sinuses),
    ]


def _diploe(p: Points) -> Floats:
    """Give the spongy layer, thinning out over the base and the temples."""
    outer = p.field(skull)
    inner = -p.field(cavity)
    layer = overlap(outer + _f(1.7), inner + _f(1.5))
    layer += _f(0.06) * np.maximum(-p.z - 10, 0)
    return layer


def base() -> list[Part]:
    """List sphenoid, clivus, petrous bones, mastoids and the upper spine."""
    t = Tissue
    mastoids = both(Ellipsoid((59, 26, -45), (12, 16, 22)))
    sphenoid = Ellipsoid((0, -20, -37), (19, 20, 13))
    clivus = Tube(((0, -5, -30), (0, 4, -44), (0, 15, -56)), (6, 6, 4))
    condyles = both(Ellipsoid((20, 24, -64), (7, 12, 8)))
    air_cells = (
        Field(_cells, box((40, 8, -68), (76, 46, -20))),
        Field(_cells, box((-76, 8, -68), (-40, 46, -20))),
    )
    return [
        *paint(t.BONE, *mastoids, sphenoid, clivus, *WINGS, *condyles),
        *paint(t.MARROW, *(Grown(s, -2.5) for s in (sphenoid, clivus, *condyles))),
        *paint(t.PETROUS, *PETROUS),
        *paint(t.AIR, *air_cells),
        *paint(t.AIR, Ellipsoid((8, -24, -36), (9, 13, 9)), Ellipsoid((-9, -22, -37), (7, 11, 8))),
        *paint(t.AIR, *both(Tube(((84, 10, -34), (66, 9, -33), (50, 10, -34)), (4, 3.2, 3.8)))),
        *paint(
            t.CSF,
            *both(Tube(((8, 14, -31), (22, 12, -31)), (2.8, 2.2))),
            *both(Tube(((25, 8, -32), (27, 12, -31), (31, 15, -31)), (2.4, 1.6, 2.2))),
        ),
        *spine(),
    ]


def _cells(p: Points) -> Floats:
    """Give mastoid air cells: a lattice of bubbles within the mastoid."""
    side = np.abs(p.x)
    lump = np.sqrt(((side - 59) / 10) ** 2 + ((p.y - 27) / 13) ** 2 + ((p.z + 44) / _f(19)) ** 2)
    bubbles = (
        np.sin(side * _f(0.95) + p.z * _f(0.3))
        + np.sin(p.y * _f(0.9) - side * _f(0.25))
        + np.sin(p.z * _f(0.85) + p.y * _f(0.3))
    )
    return overlap((lump - 1) * 10, (-_f(0.1) - bubbles) * _f(0.8))


def spine() -> list[Part]:
    """List atlas and axis around the canal."""
    t = Tissue
    atlas = Tube(
        (
            (0, 13, -73),
            (17, 20, -72),
            (24, 32, -73),
            (14, 46, -75),
            (0, 51, -76),
            (-14, 46, -75),
            (-24, 32, -73),
            (-17, 20, -72),
            (0, 13, -73),
        ),
        (3.5, 6, 6, 3.5, 4, 3.5, 6, 6, 3.5),
    )
    dens = Tube(((0, 20, -66), (0, 20, -82), (0, 20, -92)), (4.5, 6, 9))
    below = Tube(((0, 21, -100), (0, 21, -118)), (9, 9), (1.3, 1.0, 1.0))
    arch = Tube(
        (
            (13, 22, -90),
            (21, 32, -90),
            (12, 46, -92),
            (0, 54, -95),
            (-12, 46, -92),
            (-21, 32, -90),
            (-13, 22, -90),
        ),
        (6, 5, 4, 5, 4, 5, 6),
    )
    bones = tuple(Cut(bone, (Field(cavity),)) for bone in (atlas, dens, arch, below))
    return [
        *paint(t.BONE, *bones),
        *paint(t.MARROW, *(Grown(bone, -1.8) for bone in bones)),
    ]
