"""The face: orbits and eyes, nose and sinuses, cheek bones, jaws and teeth."""

from __future__ import annotations

import numpy as np

from napari_fusion.phantom.fields import GLOBES, cavity, head
from napari_fusion.phantom.part import Part, paint
from napari_fusion.phantom.shapes import (
    Blend,
    Block,
    Cut,
    Ellipsoid,
    Field,
    Floats,
    Grown,
    Meet,
    Points,
    Tube,
    both,
    box,
    overlap,
)
from napari_fusion.phantom.skull import HEAD_BOX
from napari_fusion.phantom.tissue import Tissue

_f = np.float32


def _antrum(grown: float) -> Blend:
    """Give the left maxillary sinus: a pyramid with its base at the nose."""
    return Blend(
        (
            Ellipsoid((26, -76, -60), (11 + grown, 10 + grown, 16)),
            Ellipsoid((35, -66, -57), (11 + grown, 12, 14)),
            Ellipsoid((25, -56, -60), (8, 12 + grown, 15)),
        ),
        6,
    )


def _right(shape: Blend) -> Blend:
    parts = tuple(part.mirrored() for part in shape.shapes if isinstance(part, Ellipsoid | Tube))
    return Blend(parts, shape.smooth)


ANTRA = (_antrum(0.0), _right(_antrum(1.0)))


def bones() -> list[Part]:
    """List maxilla, cheek bones, palate, jaw and teeth."""
    t = Tissue
    cheek = both(
        Tube(
            ((36, -80, -50), (54, -68, -48), (64, -44, -43), (70, -16, -38), (66, 2, -36)),
            (7, 6, 3.2, 3, 4),
        )
    )
    rims = both(
        Tube(
            (
                (14, -84, -34),
                (30, -84, -49),
                (49, -74, -36),
                (48, -76, -18),
                (30, -86, -10),
                (14, -88, -16),
            ),
            (3.2, 3.5, 4, 4, 4, 4),
        )
    )
    ramus = both(
        Tube(
            (
                (53, 0, -42),
                (52, -4, -54),
                (50, -14, -82),
                (46, -20, -102),
                (32, -56, -112),
                (14, -84, -116),
                (0, -90, -117),
            ),
            (5.5, 4, 5, 7, 7, 8, 8),
        )
    )
    coronoid = both(
        Tube(((50, -36, -54), (49, -34, -68)), (2, 3.5)),
    ) + both(Ellipsoid((48.5, -24, -86), (4, 17, 24), (14, 0, 0)))
    gum = Tube(_arch(-80), (6, 6.5, 6.5, 6, 6.5, 6.5, 6))
    jaw = (*ramus, *coronoid, gum)
    return [
        *paint(t.BONE, *cheek, *rims, *jaw, Ellipsoid((0, -66, -75), (25, 30, 3.2))),
        *paint(t.BONE, *(Grown(sinus, 1.7) for sinus in ANTRA)),
        *paint(t.MARROW, *(Grown(shape, -2.4) for shape in jaw)),
        *paint(t.TOOTH, Field(_teeth, box((-36, -104, -104), (36, -46, -82)))),
    ]


def _arch(z: float) -> tuple[tuple[float, float, float], ...]:
    return (
        (27, -54, z),
        (24, -74, z),
        (13, -90, z),
        (0, -95, z),
        (-13, -90, z),
        (-24, -74, z),
        (-27, -54, z),
    )


def _teeth(p: Points) -> Floats:
    """Give two rows of teeth on an arch, 7 mm apart."""
    radius = np.sqrt((p.x / _f(27)) ** 2 + ((p.y + 54) / _f(41)) ** 2)
    along = np.arctan2(p.x, -(p.y + 54)) * 30
    ring = np.abs(radius - 1) * 28 - _f(3.8)
    gaps = _f(0.5) - np.abs(np.sin(along * _f(np.pi / 7))) * _f(2.2)
    rows = np.abs(np.abs(p.z + 93.5) - _f(5.2)) - _f(4.4)
    return overlap(ring, gaps, rows, p.y + 52)


