"""The brain: cortex, deep nuclei, ventricles, stem, cerebellum and their coverings."""

from __future__ import annotations

import numpy as np

from napari_fusion.phantom.fields import (
    BRAIN_BOX,
    CAVITY_BOX,
    CEREBELLUM_BOX,
    behind_ridge,
    cavity,
    folia_depth,
    pial_depth,
    tentorium,
)
from napari_fusion.phantom.part import Part, paint
from napari_fusion.phantom.shapes import (
    Blend,
    Ellipsoid,
    Field,
    Floats,
    Points,
    Tube,
    both,
    box,
    overlap,
)
from napari_fusion.phantom.tissue import Tissue

_f = np.float32
CORTEX_MM = 2.6


def coverings() -> list[Part]:
    """List what lies between skull and brain: cerebrospinal fluid, dura and venous sinuses."""
    return [
        *paint(Tissue.DURA, Field(cavity, CAVITY_BOX)),
        *paint(Tissue.CSF, Field(cavity, CAVITY_BOX, -0.6)),
        *paint(Tissue.DURA, Field(_falx, box((-8, -84, -12), (8, 94, 82)))),
        *paint(Tissue.DURA, Field(_tent, box((-66, 2, -30), (66, 94, 12)))),
        *paint(Tissue.BLOOD, Field(_sagittal_sinus, box((-9, -60, -14), (9, 96, 84)))),
        *paint(Tissue.BLOOD, Tube(((0, 32, 8), (0, 60, -3), (0, 86, -12)), (2.2, 2, 2.5))),
        *paint(
            Tissue.BLOOD, *both(Tube(((4, 87, -12), (34, 74, -15), (54, 42, -18)), (4, 3.5, 3.5)))
        ),
    ]


def _falx(p: Points) -> Floats:
    sheet = np.abs(p.x) - _f(0.7)
    over_callosum = 1 - np.sqrt(((p.y + 2) / 52) ** 2 + ((p.z - 2) / _f(38)) ** 2)
    return overlap(sheet, over_callosum * 40, p.field(cavity))


def _tent(p: Points) -> Floats:
    sheet = np.abs(p.field(tentorium)) - _f(0.8)
    edge = np.maximum(18 - np.hypot(p.x, p.y - 20), -p.field(behind_ridge))
    return overlap(sheet, edge, p.field(cavity))


def _sagittal_sinus(p: Points) -> Floats:
    """Give a triangular channel where the falx meets the vault."""
    depth = -p.field(cavity)
    wedge = (np.abs(p.x) + depth * _f(0.6) - _f(5)) * _f(0.85)
    return overlap(wedge, depth - 8, -depth)


def _grey(p: Points) -> Floats:
    return -p.field(pial_depth)


def white(p: Points) -> Floats:
    """Give the distance to the white matter of the cerebrum."""
    return _f(CORTEX_MM) - p.field(pial_depth)


def _folia_grey(p: Points) -> Floats:
    return -p.field(folia_depth)


def _folia_white(p: Points) -> Floats:
    return _f(1.5) - p.field(folia_depth)


_LATERAL = Tube(
    (
        (6.5, -38, 9),
        (6.5, -26, 15),
        (8, -6, 21),
        (13, 14, 21),
        (24, 34, 12),
        (32, 24, -4),
        (33, 4, -13),
        (31, -9, -18),
    ),
    (3, 5, 4.6, 5, 7, 3, 1.8, 1.4),
)
_VENTRICLES = (  # the left occipital horn is the longer one
    Blend((_LATERAL, Tube(((24, 34, 12), (22, 48, 9), (19, 60, 8)), (6.5, 4, 1.2))), 4),
    Blend(
        (_LATERAL.mirrored(), Tube(((-24, 34, 12), (-22, 46, 9), (-20, 53, 8)), (6, 3.4, 1.2))), 4
    ),
)
_CORPUS = Tube(
    (
        (0, -20, -3),
        (0, -34, -1),
        (0, -40, 7),
        (0, -36, 17),
        (0, -20, 25),
        (0, 2, 28),
        (0, 20, 25),
        (0, 30, 17),
        (0, 29, 11),
    ),
    (1.5, 2.2, 4.5, 4, 3, 2.8, 3, 4.6, 4),
    (3.2, 1.0, 1.0),
)
_STEM = Blend(
    (
        Tube(((0, 9, -8), (0, 10, -18)), (12, 12.5)),
        *both(Tube(((12, -3, -6), (8, -3, -16)), (6, 6))),
        Ellipsoid((0, 10, -29), (17, 12.5, 14)),
        Tube(((0, 18, -40), (0, 28, -58), (0, 36, -82), (0, 37, -145)), (9, 7, 5.5, 5.5)),
    ),
    4,
)


