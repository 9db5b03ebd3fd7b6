"""Catalogue D, 58: a map that mirrors or stretches is FAIL, whether a field precedes it or not."""

from dataclasses import replace

import numpy as np
import pytest

from napari_fusion.grid import Grid
from napari_fusion.registration import Alignment, DisplacementField, Quality, assess
from napari_fusion.registration.stretch import stretched

PASSED = Quality(verdict="PASS", sentence="They match.", numbers={"scale_min": 1.0, "z": 9.0})


def about(centre, turn):
    matrix = np.eye(4)
    matrix[:3, :3] = turn
    matrix[:3, 3] = centre - turn @ centre
    return matrix


@pytest.mark.parametrize("bent", [False, True])
@pytest.mark.parametrize(
    ("turn", "words"), [(np.diag([-1.0, 1, 1]), "swaps"), (np.eye(3) * 1.5, "stretches")]
)
def test_d58_a_map_that_fits_its_volume_and_not_its_anatomy_fails(head, turn, words, bent):
    ct, mr = head("CT"), head("T1")
    matrix = about(ct.grid.centre, turn)
    other = replace(mr, grid=Grid(mr.grid.shape, matrix @ mr.grid.affine))
    nodes = Grid.regular((12, 12, 12), (20, 20, 20), centre=ct.grid.centre)
    field = DisplacementField(nodes, np.full((12, 12, 12, 3), 0.01, np.float32)) if bent else None
    found = assess(ct, other, Alignment(ct.grid, other.grid, matrix, field=field)).quality
    assert found.verdict == "FAIL"
    assert words in found.sentence
    assert found.numbers["jacobian"] == pytest.approx(np.linalg.det(turn))


def test_d58_the_matrix_of_a_bent_map_is_held_to_the_limits_of_a_linear_one():
    fine = stretched(PASSED, np.diag([1.02, 1, 1, 1]))
    assert (fine.verdict, fine.sentence) == ("PASS", PASSED.sentence)
    assert fine.numbers == {"scale_min": 1, "scale_max": 1.02, "jacobian": 1.02, "z": 9}
    doubtful = stretched(PASSED, np.diag([1.1, 1, 1, 1]))
    assert doubtful.verdict == "CHECK"
    assert "another patient's" in doubtful.sentence
    for scales in ([1.5, 1, 1, 1], [0.7, 1, 1, 1], [-1, 1, 1, 1]):
        assert stretched(PASSED, np.diag(np.array(scales, float))).verdict == "FAIL"
