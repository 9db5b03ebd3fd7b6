"""The fields that many parts share: the head's surface, the room inside the skull, the folds.

Every function gives a signed distance in mm, negative inside, good to first order near zero.
"""

from __future__ import annotations

import numpy as np

from napari_fusion.phantom.shapes import (
    OUT_MM,
    Blend,
    Ellipsoid,
    Floats,
    Grown,
    Points,
    Shape,
    Tube,
    both,
    box,
    carve,
    join,
    soft_max,
    soft_min,
    union,
)

_f = np.float32

CAVITY_BOX = box((-74, -88, -145), (74, 96, 82))
CEREBELLUM_BOX = box((-62, 0, -70), (62, 92, 12))
BRAIN_BOX = box((-72, -86, -70), (72, 94, 80))

_DOME = Blend((Ellipsoid((0, -24, 14), (55, 61, 56)), Ellipsoid((0, 22, 16), (68, 69, 58))), 24)
_TEMPORAL = both(Ellipsoid((39, -8, -19), (26, 38, 24)))
_POSTERIOR = Ellipsoid((0, 44, -32), (53, 42, 33))
_CANAL = Tube(
    ((0, 4, -12), (0, 16, -42), (0, 31, -64), (0, 36, -84), (0, 37, -145)), (20, 17, 13, 10, 9.5)
)
_ORBIT_ROOFS = both(Ellipsoid((31, -66, -32), (23, 42, 20)))
PETROUS = both(Tube(((60, 26, -33), (40, 15, -32), (15, 2, -31)), (13, 9, 5)))
WINGS = both(Tube(((9, -28, -21), (30, -38, -18), (52, -42, -8)), (3.5, 3, 2.5)))
_RIDGES = (*PETROUS, *WINGS, Tube(((-9, -4, -25), (9, -4, -25)), (3, 3)))

_FACE = Blend(
    (
        Ellipsoid((0, -46, -56), (58, 49, 62)),
        Ellipsoid((0, -52, -96), (45, 47, 40)),
        *both(Ellipsoid((41, -46, -50), (22, 28, 20))),
        *both(Ellipsoid((47, -14, -72), (18, 36, 44))),
    ),
    18,
)
_NOSE = Blend(
    (
        Tube(((0, -92, -20), (0, -104, -44), (0, -115, -60)), (7, 7, 8.5)),
        *both(Ellipsoid((11, -102, -60), (8, 12, 8))),
    ),
    8,
)
_NECK = Tube(((0, 26, -50), (0, 30, -145)), (62, 58))
_EARS = both(Ellipsoid((79, 15, -30), (4.2, 17, 30), (-12, 8, 24)))
_EAR_ROOTS = both(Ellipsoid((72, 10, -34), (12, 10, 12)))
_BROWS = Tube(((-40, -76, -16), (0, -90, -12), (40, -76, -16)), (9, 9, 9))
_LIPS = Ellipsoid((0, -96, -90), (24, 9, 11))
GLOBES = both(Ellipsoid((32, -77, -28), (12, 12.2, 12)))
_FEATURES: tuple[tuple[Shape, float], ...] = (
    (_FACE, 16),
    (_NECK, 22),
    (_NOSE, 10),
    (_BROWS, 8),
    (_LIPS, 8),
    *((Grown(globe, 2.5), 8.0) for globe in GLOBES),  # the eyelids
    *((root, 10) for root in _EAR_ROOTS),
    *((ear, 4) for ear in _EARS),
)


def dome(p: Points) -> Floats:
    """Give the distance to the inner vault of the skull, as if it had no base."""
    ripple: Floats = np.sin(p.y * _f(0.045) + p.x * _f(0.021)) * np.sin(p.z * _f(0.05) + _f(0.6))
    return _DOME(p) - ripple


