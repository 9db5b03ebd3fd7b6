import numpy as np
import pytest

from napari_fusion.metrics import ssim, ssim_foreground


def test_a_picture_is_like_itself(slices):
    fused, _ = slices
    assert ssim(fused, fused[None]) == pytest.approx(1)
    assert ssim_foreground(fused, fused[None]) == pytest.approx(1)


def test_it_is_scikit_images(slices):
    skimage = pytest.importorskip("skimage.metrics")
    fused, sources = slices
    expected = np.mean([skimage.structural_similarity(fused, s, data_range=1) for s in sources])
    assert ssim(fused, sources) == pytest.approx(expected, abs=1e-9)


def test_an_empty_background_does_not_flatter_the_foreground(slices):
    fused, sources = slices
    wide = [np.pad(p, 40) for p in (fused, *sources)]
    assert ssim(wide[0], np.stack(wide[1:])) > ssim(fused, sources) + 0.05
    whole = ssim_foreground(wide[0], np.stack(wide[1:]))
    assert whole == pytest.approx(ssim_foreground(fused, sources), abs=1e-9)


def test_too_small_a_picture_has_no_windows():
    assert np.isnan(ssim(np.ones((6, 9)), np.ones((1, 6, 9))))
