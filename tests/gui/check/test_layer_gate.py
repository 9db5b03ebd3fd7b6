import numpy as np
import pytest

from napari_fusion import Grid, ParameterError, Quality, Step, Volume
from napari_fusion.gui.check.gate import (
    Aligned,
    Source,
    Standing,
    check_patients,
    same_volume,
    standing,
)

PASS = Standing("PASS", "They match.")
CHECK = Standing("CHECK", "Look at the edges.")
FAIL = Standing("FAIL", "They do not match.")


def source(name, aligned=None, seed=0, **changes):
    grid = Grid.regular((4, 5, 6))
    voxels = np.random.default_rng(seed).normal(size=grid.shape)
    return Source(name, Volume(voxels, grid, **changes), aligned)


def test_two_volumes_about_which_nothing_is_known_are_not_registered():
    found = standing([source("CT"), source("MR", seed=1)])
    assert found.word == "NOT REGISTERED"
    assert "MR lies on CT" in found.sentence


def test_an_unknown_frame_is_not_a_shared_one():
    assert standing([source("a", frame_uid=None), source("b", seed=1)]).word == "NOT REGISTERED"


def test_one_scanner_is_worth_a_look_but_no_more():
    ct, pet = source("CT", frame_uid="1.2"), source("PET", seed=1, frame_uid="1.2")
    assert standing([ct, pet]).word == "CHECK"
    assert "not verified" in standing([ct, pet]).sentence


@pytest.mark.parametrize("verdict", [PASS, CHECK, FAIL])
def test_an_aligned_volume_stands_as_the_gate_said(verdict):
    ct = source("CT")
    assert standing([ct, source("MR", Aligned(ct.volume, verdict), seed=1)]) == verdict


def test_two_volumes_aligned_to_a_third_are_aligned():
    ct = source("CT").volume
    a, b = source("a", Aligned(ct, PASS), seed=1), source("b", Aligned(ct, CHECK), seed=2)
    assert standing([a, b]) == CHECK


def test_aligned_to_different_volumes_is_not_aligned():
    a = source("a", Aligned(source("x", seed=3).volume, PASS), seed=1)
    b = source("b", Aligned(source("y", seed=4).volume, PASS), seed=2)
    assert standing([a, b]).word == "NOT REGISTERED"


def test_the_worst_of_several_counts():
    ct = source("CT")
    others = [source("a", Aligned(ct.volume, PASS), seed=1), source("b", seed=2)]
    assert standing([ct, *others]).word == "NOT REGISTERED"


def test_the_state_is_in_the_name_unless_all_is_well():
    assert PASS.label("fused") == "fused"
    assert CHECK.label("fused") == "fused (CHECK)"
    assert FAIL.label("fused") == "FAIL: fused"
    assert FAIL.label(FAIL.label("fused")) == "FAIL: fused"
    assert CHECK.label(CHECK.label("fused")) == "fused (CHECK)"
    assert CHECK.label("CHECKUP on CT") == "CHECKUP on CT (CHECK)"
    assert FAIL.label("auto: CT + FAIL: MR on CT") == "FAIL: auto: CT + FAIL: MR on CT"


def test_every_word_has_a_shape_of_its_own():
    words = ("PASS", "CHECK", "FAIL", "NOT REGISTERED", "DIFFERENT PATIENTS")
    assert len({Standing(word, "").sign for word in words}) == len(words)


def test_the_word_is_said_once():
    quality = Quality(verdict="PASS", sentence="PASS: they match.")
    assert Standing.of(quality).text == "✔ PASS: they match."


def test_the_same_volume_is_known_again_from_a_copy():
    a = source("a").volume
    copied = Volume(a.array.copy(), a.grid)
    assert same_volume(a, copied)
    assert not same_volume(a, Volume(a.array + 1, a.grid))
    assert not same_volume(a, a.with_step(Step("edit")))


def test_different_patients_are_refused_and_the_override_is_named():
    sources = [source("CT", patient="a"), source("MR", patient="b")]
    with pytest.raises(ParameterError, match=r"different_patients=True"):
        check_patients(sources, different_patients=False)
    check_patients(sources, different_patients=True)


def test_different_patients_are_the_worst_standing_whatever_the_gate_said():
    sources = [source("CT", patient="a"), source("MR", patient="b")]
    stands = standing(sources)
    assert stands.word == "DIFFERENT PATIENTS"
    assert stands.rank > FAIL.rank
    assert stands.label("fused") == "DIFFERENT PATIENTS: fused"


def test_an_unnamed_patient_is_nobody_else():
    check_patients([source("CT", patient="a"), source("MR")], different_patients=False)