def airways() -> list[Part]:
    """List sinuses, nasal cavity and pharynx with their lining."""
    t = Tissue
    under_skin = Field(head, HEAD_BOX, -2.5)
    nose = Blend(
        (
            Ellipsoid((0, -64, -57), (13, 33, 17)),
            *both(Tube(((5, -92, -58), (6, -106, -72)), (4, 3.4))),
        ),
        4,
    )
    pharynx = Tube(
        ((0, -30, -58), (0, -14, -64), (0, -6, -82), (0, -4, -120), (0, -4, -145)),
        (10, 8, 7, 7, 7),
        (1.4, 1.0, 1.0),
    )
    turbinates = (
        *both(Tube(((8.5, -88, -64), (8.5, -44, -64)), (4, 4.2))),
        *both(Tube(((7.5, -78, -52), (7.5, -44, -52)), (2.8, 3))),
    )
    return [
        *paint(t.BONE, Ellipsoid((0, -58, -36), (14, 30, 17))),
        *paint(t.AIR, Field(_ethmoid, box((-13, -84, -50), (13, -34, -20)))),
        *paint(t.MUCOSA, *ANTRA, Meet((nose, under_skin)), Grown(pharynx, 3)),
        *paint(
            t.AIR,
            *(Grown(antrum, -1.0) for antrum in ANTRA),
            Meet((Grown(nose, -1.2), under_skin)),
            pharynx,
        ),
        *paint(t.MUCOSA, Ellipsoid((28, -66, -74), (10, 12, 7))),  # a retention cyst, left
        *paint(
            t.CARTILAGE, Meet((Field(_septum), Block((-5, -100, -72), (5, -36, -38)), under_skin))
        ),
        *paint(t.MUCOSA, *turbinates),
        *paint(t.MUSCLE, Ellipsoid((0, -36, -80), (14, 18, 5), (-25, 0, 0))),  # soft palate
    ]


def _septum(p: Points) -> Floats:
    bowed = p.x - _f(1.8) * np.sin((p.y + 60) * _f(0.06)) * np.sin(p.z * _f(0.08))
    sheet: Floats = np.abs(bowed) - _f(1.1)
    return sheet


def _ethmoid(p: Points) -> Floats:
    """Give air cells between the orbits, walls about 1 mm."""
    lump = np.sqrt((p.x / 12) ** 2 + ((p.y + 60) / 25) ** 2 + ((p.z + 36) / _f(14)) ** 2)
    walls = np.minimum(
        np.abs(np.sin((p.x + _f(0.15) * p.y) * _f(0.46))) * _f(2.2),
        np.abs(np.sin((p.y + _f(0.3) * p.z) * _f(0.38))) * _f(2.6),
    )
    return overlap((lump - 1) * 12, _f(0.8) - walls)


def orbits() -> list[Part]:
    """List orbital fat, globes, lenses, eye muscles and optic nerves."""
    t = Tissue
    skin = Field(head, HEAD_BOX, -1.5)
    cone = both(Tube(((31, -80, -28), (26, -62, -27), (14, -36, -22)), (15.5, 14, 4)))
    inside = (Field(cavity, offset=1.0),)
    apex = (13.0, -38.0, -22.0)
    muscles = [
        Tube((start, middle, apex), (1.0, 2.4, 1.2))
        for start, middle in (
            ((42.0, -80.0, -28.0), (37.0, -62.0, -27.0)),
            ((22.0, -80.0, -28.0), (19.0, -62.0, -26.0)),
            ((32.0, -80.0, -18.0), (27.0, -62.0, -17.5)),
            ((32.0, -80.0, -38.0), (27.0, -62.0, -36.0)),
        )
    ]
    return [
        *paint(t.BONE, *(Meet((Grown(c, 2.0), Field(head, HEAD_BOX, -9))) for c in cone)),
        *paint(t.FAT, *(Cut(Meet((c, skin)), inside) for c in cone)),
        *paint(t.MUSCLE, *(side for muscle in muscles for side in both(muscle))),
        *paint(
            t.NERVE,
            *both(
                Tube(
                    ((31, -66, -28), (24, -52, -26), (14, -36, -21), (8, -22, -17)),
                    (2.2, 2.0, 2.0, 2.2),
                )
            ),
        ),
        *paint(t.MUSCLE, *(Grown(globe, 0.9) for globe in GLOBES)),
        *paint(t.VITREOUS, *GLOBES),
        *paint(t.LENS, *both(Ellipsoid((32, -84.5, -28), (4.8, 2.2, 4.8)))),
    ]
