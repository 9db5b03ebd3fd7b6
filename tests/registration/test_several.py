from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_fusion.errors import Cancelled, ParameterError
from napari_fusion.grid import Grid
from napari_fusion.registration import (
    Alignment,
    AlignOptions,
    align_all,
    loop_consistency,
)
from napari_fusion.registration.alignment import pose_matrix
from napari_fusion.volume import Volume

FAST = AlignOptions(samples=8000, finest_mm=2)
A = Grid.regular((20, 30, 40), (3.0, 1.0, 1.0), centre=(5, -7, 11))
B = Grid.regular((25, 25, 25), (2.0, 2.0, 2.0), centre=(-20, 3, 60))
C = Grid.regular((9, 40, 40), (5.0, 1.0, 1.0))
EMPTY = Volume(np.zeros(B.shape, np.float32), B, "MR")


def turned(fixed: Grid, moving: Grid, seed: int) -> Alignment:
    rng = np.random.default_rng(seed)
    matrix = pose_matrix(rng.uniform(-1, 1, 3), rng.uniform(-50, 50, 3), fixed.centre)
    return Alignment(fixed, moving, matrix)


@given(
    shift=st.tuples(*[st.floats(-300, 300)] * 3),
    degrees=st.tuples(st.floats(-179, 179), st.floats(-89, 89), st.floats(-179, 179)),
)
@settings(deadline=None)
def test_six_numbers_make_a_pose_and_are_read_back(shift, degrees):
    pose = Alignment.identity(A, B).moved(shift, degrees)
    np.testing.assert_allclose(pose.pose()[0], shift, atol=1e-9)
    np.testing.assert_allclose(pose.pose()[1], degrees, atol=1e-6)
    again = Alignment.identity(A, B).moved(*pose.pose())
    np.testing.assert_allclose(again.matrix, pose.matrix, atol=1e-9)


def test_a_pose_of_180_degrees_or_a_stretched_map_is_still_a_pose():
    upside = Alignment.identity(A, B).moved((1, 2, 3), (180, 0, 0))
    np.testing.assert_allclose(np.abs(upside.pose()[1]), [180, 0, 0], atol=1e-6)
    wide = Alignment(A, B, upside.matrix @ np.diag([1.1, 0.9, 1, 1]))
    np.testing.assert_allclose(np.abs(wide.pose()[1]), [180, 0, 0], atol=1e-6)


@pytest.mark.parametrize("about_p", [90, -90])
def test_a_pose_at_which_two_turns_are_one_is_still_read_back(about_p):
    pose = Alignment.identity(A, B).moved((1, 2, 3), (20, about_p, 35))
    again = Alignment.identity(A, B).moved(*pose.pose())
    np.testing.assert_allclose(again.matrix, pose.matrix, atol=1e-6)


def test_a_push_by_hand_comes_before_what_was_found():
    found = turned(A, B, 3)
    pushed = found.moved((1, -2, 3), (4, 5, -6))
    push = Alignment.identity(A, A).moved((1, -2, 3), (4, 5, -6))
    points = np.random.default_rng(0).uniform(-50, 50, (9, 3))
    np.testing.assert_allclose(
        pushed.map_points(points), found.map_points(push.map_points(points)), atol=1e-9
    )
    assert pushed.quality.verdict == "CHECK"


def test_one_failure_is_one_result(head, moved, error):
    truth = pose_matrix((0.1, -0.1, 0.2), (8, -9, 10), (0, 0, 0))
    told = []
    found = align_all(
        head("CT"),
        [EMPTY, moved(head("T1"), truth)],
        FAST,
        progress=lambda fraction, words: told.append(fraction),
    )
    assert [a.quality.verdict for a in found] == ["FAIL", "PASS"]
    assert "same value" in found[0].quality.sentence
    assert found[0].quality.sentence[0].isupper()
    assert found[0].quality.sentence.endswith(".")
    assert found[0].rests(found[0].fixed)
    assert found[0].moving == B
    assert error(found[1].matrix, truth) < 1
    assert told == sorted(told)
    assert told[-1] == 1


def test_starts_belong_to_their_volumes(head, moved, error):
    truth = pose_matrix((2.8, 0.1, 0.2), (8, -90, 10), (0, 0, 0))
    fixed, there = head("CT"), moved(head("T1"), truth)
    near = FAST.model_copy(update={"search": "near"})
    start = Alignment(fixed.grid, there.grid, truth).moved((3, -3, 2), (2, 3, -3))
    found = align_all(fixed, [there, head("T1")], near, initials=[start, None])
    assert error(found[0].matrix, truth) < 1
    assert error(found[1].matrix, np.eye(4)) < 1
    with pytest.raises(ParameterError, match="1 starts were given for 2"):
        align_all(fixed, [there, there], near, initials=[start])


def box(grid, low, high, value=1):
    spots = grid.index_to_lps(np.moveaxis(np.indices(grid.shape), 0, -1))
    inside = ((spots >= low) & (spots <= high)).all(axis=-1)
    return Volume((inside * value).astype(np.uint8), grid, "LABEL", "label")


