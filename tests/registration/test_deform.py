import time
from dataclasses import replace

import numpy as np
import pytest

from napari_fusion import phantom
from napari_fusion.errors import AlignError, Cancelled, ParameterError
from napari_fusion.grid import Grid
from napari_fusion.registration import Alignment, AlignOptions, align, assess, resample
from napari_fusion.registration.alignment import pose_matrix
from napari_fusion.registration.bend import (
    FAIL_JACOBIAN,
    drawn_through,
    judged,
    no_better,
    no_surer,
)
from napari_fusion.registration.bending import sampled
from napari_fusion.registration.deform import deform
from napari_fusion.registration.field import DisplacementField
from napari_fusion.registration.pulse import Pulse
from napari_fusion.registration.quality import Quality
from napari_fusion.volume import Volume

COARSE = AlignOptions(model="deformable", search="near", samples=8000, finest_mm=3, grid_mm=4)
SPOTS = phantom.foreground_points(600, seed=2)
GRID = phantom.default_grid("T1", 3.0)
STRAIGHT = Alignment.identity(GRID, GRID)


def head(kind, warp=None, date=0, seed=3):
    return phantom.head(kind, GRID, pose=warp, date=date, seed=seed)


@pytest.fixture(scope="module")
def warp():
    return phantom.warp(5.0, 80.0, seed=4)


@pytest.fixture(scope="module")
def t1():
    return head("T1")


@pytest.fixture(scope="module")
def bent_t1(warp):
    return head("T1", warp, seed=4)


@pytest.fixture(scope="module")
def bent_t2(warp):
    return head("T2", warp, seed=5)


@pytest.fixture(scope="module")
def found(t1, bent_t1):
    return align(t1, bent_t1, COARSE, initial=STRAIGHT)


@pytest.fixture(scope="module")
def assessed(t1, bent_t1, found):
    return assess(t1, bent_t1, found).quality


def error(alignment, warp) -> float:
    """Mean distance in mm of the brain from where the known warp has it."""
    return float(np.linalg.norm(warp(alignment.map_points(SPOTS)) - SPOTS, axis=1).mean())


def field_of(fixed, moving, options=COARSE, masks=(None, None)):
    return deform((fixed, moving), np.eye(4), options, Pulse(None), masks)


def test_a_known_warp_is_found_in_the_same_contrast(found, warp):
    straight = error(Alignment(GRID, GRID, found.matrix), warp)
    assert error(found, warp) < 0.35 * straight
    assert found.quality.numbers["folded"] == 0
    assert found.quality.numbers["jacobian_min"] > 0.4
    assert found.quality.numbers["bend_gain"] > 0.1
    assert found.quality.verdict == "PASS"
    assert "bent by up to" in found.quality.sentence


def test_a_known_warp_is_found_in_another_contrast(t1, bent_t2, warp):
    field = field_of(t1, bent_t2)
    bent = Alignment(GRID, GRID, np.eye(4), field=field)
    assert error(bent, warp) < 0.5 * error(STRAIGHT, warp)
    assert field.jacobian.folded == 0


def test_there_and_back_meets_within_a_tenth_of_a_millimetre(found):
    loop = found.inverse().map_points(found.map_points(SPOTS)) - SPOTS
    assert np.linalg.norm(loop, axis=1).max() < 0.1


@pytest.mark.slow
def test_the_same_head_again_is_hardly_bent(t1):
    field = field_of(t1, head("T1", seed=9))
    assert np.linalg.norm(field.at(SPOTS), axis=1).mean() < 0.15


@pytest.mark.slow
def test_the_same_request_gives_the_same_bits(t1, bent_t1):
    coarse = COARSE.model_copy(update={"grid_mm": 6.0})
    one, two = (align(t1, bent_t1, coarse, initial=STRAIGHT) for _ in range(2))
    np.testing.assert_array_equal(one.field.vectors, two.field.vectors)
    assert one.quality == two.quality


def test_a_saved_result_draws_the_same_bits(found, bent_t1, tmp_path):
    found.save(tmp_path / "bent.tfm")
    again = Alignment.load(tmp_path / "bent.tfm")
    assert again.quality == found.quality
    np.testing.assert_array_equal(
        resample(bent_t1, GRID, again).array, resample(bent_t1, GRID, found).array
    )


