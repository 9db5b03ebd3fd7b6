"""One anatomy, whatever the grid, the scanner and the order in which it is drawn."""

import numpy as np
import pytest

from napari_fusion import phantom
from napari_fusion.grid import Grid
from napari_fusion.phantom import Tissue
from napari_fusion.phantom.anatomy import bend, unbend

PET_ONLY = (32.0, 16.0, 40.0)
MR_ONLY = (-28.0, -32.0, 30.0)
TUMOUR = (-36.0, 40.0, 28.0)
COARSE = Grid.regular((46, 58, 44), (4.0, 4.0, 4.0), centre=(0, -4, 0))


def around(point, half_mm=12, spacing=2.0):
    """A small cube of voxels about a point drawn on the even head."""
    n = int(2 * half_mm / spacing) + 1
    return Grid.regular((n, n, n), [spacing] * 3, centre=unbend(np.array([point]))[0])


def ideal(kind, grid, **options):
    return phantom.head(kind, grid, scanner=False, **options).array


def share(tissues, *wanted):
    return np.isin(tissues, wanted).mean()


@pytest.fixture(scope="module")
def coarse_tissues():
    return phantom.tissues(COARSE)


def test_tissues_of_a_head(coarse_tissues):
    assert (coarse_tissues.modality, coarse_tissues.unit) == ("LABEL", "label")
    litres = {
        tissue: (coarse_tissues.array == tissue).sum() * 4.0**3 / 1e6 for tissue in phantom.Tissue
    }
    assert set(np.unique(coarse_tissues.array)) <= set(phantom.Tissue)
    assert 0.45 < litres[Tissue.GREY] < 0.85
    assert 0.35 < litres[Tissue.WHITE] < 0.70
    assert 0.10 < litres[Tissue.CSF] < 0.45
    assert 0.09 < litres[Tissue.CEREBELLAR_GREY] < 0.20
    assert 0.010 < litres[Tissue.VITREOUS] < 0.020  # two globes of about 7 mL


@pytest.mark.parametrize(
    ("tissue", "low", "high"),
    [
        (Tissue.AIR, -1000, -1000),
        (Tissue.FAT, -120, -60),
        (Tissue.CSF, 0, 15),
        (Tissue.WHITE, 20, 35),
        (Tissue.GREY, 32, 45),
        (Tissue.MUSCLE, 40, 70),
        (Tissue.BLOOD, 40, 70),
        (Tissue.MARROW, 200, 800),
        (Tissue.BONE, 800, 1600),
        (Tissue.TOOTH, 1800, 3000),
    ],
)
def test_hounsfield_units_are_those_of_the_tissue(tissue, low, high):
    assert low <= phantom.reading(tissue, "CT") <= high


def test_each_voxel_reads_what_its_tissue_gives(coarse_tissues):
    fine = phantom.tissues(COARSE.with_spacing([2.0, 2.0, 2.0])).array
    cubes = fine.reshape(46, 2, 58, 2, 44, 2).transpose(0, 2, 4, 1, 3, 5).reshape(*COARSE.shape, 8)
    pure = (cubes == cubes[..., :1]).all(axis=-1)
    image = ideal("CT", COARSE)
    for tissue in (Tissue.AIR, Tissue.WHITE, Tissue.MUSCLE):
        voxels = image[pure & (coarse_tissues.array == tissue)]
        assert voxels.size > 50
        np.testing.assert_allclose(np.median(voxels), phantom.reading(tissue, "CT"), atol=0.5)


def test_contrasts_a_reader_expects():
    order = {
        "T1": [Tissue.CSF, Tissue.MUSCLE, Tissue.GREY, Tissue.WHITE, Tissue.FAT],
        "T2": [Tissue.BONE, Tissue.MUSCLE, Tissue.WHITE, Tissue.GREY, Tissue.CSF],
        "PET": [Tissue.FAT, Tissue.MUSCLE, Tissue.WHITE, Tissue.GREY, Tissue.PET_LESION],
        "SPECT": [Tissue.CSF, Tissue.WHITE, Tissue.GREY],
        "CT": [Tissue.FAT, Tissue.CSF, Tissue.WHITE, Tissue.GREY, Tissue.BONE],
    }
    for kind, tissues in order.items():
        values = [phantom.reading(tissue, kind) for tissue in tissues]
        assert values == sorted(values), kind
        assert len(set(values)) == len(values), kind


def test_left_and_right_cannot_be_confused(coarse_tissues):
    tissues = coarse_tissues.array
    flipped = tissues[:, :, ::-1]
    inside = (tissues > 0) | (flipped > 0)
    assert (tissues != flipped)[inside].mean() > 0.15
    assert share(phantom.tissues(around(PET_ONLY)).array, Tissue.PET_LESION) > 0.05
    mirrored = (-PET_ONLY[0], *PET_ONLY[1:])
    assert share(phantom.tissues(around(mirrored)).array, Tissue.PET_LESION) == 0
    assert share(phantom.tissues(around((83, -10, 4))).array, Tissue.CAPSULE) > 0.01
    assert share(phantom.tissues(around((-83, -10, 4))).array, Tissue.CAPSULE) == 0


def test_torque_reaches_back_on_the_left_and_forward_on_the_right():
    ahead = {}
    for side, x in (("left", 14.0), ("right", -14.0)):
        strip = Grid.regular((9, 400, 9), (2.0, 0.5, 2.0), centre=(x, 4.0, 8.0))
        brain = np.isin(phantom.tissues(strip).array, [Tissue.GREY, Tissue.WHITE])
        rows = np.flatnonzero(brain.any(axis=(0, 2)))
        ahead[side] = strip.index_to_lps([[0, row, 0] for row in rows[[0, -1]]])[:, 1]
    assert ahead["left"][1] > ahead["right"][1] + 0.5  # y runs to posterior
    assert ahead["left"][0] > ahead["right"][0] + 0.5