def test_masks_belong_to_their_volumes(head, moved, error):
    """The lower half of each volume lies elsewhere: only masks of the upper half find the pose."""
    truth = pose_matrix((0.07, -0.05, 0.09), (6, -4, 3), (0, 0, 0))
    fixed, anatomy = head("T1"), head("T1")
    spots = anatomy.grid.index_to_lps(np.moveaxis(np.indices(anatomy.grid.shape), 0, -1))
    array = np.where(spots[..., 2] > 10, anatomy.array, np.roll(anatomy.array, (7, 5), (1, 2)))
    spoilt = moved(Volume(array, anatomy.grid, "MR"), truth)
    upper = moved(box(anatomy.grid, (-200, -200, 14), (200, 200, 200)), truth)
    empty = box(spoilt.grid, (0, 0, 0), (1, 1, 1), value=0)
    masks = None, [upper, empty]
    masked, without = align_all(fixed, [spoilt, spoilt], FAST, masks=masks)
    assert error(masked.matrix, truth) < 2
    assert without.quality.verdict == "FAIL"
    assert "mask of the moving volume" in without.quality.sentence
    with pytest.raises(ParameterError, match="1 masks were given for 2"):
        align_all(fixed, [spoilt, spoilt], FAST, masks=(None, [upper]))


def test_a_mask_of_a_few_voxels_is_one_failure(head):
    """It marks something, but no sample of the coarsest level: that was a division by zero."""
    fixed = head("CT")
    speck = box(fixed.grid, (-2, -2, -2), (2, 2, 2))
    (found,) = align_all(fixed, [head("T1")], FAST, masks=(speck, None))
    assert found.quality.verdict == "FAIL"
    assert "give a larger mask" in found.quality.sentence


def test_no_moving_volume_is_no_result():
    assert align_all(EMPTY, []) == []


def test_cancelling_stops_the_rest(head):
    def progress(fraction: float, words: str) -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        align_all(head("CT"), [EMPTY, head("T1")], FAST, progress=progress)


def test_d60_a_loop_of_right_alignments_closes():
    ab, bc = turned(A, B, 0), turned(B, C, 1)
    quality = loop_consistency(ab, bc, ab.then(bc).inverse())
    assert quality.verdict == "PASS"
    assert quality.numbers["loop_max_mm"] < 1e-9
    assert "3 volumes" in quality.sentence


@pytest.mark.parametrize(("off_mm", "verdict"), [(1.5, "PASS"), (4.0, "CHECK"), (20.0, "FAIL")])
def test_d60_a_loop_says_how_far_from_closed_it_is(off_mm, verdict):
    ab, bc = turned(A, B, 0), turned(B, C, 1)
    back = ab.then(bc).inverse().moved((off_mm, 0, 0))
    quality = loop_consistency(ab, bc, back)
    assert quality.verdict == verdict
    assert quality.numbers["loop_mean_mm"] == pytest.approx(off_mm)
    assert f"{off_mm:.1f} mm" in quality.sentence
    assert quality.numbers["loop_limit_mm"] == pytest.approx(1.5 * 2)


def test_a_loop_is_measured_where_it_is_asked():
    ab = turned(A, B, 0)
    back = ab.inverse().moved(degrees=(0, 0, 5))  # about the centre of B
    at = ab.inverse().map_points(B.centre)
    assert loop_consistency(ab, back, points=[at]).numbers["loop_max_mm"] < 1e-9
    assert loop_consistency(ab, back).numbers["loop_max_mm"] > 1


@pytest.mark.parametrize(
    ("loop", "words"),
    [
        ([turned(A, A, 0)], "at least two"),
        ([turned(A, B, 0), turned(C, A, 1)], "alignment 1 ends"),
        ([turned(A, B, 0), turned(B, C, 1)], "alignment 2 ends"),
    ],
)
def test_what_is_no_loop_is_refused(loop, words):
    with pytest.raises(ParameterError, match=words):
        loop_consistency(*loop)


@pytest.mark.slow
def test_d60_three_modalities_of_one_head_close(head, moved, brain):
    poses = [pose_matrix(np.full(3, a), np.full(3, 40 * a), (0, 0, 0)) for a in (0, 0.15, -0.2)]
    volumes = [moved(head(k), p) for k, p in zip(("CT", "T1", "PET"), poses, strict=True)]
    pairs = zip(volumes, (*volumes[1:], volumes[0]), strict=True)
    quality = loop_consistency(*(align_all(a, [b], FAST)[0] for a, b in pairs), points=brain)
    assert quality.verdict == "PASS"
    assert quality.numbers["loop_mean_mm"] < 1.5 * 4


def test_d60_a_loop_through_other_voxels_does_not_vouch_for_its_alignments():
    """Two bodies on one grid: the maps follow one another, the volumes do not."""
    ab, ba = turned(A, B, 0), turned(A, B, 0).inverse()
    one = replace(ab, judged_on=(("a",), ("b",)))
    assert loop_consistency(one, replace(ba, judged_on=(("b", "file"), ("a",)))).verdict == "PASS"
    quality = loop_consistency(one, replace(ba, judged_on=(("other",), ("a",))))
    assert quality.verdict == "CHECK"
    assert "other voxels" in quality.sentence


@pytest.mark.parametrize("points", [[0, 0, 0], [[0, 0, np.nan]], [[1, 2]], "x", np.zeros((0, 3))])
def test_d60_a_loop_is_followed_from_points(points):
    with pytest.raises(ParameterError, match="points? "):
        loop_consistency(turned(A, B, 0), turned(A, B, 0).inverse(), points=points)
