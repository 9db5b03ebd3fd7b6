"""Maps that do not belong to what they are given with are refused, or told of."""

from dataclasses import replace

import dask.array as da
import numpy as np
import pytest

from napari_fusion import Alignment, Grid, ParameterError, Recipe, Volume, align, resample, run
from napari_fusion.phantom import head, misaligned_pair


@pytest.fixture(scope="module")
def pair():
    return misaligned_pair(size="small")


@pytest.fixture(scope="module")
def truth(pair):
    return Alignment(pair[0].grid, pair[1].grid, pair[2])


def test_an_alignment_the_wrong_way_round_draws_nothing(pair, truth):
    ct, mr, _ = pair
    with pytest.raises(ParameterError, match="and not back"):
        resample(mr, ct.grid, truth.inverse())
    with pytest.raises(ParameterError, match="and not back"):
        resample(ct, mr.grid, truth)


def test_a_volume_on_another_grid_than_was_aligned_is_told_of(pair, truth):
    other = head("T1", Grid.regular((30, 30, 30), (5, 5, 5)))
    assert any("another grid" in w for w in resample(other, pair[0].grid, truth).warnings)
    finer = Grid.regular((20, 20, 20), (2, 2, 2), centre=pair[0].grid.centre)
    told = resample(pair[1], finer, truth).warnings
    assert not any("another grid" in w for w in told)  # the target may be any


def test_a_run_refuses_alignments_of_other_volumes(pair, truth):
    ct, mr, _ = pair
    recipe = Recipe(method="average", accept="CHECK")
    assert run(recipe, ct, mr, alignments=[truth]).alignments == (truth,)
    with pytest.raises(ParameterError, match="alignment 1 was made for other volumes"):
        run(recipe, ct, mr, alignments=[truth.inverse()])


def test_maps_that_do_not_follow_one_another_are_not_chained(truth):
    with pytest.raises(ParameterError, match="another volume"):
        truth.then(truth)


def test_a_mirrored_volume_in_a_shared_frame_does_not_pass(pair):
    ct = replace(pair[0], frame_uid="1.2.3")
    t1 = head("T1", ct.grid)
    mirrored = replace(t1, array=t1.array[:, :, ::-1].copy(), frame_uid="1.2.3")
    found = align(ct, mirrored).quality
    assert found.verdict != "PASS"
    assert "left and right" in found.sentence
    assert align(ct, replace(t1, frame_uid="1.2.3")).quality.verdict == "PASS"


@pytest.mark.parametrize("fill", [300, -1, 0.5, np.nan])
def test_a_fill_no_voxel_can_be_is_refused(fill):
    grid = Grid.regular((4, 4, 4))
    labels = Volume(np.ones((4, 4, 4), np.uint8), grid, "LABEL", "label")
    with pytest.raises(ParameterError, match="choose a fill"):
        resample(labels, Grid.regular((6, 6, 6)), fill=fill)


def test_air_is_drawn_around_a_ct_whose_type_has_none():
    grid = Grid.regular((4, 4, 4))
    ct = Volume(np.full((4, 4, 4), 1024, np.uint16), grid, "CT", "HU")
    drawn = resample(ct, Grid.regular((8, 8, 8)), interpolation="nearest")
    assert drawn.array.min() == drawn.history[-1].parameters["fill"] == ct.background
    assert drawn.array.max() == 1024


def test_volumes_larger_than_memory_may_be_aligned(pair):
    lazy = [replace(v, array=da.from_array(v.array, chunks=16)) for v in pair[:2]]
    np.testing.assert_array_equal(align(*lazy).matrix, align(*pair[:2]).matrix)


def test_what_is_no_option_and_no_alignment_is_named(pair):
    with pytest.raises(ParameterError, match="options is str, not AlignOptions"):
        align(pair[0], pair[1], "affine")
    with pytest.raises(ParameterError, match="initial is ndarray, not Alignment"):
        align(pair[0], pair[1], initial=pair[2])
