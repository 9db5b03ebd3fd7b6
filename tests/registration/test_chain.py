"""What a chain of alignments is called, beyond the worse of its verdicts."""

from dataclasses import replace

import numpy as np
import pytest

from napari_fusion.grid import Grid
from napari_fusion.registration import Alignment, Quality

GRID = Grid.regular((50, 50, 50), (4, 4, 4))


def passed(mm=0.5, scale=1.0, **numbers):
    quality = Quality(
        verdict="PASS", sentence="They match.", uncertainty_mm=mm, numbers=numbers or {"unit": 1.0}
    )
    return Alignment(GRID, GRID, np.diag([scale, scale, scale, 1.0]), quality)


def test_a_chain_of_two_that_pass_passes():
    quality = passed().then(passed()).quality
    assert quality.verdict == "PASS"
    assert quality.sentence == "They match. Alignments in a row: uncertainty 0.7 mm."


def test_a_chain_of_three_tells_one_uncertainty():
    for chain in (passed().then(passed()).then(passed()), passed().then(passed().then(passed()))):
        assert chain.quality.sentence == "They match. Alignments in a row: uncertainty 0.9 mm."


@pytest.mark.parametrize(("unit", "mm"), [(1.0, 1.5), (0.1, 0.15)])
def test_a_chain_that_is_less_sure_than_a_pass_may_be_is_checked(unit, mm):
    """Each is below 2 mm (times the body's size), the two in a row are not."""
    quality = passed(mm, unit=unit).then(passed(mm, unit=unit)).quality
    assert quality.verdict == "CHECK"
    assert f"{np.hypot(mm, mm):.1f} mm off" in quality.sentence
    assert quality.uncertainty_mm == pytest.approx(np.hypot(mm, mm))


def test_nothing_is_less_sure_for_a_chain_with_what_is_certain():
    marked = passed(3.5)  # landmarks bound nine errors of ten, and pass by the mean one
    assert marked.then(passed(0.0)).quality.verdict == "PASS"


def test_a_chain_that_stretches_more_than_a_pass_may_is_checked():
    assert passed(scale=1.025).then(passed(scale=0.98)).quality.verdict == "PASS"
    quality = passed(scale=1.025).then(passed(scale=1.025)).quality
    assert quality.verdict == "CHECK"
    assert "another patient" in quality.sentence


def test_a_chain_through_other_voxels_is_checked():
    """Grids agree, as those of two people or two contrasts may; the volumes do not."""
    first = replace(passed(), judged_on=(("a",), ("b", "file b")))
    same = replace(passed(), judged_on=(("b in SUV", "file b"), ("c",)))
    assert first.then(same).quality.verdict == "PASS"
    assert first.then(same).judged_on == (("a",), ("c",))
    other = replace(passed(), judged_on=(("b of another",), ("c",)))
    quality = first.then(other).quality
    assert quality.verdict == "CHECK"
    assert "different volumes in the middle" in quality.sentence
    assert quality.uncertainty_mm is None


def test_a_fail_stays_a_fail_and_says_why():
    fail = Quality(verdict="FAIL", sentence="Do not use it.")
    wide = Alignment(GRID, GRID, np.diag([1.2, 1, 1, 1]), fail)
    for chain in (wide.then(passed()), passed().then(wide)):
        assert (chain.quality.verdict, chain.quality.sentence) == ("FAIL", "Do not use it.")
