"""Register two volumes by their intensities."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from napari_fusion.errors import AlignError, Progress
from napari_fusion.registration.alignment import Alignment
from napari_fusion.registration.gate import FAIL_OVERLAP, judge, measure
from napari_fusion.registration.layers import Matrix
from napari_fusion.registration.options import AlignOptions
from napari_fusion.registration.pulse import Pulse
from napari_fusion.registration.quality import Quality
from napari_fusion.registration.refine import Refined, refine
from napari_fusion.registration.scene import prepare
from napari_fusion.registration.search import Terrain, search
from napari_fusion.registration.starts import any_orientation, near_poses
from napari_fusion.volume import Volume

BETTER = 1.02
"""Another orientation replaces the likely one when its score is larger by this factor."""

SAME_FRAME_MM = 2.0
"""Volumes of one frame of reference are left in place unless they disagree by more than this."""

_DEFAULT = AlignOptions()


def align(
    fixed: Volume,
    moving: Volume,
    options: AlignOptions = _DEFAULT,
    *,
    initial: Alignment | None = None,
    progress: Progress | None = None,
) -> Alignment:
    """Find where each point of the fixed volume lies in the moving one, and say how well.

    Maximises normalised mutual information (Studholme et al. 1999) from many starts over several
    levels of resolution, repeats the last climb in both directions, and judges the result. Two
    volumes that share a frame of reference are left where the scanner put them, unless a pose
    stands out that differs by more than 2 mm.

    Parameters
    ----------
    fixed, moving
        Volumes of the same patient, any modality. NaN voxels count for nothing.
    options
        Model, seed and effort.
    initial
        A pose to start from, besides the usual ones; the only start when the search is "near".
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

    Examples
    --------
    >>> from napari_fusion.phantom import misaligned_pair
    >>> fixed, moving, truth = misaligned_pair("CT", "T1", size="small")
    >>> bool(abs(align(fixed, moving).matrix - truth)[:3, 3].max() < 2)
    True
    """
    pulse = Pulse(progress)
    pulse.phase(0.0, 0.15, "preparing volumes", 10)
    scene = prepare(fixed, moving, options, pulse)
    terrain = Terrain.of(scene, pulse)
    start = scene.oriented(np.eye(4) if initial is None else initial.matrix)
    if initial is None and fixed.frame_uid is not None and fixed.frame_uid == moving.frame_uid:
        matrix, quality = _in_place(terrain, start)
    else:
        matrix, quality = _anywhere(terrain, start)
    pulse.phase(1.0, 1.0, "aligned")
    return Alignment(fixed.grid, moving.grid, scene.oriented(matrix), quality)


def _anywhere(terrain: Terrain, start: Matrix) -> tuple[Matrix, Quality]:
    """Search the likely poses, and every orientation when none of those passes."""
    pulse, scene = terrain.pulse, terrain.scene
    wide = scene.options.search == "wide"
    pulse.phase(0.15, 0.6, "searching", 1500 if wide else 200)
    first = _sought(terrain, near_poses(scene) if wide else [], [start])
    quality = _judged(terrain, start, first)
    if quality.verdict == "PASS" or not wide:
        return first.matrix, quality
    pulse.phase(0.6, 0.9, "trying every orientation", 3000)
    second = _sought(terrain, any_orientation(scene), [])
    gain = terrain.fine.score(second.matrix).total / terrain.fine.score(first.matrix).total
    if gain < BETTER:
        return first.matrix, quality
    return second.matrix, _judged(terrain, start, second)


def _sought(terrain: Terrain, poses: list[Matrix], always: list[Matrix]) -> Refined:
    """Search from given starts and repeat the last climb."""
    summits = search(terrain, poses, always)
    if not summits[0].score > 0:
        raise AlignError("the two volumes have no anatomy in common: nothing was aligned")
    return refine(terrain, summits[0].matrix, terrain.scene.options.model)


def _judged(terrain: Terrain, start: Matrix, found: Refined) -> Quality:
    terrain.pulse.phase(0.9, 0.99, "judging", 700)
    return judge(measure(terrain, start, found))


def _in_place(terrain: Terrain, identity: Matrix) -> tuple[Matrix, Quality]:
    """Keep the scanner's own alignment unless a better pose nearby passes the gate."""
    terrain.pulse.phase(0.15, 0.6, "checking the shared frame of reference", 200)
    found = refine(terrain, terrain.climb(1, identity).matrix, "rigid")
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
    if own.verdict == "PASS" or away <= SAME_FRAME_MM:
        words = f"Both volumes share a frame of reference, and their voxels agree ({away:.1f} mm)."
        return own.model_copy(update={"verdict": "PASS", "sentence": words})
    words = "Both volumes share a frame of reference, but their voxels cannot confirm it: look."
    return own.model_copy(update={"verdict": "CHECK", "sentence": words})


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
    options = AlignOptions()
    scene = prepare(fixed, moving, options, Pulse(None))
    terrain = Terrain.of(scene, Pulse(None))
    matrix = scene.oriented(alignment.matrix)
    best = refine(terrain, terrain.climb(1, matrix).matrix, "rigid")
    quality = _judged(terrain, scene.oriented(np.eye(4)), replace(best, matrix=matrix))
    return Alignment(alignment.fixed, alignment.moving, alignment.matrix, quality)