def cerebrum() -> list[Part]:
    """List cortex and white matter, and what is embedded in them."""
    t = Tissue
    return [
        *paint(t.GREY, Field(_grey, BRAIN_BOX)),
        *paint(t.WHITE, Field(white, BRAIN_BOX)),
        *paint(t.WHITE, _CORPUS),
        *paint(t.GREY, *both(Tube(((23, -10, -20), (27, 6, -16), (25, 22, -5)), (6, 4.5, 3)))),
        *paint(t.THALAMUS, *both(Ellipsoid((11, 8, 8), (8.5, 15.5, 9), (0, 0, -22)))),
        *paint(
            t.GREY, Ellipsoid((0, -8, -9), (8, 14, 7)), *both(Ellipsoid((16, -22, -8), (9, 5, 4)))
        ),
        *paint(t.CAUDATE, *both(Ellipsoid((10, -25, -1), (6, 7, 5)))),  # accumbens
        *paint(t.CSF, *_VENTRICLES),
        *paint(
            t.WHITE, Tube(((0, 24, 19), (0, 2, 20), (0, -15, 13), (0, -13, 1)), (1.8, 2, 2.2, 1.4))
        ),
        *paint(
            t.CAUDATE,
            *both(
                Tube(((13, -31, 7), (14, -20, 13), (16.5, -2, 21), (21, 14, 22)), (6.5, 5, 3, 2))
            ),
        ),
        *paint(t.PUTAMEN, *both(Ellipsoid((26, -11, 4), (5.5, 18, 11), (0, 0, -14)))),
        *paint(t.PALLIDUM, *both(Ellipsoid((19, -8, 1), (4.5, 10, 7), (0, 0, -24)))),
        *paint(t.GREY, *both(Ellipsoid((32.8, -9, 4), (0.8, 16, 12)))),
        *paint(
            t.CSF,
            Ellipsoid((0, 2, 1), (2.3, 14, 11)),
            Tube(((0, 18, -5), (0, 27, -20)), (1.1, 1.1)),
        ),
        *paint(t.THALAMUS, Ellipsoid((0, 4, 6), (4, 4, 3.5))),
        *paint(
            t.GLAND,
            *both(Tube(((17, 16, 19), (25, 33, 9), (31, 26, -2)), (1.5, 3, 1))),
            Ellipsoid((0, 21, 3), (3, 4, 3)),
        ),
        *paint(
            t.CALCIFICATION,
            Ellipsoid((0, 21.5, 3), (1.5, 2, 1.4)),
            Ellipsoid((26, 34, 8), (2.6, 3, 2.4)),
            Ellipsoid((-25, 33, 9), (1.4, 1.6, 1.3)),
        ),
    ]


def stem_and_cerebellum() -> list[Part]:
    """List brain stem, cord, cerebellum, chiasm and pituitary."""
    t = Tissue
    fourth = Blend(
        (Ellipsoid((0, 29, -31), (7, 5.5, 11)), Tube(((-9, 31, -34), (9, 31, -34)), (2.5, 2.5))), 3
    )
    return [
        *paint(t.CEREBELLAR_GREY, Field(_folia_grey, CEREBELLUM_BOX)),
        *paint(t.WHITE, Field(_folia_white, CEREBELLUM_BOX)),
        *paint(t.WHITE, *both(Tube(((10, 16, -30), (20, 32, -33), (28, 46, -35)), (8, 6, 3)))),
        *paint(t.CEREBELLAR_GREY, *both(Ellipsoid((15, 42, -34), (6, 7, 3.5), (20, 20, 30)))),
        *paint(t.BRAINSTEM, _STEM),
        *paint(
            t.GREY,
            *both(Ellipsoid((5, 4, -11), (3, 3, 3))),
            *both(Ellipsoid((7, -1, -12), (5, 1.3, 4), (0, 0, -35))),
        ),
        *paint(t.CSF, fourth, Tube(((0, 18, -4), (0, 22, -14), (0, 27, -22)), (1.1, 1.0, 1.6))),
        *paint(
            t.NERVE,
            Tube(((-11, -24, -17), (0, -15, -16), (11, -24, -17)), (2.2, 2.6, 2.2)),
            *both(Tube(((2, -15, -16), (12, -6, -13)), (2.2, 1.8))),
        ),
        *paint(
            t.GLAND,
            Ellipsoid((0, -12, -28), (6.5, 5, 4)),
            Tube(((0, -12, -26), (0, -9, -15)), (1.2, 1.4)),
        ),
    ]


def arteries() -> list[Part]:
    """List the basilar, middle cerebral and internal carotid arteries."""
    t = Tissue
    return [
        *paint(
            t.BLOOD,
            Tube(
                ((0, -4, -15), (0.8, -5.5, -26), (-0.6, -1, -40), (-4, 7, -52)),
                (1.7, 1.9, 1.8, 1.5),
            ),
        ),
        *paint(
            t.BLOOD,
            *both(
                Tube(
                    ((10, -15, -18), (20, -19, -15), (34, -18, -11), (38, -8, -1)),
                    (2.0, 1.6, 1.4, 1.2),
                )
            ),
        ),
        *paint(
            t.BLOOD,
            *both(
                Tube(
                    (
                        (24, 0, -95),
                        (25, 2, -55),
                        (22, 0, -40),
                        (11, -4, -34),
                        (10, -16, -29),
                        (10, -12, -19),
                    ),
                    (2.8, 2.6, 2.5, 2.4, 2.3, 2.0),
                )
            ),
        ),
    ]
