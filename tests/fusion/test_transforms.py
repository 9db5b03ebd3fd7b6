"""Numbers made by other programs; how is told in the file itself."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from napari_fusion.fusion import dual_tree, lookup
from napari_fusion.fusion.congruency import congruency, periodic_congruency
from napari_fusion.fusion.rules import select

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "transforms.json").read_text())


@pytest.fixture
def pair():
    """Give two smooth pictures (2, 128, 128) that fade out well inside their border."""
    y, x = np.mgrid[:128, :128] / 128 - 0.5
    hill = np.exp(-((x / 0.16) ** 2 + (y / 0.13) ** 2))
    other = np.exp(-(((x - 0.05) / 0.12) ** 2 + ((y + 0.06) / 0.15) ** 2))
    return np.stack(
        [
            hill * (0.5 + 0.3 * np.sin(60 * x + 40 * y)),
            other * (0.4 + 0.3 * np.cos(35 * x - 70 * y)),
        ]
    ).astype(np.float32)


def sizes(plane, levels=4):
    """Give the magnitudes of the six complex bands (6, h, w) of every level but the first."""
    trees, found = [plane[None]] * 4, []
    for level in range(levels):
        banks = [
            tuple(dual_tree._bank(tree, min(level, 2)) for tree in both) for both in dual_tree.TREES
        ]
        splits = dual_tree._analysed(trees, banks)
        trees = [low for low, _ in splits]
        bands = []
        for aa, ab, ba, bb in zip(*(details for _, details in splits), strict=True):
            bands += [np.hypot(aa - bb, ab + ba)[0], np.hypot(aa + bb, ab - ba)[0]]
        found.append(np.stack(bands) / np.sqrt(8))
    return found[1:]


def test_the_dual_tree_has_the_six_directions_of_the_reference(pair):
    """Both half-sample delays and all alignments of the trees must be right for one to agree."""
    for ours, expected in zip(sizes(pair[0]), GOLDEN["dtcwt"]["sizes"], strict=True):
        reference = np.array(expected)
        start = ours.shape[1] - ours.shape[1] // 2  # filters lengthen a band, mostly at its start
        for band in reference:
            errors = [
                np.abs(mine[y : y + 4, x : x + 4] - band).max()
                for mine in ours
                for y in range(start - 4, start + 5)
                for x in range(start - 4, start + 5)
                if mine[y : y + 4, x : x + 4].shape == (4, 4)
            ]
            assert min(errors) < 1e-5 * max(reference.max(), 1)


def test_the_dual_tree_fuses_as_the_reference_does(pair):
    """At the finest level low-passes are paired one pixel aside, so details differ a little."""
    fused = lookup("dtcwt")(pair[:, None]).sum(axis=0)[0][48:80:2, 48:80:2]
    apart = np.abs(fused - np.array(GOLDEN["dtcwt"]["fused"]))
    assert apart.mean() < 3e-4
    assert apart.max() < 6e-3


def test_phase_congruency_is_kovesis():
    quarter = np.array(GOLDEN["congruency"]["picture"], np.float32)
    whole = np.block([[quarter, quarter[:, ::-1]], [quarter[::-1], quarter[::-1, ::-1]]])
    measure = periodic_congruency(whole)[:32, :32]
    assert_allclose(measure, GOLDEN["congruency"]["measure"], atol=2e-5)


def test_phase_congruency_minds_neither_contrast_nor_brightness():
    x = np.indices((64, 64))[1]
    edge = np.where(x < 32, 0.3, 0.6).astype(np.float32)
    measure = congruency(edge)
    assert measure[32, 31:33].min() > 0.5
    assert measure[32, 8:20].max() < 0.05
    assert_allclose(congruency(0.5 * edge + 0.1)[16:48], measure[16:48], atol=0.02)


def test_the_phase_rule_prefers_an_edge_to_stronger_noise():
    noise = 0.1 * np.random.default_rng(0).standard_normal((64, 64))
    x = np.indices((64, 64))[1]
    line = 0.15 * np.exp(-(((x - 32) / 1.5) ** 2))
    bands = np.stack([line, noise]).astype(np.float32)
    at_line = np.s_[0, 8:56, 31:34]
    kept = {rule: (select(bands, rule)[at_line] != 0).mean() for rule in ("energy", "phase")}
    assert kept["phase"] > max(kept["energy"], 0.9)
