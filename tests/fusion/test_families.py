"""What each family promises beyond the laws."""

import tracemalloc

import numpy as np
import pytest
import pywt
from numpy.testing import assert_allclose
from scipy.ndimage import gaussian_filter

from napari_fusion.fusion import lookup, methods, rules
from napari_fusion.fusion.dual_tree import _bank
from napari_fusion.fusion.guided import guided_filter
from napari_fusion.fusion.rules import majority, proportional, select, strongest
from napari_fusion.fusion.shearlet import by_direction, slopes
from napari_fusion.pyramid import merge, split

RULED = [
    (m.name, rule)
    for m in methods()
    for p in m.parameters
    if p.name == "rule"
    for rule in p.choices
]


@pytest.fixture
def planes():
    rng = np.random.default_rng(7)
    return rng.random((2, 41, 38)).astype(np.float32)


def test_a_pyramid_comes_back_together(planes):
    assert_allclose(merge(split(planes[0], 4)), planes[0], atol=1e-6)


def test_strongest_shares_ties():
    activity = np.array([[[1, 2, 3]], [[1, 5, 0]], [[0, 5, 0]]], np.float32)
    assert_allclose(strongest(activity)[:, 0].T, [[0.5, 0.5, 0], [0, 0.5, 0.5], [1, 0, 0]])


def test_a_lone_place_goes_with_its_neighbours():
    first = np.ones((5, 6), np.float32)
    first[2, 2] = 0  # one place against all around it
    first[:, 4:] = 0  # a region of its own
    expected = np.ones_like(first)
    expected[:, 4:] = 0
    assert_allclose(majority(np.stack([first, 1 - first])), [expected, 1 - expected])


def test_proportional_shares_nothing_equally():
    assert_allclose(
        proportional(np.array([[0, 3], [0, 1]], np.float32)).T, [[0.5] * 2, [0.75, 0.25]]
    )


@pytest.mark.parametrize("rule", ["magnitude", "energy", "sml", "phase", "consistent"])
def test_rules_follow_the_more_active_band(planes, rule):
    bands = planes - 0.5
    bands[1] *= 0.01
    chosen = select(bands, rule)
    assert np.mean(chosen[0] == bands[0]) > 0.95


def test_the_guided_filter_follows_the_guide_and_ignores_small_texture():
    y, x = np.indices((40, 40))
    guide = (x >= 20).astype(np.float32)
    wobbly = (x >= 18 + y % 3).astype(np.float32)
    followed = guided_filter(wobbly, guide, 8, 1e-4)
    assert np.ptp(followed[10:30, 23]) < 0.1
    assert followed[20, 24] - followed[20, 15] > 0.8
    assert_allclose(guided_filter(wobbly, np.zeros_like(guide), 0, 1e-4), wobbly, atol=1e-6)


def test_directions_add_up_and_separate(planes):
    assert_allclose(slopes(30, 28, 8).sum(axis=0), 1, atol=1e-6)
    assert_allclose(sum(by_direction(planes, 8)), planes, atol=1e-5)
    _, x = np.indices((64, 64))
    stripes = np.sin(x)[None].astype(np.float32)
    energy = [float((band[:, 16:48, 16:48] ** 2).sum()) for band in by_direction(stripes, 4)]
    assert energy[0] > 10 * sum(energy[1:])


def test_contrast_lifts_detail_in_the_dark_onto_the_bright():
    x = np.indices((32, 32))[1]
    ripple = 0.02 * np.sin(x)
    stack = np.stack([0.05 + ripple, np.full((32, 32), 0.7)])[:, None].astype(np.float32)
    lifted = lookup("contrast")(stack).sum(axis=0)[0]
    plain = lookup("laplacian")(stack).sum(axis=0)[0]
    assert np.ptp(lifted[16]) > 2 * np.ptp(plain[16])