def test_assess_judges_the_bent_volume_not_the_straight_one(assessed, t1, bent_t1, found):
    numbers = assessed.numbers
    straight = assess(t1, bent_t1, Alignment(GRID, GRID, found.matrix)).quality.numbers
    assert numbers["nmi"] > straight["nmi"]
    assert numbers["jacobian_min"] == pytest.approx(found.field.jacobian.smallest)


def test_labels_are_bent_and_judged_like_pictures(t1, bent_t1, found):
    fixed, moving = (
        Volume((v.array > 0.3 * v.array.max()).astype(np.uint8), GRID, "LABEL", "label")
        for v in (t1, bent_t1)
    )
    straight = assess(fixed, moving, Alignment(GRID, GRID, found.matrix)).quality.numbers
    assert assess(fixed, moving, found).quality.numbers["nmi"] > straight["nmi"]
    assert set(np.unique(drawn_through(moving, found, lambda: None).array)) >= {0.0, 1.0}


@pytest.mark.slow
def test_a_warp_on_a_turned_head_is_found_from_the_rigid_answer(t1, warp):
    turn = pose_matrix(np.radians([6, -8, 10]), (9, -6, 4), (0, 0, 0))
    bent = head("T1", warp, seed=6)
    turned = Volume(bent.array, Grid(GRID.shape, turn @ GRID.affine), "MR")
    result = align(t1, turned, COARSE.model_copy(update={"search": "wide"}))
    back = np.linalg.inv(turn)
    ends = result.map_points(SPOTS) @ back[:3, :3].T + back[:3, 3]
    assert np.linalg.norm(warp(ends) - SPOTS, axis=1).mean() < 0.6 * error(STRAIGHT, warp)


@pytest.mark.parametrize("noisy", ["fixed", "moving"])
def test_bending_that_does_not_help_is_not_kept(t1, noisy):
    rng = np.random.default_rng(0)
    noise = Volume(rng.normal(0, 1, GRID.shape).astype(np.float32), GRID, "MR")
    pair = (noise, t1) if noisy == "fixed" else (t1, noise)
    try:
        result = align(*pair, COARSE, initial=STRAIGHT)
    except AlignError:
        return
    assert result.quality.verdict == "FAIL"
    assert result.field is None


def test_a_bending_that_lowers_the_held_out_score_is_refused(t1, bent_t1, monkeypatch):
    away = phantom.warp(8.0, 90.0, seed=8)
    wrong = sampled(lambda p: away(p) - p, Grid.regular((30, 30, 30), (8, 8, 8)))
    monkeypatch.setattr("napari_fusion.registration.intensity.deform", lambda *_: wrong)
    result = align(t1, bent_t1, COARSE, initial=STRAIGHT)
    assert result.field is None
    assert result.quality.numbers["bend_gain"] < 0
    assert "linear answer was kept" in result.quality.sentence


@pytest.mark.parametrize("stretch", [FAIL_JACOBIAN[0] / 2, -0.5])
def test_a_bending_that_tears_fails(stretch):
    vectors = np.zeros((6, 6, 6, 3))
    vectors[3:, ..., 2] = stretch - 1
    fine = Quality(verdict="PASS", sentence="Fine.")
    quality = judged(fine, DisplacementField(Grid.regular((6, 6, 6)), vectors))
    assert quality.verdict == "FAIL"
    assert "folds" in quality.sentence


def test_drawing_a_few_slices_at_a_time_changes_nothing(t1, warp):
    field = sampled(lambda p: warp(p) - p, Grid.regular((30, 30, 30), (8, 8, 8)))
    bent = Alignment(GRID, GRID, np.eye(4), field=field)
    whole = resample(t1, GRID, bent, fill=float("nan")).array
    np.testing.assert_allclose(drawn_through(t1, bent, lambda: None).array, whole, atol=1e-3)


def test_bending_does_not_take_away_the_doubt_about_the_pose():
    doubt = Quality(verdict="CHECK", sentence="The mirror image fits as well.")
    fine = Quality(verdict="PASS", sentence="Fine.", uncertainty_mm=0.4)
    both = no_better(fine, doubt, one_patient=False)
    assert both.verdict == "CHECK"
    assert both.sentence.startswith("The mirror image fits as well. ")
    assert both.uncertainty_mm == 0.4
    assert no_better(doubt, fine, one_patient=True) == doubt


