import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from napari_fusion import (
    AlignError,
    Alignment,
    Cancelled,
    Grid,
    ParameterError,
    Quality,
    QuantityError,
    Recipe,
    Step,
    Window,
    fuse,
    phantom,
    registration,
    resample,
    run,
)
from napari_fusion.registration.bending import sampled

AS_THEY_LIE = Recipe(align=None)


@pytest.fixture(scope="module")
def pair():
    """CT and MR of one head in one place, on different grids."""
    ct, mr, _ = phantom.misaligned_pair(size="small")
    return ct, phantom.head("T1", mr.grid)


def test_recipes_travel_as_json():
    asked = Recipe(
        method="laplacian",
        params={"levels": 3},
        windows=(Window(lower=0, upper=1), None),
        spacing=(2, 1, 1),
    )
    assert Recipe.model_validate_json(asked.model_dump_json()) == asked


def test_nothing_in_a_recipe_can_be_changed(pair):
    given = {"levels": 3}
    asked = Recipe(params=given, align=None)
    given["levels"] = 4
    for recipe in (asked, Recipe(), run(asked, *pair).recipe):
        with pytest.raises(TypeError, match="does not support item assignment"):
            recipe.params["levels"] = 5
    assert asked.params == {"levels": 3}
    for again in (
        copy.deepcopy(asked),
        pickle.loads(pickle.dumps(asked)),
        Recipe(params=asked.params),
    ):
        assert again.params == asked.params


@pytest.mark.parametrize("change", [{"methid": "average"}, {"accept": "MAYBE"}, {"version": 2}])
def test_a_recipe_refuses_what_it_does_not_know(change):
    with pytest.raises(ParameterError):
        Recipe(**change)


def test_run_is_the_verbs_in_a_row(pair):
    ct, mr = pair
    outcome = run(Recipe(align=None, method="maximum"), ct, mr)
    moved = resample(mr, ct.grid)
    expected = fuse([ct, moved], "maximum", windows=outcome.recipe.windows)
    assert np.array_equal(outcome.fused.array, expected.array)
    assert np.array_equal(outcome.moving_on_fixed[0].array, moved.array)
    assert_allclose(sum(s.array for s in outcome.shares), 1, atol=1e-6)
    assert [s.name for s in outcome.fused.history][-2:] == ["fuse", "gate"]


def test_the_resolved_recipe_replays_bit_for_bit(pair):
    first = run(AS_THEY_LIE, *pair)
    again = run(Recipe.model_validate_json(first.recipe.model_dump_json()), *pair)
    assert np.array_equal(first.fused.array, again.fused.array)
    assert first.recipe == again.recipe
    assert first.recipe.windows is not None
    assert "levels" in first.recipe.params


def test_pet_is_fused_as_suv_where_that_is_asked_for(pair):
    ct, _ = pair
    pet = phantom.head("PET", phantom.default_grid("PET", 8.0))
    stored = run(AS_THEY_LIE, ct, pet)
    outcome = run(Recipe(align=None, suv="bw"), ct, pet)
    assert (stored.inputs[1].unit, outcome.inputs[1].unit) == ("Bq/mL", "g/mL")
    assert outcome.moving_on_fixed[0].unit == "g/mL"
    assert outcome.recipe.windows[1] == Window(lower=0, upper=5)
    again = run(outcome.recipe, ct, pet)
    assert np.array_equal(again.fused.array, outcome.fused.array)


def test_suv_that_cannot_be_is_refused(pair):
    with pytest.raises(ParameterError, match="no volume is: leave it out"):
        run(Recipe(align=None, suv="bw"), *pair)
    bare = replace(phantom.head("PET", phantom.default_grid("PET", 8.0)), pet=None)
    with pytest.raises(QuantityError, match="nothing of dose"):
        run(Recipe(align=None, suv="bw"), pair[0], bare)


def test_three_sources_are_the_same_code(pair):
    ct, mr = pair
    pet = phantom.head("PET", phantom.default_grid("PET", 6.0))
    outcome = run(Recipe(align=None, method="average"), ct, mr, pet)
    assert len(outcome.moving_on_fixed) == len(outcome.alignments) == 2
    assert len(outcome.shares) == 3
    assert outcome.fused.grid == ct.grid


