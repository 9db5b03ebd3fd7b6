"""Measure how far an alignment may be trusted, and say it in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from napari_fusion.registration import stretch
from napari_fusion.registration.layers import Matrix
from napari_fusion.registration.nmi import Score
from napari_fusion.registration.quality import Quality, Verdict, as_form
from napari_fusion.registration.refine import Refined, eighths_apart, moved_mm, parts_apart
from napari_fusion.registration.rivals import mirrored, neighbour
from napari_fusion.registration.search import Terrain, judging_level
from napari_fusion.registration.uncertainty import over_body, uncertainty_form

AWAY_MM = 8.0
"""How far displaced poses lie from the answer, root mean square over the body of a head."""

DISPLACED = 32
"""Poses that the answer has to stand out from."""

PASS_Z, FAIL_Z = 2.5, 1.0
PASS_DROP, FAIL_DROP = 0.16, 0.05
PASS_PARTS_MM, FAIL_PARTS_MM = 2.0, 8.0
PASS_SPREAD_MM, FAIL_SPREAD_MM = 0.75, 4.0
PASS_ROUND_TRIP_MM, FAIL_ROUND_TRIP_MM = 1.0, 8.0
PASS_OVERLAP, FAIL_OVERLAP = 0.5, 0.25
MIRROR_LIMIT = 1.0
PASS_UNCERTAINTY_MM = 2.0
PASS_EIGHTHS_MM, PASS_EIGHTHS_VOXELS = 1.5, 0.8
IN_FRAME_UNSURE_MM, IN_FRAME_UNSURE_VOXELS = (PASS_UNCERTAINTY_MM, 2.5), 0.6
"""In one frame of reference repeats need not agree, so that coarse voxels may be less sure: right
heads of 4 mm voxels and few samples are told 2.2 mm."""
PASS_NEIGHBOUR = 0.9
MIRRORED = "The mirror image fits as well or better: check left and right before use."


@dataclass(frozen=True, eq=False)
class Evidence:
    """What was measured at an answer.

    Parameters
    ----------
    start, end
        Scores before and after, at the finest level.
    z
        By how many standard deviations the answer beats the best displaced pose.
    drop
        By what share of its score it beats that pose.
    mirror
        Best score of the left–right mirrored volume, as a share of the answer's.
    neighbour, neighbour_mm
        Best score some way along an axis, as a share of the answer's, and how far away that is.
    parts_mm
        How far the six halves of the body move when aligned on their own, root mean square.
    eighths_mm
        How far the eight corners of the body do; infinite when none has enough samples.
    spread_mm
        How far repeated alignments lie from their middle.
    round_trip_mm
        How far from itself a point ends that is mapped forward by climbs with samples of one
        volume, and back by climbs with samples of the other.
    uncertainty_mm
        Uncertainty over the body, root mean square; infinite when it cannot be told.
    scales
        Smallest and largest stretch of the map.
    jacobian
        Volume of what one mm³ becomes; negative when left and right change places.
    unit
        The body's size, as 1 for a head: limits in mm are multiples of it.
    voxel_mm
        The coarser volume's voxel: no part of the body is placed much better than that.
    form
        Uncertainty at any fixed point, as in `Quality`.
    """

    start: Score
    end: Score
    z: float
    drop: float
    mirror: float
    neighbour: float
    neighbour_mm: float
    parts_mm: float
    eighths_mm: float
    spread_mm: float
    round_trip_mm: float
    uncertainty_mm: float
    scales: tuple[float, float]
    jacobian: float
    unit: float = 1.0
    voxel_mm: float = 1.0
    form: Matrix | None = None

    def numbers(self) -> dict[str, float]:
        """Name the figures."""
        return {
            "nmi_start": self.start.nmi,
            "nmi": self.end.nmi,
            "gain": self.end.nmi - self.start.nmi,
            "z": self.z,
            "drop": self.drop,
            "overlap": self.end.overlap,
            "mirror": self.mirror,
            "neighbour": self.neighbour,
            "neighbour_mm": self.neighbour_mm,
            "parts_mm": self.parts_mm,
            "eighths_mm": self.eighths_mm,
            "spread_mm": self.spread_mm,
            "round_trip_mm": self.round_trip_mm,
            "scale_min": self.scales[0],
            "scale_max": self.scales[1],
            "jacobian": self.jacobian,
            "unit": self.unit,
            "voxel_mm": self.voxel_mm,
        }


def measure(terrain: Terrain, start: Matrix, found: Refined) -> Evidence:
    """Compare an answer with its start, with poses nearby, with its parts and its mirror image."""
    end = found.matrix
    z, drop = _distinctness(terrain, end)
    share, away = neighbour(terrain, end)
    parts = parts_apart(terrain, end)
    form = uncertainty_form(terrain, found, parts)
    scales, jacobian = stretch.measured(end)
    return Evidence(
        start=terrain.fine.score(start),
        end=terrain.fine.score(end),
        z=z,
        drop=drop,
        mirror=mirrored(terrain, end),
        neighbour=share,
        neighbour_mm=away,
        parts_mm=moved_mm(parts),
        eighths_mm=moved_mm(eighths_apart(terrain, end)),
        spread_mm=found.spread_mm(terrain),
        round_trip_mm=found.round_trip_mm(terrain),
        uncertainty_mm=np.inf if form is None else over_body(terrain, form, end),
        scales=scales,
        jacobian=jacobian,
        unit=terrain.scene.unit,
        voxel_mm=terrain.scene.voxel_mm,
        form=form,
    )


def _distinctness(terrain: Terrain, end: Matrix) -> tuple[float, float]:
    """Compare the answer with the best of many poses at the same distance from it."""
    similarity = terrain.levels[judging_level(terrain)]
    family = terrain.family(end)
    rng = np.random.default_rng(0)
    totals = []
    for _ in range(DISPLACED):
        terrain.pulse.beat()
        theta = rng.standard_normal(family.size)
        theta *= AWAY_MM * terrain.scene.unit / terrain.apart(family.matrix(theta), end)
        totals.append(similarity.score(family.matrix(theta)).total)
    own = similarity.score(end).total
    lead = own - max(totals)
    return lead / max(float(np.std(totals)), 1e-6), lead / max(own, 1e-6)


def judge(evidence: Evidence) -> Quality:
    """Turn measurements into a verdict and a sentence."""
    verdict, sentence = _said(evidence)
    known = np.isfinite(evidence.uncertainty_mm)
    return Quality(
        verdict=verdict,
        sentence=sentence,
        uncertainty_mm=evidence.uncertainty_mm if known else None,
        numbers=evidence.numbers(),
        uncertainty_form=None if evidence.form is None else as_form(evidence.form),
    )


def stands_out(quality: Quality) -> bool:
    """Whether an answer beats every other pose clearly, its mirror image too; parts may disagree.

    Then no other orientation has to be tried: what is in doubt is how the body fits there.
    """
    return quality.verdict != "FAIL" and not any(_rivalled(quality.numbers).values())


def as_if_bent(quality: Quality) -> str | None:
    """Say how far parts of the body lie off in one frame, as when it was bent between two scans.

    Returns
    -------
    A clause, or None where corners and halves agree.
    """
    numbers, unit = quality.numbers, quality.numbers["unit"]
    corners, halves, whole = numbers["eighths_mm"], numbers["parts_mm"], quality.uncertainty_mm
    unsure = IN_FRAME_UNSURE_VOXELS * numbers["voxel_mm"] / unit
    if not corners <= _corner_limit(unit, numbers["voxel_mm"]):
        return f"corners of the body lie {corners:.1f} mm off"
    if not halves <= PASS_PARTS_MM * unit:
        return f"halves of the body disagree by {halves:.1f} mm"
    if whole is None or whole > float(np.clip(unsure, *IN_FRAME_UNSURE_MM)) * unit:
        return "the anatomy may lie " + ("off" if whole is None else f"{whole:.1f} mm off")
    return None


def _corner_limit(unit: float, voxel_mm: float) -> float:
    return max(PASS_EIGHTHS_MM * unit, PASS_EIGHTHS_VOXELS * voxel_mm)


def _rivalled(numbers: Mapping[str, float]) -> dict[str, bool]:
    """Say what leaves it open whether the answer is the right pose among all."""
    return {
        "mirror": not numbers["mirror"] < MIRROR_LIMIT,
        "neighbour": not numbers["neighbour"] <= PASS_NEIGHBOUR,
        "faint": not (numbers["z"] >= PASS_Z and numbers["drop"] >= PASS_DROP),
        "apart": not numbers["overlap"] >= PASS_OVERLAP,
    }


def _said(e: Evidence) -> tuple[Verdict, str]:
    """Say the worst thing first."""
    for wrong, sentence in _failures(e):
        if wrong:
            return "FAIL", sentence
    for doubtful, sentence in _doubts(e):
        if doubtful:
            return "CHECK", sentence
    return "PASS", (
        f"The volumes match: poses {AWAY_MM * e.unit:.1f} mm away fit clearly worse, and parts and "
        f"repeats agree. Uncertainty {max(e.uncertainty_mm, 0.1):.1f} mm."
    )


def _failures(e: Evidence) -> list[tuple[bool, str]]:
    percent = f"{100 * e.end.overlap:.0f} %"
    apart = e.parts_mm / FAIL_PARTS_MM, e.spread_mm / FAIL_SPREAD_MM
    return [
        *stretch.failures(e.scales, e.jacobian),
        (
            e.end.overlap < FAIL_OVERLAP,
            f"Only {percent} of the anatomy lies in both volumes: do not fuse them.",
        ),
        (
            e.z < FAIL_Z or e.drop < FAIL_DROP,
            "No pose stands out from its neighbours: these volumes could not be aligned.",
        ),
        (
            not max(apart) <= e.unit,
            "The parts of the anatomy call for different poses: do not fuse these volumes.",
        ),
        (
            not e.round_trip_mm <= FAIL_ROUND_TRIP_MM * e.unit,
            f"There and back again, a point ends {e.round_trip_mm:.0f} mm away: do not fuse these "
            "volumes.",
        ),
    ]


def _doubts(e: Evidence) -> list[tuple[bool, str]]:
    percent = f"{100 * e.end.overlap:.0f} %"
    rivalled = _rivalled(e.numbers())
    return [
        (rivalled["mirror"], MIRRORED),
        *stretch.doubts(e.scales),
        (
            rivalled["neighbour"],
            f"A place {e.neighbour_mm:.0f} mm away fits nearly as well, as the next vertebra or "
            "rib does: check which parts meet.",
        ),
        (
            rivalled["faint"],
            "The match is plausible but does not stand out clearly: check edges before use.",
        ),
        (
            e.parts_mm > PASS_PARTS_MM * e.unit or e.spread_mm > PASS_SPREAD_MM * e.unit,
            f"Parts or repeats disagree by {max(e.parts_mm, e.spread_mm):.1f} mm: check edges "
            "before use.",
        ),
        (
            e.round_trip_mm > PASS_ROUND_TRIP_MM * e.unit,
            f"There and back again, a point ends {e.round_trip_mm:.1f} mm away: check edges "
            "before use.",
        ),
        (
            not e.eighths_mm <= _corner_limit(e.unit, e.voxel_mm),
            f"Corners of the body lie {e.eighths_mm:.1f} mm off, as when it is bent: check edges "
            "before use.",
        ),
        (
            not e.uncertainty_mm <= PASS_UNCERTAINTY_MM * e.unit,
            f"The anatomy may lie {e.uncertainty_mm:.1f} mm off, as when it is bent: check edges "
            "before use.",
        ),
        (
            rivalled["apart"],
            f"Only {percent} of the anatomy lies in both volumes: check edges before use.",
        ),
    ]
