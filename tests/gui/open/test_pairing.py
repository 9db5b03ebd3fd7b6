from dataclasses import replace

import pytest

from napari_fusion.gui.open.pairing import best_pair, why
from napari_fusion.io import Series


def series(modality, **changes):
    made = Series(
        uid=modality,
        modality=modality,
        description="",
        date="2020-01-02",
        slices=40,
        shape=(40, 4, 5),
        spacing=(1, 1, 1),
        light="green",
        reason="",
        files=(),
        frame_uid="1",
        study_uid="2",
        patient="a",
    )
    return replace(made, **changes)


def pair(*found):
    return best_pair(found)


def test_anatomy_comes_first():
    ct, pet = series("CT"), series("PT")
    assert pair(pet, ct) == (ct, pet)
    assert why((ct, pet)) == "Proposed: CT and PT of the same study and frame of reference."


def test_the_same_frame_and_study_win():
    ct, pet = series("CT"), series("PT", frame_uid="9")
    near = series("MR", frame_uid="9")
    assert pair(ct, pet, near) == (near, pet)
    assert pair(ct, replace(pet, study_uid="3"), series("NM"))[1].modality == "NM"


def test_the_attenuation_corrected_pet_wins():
    ct, good, bad = series("CT"), series("PT"), series("PT", slices=400)
    bad = replace(bad, attenuation_corrected=False)
    assert pair(ct, bad, replace(good, attenuation_corrected=True))[1].attenuation_corrected


def test_function_wins_over_a_second_anatomy():
    assert [one.modality for one in pair(series("MR"), series("CT"), series("NM"))] == ["CT", "NM"]


def test_two_anatomies_are_a_pair_when_there_is_no_function():
    assert [one.modality for one in pair(series("MR"), series("CT"))] == ["CT", "MR"]


def test_the_whole_series_wins_over_a_scout():
    scout, whole = series("CT", slices=2), series("CT", slices=200)
    assert pair(scout, whole, series("PT"))[0] is whole


@pytest.mark.parametrize(
    "other",
    [
        series("PT", patient="b"),
        series("PT", light="red"),
        series("CT"),
        series("OTHER"),
    ],
)
def test_what_does_not_belong_together_is_no_pair(other):
    assert pair(series("CT"), other) is None


def test_strangers_in_space_are_proposed_with_a_warning():
    found = pair(series("CT"), series("MR", frame_uid=None, study_uid=None))
    assert "align them" in why(found)
