"""A trunk of alike vertebrae fits itself one vertebra further: the gate has to say so."""

from dataclasses import replace

import numpy as np
import pytest

from napari_fusion.grid import Grid
from napari_fusion.phantom.trunk import VERTEBRA_MM, trunk
from napari_fusion.registration import AlignOptions, align, assess
from napari_fusion.registration.alignment import Alignment, pose_matrix
from napari_fusion.volume import Volume

FAST = AlignOptions(samples=8000, finest_mm=2)
LONG, SHORT = Grid.regular((90, 60, 80), (4, 4, 4)), Grid.regular((40, 60, 80), (4, 4, 4))


def thrown(volume: Volume) -> tuple[Volume, np.ndarray]:
    push = pose_matrix(np.radians([4, -3, 5]), (12, -9, 14), (0, 0, 0))
    grid = Grid(volume.grid.shape, push @ volume.grid.affine)
    return replace(volume, grid=grid), push


def test_a_row_of_alike_vertebrae_is_to_be_checked():
    moving, _ = thrown(trunk("T1", SHORT))
    quality = align(trunk("CT", LONG), moving, FAST).quality
    assert quality.verdict == "CHECK"
    assert "mm away fits nearly as well" in quality.sentence
    away = quality.numbers["neighbour_mm"] / VERTEBRA_MM
    assert away == pytest.approx(round(away), abs=0.1)


def test_a_pelvis_says_which_vertebra_is_which():
    moving, push = thrown(trunk("T1", SHORT, pelvis=True))
    found = align(trunk("CT", LONG, pelvis=True), moving, FAST)
    np.testing.assert_allclose(found.matrix, push, atol=0.5)
    assert found.quality.verdict == "PASS"


def test_a_given_pose_one_vertebra_off_never_passes():
    fixed, moving = trunk("CT", LONG), trunk("T1", SHORT)
    off = Alignment.identity(LONG, SHORT).moved((0, 0, VERTEBRA_MM))
    assert assess(fixed, moving, off).quality.verdict == "CHECK"


def test_nothing_in_a_head_rivals_the_answer(head):
    quality = align(head("CT"), replace(head("T1"), frame_uid=None), FAST).quality
    assert quality.verdict == "PASS"
    assert quality.numbers["neighbour"] < 0.7


@pytest.mark.parametrize("kind", ["T1", "T2"])
def test_a_mirrored_piece_of_one_side_never_passes(head, kind):
    """It fits the other side of the head, and only its mirror image fits its own."""
    whole, other = (replace(head(k), frame_uid=None) for k in ("T1", kind))
    columns = other.grid.shape[2] * 6 // 10
    piece = np.ascontiguousarray(other.array[:, :, columns - 1 :: -1])
    affine = np.array(other.grid.affine)
    moving, _ = thrown(replace(other, array=piece, grid=Grid(piece.shape, affine)))
    quality = align(whole, moving, FAST).quality
    assert quality.verdict == "CHECK"
    assert "left and right" in quality.sentence
    assert quality.numbers["mirror"] > 1
