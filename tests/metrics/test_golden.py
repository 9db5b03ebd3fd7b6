"""Numbers made by other programs; how is told in the file itself."""

import json
from pathlib import Path

import pytest

from napari_fusion.metrics import lookup, metrics

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "metrics.json").read_text())
APART = {"q_abf": 1e-6}  # the reference takes equal gradients of one grey level for a half match


@pytest.mark.parametrize("name", GOLDEN["whole"])
def test_agrees_with_the_public_codes(name, slices):
    expected = pytest.approx(GOLDEN["whole"][name], rel=APART.get(name, 1e-10))
    assert lookup(name)(*slices) == expected


@pytest.mark.parametrize("name", GOLDEN["crops"])
def test_agrees_on_a_part_of_the_picture(name, slices):
    fused, sources = slices
    case = GOLDEN["crops"][name]
    rows, columns = slice(*case["rows"]), slice(*case["columns"])
    value = lookup(name)(fused[rows, columns], sources[:, rows, columns])
    assert value == pytest.approx(case["value"], rel=1e-10)


def test_every_metric_has_a_golden_number():
    known = {*GOLDEN["whole"], *GOLDEN["crops"], "ssim_foreground"}  # that one is a masked ssim
    assert known == {m.name for m in metrics()}
