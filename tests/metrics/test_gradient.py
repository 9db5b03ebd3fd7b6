import numpy as np
import pytest

from napari_fusion.metrics import q_abf

PERFECT = 0.9994 / (1 + np.exp(-7.5)) * 0.9879 / (1 + np.exp(-4.4))


def test_a_copy_of_one_source_keeps_its_edges_to_the_sigmoids_limit(slices):
    _, sources = slices
    assert q_abf(sources[0], sources[:1]) == pytest.approx(PERFECT)


def test_a_flat_picture_keeps_no_edge(slices):
    _, sources = slices
    assert q_abf(np.full_like(sources[0], 0.5), sources) < 0.1


def test_rounding_noise_does_not_turn_edges_around(slices):
    fused, sources = slices
    rough = q_abf(fused.astype(np.float32), sources.astype(np.float32))
    assert rough == pytest.approx(q_abf(fused, sources), abs=1e-12)


def test_strong_edges_weigh_more(slices):
    _, sources = slices
    faint = sources * np.array([1, 0.1])[:, None, None]
    assert q_abf(faint[0], faint) > q_abf(sources[0], sources)
