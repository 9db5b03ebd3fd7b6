from dataclasses import replace

import numpy as np
import pytest

from napari_fusion.registration import Alignment, AlignOptions, align, assess
from napari_fusion.registration.alignment import pose_matrix
from napari_fusion.registration.gate import Evidence, judge, stands_out
from napari_fusion.registration.intensity import _shared
from napari_fusion.registration.nmi import Score

FAST = AlignOptions(samples=8000, finest_mm=2)
GOOD = Evidence(
    start=Score(0.05, 0.05, 0.9),
    end=Score(0.2, 0.2, 0.95),
    z=6.0,
    drop=0.3,
    mirror=0.8,
    neighbour=0.4,
    neighbour_mm=40.0,
    parts_mm=0.4,
    eighths_mm=0.5,
    spread_mm=0.1,
    round_trip_mm=0.1,
    uncertainty_mm=0.5,
    scales=(1.0, 1.0),
    jacobian=1.0,
)


def test_good_evidence_passes_with_its_uncertainty_in_words():
    quality = judge(GOOD)
    assert quality.verdict == "PASS"
    assert quality.uncertainty_mm == 0.5
    assert "0.5 mm" in quality.sentence
    assert quality.numbers["gain"] == pytest.approx(0.15)


@pytest.mark.parametrize(
    ("change", "verdict", "words"),
    [
        ({"z": 2.0}, "CHECK", "stand out"),
        ({"z": 0.5}, "FAIL", "stands out"),
        ({"drop": 0.1}, "CHECK", "stand out"),
        ({"drop": 0.01}, "FAIL", "stands out"),
        ({"mirror": 1.05}, "CHECK", "left and right"),
        ({"parts_mm": 3.0}, "CHECK", "3.0 mm"),
        ({"parts_mm": 20.0}, "FAIL", "different poses"),
        ({"spread_mm": 1.0}, "CHECK", "1.0 mm"),
        ({"spread_mm": 9.0}, "FAIL", "different poses"),
        ({"round_trip_mm": 1.2}, "CHECK", "There and back"),
        ({"round_trip_mm": 9.0}, "FAIL", "There and back"),
        ({"round_trip_mm": np.nan}, "FAIL", "There and back"),
        ({"jacobian": -1.0}, "FAIL", "left and right"),
        ({"jacobian": np.nan}, "FAIL", "left and right"),
        ({"parts_mm": np.inf}, "FAIL", "different poses"),
        ({"eighths_mm": 1.6}, "CHECK", "1.6 mm off"),
        ({"eighths_mm": np.inf}, "CHECK", "Corners"),
        ({"uncertainty_mm": 2.1}, "CHECK", "2.1 mm off"),
        ({"end": Score(0.2, 0.2, 0.4)}, "CHECK", "40 %"),
        ({"end": Score(0.2, 0.2, 0.1)}, "FAIL", "10 %"),
        ({"scales": (0.95, 1.0)}, "CHECK", "same one"),
        ({"scales": (1.0, 1.04)}, "CHECK", "same one"),
        ({"neighbour": 0.95}, "CHECK", "40 mm away"),
        ({"scales": (0.7, 1.0)}, "FAIL", "stretches"),
        ({"scales": (1.0, 1.3)}, "FAIL", "stretches"),
        ({"scales": (np.nan, np.nan)}, "FAIL", "stretches"),
    ],
)
def test_d58_each_doubt_is_named(change, verdict, words):
    quality = judge(replace(GOOD, **change))
    assert quality.verdict == verdict
    assert words in quality.sentence
    assert quality.sentence.endswith(".")


