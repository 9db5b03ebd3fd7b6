import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from napari_fusion.errors import AlignError, ParameterError
from napari_fusion.grid import Grid
from napari_fusion.registration import (
    Alignment,
    AlignOptions,
    Landmarks,
    Quality,
    align,
    align_landmarks,
    check_landmarks,
)
from napari_fusion.registration.alignment import pose_matrix
from napari_fusion.registration.landmarks.errors import lattice
from napari_fusion.registration.landmarks.fitting import fit

BOX = Grid.regular((150, 180, 160))
MODELS = ("rigid", "similarity", "affine")


def pairs(n: int, matrix: np.ndarray, noise_mm: float = 0.0, seed: int = 0) -> Landmarks:
    rng = np.random.default_rng(seed)
    fixed = rng.uniform(-70, 70, (n, 3))
    moving = fixed @ matrix[:3, :3].T + matrix[:3, 3] + rng.normal(0, noise_mm, (n, 3))
    return Landmarks(fixed, moving)


def spread(points: np.ndarray) -> np.ndarray:
    """Say how far random places reach along their own axes: some lie on one line by chance."""
    extent: np.ndarray = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    return extent


def pose(degrees=(12, -20, 31), shift=(5, -60, 33)) -> np.ndarray:
    return pose_matrix(np.radians(degrees), shift, (1, 2, 3))


STRETCH = {
    "rigid": np.eye(4),
    "similarity": np.diag([1.07, 1.07, 1.07, 1]),
    "affine": np.array([[1.05, 0.03, 0, 0], [0, 0.96, 0.02, 0], [0, 0, 1.01, 0], [0, 0, 0, 1]]),
}


@given(
    angles=st.tuples(*[st.floats(-180, 180)] * 3),
    shift=st.tuples(*[st.floats(-500, 500)] * 3),
    n=st.integers(5, 12),
    seed=st.integers(0, 99),
    model=st.sampled_from(MODELS),
)
@settings(deadline=None, max_examples=60)
def test_exact_pairs_give_back_their_map(angles, shift, n, seed, model):
    truth = pose(angles, shift) @ STRETCH[model]
    marked = pairs(n, truth, seed=seed)
    assume(spread(marked.fixed)[2 if model == "affine" else 1] > 5)
    np.testing.assert_allclose(fit(marked, model), truth, atol=1e-8)