def cavity(p: Points) -> Floats:
    """Give the distance to the inside of the dura: vault, three fossae and the spinal canal."""
    floor = _f(-20) - _f(9) / (1 + np.exp((-24 - p.y) * _f(0.25)))
    floor -= np.maximum(p.y, 0) * _f(0.9)
    vault = soft_max(p.field(dome), floor - p.z, 8)
    for roof in _ORBIT_ROOFS:
        vault = carve(vault, roof, p, 8)
    for fossa in _TEMPORAL:
        vault = join(vault, fossa, p, 10)
    vault = join(vault, _POSTERIOR, p, 10)
    vault = join(vault, _CANAL, p, 6)
    for ridge in _RIDGES:
        vault = carve(vault, ridge, p, 5)
    return vault


def temple(p: Points) -> Floats:
    """Give 1 over the temples, where bone is thin and muscle thick, falling to 0 around them."""
    bump = np.exp(-(((p.y + 26) / _f(34)) ** 2) - ((p.z + 10) / _f(28)) ** 2)
    near: Floats = bump * np.clip((np.abs(p.x) - 30) * _f(0.05), 0, 1)
    return near


def bone_thickness(p: Points) -> Floats:
    """Give the thickness of the skull around the cavity, mm: thin temples, thick occiput."""
    thick: Floats = _f(6.2) + _f(1.0) * np.sin(p.x * _f(0.06) + _f(0.4)) * np.sin(p.y * _f(0.05))
    thick -= _f(3.2) * p.field(temple)
    inion = np.exp(-(p.x**2) / _f(300) - (p.z + 12) ** 2 / _f(200)) * (p.y > 60)
    thick += _f(4.5) * inion
    thick -= _f(3.2) * np.clip((-18 - p.z) * _f(0.1), 0, 1) * np.clip((-20 - p.y) * _f(0.1), 0, 1)
    return thick


def skull(p: Points) -> Floats:
    """Give the distance to the outer table, the scalp's inner side."""
    return p.field(cavity) - bone_thickness(p)


def head(p: Points) -> Floats:
    """Give the distance to the skin."""
    scalp = p.field(dome) - _f(12.5)
    scalp += _f(1.5) * np.clip(p.z * _f(0.02), -1, 1) - _f(7) * p.field(temple)
    for shape, width in _FEATURES:
        scalp = join(scalp, shape, p, width)
    return scalp


def tentorium(p: Points) -> Floats:
    """Give the height above the tentorium, mm (negative below it)."""
    side = np.abs(p.x) * np.clip(_f(1.2) - p.y * _f(1 / 80), 0, 1)
    roof = _f(5) - _f(0.36) * side
    roof -= np.where(p.y > 32, _f(0.36), _f(-0.5)) * (p.y - 32)
    height: Floats = (p.z - roof) * _f(0.88)
    return height


def behind_ridge(p: Points) -> Floats:
    """Give the distance behind the petrous ridges and the tentorial edge, mm."""
    distance: Floats = (p.y - 4 - _f(0.5) * np.abs(np.abs(p.x) - 14)) * _f(0.88)
    return distance


def below_tentorium(p: Points) -> Floats:
    """Give how deep a point lies in the posterior fossa, mm."""
    return union(p.field(behind_ridge), -p.field(tentorium))


# The diencephalon bridges the hemispheres: no fissure runs through it.
_CORE = Ellipsoid((0, -2, 2), (24, 32, 22))
_SUPRASELLAR = Ellipsoid((0, -10, -20), (13, 11, 9))
_STEM_ROOM = Blend(
    (
        Tube(((0, 9, -9), (0, 10, -18)), (15, 16)),
        Ellipsoid((0, 11, -29), (20, 16, 17)),
    ),
    4,
)
_QUADRIGEMINAL = Ellipsoid((0, 26, -1), (11, 5, 7))


def bridge(p: Points) -> Floats:
    """Give the distance to the part of the brain that joins the hemispheres."""
    return _CORE(p)


