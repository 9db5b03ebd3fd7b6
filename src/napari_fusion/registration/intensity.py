"""Register two volumes by their intensities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from napari_fusion.errors import AlignError, Progress, expect
from napari_fusion.registration.alignment import Alignment
from napari_fusion.registration.bend import (
    LEAST_GAIN,
    drawn_through,
    gain,
    judged,
    kept_straight,
    left_mm,
    no_better,
    no_surer,
)
from napari_fusion.registration.deform import EXPECTED_BEATS, deform
from napari_fusion.registration.engines import (
    EXPECTED_POLLS,
    check_engine,
    deform_by_engine,
    linear_by_engine,
)
from napari_fusion.registration.gate import (
    FAIL_OVERLAP,
    MIRROR_LIMIT,
    MIRRORED,
    as_if_bent,
    judge,
    measure,
    stands_out,
)
from napari_fusion.registration.landmarks.fitting import fit
from napari_fusion.registration.landmarks.pairs import Landmarks
from napari_fusion.registration.layers import Matrix
from napari_fusion.registration.masks import Masks, check_pair, masked
from napari_fusion.registration.options import AlignOptions
from napari_fusion.registration.pulse import Pulse
from napari_fusion.registration.quality import Quality
from napari_fusion.registration.refine import Refined, refine
from napari_fusion.registration.scene import Scene, prepare
from napari_fusion.registration.search import Terrain, search
from napari_fusion.registration.started import begun, check_start
from napari_fusion.registration.starts import any_orientation, near_poses
from napari_fusion.registration.stretch import stretched
from napari_fusion.threads import ALGEBRA_ALONE
from napari_fusion.volume import Volume, same_patient

BETTER = 1.02
"""Another orientation replaces the likely one when its score is larger by this factor."""

SAME_FRAME_MM = 2.0
"""Volumes of one frame of reference are left in place unless they disagree by more than this."""

_DEFAULT = AlignOptions()


@ALGEBRA_ALONE
def align(
    fixed: Volume,
    moving: Volume,
    options: AlignOptions = _DEFAULT,
    *,
    initial: Alignment | None = None,
    masks: Masks = (None, None),
    progress: Progress | None = None,
) -> Alignment:
    """Find where each point of the fixed volume lies in the moving one, and say how well.

    Maximises normalised mutual information (Studholme et al. 1999) from many starts over several
    levels of resolution, repeats the last climb in both directions, and judges the result. Two
    volumes that share a frame of reference are left where the scanner put them, unless a pose
    stands out that differs by more than 2 mm.

    A deformable alignment starts from the linear answer and is found by descriptors of local
    structure, whatever the contrasts (see `deform`). Where bending does not raise the mutual
    information of samples it has not seen, or the linear answer is FAIL, that answer is kept and
    the sentence says so.

    Parameters
    ----------
    fixed, moving
        Volumes of the same patient, any modality. NaN voxels count for nothing.
    options
        Model, seed and effort.
    initial
        A pose to start from, besides the usual ones; the only start when the search is "near". Of
        one that bends space the linear part counts. One that was judged on other voxels is told of.
    masks
        LABEL volumes, for the fixed and the moving volume, in their frames; None is everything.
        Only where a mask is not 0 are the volumes compared.
    progress
        Told the fraction done several times a second; cancels by raising.

    Returns
    -------
    Alignment
        With its quality: look at ``quality.verdict`` before use.

    Raises
    ------
    AlignError
        There is nothing to align: a volume is constant or has no finite value, or the two have no
        anatomy in common.
    ParameterError
        A mask marks no voxel of its volume, the start is of volumes on other grids, or the engine
        does not find such a map.
    MissingExtra
        The engine is not installed.

    Examples
    --------
    >>> from napari_fusion.phantom import misaligned_pair
    >>> fixed, moving, truth = misaligned_pair("CT", "T1", size="small")
    >>> bool(abs(align(fixed, moving).matrix - truth)[:3, 3].max() < 2)
    True
    """
    expect(Volume, fixed=fixed, moving=moving)
    expect(AlignOptions, options=options)
    check_engine(options)
    check_pair(masks)
    if initial is not None:
        check_start(initial, fixed.grid, moving.grid)
    fixed, moving = (_in_memory(one) for one in (fixed, moving))
    pair = fixed.fingerprints, moving.fingerprints
    pulse = Pulse(progress)
    pulse.phase(0.0, 0.15, "preparing volumes", 10)
    seen = masked(fixed, masks[0], "fixed"), masked(moving, masks[1], "moving")
    scene = prepare(*seen, options, pulse)
    terrain = Terrain.of(scene, pulse)
    start = scene.oriented(np.eye(4) if initial is None else initial.matrix)
    bends = options.model == "deformable"
    same_frame = fixed.frame_uid is not None and fixed.frame_uid == moving.frame_uid
    in_frame = initial is None and same_frame
    with pulse.part(0.0, 0.4 if bends else 1.0):
        if options.engine != "own" and not in_frame:
            matrix, quality = _by_engine(terrain, seen, None if initial is None else initial.matrix)
        else:
            whole = _unmasked((fixed, moving), masks, start, terrain, wide=not in_frame)
            with pulse.part(0.3 if whole else 0.0, 1.0):
                seek = _in_place if in_frame else _anywhere
                matrix, quality = seek(terrain, start, whole)
    place = scene.oriented(matrix)
    found = Alignment(fixed.grid, moving.grid, place, begun(quality, initial, pair), judged_on=pair)
    if bends:
        found = _bent(scene, (fixed, moving), found, masks, pulse)
    pulse.phase(1.0, 1.0, "aligned")
    return found


def _in_memory(volume: Volume) -> Volume:
    """Compute what is lazy; a volume that lies in memory stays itself, and its hash known."""
    array = np.asarray(volume.array)
    return volume if array is volume.array else replace(volume, array=array)


def _bent(
    scene: Scene, volumes: tuple[Volume, Volume], linear: Alignment, masks: Masks, pulse: Pulse
) -> Alignment:
    """Bend a linear answer, or keep it as it is and say why."""
    if linear.quality.verdict == "FAIL":
        words = "Nothing was bent."
        return replace(linear, quality=kept_straight(linear.quality, words, {}))
    pulse.phase(0.4, 0.9, "bending", EXPECTED_BEATS)
    bend = deform if scene.options.engine == "own" else deform_by_engine
    field = bend(volumes, linear.matrix, scene.options, pulse, masks)
    pulse.beat()
    gained = gain(scene, linear.matrix, field)
    if not gained > LEAST_GAIN:
        words = "Bending did not improve it, so the linear answer was kept."
        quality = kept_straight(linear.quality, words, {"bend_gain": gained})
        return replace(linear, quality=quality)
    bent = replace(linear, field=field)
    field.measure(pulse.beat)
    with pulse.part(0.9, 1.0):
        own = scene.options.engine == "own"
        quality = _judged_as_drawn(volumes, bent, masks, pulse, own=own)
        quality = judged(quality, field, gained)
    one = same_patient(*volumes)
    return replace(bent, quality=no_better(quality, linear.quality, one_patient=one))


def _judged_as_drawn(
    volumes: tuple[Volume, Volume], alignment: Alignment, masks: Masks, pulse: Pulse, *, own: bool
) -> Quality:
    """Hold the moving volume, drawn through an alignment, to the gate where it lies.

    A bending that is not our `own` may have stopped anywhere: two steps of ours say how far from
    its end it is.
    """
    fixed, moving = volumes
    drawn = drawn_through(masked(moving, masks[1], "moving"), alignment, pulse.beat)
    pair = masked(fixed, masks[0], "fixed"), drawn
    terrain = Terrain.of(prepare(*pair, AlignOptions(), pulse), pulse)
    quality = _weighed(terrain, np.eye(4), np.eye(4))
    if own or quality.verdict == "FAIL":
        return quality
    left = left_mm(pair, terrain, pulse)
    return quality.model_copy(update={"numbers": {**quality.numbers, "left_mm": left}})


def _unmasked(
    volumes: tuple[Volume, Volume], masks: Masks, start: Matrix, terrain: Terrain, *, wide: bool
) -> list[Matrix]:
    """Search the whole volumes where masks are given; the best maps, as the masked scene has them.

    What masks leave may say too little about its place from afar: the inside of a brain has no
    edge, and coarse voxels show little else. From `start`, a map of the masked scene, and where
    `wide` from all likely poses.
    """
    options, pulse = terrain.scene.options, terrain.pulse
    if all(mask is None for mask in masks) or (wide and options.search == "near"):
        return []
    pulse.phase(0.15, 0.3, "searching the whole volumes", 60)
    unseen = Pulse(lambda _fraction, _words: pulse.beat())  # coarse poses are still to come
    scene = prepare(*volumes, options, unseen)
    begin = scene.oriented(terrain.scene.oriented(start))
    found = search(Terrain.of(scene, unseen), near_poses(scene) if wide else [], [begin])
    return [terrain.scene.oriented(scene.oriented(summit.matrix)) for summit in found]


def _anywhere(
    terrain: Terrain, start: Matrix, whole: Sequence[Matrix] = ()
) -> tuple[Matrix, Quality]:
    """Search the likely poses, and every orientation when none of those stands out.

    `whole` are maps that align the volumes without their masks.
    """
    pulse, scene = terrain.pulse, terrain.scene
    wide = scene.options.search == "wide"
    pulse.phase(0.15, 0.6, "searching", 1500 if wide else 200)
    first = _sought(terrain, near_poses(scene) if wide else [], [start], whole)
    quality = _judged(terrain, start, first)
    if not wide or stands_out(quality):
        return first.matrix, quality
    pulse.phase(0.6, 0.9, "trying every orientation", 3000)
    second = _sought(terrain, any_orientation(scene), [])
    gain = terrain.fine.score(second.matrix).total / terrain.fine.score(first.matrix).total
    if gain < BETTER:
        return first.matrix, quality
    return second.matrix, _judged(terrain, start, second)


def _by_engine(
    terrain: Terrain, volumes: tuple[Volume, Volume], start: Matrix | None
) -> tuple[Matrix, Quality]:
    """Have another program search, and judge what it found."""
    scene, options = terrain.scene, terrain.scene.options
    terrain.pulse.phase(0.15, 0.6, f"searching by {options.engine}", EXPECTED_POLLS)
    matrix = scene.oriented(linear_by_engine(volumes, options, start, terrain.pulse))
    begun = scene.oriented(np.eye(4) if start is None else start)
    return matrix, _weighed(terrain, begun, matrix)


def _weighed(terrain: Terrain, start: Matrix, matrix: Matrix) -> Quality:
    """Judge a map that no search of ours has found."""
    best = refine(terrain, terrain.climb(1, matrix).matrix, "rigid")
    return _judged(terrain, start, replace(best, matrix=matrix))


def _sought(
    terrain: Terrain, poses: list[Matrix], always: list[Matrix], late: Sequence[Matrix] = ()
) -> Refined:
    """Search from given starts and repeat the last climb."""
    summits = search(terrain, poses, always, late)
    if not summits[0].score > 0:
        raise AlignError("the two volumes have no anatomy in common: nothing was aligned")
    return refine(terrain, summits[0].matrix, terrain.scene.options.linear)


def _judged(terrain: Terrain, start: Matrix, found: Refined) -> Quality:
    terrain.pulse.phase(0.9, 0.99, "judging", 700)
    return judge(measure(terrain, start, found))


def _in_place(
    terrain: Terrain, identity: Matrix, whole: Sequence[Matrix] = ()
) -> tuple[Matrix, Quality]:
    """Keep the scanner's own alignment unless a better pose nearby passes the gate.

    `whole` are maps near it that align the volumes without their masks.
    """
    terrain.pulse.phase(0.15, 0.6, "checking the shared frame of reference", 200)
    nearest = max(
        [terrain.climb(1, identity).matrix, *whole],
        key=lambda matrix: terrain.fine.score(matrix).total,
    )
    found = refine(terrain, nearest, "rigid")
    better = _judged(terrain, identity, found)
    away = terrain.apart(found.matrix, identity)
    if better.verdict == "PASS" and away > max(SAME_FRAME_MM, 3 * (better.uncertainty_mm or 0.0)):
        return found.matrix, better.model_copy(
            update={"sentence": f"{better.sentence} The frame of reference was {away:.1f} mm off."}
        )
    own = _judged(terrain, identity, replace(found, matrix=identity))
    return identity, _shared(own, away)


def _shared(own: Quality, away: float) -> Quality:
    """Say that positions come from the scanner, and what the voxels say to that."""
    if own.numbers["overlap"] < FAIL_OVERLAP:
        return own
    if own.numbers["mirror"] >= MIRROR_LIMIT:  # a shared frame does not say which side is left
        return own.model_copy(update={"verdict": "CHECK", "sentence": MIRRORED})
    told = as_if_bent(own)
    if own.verdict == "PASS" or (told is None and away <= SAME_FRAME_MM and stands_out(own)):
        words = f"Both volumes share a frame of reference, and their voxels agree ({away:.1f} mm)."
        return own.model_copy(update={"verdict": "PASS", "sentence": words})
    doubt = "their voxels cannot confirm it: look."
    if told is not None and stands_out(own):
        doubt = f"{told}, as when it is bent: check edges before use."
    words = f"Both volumes share a frame of reference, but {doubt}"
    return own.model_copy(update={"verdict": "CHECK", "sentence": words})


@ALGEBRA_ALONE
def assess(fixed: Volume, moving: Volume, alignment: Alignment) -> Alignment:
    """Judge an alignment that was given, loaded or made by hand, without changing it.

    Returns
    -------
    Alignment
        The same map with its quality measured.

    Raises
    ------
    AlignError
        A volume is constant or has no finite value.
    """
    expect(Volume, fixed=fixed, moving=moving)
    expect(Alignment, alignment=alignment)
    pulse = Pulse(None)
    if alignment.field is None:
        quality = _assessed(fixed, moving, alignment, pulse)
    else:
        quality = _judged_as_drawn((fixed, moving), alignment, (None, None), pulse, own=False)
        quality = stretched(judged(quality, alignment.field), alignment.matrix)
        if quality.verdict == "PASS":
            straight = _straightened(fixed, moving, alignment, pulse)
            quality = no_surer(quality, straight, one_patient=same_patient(fixed, moving))
    pair = fixed.fingerprints, moving.fingerprints
    return replace(alignment, quality=quality, judged_on=pair)


def _assessed(fixed: Volume, moving: Volume, alignment: Alignment, pulse: Pulse) -> Quality:
    """Judge the linear part of an alignment."""
    scene = prepare(fixed, moving, AlignOptions(), pulse)
    terrain = Terrain.of(scene, pulse)
    return _weighed(terrain, scene.oriented(np.eye(4)), scene.oriented(alignment.matrix))


def _straightened(fixed: Volume, moving: Volume, alignment: Alignment, pulse: Pulse) -> Quality:
    """Judge the rigid answer next to a bent one, found as if there were no bending."""
    scene = prepare(fixed, moving, AlignOptions(search="near"), pulse)
    terrain = Terrain.of(scene, pulse)
    layer = scene.mobile[0] if scene.swapped else scene.still[0]
    points = layer.anatomy
    start = scene.oriented(fit(Landmarks(points, alignment.map_points(points)), "rigid"))
    return _judged(terrain, start, _sought(terrain, [], [start]))