@pytest.mark.parametrize("verdict", ["PASS", "CHECK", "FAIL"])
def test_a_bending_is_never_surer_than_what_it_started_from(verdict):
    linear = Quality(verdict=verdict, sentence="Parts disagree.", numbers={"mirror": 0.9})
    fine = Quality(verdict="PASS", sentence="Fine.")
    quality = no_better(fine, linear, one_patient=False)
    assert quality.verdict == verdict
    assert quality.numbers["linear_mirror"] == 0.9
    assert no_better(fine, linear, one_patient=True).verdict == verdict  # that is all it tells


STATES = {
    "mirror": 0.9, "neighbour": 0.8, "overlap": 0.9,
    "parts_mm": 2.5, "spread_mm": 1.0, "round_trip_mm": 1.5,
}  # fmt: skip
"""Numbers of the straight answer between two states of one body."""


@pytest.mark.parametrize("verdict", ["CHECK", "FAIL"])
@pytest.mark.parametrize("one_patient", [True, False])
@pytest.mark.parametrize(
    ("name", "value"),
    [(None, 0), ("mirror", 1.0), ("neighbour", 0.95), ("overlap", 0.4), ("parts_mm", 3.1),
     ("spread_mm", 1.6), ("round_trip_mm", 2.1)],
)  # fmt: skip
def test_a_bending_lifts_what_it_explains_in_one_patient(name, value, one_patient, verdict):
    fine = Quality(verdict="PASS", sentence="Fine.")
    linear = Quality(verdict=verdict, sentence="Parts.", numbers={**STATES, name or "z": value})
    lifted = name is None and one_patient and verdict == "CHECK"
    for rule in (no_better, no_surer):
        quality = rule(fine, linear, one_patient=one_patient)
        assert (quality.verdict == "PASS") == lifted
        assert ("both files name the same" in quality.sentence) == lifted


def test_a_given_bending_of_what_does_not_match_straight_is_to_be_checked(t1):
    """A head that is bent by a centimetre may be another one, however well the bending fits."""
    warp = phantom.warp(7.0, 80.0, seed=6)
    nodes = Grid.regular((52, 52, 52), (5, 5, 5), centre=GRID.centre)
    bend = Alignment(GRID, GRID, np.eye(4), field=sampled(lambda p: warp(p) - p, nodes))
    fixed = replace(head("T1", warp, seed=6), frame_uid=None)
    quality = assess(fixed, t1, bend).quality
    assert quality.verdict == "CHECK"
    assert "Only bending makes these volumes match" in quality.sentence
    assert quality.numbers["linear_eighths_mm"] > 2


def test_files_that_name_one_patient_vouch_for_a_given_bending(t1, bent_t1, found):
    named = [replace(volume, patient="a token") for volume in (t1, bent_t1)]
    assert assess(*named, found).quality.verdict == "PASS"
    other = replace(bent_t1, patient="another")
    assert assess(named[0], other, found).quality.verdict == "CHECK"


def test_a_given_bending_that_stopped_early_is_doubted(assessed, t1, bent_t1, found):
    field = DisplacementField(found.field.grid, found.field.vectors * np.float32(0.2))
    early = assess(t1, bent_t1, Alignment(GRID, GRID, found.matrix, field=field)).quality
    assert "has not found its end" in early.sentence
    assert "has not found its end" not in assessed.sentence
    assert "FAIL" not in {early.verdict, assessed.verdict}


def test_a_bending_that_squeezes_is_to_be_checked():
    vectors = np.zeros((6, 6, 6, 3))
    vectors[3:, ..., 2] = -0.75
    fine = Quality(verdict="PASS", sentence="Fine.")
    quality = judged(fine, DisplacementField(Grid.regular((6, 6, 6)), vectors))
    assert quality.verdict == "CHECK"


@pytest.mark.slow
def test_d58_nan_voxels_count_for_nothing(t1, bent_t1, warp):
    array = np.array(bent_t1.array)
    array[:, :8] = np.nan
    array[np.random.default_rng(0).random(array.shape) < 0.002] = np.nan
    field = field_of(t1, Volume(array, GRID, "MR"))
    bent = Alignment(GRID, GRID, np.eye(4), field=field)
    assert error(bent, warp) < 0.7 * error(STRAIGHT, warp)


