import numpy as np
import pytest

from napari_fusion.fusion import lookup
from napari_fusion.metrics import q_abf


@pytest.fixture
def crisp_and_faint():
    """Give a crisp picture with weak copies of it everywhere but a faint blob of its own."""
    y, x = np.meshgrid(np.linspace(-1, 1, 128), np.linspace(-1, 1, 128), indexing="ij")
    crisp = 0.4 + 0.25 * np.sign(np.sin(25 * x) * np.sin(25 * y))
    faint = 0.45 + 0.1 * np.exp(-((x - 0.1) ** 2 + y**2) / 0.08) * np.cos(14 * x)
    return np.stack([crisp, faint])[:, None].astype(np.float32)


def test_balance_gives_a_faint_source_its_say(crisp_and_faint):
    kept = []
    for balance in (0.0, 0.45, 1.0):
        fused = lookup("auto")(crisp_and_faint, balance=balance).sum(axis=0)[0]
        kept.append(q_abf(fused, crisp_and_faint[1]))
    assert kept[0] < kept[1] < kept[2]


def test_bright_even_structure_stays_bright():
    y, x = np.indices((128, 128))
    skull = (np.abs(np.hypot(y - 64, x - 64) - 50) < 6).astype(np.float32)
    brain = (np.hypot(y - 64, x - 64) < 44) * (0.4 + 0.1 * np.sin(x / 3) * np.sin(y / 4))
    stack = np.stack([skull, brain])[:, None].astype(np.float32)
    fused = lookup("auto")(stack).sum(axis=0).clip(0, 1)[0]
    assert fused[skull == 1].mean() > 0.95


def test_no_halo_around_an_edge_only_one_source_has():
    x = np.indices((96, 96))[1]
    edge = np.where(x < 48, 0.3, 0.7)
    stack = np.stack([edge, np.full_like(edge, 0.05)])[:, None].astype(np.float32)
    fused = lookup("auto")(stack).sum(axis=0)[0]
    assert fused.max() < 0.7 + 0.05
    assert (np.diff(fused, axis=1) > -0.02).all()


def test_unrelated_details_get_past_each_other_but_no_louder_than_the_winner():
    y, x = np.indices((128, 128))
    across, down = (0.5 + 0.2 * np.sin(v / 4) for v in (x, y))
    fused = lookup("auto")(np.stack([across, down])[:, None].astype(np.float32)).sum(axis=0)[0]
    inside = fused[32:96, 32:96]
    rows, columns = inside.mean(axis=1), inside.mean(axis=0)
    assert min(np.ptp(rows), np.ptp(columns)) > 0.5 * 0.4 * 1.1  # more than half of each
    loud = lookup("auto")(
        np.stack([across, 0.5 + 0.02 * np.sin(y / 4)])[:, None].astype(np.float32)
    )
    assert np.ptp(loud.sum(axis=0)[0][32:96, 64]) < 0.05


def test_contradicting_details_are_chosen_not_added():
    x = np.indices((128, 128))[1]
    wave = 0.2 * np.sin(x / 4)
    stack = np.stack([0.5 + wave, 0.5 - 0.5 * wave])[:, None].astype(np.float32)
    fused = lookup("auto")(stack).sum(axis=0)[0]
    assert np.corrcoef(fused[64, 16:112], wave[64, 16:112])[0, 1] > 0.99