def hull(p: Points) -> Floats:
    """Give the distance to the smooth envelope of the two cerebral hemispheres."""
    gap = _f(1.4) + _f(0.8) * np.clip((-30 - p.y) * _f(0.03), 0, 1)
    envelope = p.field(cavity) + gap
    envelope = soft_max(envelope, p.field(below_tentorium) + _f(1.2), 2)
    fissure = np.minimum(_f(1.0) - np.abs(p.x), p.field(bridge))
    envelope = soft_max(envelope, fissure, 4)
    for room in (_SUPRASELLAR, _STEM_ROOM, _QUADRIGEMINAL):
        envelope = carve(envelope, room, p, 4)
    return envelope


def sylvian(p: Points) -> Floats:
    """Give the distance to the middle of the Sylvian fissure and the cleft over the insula."""
    side = np.abs(p.x)
    steep = np.where(p.x > 0, _f(0.26), _f(0.36))  # the right one turns up more steeply
    rise = p.z - (_f(2) + steep * (p.y + 8))
    wobble = _f(2.2) * np.sin(p.y * _f(0.13) + np.sign(p.x)) + _f(1.6) * np.sin(side * _f(0.28))
    across = np.abs(rise + wobble) * _f(0.93)
    inner = _f(38) - _f(0.9) * np.maximum(-16 - p.y, 0)
    ends = np.maximum(np.maximum(inner - side, p.y - 33), -46 - p.y)
    stem = np.sqrt(across**2 + np.maximum(ends, 0) ** 2)
    rim = np.sqrt(((p.y + 6) / _f(27)) ** 2 + ((rise + 1) / _f(17)) ** 2) - 1
    ripple = _f(1.3) * np.sin(p.z * _f(0.35) + np.sign(p.x)) + _f(1.1) * np.sin(p.y * _f(0.42))
    bow = side - (_f(39) - _f(0.007) * (p.y + 6) ** 2 - _f(0.01) * rise**2) - ripple
    insula = np.sqrt(bow**2 + np.maximum(rim * 18, 0) ** 2)
    return union(stem, insula)


def muscle_bundles(p: Points) -> Floats:
    """Give the distance to the fat between bundles of muscle: sheets through the soft parts."""
    angles = _BUNDLES[0] @ p.xyz
    angles += _BUNDLES[1]
    cosines = np.cos(angles)
    f = np.sin(angles, out=angles).sum(axis=0)
    slope = np.sqrt(((_BUNDLES[0].T @ cosines) ** 2).sum(axis=0)) + _f(0.02)
    distance: Floats = np.abs(f) / slope
    return distance


def _waves(count: int, wavelength: float, spread: float, seed: int) -> tuple[Floats, Floats]:
    """Give (count, 3) wave vectors of about one wavelength, and their phases."""
    rng = np.random.default_rng(seed)
    ways = rng.standard_normal((count, 3))
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    lengths = 2 * np.pi / (wavelength * rng.uniform(1 - spread, 1 + spread, (count, 1)))
    return (ways * lengths).astype(_f), rng.uniform(0, 2 * np.pi, (count, 1)).astype(_f)


_FOLDS = _waves(12, 26.0, 0.22, 11)
_DEPTHS = _waves(4, 60.0, 0.3, 5)
_BUNDLES = _waves(6, 34.0, 0.3, 3)
_BUNDLES[0][:, 2] *= _f(0.35)  # muscles of face and neck run up and down


def _onto_surface(p: Points) -> tuple[Floats, Floats]:
    """Carry points to their hemisphere's surface: sulci run straight in; give the stretch too."""
    side = np.where(p.x > 0, _f(1), _f(-1))
    offset = np.stack([p.x - 24 * side, p.y - 4, p.z - 12])
    u = offset / np.array([[42], [82], [58]], _f)
    radius = np.sqrt(np.einsum("ij,ij->j", u, u)) + _f(0.05)
    stretch = radius ** _f(-0.8)
    offset *= stretch
    offset[0] += 120 * side  # each hemisphere folds its own way
    return offset, stretch