def test_another_spacing_covers_the_fixed_box(pair):
    ct, mr = pair
    outcome = run(Recipe(align=None, method="average", spacing=(8, 8, 8)), ct, mr)
    assert_allclose(outcome.fused.grid.spacing, 8)
    assert_allclose(outcome.fused.grid.centre, ct.grid.centre, atol=1e-6)


def test_as_they_lie_says_not_registered(pair):
    outcome = run(AS_THEY_LIE, *pair)
    assert outcome.alignments[0].quality.verdict == "CHECK"
    assert "NOT REGISTERED" in outcome.state
    assert any("NOT REGISTERED" in w for w in outcome.warnings)


def test_one_frame_of_reference_is_named(pair):
    ct, mr = (replace(v, frame_uid="1.2.3") for v in pair)
    assert "same frame of reference" in run(AS_THEY_LIE, ct, mr).state


def test_031_volumes_of_unknown_sides_are_fused_only_when_that_is_allowed(pair):
    ct, mr = pair[:2]
    mr = mr.with_step(Step("load", {"orientation": "unknown"}, ("orientation unknown",)))
    with pytest.raises(ParameterError, match="which side of volume 2 is .* --unknown-sides"):
        run(Recipe(align=None, method="average"), ct, mr)
    outcome = run(Recipe(align=None, method="average", unknown_sides=True), ct, mr)
    assert outcome.fused.sides_unknown  # so that no picture of it carries letters
    assert "orientation unknown" in outcome.warnings


def test_more_volumes_than_a_picture_can_tell_apart_are_refused(pair):
    with pytest.raises(ParameterError, match=r"at most 8 .* 9 were given"):
        run(AS_THEY_LIE, *(pair[:1] * 9))


def test_a_bent_alignment_without_an_inverse_is_fused(pair):
    ct, mr = pair
    nodes = Grid.regular((6, 40, 40), (20, 4, 4), centre=ct.grid.centre)

    def swirl(points):  # half way round in the middle, and at rest 60 mm from it
        arm = (points - ct.grid.centre)[:, :2]
        turn = np.exp(1j * np.radians(120) * np.clip(1 - np.hypot(*arm.T) / 60, 0, 1))
        round_ = (arm @ [1, 1j]) * (turn - 1)
        return np.stack([round_.real, round_.imag, 0 * round_.real], axis=1)

    bent = Alignment(ct.grid, mr.grid, np.eye(4), field=sampled(swirl, nodes))
    assert bent.invertible
    with pytest.raises(AlignError, match="in its own direction"):
        bent.inverse()
    outcome = run(Recipe(metrics=()), ct, mr, alignments=[bent])
    assert not any("overlap" in warning for warning in outcome.warnings)


def test_013_volumes_that_barely_overlap_are_told(pair):
    ct, mr = pair
    matrix = np.eye(4)
    matrix[2, 3] = 0.9 * mr.grid.extent_mm[0]
    barely = Alignment(ct.grid, mr.grid, matrix)
    outcome = run(Recipe(method="average"), ct, mr, alignments=[barely])
    assert any("of the volumes overlap" in w for w in outcome.warnings)
    assert not any("overlap" in w for w in run(AS_THEY_LIE, ct, mr).warnings)


def test_a_given_alignment_is_not_searched_again(pair):
    ct, mr = pair
    matrix = np.eye(4)
    matrix[0, 3] = 5
    given = Alignment(ct.grid, mr.grid, matrix)
    outcome = run(Recipe(), ct, mr, alignments=[given])
    assert outcome.alignments == (given,)
    expected = resample(mr, ct.grid, given)
    assert np.array_equal(outcome.moving_on_fixed[0].array, expected.array)


def refusing(verdict):
    quality = Quality(verdict=verdict, sentence="The volumes do not agree.")
    return lambda fixed, moving, *_, **__: Alignment.identity(fixed.grid, moving.grid, quality)