def test_modified_laplacian_base_keeps_bright_even_structure():
    y, x = np.indices((96, 96))
    bone = ((np.abs(x - 30) < 12) & (np.abs(y - 48) < 30)).astype(np.float32)
    soft = np.full_like(bone, 0.3)
    stack = np.stack([bone, soft])[:, None]
    kept = lookup("laplacian_sml")(stack).sum(axis=0)[0, 48, 30]
    assert kept > lookup("laplacian")(stack).sum(axis=0)[0, 48, 30] + 0.1


def test_a_sharper_exponent_decides_more(planes):
    stack = planes[:, None]
    even = lookup("weighted")(stack, sharpness=0) / stack
    sharp = lookup("weighted")(stack, sharpness=8) / stack
    assert_allclose(even, 0.5, atol=1e-6)
    assert sharp.max(axis=0).mean() > 0.65


def test_four_trees_mind_a_shift_less_than_one():
    """Energy of a moving edge in the finest two scales: the dual tree's varies far less."""
    x = np.arange(128)
    edges = [((x >= 50 + s) * np.hanning(128))[None].astype(np.float32) for s in range(8)]

    def wobble(trees):
        energy = []
        for edge in edges:
            total = 0.0
            for tree in trees:
                low = edge[0]
                for level in range(3):
                    low, high = pywt.dwt(low, _bank(tree, level))
                total += float((high**2).sum())
            energy.append(total)
        return np.std(energy) / np.mean(energy)

    assert wobble("ab") < 0.3 * wobble("a")


def test_each_tree_comes_back_together(planes):
    for level in range(3):
        bank = (_bank("a", level), _bank("b", level))
        back = pywt.idwt2(pywt.dwt2(planes[0], bank), bank)[:41, :38]
        assert_allclose(back, planes[0], atol=1e-6)


@pytest.mark.parametrize("name", ["laplacian", "auto", "structure", "guided", "swt", "phase"])
def test_strips_of_rows_change_nothing(name, monkeypatch):
    """Huge slices are decided on a strip at a time: the same to the bit, with less memory."""
    stack = np.random.default_rng(2).random((2, 1, 200, 31)).astype(np.float32)
    whole = lookup(name)(stack, **({"base": 4, "detail": 2} if name == "guided" else {}))
    monkeypatch.setattr(rules, "STRIP_PIXELS", 31 * 24)
    cut = lookup(name)(stack, **({"base": 4, "detail": 2} if name == "guided" else {}))
    assert_allclose(cut, whole, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("name", "rule"), RULED)
def test_strips_of_rows_change_no_rule(name, rule, monkeypatch):
    grain = np.random.default_rng(2).standard_normal((2, 1, 160, 64))
    stack = gaussian_filter(grain, (0, 0, 2, 2)).astype(np.float32)
    whole = lookup(name)(stack, rule=rule)
    monkeypatch.setattr(rules, "STRIP_PIXELS", 64 * 40)
    assert_allclose(lookup(name)(stack, rule=rule), whole, rtol=0, atol=1e-6)


def test_strips_are_cut_with_their_margin(monkeypatch):
    monkeypatch.setattr(rules, "STRIP_PIXELS", 1)
    seen = []

    def watched(planes):
        seen.append(planes.shape[1])
        return np.stack([rules.smooth(plane, 2) for plane in planes])

    planes = np.random.default_rng(3).random((2, 50, 7)).astype(np.float32)
    cut = rules.in_strips(watched, planes, margin=2)
    assert seen == [18, 20, 20, 4]
    assert_allclose(cut, watched(planes), atol=1e-6)


@pytest.mark.parametrize(
    ("name", "planes"), [("laplacian", 8), ("auto", 11), ("guided", 8), ("swt", 11)]
)
def test_a_huge_slice_takes_a_few_planes_of_memory(name, planes):
    """Beside its sources; whole pyramids of maps would be twice as much."""
    side = 3000
    ramp = np.linspace(0, 1, side, dtype=np.float32)
    stack = np.stack([ramp[:, None] * ramp, ramp[:, None] + 0 * ramp])[:, None]
    tracemalloc.start()
    lookup(name)(stack)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < planes * stack[0].nbytes
