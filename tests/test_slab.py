import numpy as np
import pytest
from dask.array import from_array
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from napari_fusion import Recipe, Window
from napari_fusion.errors import ParameterError
from napari_fusion.slab import CT_WINDOWS, NARROWEST, NEAR_PIXELS, cut, default_window, near


def test_a_window_maps_its_ends_to_zero_and_one():
    window = Window.level(40, 80)
    assert_allclose(window(np.array([-100.0, 0, 40, 80, 900])), [0, 0, 0.5, 1, 1])


def test_values_that_are_not_finite_are_black():
    shown = Window(lower=0, upper=1)(np.array([np.nan, np.inf, -np.inf, 0.5]))
    assert_allclose(shown, [0, 0, 0, 0.5])


@pytest.mark.parametrize("upper", [5, -3])
def test_067_a_window_of_no_width_or_less_is_refused(upper):
    with pytest.raises(ParameterError, match="upper > lower"):
        Window(lower=5, upper=upper)


def test_a_window_too_narrow_for_float32_is_refused():
    with pytest.raises(ParameterError, match="too narrow"):
        Window(lower=0, upper=1e-40)
    narrow = Window(lower=0, upper=2 * NARROWEST)
    assert_allclose(narrow(np.array([0, NARROWEST, 1.0])), [0, 0.5, 1])
    assert default_window(np.linspace(0, 1e-40, 8)[:, None, None], "MR", "1").upper == 1


def test_integers_do_not_overflow():
    assert_allclose(
        Window(lower=-1000, upper=1000)(np.array([-1000, 0, 1000], np.int16)), [0, 0.5, 1]
    )


def test_067_a_window_beside_all_values_shows_them_black_or_white():
    values = np.array([-5.0, 0.0, 7.0])
    assert_allclose(Window(lower=10, upper=20)(values), [0, 0, 0])
    assert_allclose(Window(lower=-30, upper=-20)(values), [1, 1, 1])


@pytest.mark.parametrize("kind", [np.float64, np.int64, np.int32])
def test_a_narrow_window_far_from_zero_tells_values_apart(kind):
    values = 10**9 + np.arange(11).astype(kind)
    window = Window(lower=10**9, upper=10**9 + 10)
    out = np.empty(11, np.float32)
    for shown in (window(values), window(values, out=out), window(from_array(values))):
        assert shown.dtype == np.float32
        assert_allclose(shown, np.linspace(0, 1, 11), atol=1e-6)


@given(st.floats(-1000, 1000), st.floats(0.5, 4000))
def test_windows_travel_as_json(level, width):
    window = Window.level(level, width)
    assert Window.model_validate_json(window.model_dump_json()) == window


@pytest.mark.parametrize(
    ("modality", "unit", "expected"),
    [
        ("CT", "HU", CT_WINDOWS["whole"]),
        ("PT", "g/mL", Window(lower=0, upper=5)),
        ("FUSED", "1", Window(lower=0, upper=1)),
    ],
)
def test_physical_units_have_fixed_windows(modality, unit, expected):
    assert default_window(np.zeros((2, 2, 2)), modality, unit) == expected


@pytest.mark.parametrize("name", ["soft tissue", "Soft-Tissue", "soft_tissue", "-160:240"])
def test_windows_are_read_from_words(name):
    assert Window.model_validate(name) == CT_WINDOWS["soft tissue"]
    assert Recipe(windows=(name, None)).windows == (CT_WINDOWS["soft tissue"], None)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [("bonne", "did you mean 'bone'"), ("1:x", "low:high"), ("", "low:high"), ("3:3", "upper > l")],
)
def test_a_window_nobody_knows_is_refused_in_words(words, sentence):
    with pytest.raises(ValueError, match=sentence):
        Window.model_validate(words)


def test_mr_windows_ignore_the_background():
    array = np.zeros((10, 10, 10), np.float32)
    array[5:] = np.linspace(100, 200, 500).reshape(5, 10, 10)
    window = default_window(array, "MR", "1")
    assert 100 <= window.lower < 105
    assert 195 < window.upper <= 200


def test_a_volume_of_two_values_shows_both():
    mask = np.zeros((4, 4, 4), np.float32)
    mask[1] = 1
    assert default_window(mask, "MR", "1") == Window(lower=0, upper=1)


def test_activity_starts_at_zero():
    array = np.linspace(-5, 100, 1000, dtype=np.float32).reshape(10, 10, 10)
    window = default_window(array, "PT", "Bq/mL")
    assert window.lower == 0
    assert window.upper == pytest.approx(np.percentile(array, 99.9))


@pytest.mark.parametrize("value", [0, np.nan, 7.5, -1e16, 1e30, 2**60])
def test_a_constant_or_empty_volume_still_has_a_window(value):
    array = np.full((3, 3, 3), value)
    window = default_window(array, "MR", "1")
    assert window.upper > window.lower
    assert (window(array) == 0).all()


@given(st.integers(0, 50), st.integers(1, 12))
def test_cuts_cover_everything_once(length, size):
    seen = [i for part in cut(length, size) for i in range(part.start, part.stop)]
    assert seen == list(range(length))


@pytest.mark.parametrize("arrays", [1, 4])
@pytest.mark.parametrize(
    "shape", [(1024, 512), (2, 3, 700, 90), (1, 10**6), (0, 4), (5, 0), (0, 7, 8)]
)
def test_rows_are_cut_whole_into_few_pixels(shape, arrays):
    runs = list(near(shape, arrays))
    assert [row for run in runs for row in range(shape[-2])[run]] == list(range(shape[-2]))
    per_row = arrays * np.prod(shape) // max(shape[-2], 1)
    assert all(
        run.stop - run.start == 1 or (run.stop - run.start) * per_row <= NEAR_PIXELS for run in runs
    )