def test_cancel_reaches_the_bending(t1, bent_t1):
    seen: list[float] = []

    def progress(fraction: float, words: str) -> None:
        assert 0 <= fraction <= 1
        if words == "bending":
            seen.append(time.monotonic())
            if fraction > 0.5:
                raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        align(t1, bent_t1, COARSE, initial=STRAIGHT, progress=progress)
    assert len(seen) > 3


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["T1", "T2"])
@pytest.mark.parametrize("dates", [(0, 1), (1, 0)])
def test_a_lesion_that_grew_or_shrank_keeps_its_volume(kind, dates):
    """At the second date the tumour has 3.6 times its volume; bending must not explain that."""
    fixed, moving = (phantom.head(kind, date=date, seed=11 + date) for date in dates)
    truth = phantom.tissues(moving.grid, date=dates[1])
    options = AlignOptions(model="deformable", search="near")
    start = Alignment.identity(fixed.grid, moving.grid)
    result = align(fixed, moving, options, initial=start)
    drawn = resample(truth, fixed.grid, result)
    tumour = phantom.Tissue.TUMOUR
    kept = (drawn.array == tumour).sum() / (truth.array == tumour).sum()
    assert 0.9 < kept < 1.1


def box(low, high, value=1) -> Volume:
    spots = GRID.index_to_lps(np.moveaxis(np.indices(GRID.shape), 0, -1))
    inside = ((spots >= low) & (spots <= high)).all(axis=-1)
    return Volume((inside * value).astype(np.uint8), GRID, "LABEL", "label")


@pytest.mark.slow
def test_masks_keep_out_what_lies_outside_them(t1, bent_t1):
    spoilt = np.array(bent_t1.array)
    left = GRID.index_to_lps(np.moveaxis(np.indices(GRID.shape), 0, -1))[..., 0] > 5
    spoilt[left] = np.roll(spoilt, 9, axis=1)[left]
    right = box((-200, -200, -200), (0, 200, 200))
    spots = SPOTS[SPOTS[:, 0] < -2]
    clean = field_of(t1, bent_t1, masks=(right, None)).at(spots)
    same = field_of(t1, Volume(spoilt, GRID, "MR"), masks=(right, None)).at(spots)
    free = field_of(t1, Volume(spoilt, GRID, "MR")).at(spots)
    assert np.linalg.norm(same - clean, axis=1).mean() < 0.1
    assert np.linalg.norm(free - clean, axis=1).mean() > 0.5


@pytest.mark.slow
@pytest.mark.parametrize("role", ["fixed", "moving"])
def test_masks_hold_for_rigid_too(role, t1, error_mm):
    truth = pose_matrix(np.radians([4, -3, 5]), (6, -4, 3), (0, 0, 0))
    spots = GRID.index_to_lps(np.moveaxis(np.indices(GRID.shape), 0, -1))
    other = np.where(spots[..., 2] > 10, t1.array, np.roll(t1.array, (7, 5), (1, 2)))
    upper = box((-200, -200, 14), (200, 200, 200))
    turned = Grid(GRID.shape, truth @ GRID.affine)
    moving = Volume(other.astype(np.float32), turned, "MR")
    mask = Volume(upper.array, turned if role == "moving" else GRID, "LABEL", "label")
    masks = (mask, None) if role == "fixed" else (None, mask)
    options = AlignOptions(samples=8000, finest_mm=3)
    top = SPOTS[SPOTS[:, 2] > 25]
    assert error_mm(align(t1, moving, options, masks=masks), truth, top) < 0.5


@pytest.fixture
def error_mm():
    def measure(alignment, truth, points) -> float:
        gap = alignment.map_points(points) - (points @ truth[:3, :3].T + truth[:3, 3])
        return float(np.linalg.norm(gap, axis=1).mean())

    return measure


@pytest.mark.parametrize("role", ["fixed", "moving"])
@pytest.mark.parametrize("model", ["rigid", "deformable"])
def test_d58_an_empty_mask_is_refused(role, model, t1, bent_t1):
    empty = box((0, 0, 0), (1, 1, 1), value=0)
    masks = (empty, None) if role == "fixed" else (None, empty)
    with pytest.raises(ParameterError, match=f"mask of the {role} volume"):
        align(t1, bent_t1, AlignOptions(model=model), masks=masks)


def test_masks_without_common_anatomy_are_refused(t1, bent_t1):
    masks = box((-200, -200, 30), (200, 200, 200)), box((-200, -200, -200), (200, 200, -40))
    with pytest.raises(AlignError, match="in common"):
        field_of(t1, bent_t1, masks=masks)