@given(n=st.integers(3, 8), seed=st.integers(0, 999), noise=st.floats(0, 200))
@settings(deadline=None, max_examples=60)
def test_a_rotation_results_whatever_was_marked(n, seed, noise):
    marked = pairs(n, pose(), noise, seed)
    assume(spread(marked.fixed)[1] > 5)
    assume(spread(marked.moving)[1] > 5)
    linear = fit(marked, "rigid")[:3, :3]
    np.testing.assert_allclose(linear @ linear.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(linear) == pytest.approx(1)


@pytest.mark.parametrize("model", MODELS)
def test_the_fit_is_the_least_of_its_neighbours(model):
    marked = pairs(9, pose() @ STRETCH[model], noise_mm=3)
    best = Alignment(BOX, BOX, fit(marked, model))
    least = (marked.errors(best) ** 2).sum()
    rng = np.random.default_rng(1)
    for _ in range(40):
        push = pose_matrix(rng.normal(0, 0.003, 3), rng.normal(0, 0.3, 3), (0, 0, 0))
        near = Alignment(BOX, BOX, best.matrix @ push)
        assert (marked.errors(near) ** 2).sum() > least


def test_fitzpatricks_formula_is_what_rigid_targets_are_predicted_by():
    marked = pairs(7, pose(), noise_mm=1.5)
    targets = np.random.default_rng(2).uniform(-90, 90, (20, 3))
    fre2 = (marked.errors(align_landmarks(marked, BOX, BOX)) ** 2).mean()
    n = len(marked)
    fle2 = fre2 / (1 - 2 / n)
    x = marked.fixed - marked.fixed.mean(axis=0)
    axes = np.linalg.svd(x)[2]
    r = targets - marked.fixed.mean(axis=0)
    ratio = np.zeros(len(r))
    for axis in axes:  # squared distances from each principal axis, of targets and of landmarks
        d2 = (r**2).sum(axis=1) - (r @ axis) ** 2
        f2 = ((x**2).sum(axis=1) - (x @ axis) ** 2).mean()
        ratio += d2 / f2
    expected = np.sqrt(fle2 / n * (1 + ratio / 3))
    np.testing.assert_allclose(marked.target_error(targets), expected, rtol=1e-9)


@pytest.mark.parametrize("model", MODELS)
def test_predicted_target_errors_are_those_that_happen(model):
    truth = pose() @ STRETCH[model]
    targets = np.random.default_rng(3).uniform(-80, 80, (30, 3))
    where = targets @ truth[:3, :3].T + truth[:3, 3]
    layout = pairs(8, truth).fixed
    happened, predicted = [], []
    for seed in range(400):
        noise = np.random.default_rng(seed).normal(0, 1, layout.shape)
        marked = Landmarks(layout, layout @ truth[:3, :3].T + truth[:3, 3] + noise)
        found = fit(marked, model)
        happened.append(((targets @ found[:3, :3].T + found[:3, 3] - where) ** 2).sum(axis=1))
        predicted.append(marked.target_error(targets, model) ** 2)
    ratio = np.sqrt(np.mean(happened, axis=0) / np.mean(predicted, axis=0))
    np.testing.assert_allclose(ratio, 1, atol=0.12)


@pytest.mark.parametrize(("model", "n"), [("rigid", 4), ("rigid", 9), ("affine", 6)])
def test_nine_errors_of_ten_lie_within_the_uncertainty(model, n):
    truth = pose() @ STRETCH[model]
    targets = np.random.default_rng(3).uniform(-80, 80, (30, 3))
    where = targets @ truth[:3, :3].T + truth[:3, 3]
    layout = pairs(n, truth, seed=8).fixed
    within = []
    for seed in range(300):
        noise = np.random.default_rng(seed).normal(0, 1, layout.shape)
        marked = Landmarks(layout, layout @ truth[:3, :3].T + truth[:3, 3] + noise)
        found = align_landmarks(marked, BOX, BOX, model)
        apart = np.linalg.norm(found.map_points(targets) - where, axis=1)
        within.append((apart < found.uncertainty_at(targets)).mean())
    assert 0.85 < np.mean(within) < 0.95


def test_leaving_each_out_finds_the_pair_marked_wrongly():
    marked = pairs(8, pose(), noise_mm=0.3)
    moving = marked.moving.copy()
    moving[4] += (9, -8, 7)
    wrong = Landmarks(marked.fixed, moving)
    apart = wrong.leave_one_out()
    assert int(apart.argmax()) == 4
    assert apart[4] == pytest.approx(np.sqrt(81 + 64 + 49), abs=3)
    quality = align_landmarks(wrong, BOX, BOX).quality
    assert quality.verdict != "PASS"
    assert "Pair 5 " in quality.sentence


def test_a_model_that_landmarks_cannot_decide_is_refused():
    with pytest.raises(ParameterError, match="not 'deformable'"):
        pairs(8, pose()).leave_one_out("deformable")


def test_good_landmarks_pass_and_say_their_numbers():
    found = align_landmarks(pairs(8, pose(), noise_mm=0.5), BOX, BOX)
    numbers = found.quality.numbers
    assert found.quality.verdict == "PASS"
    assert f"{numbers['fre_mm']:.1f} mm" in found.quality.sentence
    assert found.quality.uncertainty_mm > numbers["tre_mm"]
    over_box = found.uncertainty_at(lattice(BOX))
    assert found.quality.uncertainty_mm == pytest.approx(np.sqrt((over_box**2).mean()))
    assert numbers["pairs"] == 8
    assert numbers["tre_centre_mm"] < numbers["tre_mm"]
    assert numbers["worst_mm"] >= numbers["fre_mm"]
    assert numbers["leave_one_out_mm"] > numbers["fre_mm"]


@pytest.mark.parametrize(("model", "n"), [("rigid", 3), ("similarity", 3), ("affine", 4)])
def test_as_few_pairs_as_the_model_needs_are_to_be_checked(model, n):
    quality = align_landmarks(pairs(n, pose(), noise_mm=0.1), BOX, BOX, model).quality
    assert quality.verdict == "CHECK"
    assert "mark more" in quality.sentence
    if model == "affine":
        assert pairs(n, pose()).target_error([[0, 0, 0]], model) is None
        assert quality.uncertainty_mm is None


@pytest.mark.parametrize(
    ("noise_mm", "verdict", "words"), [(3, "CHECK", "further apart"), (14, "FAIL", "disagree")]
)
def test_poor_landmarks_do_not_pass(noise_mm, verdict, words):
    quality = align_landmarks(pairs(7, pose(), noise_mm, seed=5), BOX, BOX).quality
    assert quality.verdict == verdict
    assert words in quality.sentence


def test_landmarks_in_another_frame_are_asked_about():
    """A volume whose corner is the origin: what is RAS there lies outside in LPS."""
    marked = pairs(8, pose(shift=(110, 110, 110)), noise_mm=0.5)
    there = Grid.regular((220, 220, 220), centre=(110, 110, 110))
    assert align_landmarks(marked, BOX, there).quality.verdict == "PASS"
    ras = Landmarks(marked.fixed, marked.moving * [-1, -1, 1])
    quality = align_landmarks(ras, BOX, there).quality
    assert quality.verdict == "CHECK"
    assert "LPS mm" in quality.sentence
    far = Landmarks(marked.fixed + 1000, marked.moving)
    assert "8 fixed" in align_landmarks(far, BOX, there).quality.sentence


def test_limits_shrink_with_the_volume():
    exact = pairs(8, pose())
    noise = np.random.default_rng(0).normal(0, 0.7, (8, 3))
    mouse = Grid.regular((30, 36, 32), (0.5, 0.5, 0.5))
    for scale, grid, verdict in ((1, BOX, "PASS"), (0.1, mouse, "CHECK")):
        marked = Landmarks(exact.fixed * scale, exact.moving * scale + noise)
        assert align_landmarks(marked, grid, grid).quality.verdict == verdict


def test_marks_with_left_and_right_exchanged_fail_as_rigid_and_are_refused_as_affine():
    mirror = pose() @ np.diag([-1.0, 1, 1, 1])
    marked = pairs(8, mirror, noise_mm=0.5)
    found = align_landmarks(marked, BOX, BOX)
    assert np.linalg.det(found.matrix[:3, :3]) == pytest.approx(1)
    assert found.quality.verdict == "FAIL"
    assert "left and right" in found.quality.sentence
    with pytest.raises(AlignError, match="left and right"):
        align_landmarks(marked, BOX, BOX, "affine")


def test_a_stretch_beyond_belief_fails():
    quality = align_landmarks(pairs(9, np.diag([1.4, 1.4, 1.4, 1])), BOX, BOX, "similarity").quality
    assert quality.verdict == "FAIL"
    assert "1.40" in quality.sentence


LINE = np.outer(np.arange(5.0), [10, 20, -5])
PLANE = np.array([[0, 0, 0], [50, 0, 0], [0, 50, 0], [50, 50, 0], [20, 30, 0]], float)


@pytest.mark.parametrize(
    ("fixed", "moving", "model", "words"),
    [
        (PLANE[:2], PLANE[:2], "rigid", "at least 3"),
        (PLANE[:3], PLANE[:3], "affine", "at least 4"),
        (LINE, LINE, "rigid", "fixed landmarks lie on one line"),
        (PLANE, LINE, "rigid", "moving landmarks lie on one line"),
        (LINE, LINE, "affine", "on one line"),
        (PLANE, PLANE, "affine", "in one plane"),
        (PLANE * 0, PLANE, "similarity", "at one point"),
        (np.empty((0, 3)), np.empty((0, 3)), "rigid", "0 landmark pairs"),
    ],
)
def test_pairs_that_decide_nothing_are_refused(fixed, moving, model, words):
    with pytest.raises(AlignError, match=words):
        align_landmarks(Landmarks(fixed, moving), BOX, BOX, model)


@pytest.mark.parametrize("model", ["rigid", "similarity"])
def test_points_in_a_plane_are_enough_without_shear(model):
    truth = pose()
    marked = Landmarks(PLANE, PLANE @ truth[:3, :3].T + truth[:3, 3])
    np.testing.assert_allclose(fit(marked, model), truth, atol=1e-9)
    assert align_landmarks(marked, BOX, BOX, model).quality.verdict == "PASS"


@pytest.mark.parametrize(
    ("fixed", "moving", "words"),
    [
        (PLANE, PLANE[:4], "5 fixed and 4 moving"),
        (PLANE[:, :2], PLANE, "fixed points must be"),
        (PLANE, np.full((5, 3), np.nan), "moving points must be"),
    ],
)
def test_lists_that_are_no_pairs_are_refused(fixed, moving, words):
    with pytest.raises(ParameterError, match=words):
        Landmarks(fixed, moving)


def test_exchanged_pairs_give_the_inverse():
    marked = pairs(6, pose(), noise_mm=1)
    there, back = (align_landmarks(m, BOX, BOX) for m in (marked, marked.swapped))
    np.testing.assert_allclose(there.inverse().matrix, back.matrix, atol=1e-9)


def test_landmarks_start_a_registration_where_a_near_search_alone_is_lost(head, moved, error):
    truth = pose((170, 10, -20), (30, -40, 50))
    fixed, moving = head("CT"), moved(head("T1"), truth)
    marked = pairs(5, truth, noise_mm=5)
    near = AlignOptions(samples=8000, finest_mm=2, search="near")
    start = align_landmarks(marked, fixed.grid, moving.grid)
    assert error(start.matrix, truth) > 1
    assert error(align(fixed, moving, near, initial=start).matrix, truth) < 0.7
    assert error(align(fixed, moving, near).matrix, truth) > 10


PASS = Quality(verdict="PASS", sentence="The volumes match.", numbers={"z": 5.0})


@pytest.mark.parametrize(
    ("off_mm", "noise_mm", "n", "verdict"),
    [
        (0, 0, 8, "PASS"),
        (3.5, 0, 8, "PASS"),
        (4.5, 0, 8, "CHECK"),
        (4.5, 0, 1, "CHECK"),
        (6, 3, 8, "PASS"),  # marks as rough as these say no more
        (30, 3, 8, "CHECK"),
    ],
)
def test_an_alignment_that_contradicts_landmarks_is_no_pass(off_mm, noise_mm, n, verdict):
    marked = pairs(n, pose(), noise_mm)
    found = Alignment(BOX, BOX, pose(), PASS).moved((off_mm, 0, 0))
    held = check_landmarks(Alignment(BOX, BOX, found.matrix, PASS), marked)
    assert held.quality.verdict == verdict
    assert held.quality.numbers["z"] == 5
    apart = np.sqrt((marked.errors(found) ** 2).mean())
    assert held.quality.numbers["landmarks_mm"] == pytest.approx(apart)
    np.testing.assert_array_equal(held.matrix, found.matrix)


def test_landmarks_never_make_a_fail_better():
    fail = Quality(verdict="FAIL", sentence="Do not use it.")
    far = Alignment(BOX, BOX, np.eye(4), fail)
    assert check_landmarks(far, pairs(5, pose())).quality.sentence == "Do not use it."


def test_landmarks_that_disagree_let_nothing_pass_unsaid():
    grid = Grid.regular((200, 200, 200))
    points = grid.corners * 0.8
    mixed = points.copy()
    mixed[[0, 1]] = mixed[[1, 0]]
    passed = Alignment.identity(grid, grid, Quality(verdict="PASS", sentence="They match."))
    found = check_landmarks(passed, Landmarks(points, mixed)).quality
    assert found.verdict == "CHECK"
    assert "they say nothing of this alignment" in found.sentence


def test_landmarks_of_another_place_are_not_said_to_disagree():
    grid = Grid.regular((200, 200, 200))
    points = np.random.default_rng(0).normal(grid.corners * 0.8, 1.0)
    quality = align_landmarks(Landmarks(grid.corners * 0.8 + 3000, points), grid, grid).quality
    assert quality.verdict == "FAIL"
    assert "8 fixed and 0 moving landmarks of 8 lie outside" in quality.sentence


def test_landmarks_that_confirm_a_stretch_let_it_pass():
    grid = Grid.regular((200, 200, 200))
    stretch = np.diag([1.2, 1.0, 1.1, 1.0])
    passed = Alignment(grid, grid, stretch, Quality(verdict="PASS", sentence="They match."))
    points = grid.corners * 0.8
    found = check_landmarks(passed, Landmarks(points, passed.map_points(points))).quality
    assert (found.verdict, found.sentence) == ("PASS", "They match.")


@pytest.mark.parametrize(("scale", "verdict"), [(1.02, "PASS"), (1.05, "CHECK"), (0.96, "CHECK")])
@pytest.mark.parametrize("model", ["similarity", "affine"])
def test_landmarks_that_stretch_as_another_patient_would_are_asked_about(model, scale, verdict):
    """Voxels need the same 0.97 to 1.03 for a PASS; marks on two people agree as well."""
    marked = pairs(20, pose() @ np.diag([scale, scale, scale, 1]), noise_mm=0.3)
    quality = align_landmarks(marked, BOX, BOX, model).quality
    assert quality.verdict == verdict
    assert ("another patient" in quality.sentence) == (verdict == "CHECK")


def test_no_landmark_holds_nothing():
    none = Landmarks(np.zeros((0, 3)), np.zeros((0, 3)))
    with pytest.raises(ParameterError, match="no landmark was given"):
        check_landmarks(Alignment(BOX, BOX, np.eye(4), PASS), none)


@pytest.mark.parametrize("unit", [0.001, 0.1])
def test_landmarks_in_other_units_than_mm_are_asked_about(unit):
    """In m they agree within a micrometre: a shift of 60 mm was a PASS of 0.06 mm."""
    marked = pairs(8, pose(), noise_mm=0.2)
    assert align_landmarks(marked, BOX, BOX).quality.verdict == "PASS"
    quality = align_landmarks(
        Landmarks(marked.fixed * unit, marked.moving * unit), BOX, BOX
    ).quality
    assert quality.verdict == "CHECK"
    assert "are they in mm?" in quality.sentence


@pytest.mark.parametrize("value", [1e10, -1e300, np.nan])
def test_landmarks_out_of_this_world_are_refused(value):
    points = np.eye(3) * value
    with pytest.raises(ParameterError, match="the fixed points must be"):
        Landmarks(points, points)
