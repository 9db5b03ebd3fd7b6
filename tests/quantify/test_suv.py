"""SUV against reference objects, formulas worked out by hand, and what has no SUV."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from napari_fusion import Grid, ParameterError, QuantityError, Volume, load, phantom, save, to_suv
from napari_fusion.volume import PetInfo

GRID = Grid.regular((2, 3, 4))
BASE = phantom.head("PET", phantom.default_grid("PET", 8.0)).pet
"""300 MBq F-18 an hour before, 72 kg, 1.74 m."""


def pet(info=BASE, unit="Bq/mL", value=1000.0):
    return Volume(np.full(GRID.shape, value, np.float32), GRID, "PT", unit, pet=info)


def test_weight_and_the_dose_that_was_left_make_suv():
    left = 3e8 * 2 ** (-3600 / 6586.2)
    found = to_suv(pet())
    assert found.unit == "g/mL"
    np.testing.assert_allclose(found.array, 1000 * 72_000 / left, rtol=1e-6)
    step = found.history[-1]
    assert (step.name, step.warnings) == ("suv", ())
    assert step.parameters["factor"] == pytest.approx(72_000 / left)
    assert to_suv(found) is found


def test_lean_mass_and_surface_by_hand():
    by_weight = to_suv(pet(replace(BASE, sex="F"))).array
    index = 72 / 1.74**2
    lean = 9270 * 72 / (8780 + 244 * index)
    found = to_suv(pet(replace(BASE, sex="F")), "lbm")
    np.testing.assert_allclose(found.array, by_weight * lean / 72, rtol=1e-6)
    surface = to_suv(pet(), "bsa")
    assert surface.unit == "cm2/mL"
    np.testing.assert_allclose(
        surface.array, by_weight * (71.84 * 72**0.425 * 174**0.725) / 72_000, rtol=1e-6
    )
    (told,) = to_suv(pet(replace(BASE, sex="O")), "lbm").warnings
    assert "both sexes" in told


@pytest.mark.parametrize(
    ("changes", "unit", "factor"),
    [
        ({"decay_correction": "ADMIN"}, "Bq/mL", 72_000 / 3e8),
        ({"units": "CNTS", "philips_suv_factor": 0.002}, "1", 0.002),
        (
            {"units": "CNTS", "philips_activity_factor": 2.5, "decay_correction": "ADMIN"},
            "1",
            2.5 * 72_000 / 3e8,
        ),
    ],
)
def test_every_way_to_suv(changes, unit, factor):
    found = to_suv(pet(replace(BASE, **changes), unit))
    np.testing.assert_allclose(found.array, 1000 * factor, rtol=1e-6)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"weight_kg": None}, "without patient weight"),
        ({"dose_bq": None, "injected": None}, "without injected dose and injection time"),
        ({"half_life_s": None}, "without half-life"),
        ({"attenuation_corrected": False}, "without attenuation correction"),
        ({"units": "PROPCPS"}, "a unit of activity .found PROPCPS."),
        ({"units": "CNTS"}, "a unit of activity .found CNTS."),
        ({"scanned": BASE.injected - timedelta(hours=1)}, "injected after the scan"),
        ({"scanned": BASE.injected + timedelta(days=1)}, "13 half-lives after the injection"),
        ({"decay_correction": "NONE"}, "without correction for decay to one time"),
        ({"units": "GML", "suv_type": "IBW"}, "SUV by IBW, which is not turned into another"),
        ({"units": "CM2ML"}, "SUV by CM2ML, which is not turned into another"),
    ],
)
def test_077_078_what_has_no_suv_says_why(changes, said):
    with pytest.raises(QuantityError, match=said):
        to_suv(pet(replace(BASE, **changes)))


@pytest.mark.parametrize(
    ("changes", "kind", "said"),
    [
        ({"height_m": None}, "bsa", "without patient height"),
        ({"sex": None}, "lbm", "without the patient's sex"),
    ],
)
def test_other_kinds_say_what_they_take(changes, kind, said):
    with pytest.raises(QuantityError, match=said):
        to_suv(pet(replace(BASE, **changes)), kind)


def test_what_is_no_pet_has_none():
    with pytest.raises(QuantityError, match="this volume is CT"):
        to_suv(replace(pet(), modality="CT"))
    with pytest.raises(QuantityError, match="nothing of dose"):
        to_suv(pet(None))
    with pytest.raises(QuantityError, match="of which kind"):
        to_suv(pet(None, "g/mL"))
    with pytest.raises(QuantityError, match="no unit of activity"):
        to_suv(pet(unit="1"))
    raw = replace(BASE, units="GML", attenuation_corrected=False)
    with pytest.raises(QuantityError, match="attenuation"):
        to_suv(pet(raw, "g/mL"))
    with pytest.raises(ParameterError, match="not 'ibw'"):
        to_suv(pet(), "ibw")


def test_what_an_suv_rests_on_is_doubted():
    odd = replace(BASE, half_life_s=5000.0, attenuation_corrected=None)
    assert [told.split()[0:3] for told in to_suv(pet(odd)).warnings] == [
        ["SUV", "rests", "on"],
        ["SUV", "of", "a"],
    ]


@pytest.mark.parametrize("kind", ["bw", "lbm", "bsa"])
def test_what_is_made_already_is_not_made_again(kind):
    made = to_suv(pet(), kind)
    assert to_suv(made, kind) is made


def test_a_dynamic_scan_may_begin_before_the_injection():
    early = replace(BASE, scanned=BASE.injected - timedelta(seconds=20))
    found = to_suv(pet(early))
    assert found.history[-1].parameters["factor"] == pytest.approx(
        72_000 / (3e8 * 2 ** (20 / 6586.2))
    )
    assert found.warnings == ("the scan began before the injection, as dynamic ones do",)


def test_what_is_made_of_stored_suv_says_by_which_formula():
    stored = replace(BASE, units="GML", suv_type="BW")
    told = to_suv(pet(stored, "g/mL"), "lbm").history[-1].parameters["by"]
    assert told == "SUV by body weight as stored, Janmahasatian 2005"


@pytest.mark.parametrize("suffix", [".nii.gz", ".nii", ".mha", ".nrrd"])
@pytest.mark.parametrize("kind", ["bw", "lbm", "bsa"])
def test_suv_keeps_its_kind_in_a_file(tmp_path, suffix, kind):
    made = to_suv(pet(), kind)
    back = load(save(made, tmp_path / f"kept{suffix}"))
    assert back.unit == made.unit
    assert to_suv(back, kind) is back
    with pytest.raises(QuantityError, match="which is not turned into another|without"):
        to_suv(back, "lbm" if kind == "bw" else "bw")


def test_suv_of_unknown_kind_stays_unknown_in_a_file(tmp_path):
    back = load(save(pet(None, "g/mL"), tmp_path / "unknown.nii"))
    assert (back.unit, back.pet) == ("g/mL", None)


def test_nothing_of_the_patient_is_told():
    told = str(to_suv(pet(PetInfo(**vars(BASE)))).history)
    assert "72" not in told
    assert "2024" not in told


@pytest.mark.real
@pytest.mark.parametrize("number", ["0_0", "1_0", "2_0", "2_4", "3_1", "3_3", "4_1"])
def test_075_reference_objects_have_the_suv_they_were_made_with(data, number):
    """OncoRay's SUV reference objects: 4.00 at most and 1.0055 in the mean of their region."""
    from napari_fusion import resample, scan

    folder = data / "volumes" / "suv_dro"
    (series,) = [one for one in scan(folder / f"DRO_{number}.zip") if one.modality == "PT"]
    suv = to_suv(load(series))
    drawn = load(folder / "DRO_mask.nii.gz")
    region = resample(replace(drawn, modality="LABEL", unit="label"), suv.grid).array > 0
    assert suv.array.max() == pytest.approx(4.0, abs=0.005)
    assert suv.array[region].mean() == pytest.approx(1.0055, abs=0.002)