@pytest.mark.parametrize(
    ("verdict", "accept", "fused"),
    [
        ("PASS", "PASS", True),
        ("CHECK", "PASS", False),
        ("CHECK", "CHECK", True),
        ("FAIL", "CHECK", False),
        ("FAIL", "FAIL", True),
    ],
)
def test_the_gate_decides_what_is_fused(pair, monkeypatch, verdict, accept, fused):
    monkeypatch.setattr(registration, "align", refusing(verdict))
    asked = Recipe(method="average", accept=accept)
    if fused:
        outcome = run(asked, *pair)
        assert (verdict != "PASS") == any("do not agree" in w for w in outcome.warnings)
    else:
        with pytest.raises(AlignError, match=f"{verdict}. The volumes .* --accept {verdict}"):
            run(asked, *pair)


def test_two_patients_are_refused_unless_named(pair):
    ct, mr = (replace(v, patient=token) for v, token in zip(pair, "ab", strict=True))
    with pytest.raises(ParameterError, match="different patients .* --different-patients"):
        run(AS_THEY_LIE, ct, mr)
    outcome = run(Recipe(align=None, method="average", different_patients=True), ct, mr)
    assert any("DIFFERENT PATIENTS" in w for w in outcome.warnings)
    assert run(AS_THEY_LIE, ct, replace(mr, patient=None)).fused.patient in {None, "a"}


def test_values_that_are_not_finite_are_refused_or_masked(pair):
    ct, mr = pair
    spoiled = mr.array.copy()
    spoiled[:, :3] = np.nan
    spoiled[0, 5, 5] = np.inf
    mr = replace(mr, array=spoiled)
    lost = int(np.count_nonzero(~np.isfinite(spoiled)))
    with pytest.raises(ParameterError, match=f"{lost} voxels that are NaN .* --nan background"):
        run(AS_THEY_LIE, ct, mr)
    outcome = run(Recipe(align=None, method="average", nan="background"), ct, mr)
    assert np.isfinite(outcome.fused.array).all()
    assert any(f"{lost} voxels" in w for w in outcome.warnings)
    filled = outcome.inputs[1].history[-1]
    assert (filled.name, filled.parameters) == ("fill", {"voxels": lost, "value": 0.0})


@pytest.mark.parametrize(
    ("value", "message"), [(np.nan, "no finite value"), (7.0, "constant .every voxel is 7")]
)
def test_volumes_without_content_are_refused(pair, value, message):
    ct, mr = pair
    empty = replace(mr, array=np.full(mr.grid.shape, value, np.float32))
    with pytest.raises(ParameterError, match=message):
        run(AS_THEY_LIE, ct, empty)


def test_one_slice_cannot_be_registered(pair):
    ct, _ = pair
    grid = Grid.regular((1, 20, 20), (5.0, 2.0, 2.0))
    flat = phantom.head("T1", grid)
    with pytest.raises(AlignError, match="one slice only"):
        run(Recipe(), ct, flat)
    assert run(AS_THEY_LIE, phantom.head("CT", grid), flat).fused.grid == grid


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (Recipe(method="laplacien"), "laplacian"),
        (Recipe(params={"levles": 3}), "levels"),
        (Recipe(params={"levels": 99}), "levels"),
        (Recipe(windows=(None,)), "1 windows for 2 volumes"),
    ],
)
def test_a_slip_in_the_recipe_is_named_before_any_work(pair, monkeypatch, asked, message):
    monkeypatch.setattr(registration, "align", None)
    with pytest.raises(ParameterError, match=message):
        run(asked, *pair)


def test_fusion_needs_two_volumes(pair):
    with pytest.raises(ParameterError, match="one was given"):
        run(Recipe(), pair[0])


def test_cancel_reaches_through(pair):
    def stop(fraction, message):
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        run(AS_THEY_LIE, *pair, progress=stop)


def test_the_main_job_recovers_a_known_pose():
    ct, mr, truth = phantom.misaligned_pair(size="small")
    seen = []
    outcome = run(Recipe(), ct, mr, progress=lambda f, m: seen.append(f))
    points = phantom.foreground_points(500, seed=1)
    found = outcome.alignments[0].map_points(points)
    true = Alignment(ct.grid, mr.grid, truth).map_points(points)
    assert np.linalg.norm(found - true, axis=1).mean() < 2.0  # voxels are about 5 mm
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    assert set(outcome.seconds) == {"align", "resample", "fuse", "measure"}