def pial_depth(p: Points) -> Floats:
    """Give the depth below the nearest pial surface, mm: hull, fissures and every sulcus.

    Sulci are sheets on which a sum of plane waves of one wavelength, taken on the surface,
    vanishes; |f| / |grad f| is the distance to the sheet to first order. Each sheet ends at a
    depth that varies along it, and crowns are rounded by a smooth minimum.
    """
    inside = -p.field(hull)
    if inside.max() < -OUT_MM:
        return inside
    q, stretch = _onto_surface(p)
    angles = _FOLDS[0] @ q
    angles += _FOLDS[1]
    cosines = np.cos(angles)
    f = np.sin(angles, out=angles).sum(axis=0)
    slope = np.sqrt(((_FOLDS[0].T @ cosines) ** 2).sum(axis=0)) * stretch + _f(0.02)
    to_sheet = np.abs(f) / slope
    reach = _f(17.5) + _f(2.4) * np.sin(_DEPTHS[0] @ q + _DEPTHS[1]).sum(axis=0)
    # None runs on into the middle of its hemisphere, or of the brain.
    core = np.maximum((stretch - _f(2.2)) * _f(14), 4 - p.field(bridge))
    beyond = np.maximum(np.maximum(inside - np.clip(reach, 8, 23), core), 0)
    width = _f(0.25) + _f(0.75) * np.exp(np.minimum(inside, 30) * _f(-0.15))
    sulci = np.sqrt(to_sheet**2 + beyond**2) - width
    lateral = p.field(sylvian) - _f(0.9)
    sulci = np.maximum(sulci, 6 - lateral)  # the insula and its lids are smooth
    return soft_min(soft_min(inside, sulci, 3), lateral, 4)


_CEREBELLUM = Blend(
    (
        *both(Ellipsoid((26, 48, -34), (31, 36, 28))),
        Ellipsoid((0, 50, -30), (14, 36, 32)),
        Ellipsoid((0, 40, -16), (20, 22, 22)),
    ),
    7,
)
_STEM_NICHE = Tube(((0, 7, -6), (0, 8, -30), (0, 22, -60), (0, 30, -80)), (15, 19, 12, 11))
_VALLECULA = Ellipsoid((0, 84, -48), (3.5, 16, 18))


def cerebellar_hull(p: Points) -> Floats:
    """Give the distance to the smooth envelope of the cerebellum."""
    envelope = soft_max(_CEREBELLUM(p), p.field(cavity) + _f(1.8), 4)
    envelope = soft_max(envelope, p.field(tentorium) + _f(1.4), 2)
    envelope = soft_max(envelope, -_STEM_NICHE(p), 4)
    return soft_max(envelope, -_VALLECULA(p), 4)


def folia_depth(p: Points) -> Floats:
    """Give the depth below the cerebellum's surface, its leaves and main fissures included."""
    inside = -p.field(cerebellar_hull)
    if inside.max() < -OUT_MM:
        return inside
    y, z = p.y - 30, p.z + 30
    radius = np.sqrt(y**2 + z**2 + _f(0.16) * p.x**2) + _f(3)
    turn = np.arctan2(z + _f(0.0015) * p.x**2, y + _f(0.25) * np.abs(p.x))
    turn += _f(0.05) * np.sin(p.x * _f(0.15) + radius * _f(0.3))
    leaves = np.abs(np.sin(turn * 26)) * radius * _f(1 / 26)
    fissures = np.abs(np.sin(turn * _f(5.0) + _f(0.7))) * radius * _f(1 / 5)
    shallow = np.sqrt(leaves**2 + np.maximum(inside - 9, 0) ** 2) - _f(0.3)
    deep = np.sqrt(fissures**2 + np.maximum(inside - 20, 0) ** 2) - _f(0.5)
    return union(inside, shallow, deep)