@pytest.mark.parametrize(
    ("change", "so"),
    [
        ({}, True),
        ({"eighths_mm": 1.6}, True),
        ({"uncertainty_mm": 2.1}, True),
        ({"parts_mm": 3.0}, True),
        ({"parts_mm": 20.0}, False),
        ({"z": 2.0}, False),
        ({"drop": 0.1}, False),
        ({"mirror": 1.05}, False),
        ({"neighbour": 0.95}, False),
        ({"end": Score(0.2, 0.2, 0.4)}, False),
    ],
)
def test_every_orientation_is_tried_unless_the_pose_stands_out(head, monkeypatch, change, so):
    """What the parts of the body say cannot be mended by another orientation."""
    quality = judge(replace(GOOD, **change))
    assert stands_out(quality) == so
    tried = []
    monkeypatch.setattr("napari_fusion.registration.intensity._judged", lambda *_: quality)
    monkeypatch.setattr(
        "napari_fusion.registration.intensity.any_orientation",
        lambda scene: tried.append(scene) or [np.eye(4)],
    )
    found = align(head("T1"), head("T1"), FAST)
    assert bool(tried) != so
    assert found.quality.verdict == quality.verdict


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, "PASS"),
        ({"spread_mm": 1.1, "round_trip_mm": 1.1}, "PASS"),  # the scanner's geometry is no repeat
        ({"eighths_mm": 1.6}, "CHECK"),  # a head that was bent between two scans
        ({"eighths_mm": 2.4, "voxel_mm": 4.0}, "PASS"),
        ({"z": 0.7, "drop": 0.02}, "CHECK"),
        ({"z": 2.0}, "CHECK"),
        ({"parts_mm": 20.0}, "CHECK"),
        ({"mirror": 1.05}, "CHECK"),
        ({"parts_mm": 2.1}, "CHECK"),
        ({"uncertainty_mm": 2.2, "voxel_mm": 4.0}, "PASS"),
        ({"uncertainty_mm": 2.6, "voxel_mm": 8.0}, "CHECK"),
        ({"uncertainty_mm": 2.1}, "CHECK"),
        ({"uncertainty_mm": np.inf, "eighths_mm": np.inf}, "CHECK"),
    ],
)
def test_a_pose_near_the_shared_frame_counts_only_where_it_stands_out(change, verdict):
    """Another person's head in the frame of this one is no match for a pose that lies near."""
    assert _shared(judge(replace(GOOD, **change)), away=1.0).verdict == verdict


def test_a_head_bent_in_the_shared_frame_is_told_by_how_much():
    said = _shared(judge(replace(GOOD, eighths_mm=2.5)), away=0.5)
    assert said.verdict == "CHECK"
    assert "corners of the body lie 2.5 mm off, as when it is bent" in said.sentence


def test_limits_grow_and_shrink_with_the_body():
    assert judge(replace(GOOD, parts_mm=0.3, unit=0.1)).verdict == "CHECK"


def test_d54_a_mirrored_volume_never_passes(head, moved):
    mirrored = replace(head("T1"), array=head("T1").array[:, :, ::-1])
    push = pose_matrix(np.radians([12, -9, 14]), (10, 20, -15), (0, 0, 0))
    found = align(head("CT"), moved(mirrored, push), FAST)
    assert found.quality.verdict != "PASS"
    assert found.quality.numbers["mirror"] > 1
    assert "left and right" in found.quality.sentence


def test_a_volume_of_noise_never_passes(head):
    rng = np.random.default_rng(0)
    noise = replace(head("T1"), array=rng.random(head("T1").array.shape, np.float32))
    assert align(head("CT"), noise, FAST).quality.verdict == "FAIL"


def test_a_given_alignment_is_judged_and_left_as_it_is(head):
    fixed, moving = head("CT"), head("T1")
    right = Alignment.identity(fixed.grid, moving.grid)
    judged = assess(fixed, moving, right)
    assert judged.quality.verdict == "PASS"
    wrong = right.moved((9, 0, 0))
    judged = assess(fixed, moving, wrong)
    np.testing.assert_array_equal(judged.matrix, wrong.matrix)
    assert judged.quality.verdict != "PASS"


def test_a_given_mirror_image_fails(head):
    fixed, moving = head("CT"), head("T1")
    flip = Alignment(fixed.grid, moving.grid, np.diag([-1.0, 1.0, 1.0, 1.0]))
    judged = assess(fixed, moving, flip).quality
    assert judged.verdict == "FAIL"
    assert judged.numbers["jacobian"] == pytest.approx(-1)