def test_same_tissue_at_the_same_point_on_any_grid():
    rng = np.random.default_rng(7)
    index = np.stack([rng.integers(0, n, 400) for n in COARSE.shape], axis=1)
    points = COARSE.index_to_lps(index)
    straight = phantom.tissues(COARSE).array[tuple(index.T)]
    for order, flips in [((2, 0, 1), (True, False, True)), ((1, 2, 0), (False, True, False))]:
        grid = COARSE.reordered(order, flips)
        there = np.rint(grid.lps_to_index(points)).astype(int)
        np.testing.assert_array_equal(phantom.tissues(grid).array[tuple(there.T)], straight)


@pytest.mark.parametrize("kind", ["CT", "PET"])
def test_any_axis_order_gives_the_same_voxels(kind):
    grid = Grid.regular((20, 24, 22), (6.0, 6.0, 6.0))
    order, flips = (2, 0, 1), (True, False, True)
    turned = ideal(kind, grid.reordered(order, flips))
    straight = ideal(kind, grid).transpose(order)[::-1, :, ::-1]
    np.testing.assert_allclose(turned, straight, rtol=1e-4, atol=0.5)


def test_a_pose_moves_the_image_and_nothing_else():
    pose = phantom.rigid((8, -6, 11), (5, -9, 4), centre=(0, 10, 0))
    here = Grid.regular((14, 16, 12), (7.0, 6.0, 6.0), centre=(5, 0, 10))
    affine = pose @ here.affine  # the same anatomy, seen by an unposed scanner tilted the same way
    expected = ideal("T1", Grid(here.shape, affine))
    np.testing.assert_allclose(ideal("T1", here, pose=pose), expected, atol=0.1)
    by_callable = ideal("T1", here, pose=lambda points: phantom.apply(pose, points))
    np.testing.assert_allclose(by_callable, expected, atol=1.0)


def test_a_slab_equals_the_whole():
    whole = ideal("T1", COARSE)
    for start, stop in ((0, 11), (11, 14), (20, 46)):
        affine = COARSE.affine.copy()
        affine[:3, 3] = COARSE.index_to_lps([start, 0, 0])
        slab = ideal("T1", Grid((stop - start, *COARSE.shape[1:]), affine))
        np.testing.assert_allclose(slab, whole[start:stop], atol=0.5)


def test_coarse_voxels_are_means_of_fine_ones():
    coarse = Grid.regular((10, 12, 10), (6.0, 6.0, 6.0), centre=(0, 0, 20))
    fine = ideal("PET", coarse.with_spacing([1.0, 1.0, 1.0]))
    mean = fine.reshape(10, 6, 12, 6, 10, 6).mean(axis=(1, 3, 5))
    error = np.abs(ideal("PET", coarse) - mean)
    assert error.mean() < 0.03 * mean.max()


def only_difference(kind, centre):
    """How far the lesion's tissue stands out from its ring in the ideal image."""
    grid = around(centre, 14)
    image, tissues = ideal(kind, grid), phantom.tissues(grid).array
    lesion = np.isin(tissues, [Tissue.PET_LESION, Tissue.MR_LESION])
    white = tissues == Tissue.WHITE
    spread = abs(phantom.reading(Tissue.GREY, kind) - phantom.reading(Tissue.WHITE, kind))
    return abs(np.median(image[lesion]) - np.median(image[white])) / spread


def test_lesions_that_only_one_scanner_shows():
    assert only_difference("PET", PET_ONLY) > 1.2
    assert only_difference("T2", MR_ONLY) > 1.2
    for kind in ("CT", "PET", "SPECT"):
        assert np.isnan(phantom.reading(Tissue.MR_LESION, kind))
    for kind in ("CT", "T1", "T2", "SPECT"):
        assert np.isnan(phantom.reading(Tissue.PET_LESION, kind))


def test_a_lesion_one_scanner_does_not_see_leaves_its_image_alone(monkeypatch):
    from napari_fusion.phantom import anatomy, render

    seen = {kind: ideal(kind, around(PET_ONLY)) for kind in ("CT", "T1", "T2", "PET")}
    healthy = tuple(part for part in anatomy.parts(0) if part.tissue != Tissue.PET_LESION)
    monkeypatch.setattr(render, "parts", lambda date: healthy)
    for kind in ("CT", "T1", "T2"):
        np.testing.assert_array_equal(ideal(kind, around(PET_ONLY)), seen[kind])
    assert (seen["PET"] - ideal("PET", around(PET_ONLY))).max() > 10_000


def test_the_tumour_grows_between_the_dates():
    grid = around(TUMOUR, 24)
    before, after = (phantom.tissues(grid, date=date).array == Tissue.TUMOUR for date in (0, 1))
    assert after.sum() > 2 * before.sum() > 0
    assert (after | ~before).all()  # nothing shrinks
    far = around((40, -40, 20), 10)
    for kind in ("T1", "T2", "PET"):
        assert not np.allclose(ideal(kind, grid, date=0), ideal(kind, grid, date=1))
        np.testing.assert_array_equal(ideal(kind, far, date=0), ideal(kind, far, date=1))


def test_bend_and_unbend_are_inverse():
    points = phantom.foreground_points(200)
    bent = bend(unbend(points).T.astype(np.float32)).T
    np.testing.assert_allclose(bent, points, atol=1e-3)
