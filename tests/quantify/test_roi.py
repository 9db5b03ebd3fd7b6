"""Regions against the published digital phantom of IBSI, by hand, and what cannot be measured."""

from dataclasses import replace

import numpy as np
import pytest

from napari_fusion import (
    Grid,
    ParameterError,
    QuantityError,
    Volume,
    attribution,
    fuse,
    measure,
    phantom,
    resample,
)
from napari_fusion.errors import GeometryError
from napari_fusion.quantify.roi import PEAK_RADIUS_MM

PHANTOM = np.array(
    [
        [[1, 4, 4, 1, 1], [1, 4, 6, 1, 1], [4, 1, 6, 4, 1], [4, 4, 6, 4, 1]],
        [[1, 4, 4, 1, 1], [1, 1, 6, 1, 1], [1, 1, 3, 1, 1], [4, 4, 6, 1, 1]],
        [[1, 4, 4, 1, 1], [1, 1, 1, 1, 1], [1, 1, 9, 1, 1], [1, 1, 6, 1, 1]],
        [[1, 4, 4, 1, 1], [1, 1, 1, 1, 1], [1, 1, 1, 1, 1], [1, 1, 6, 1, 1]],
    ],
    np.float32,
)
OUTSIDE = [(1, 2, 0), (2, 0, 3), (2, 0, 4), (2, 2, 2), (3, 0, 3), (3, 0, 4)]
GRID = Grid.regular(PHANTOM.shape, (2.0, 2.0, 2.0))


def labels(array, grid=GRID):
    return Volume(np.asarray(array), grid, "LABEL", "label")


def test_the_phantom_of_ibsi_has_its_published_values():
    """Zwanenburg et al., Radiology 295:328 (2020); ten voxels in a hundred lie outside."""
    mask = np.ones(PHANTOM.shape, np.uint8)
    for place in OUTSIDE:
        mask[place] = 0
    (found,) = measure(Volume(PHANTOM, GRID), labels(mask))
    assert found.voxels == 74
    assert found.ml == pytest.approx(0.592)
    assert round(found.mean, 2) == 2.15
    assert round(found.sd**2, 2) == 3.05
    assert (found.minimum, found.maximum) == (1, 6)
    assert found.percentiles[50] == 1
    assert found.percentiles[75] - found.percentiles[25] == 3
    assert round(found.peak, 1) == 3.1
    hottest = mask * (PHANTOM == 6)  # the local peak: spheres about the hottest voxels alone
    assert round(measure(Volume(PHANTOM, GRID), labels(hottest))[0].peak, 1) == 2.6


@pytest.mark.parametrize("spacing", [(3.3, 1.0, 1.0), (2.0, 4.0, 5.5), (7.0, 6.5, 9.0)])
def test_the_peak_is_the_best_mean_of_a_sphere_written_out(spacing):
    rng = np.random.default_rng(1)
    grid = Grid.regular((7, 11, 12), spacing)
    array = rng.normal(1000, 30, grid.shape)
    array[rng.random(grid.shape) < 0.05] = np.nan
    mask = np.zeros(grid.shape, np.uint8)
    mask[2:5, 1:6, 3:9] = 1
    known = np.isfinite(array)
    points = grid.index_to_lps(np.stack(np.indices(grid.shape), -1))
    means = [
        array[known & (np.linalg.norm(points - p, axis=-1) <= PEAK_RADIUS_MM + 1e-9)].mean()
        for p in points[(mask == 1) & known]
    ]
    (found,) = measure(Volume(array, grid), labels(mask, grid))
    assert found.peak == pytest.approx(max(means), rel=1e-12)
    assert found.missing == int((~known & (mask == 1)).sum())
    assert found.ml == pytest.approx(mask.sum() * np.prod(spacing) / 1000)


def test_each_label_is_measured_and_named():
    array = np.zeros(GRID.shape, np.float32)
    array[0], array[1] = 70000, 3
    volume = Volume(np.arange(array.size, dtype=np.int16).reshape(GRID.shape), GRID, "CT", "HU")
    few, many = measure(volume, labels(array))
    assert (few.label, many.label, few.unit) == (3, 70000, "HU")
    assert (few.mean, many.mean) == (29.5, 9.5)
    assert few.to_json()["p50"] == 29.5


def test_what_is_no_measurement_is_refused():
    volume = Volume(PHANTOM, GRID)
    one = labels(np.ones(GRID.shape, np.uint8))
    with pytest.raises(QuantityError, match="a fused picture holds no measured values"):
        measure(fuse([volume, volume], "average"), one)
    with pytest.raises(QuantityError, match="a share holds no measured values"):
        measure(resample(attribution([volume, volume], "average")[0], GRID), one)
    with pytest.raises(QuantityError, match="a volume of labels"):
        measure(one, one)
    hollow = volume.array.copy()
    hollow[0] = np.nan
    with pytest.raises(QuantityError, match="no value in region 1"):
        measure(replace(volume, array=hollow), labels(np.arange(4)[:, None, None] == 0 * PHANTOM))


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros(GRID.shape), "mark no voxel"),
        (np.full(GRID.shape, 0.5), "whole numbers"),
        (np.full(GRID.shape, np.nan), "whole numbers"),
        (np.full(GRID.shape, np.inf), "whole numbers"),
        (np.full(GRID.shape, -1), "above 0, and one is -1"),
    ],
)
def test_what_are_no_regions_is_refused(array, said):
    with pytest.raises(ParameterError, match=said):
        measure(Volume(PHANTOM, GRID), Volume(array, GRID))


def test_regions_on_another_grid_are_refused():
    other = Grid.regular(GRID.shape, (2.0, 2.0, 2.1))
    with pytest.raises(GeometryError, match="resample the regions"):
        measure(Volume(PHANTOM, GRID), labels(np.ones(GRID.shape, np.uint8), other))


def test_a_lesion_of_the_digital_head_has_its_suv():
    grid = phantom.default_grid("PET", 4.0)
    pet = phantom.head("PET", grid)
    near = np.linalg.norm(grid.index_to_lps(np.stack(np.indices(grid.shape), -1)), axis=-1) < 15
    (found,) = measure(pet, labels(near.astype(np.uint8), grid))
    assert found.mean == pytest.approx(pet.array[near].mean(), rel=1e-6)
    assert found.minimum <= found.percentiles[5] <= found.percentiles[95] <= found.maximum
    assert found.mean < found.peak <= found.maximum
