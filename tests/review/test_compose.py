"""Laws of comparing two pictures: modes × shapes × pixels."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from napari_fusion import ParameterError, Window
from napari_fusion.palette import clear_below, palette
from napari_fusion.review import (
    blend,
    checkerboard,
    difference,
    disc,
    draw,
    edges,
    opaque,
    outlines,
    over,
    paint,
    swipe,
    two_colours,
)

SHAPES = [(1, 1), (1, 37), (64, 64), (33, 80)]
PIXELS = [(1.0, 1.0), (3.27, 0.98)]
UNIT = Window(lower=0, upper=1)

MODES = {
    "blend": lambda a, b, mm: blend(a, b, 0.3),
    "swipe": lambda a, b, mm: swipe(a, b, 0.4),
    "curtain": lambda a, b, mm: swipe(a, b, 0.4, "top-bottom"),
    "checkerboard": lambda a, b, mm: checkerboard(a, b, 7.0, mm),
    "over": lambda a, b, mm: over(a, b, 0.6),
    "two colours": lambda a, b, mm: two_colours(a, b),
}


def pictures(shape, hole=True):
    rng = np.random.default_rng(7)
    made = []
    for name in ("grey", "hot iron"):
        values = rng.random(shape, np.float32)
        if hole:
            values[rng.random(shape) < 0.2] = np.nan
        made.append(paint(values, UNIT, palette(name)))
    return made


@pytest.mark.parametrize("pixel_mm", PIXELS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("mode", MODES)
def test_every_mode_keeps_raster_and_inputs_and_is_repeatable(mode, shape, pixel_mm):
    a, b = pictures(shape)
    kept = a.copy(), b.copy()
    found = MODES[mode](a, b, pixel_mm)
    assert found.shape == a.shape
    assert found.dtype == np.uint8
    assert_array_equal(a, kept[0])
    assert_array_equal(b, kept[1])
    assert_array_equal(found, MODES[mode](a, b, pixel_mm))
    assert not np.shares_memory(found, a)
    assert not np.shares_memory(found, b)
    assert (found[..., :3] <= found[..., 3:]).all()  # colours never exceed their coverage


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("mode", ["blend", "swipe", "curtain", "checkerboard"])
def test_two_equal_pictures_give_that_picture(mode, shape):
    a, _ = pictures(shape)
    assert_array_equal(MODES[mode](a, a, (1.0, 1.0)), a)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_blend_is_a_and_b_at_its_ends_to_the_bit(shape):
    a, b = pictures(shape)
    assert_array_equal(blend(a, b, 0), a)
    assert_array_equal(blend(a, b, 1), b)


def test_a_blend_is_linear_in_between():
    a, b = pictures((40, 40))
    expected = 0.75 * a.astype(float) + 0.25 * b
    assert np.abs(blend(a, b, 0.25) - expected).max() <= 0.5 + 1e-6


@pytest.mark.parametrize("direction", ["left-right", "top-bottom"])
def test_a_curtain_has_a_before_it_and_b_behind(direction):
    a, b = pictures((40, 60), hole=False)
    axis = 1 if direction == "left-right" else 0
    edge = a.shape[axis] // 4
    first, second = np.split(swipe(a, b, 0.25, direction), [edge], axis=axis)
    assert_array_equal(first, np.split(a, [edge], axis=axis)[0])
    assert_array_equal(second, np.split(b, [edge], axis=axis)[1])
    assert_array_equal(swipe(a, b, 1.0, direction), a)
    assert_array_equal(swipe(a, b, 0.0, direction), b)


@pytest.mark.parametrize("pixel_mm", PIXELS)
def test_squares_have_their_size_in_millimetres(pixel_mm):
    a, b = np.zeros((90, 120, 4), np.uint8), np.full((90, 120, 4), 255, np.uint8)
    board = checkerboard(a, b, 20.0, pixel_mm)[..., 0] > 0
    assert not board[0, 0]
    for line, step in ((board[:, 0], pixel_mm[0]), (board[0], pixel_mm[1])):
        turns = np.flatnonzero(np.diff(line)) + 1
        expected = np.ceil(np.arange(1, len(turns) + 1) * 20.0 / step)
        assert_array_equal(turns, expected)


def test_a_checkerboard_shows_both_and_nothing_else():
    a, b = pictures((50, 50))
    board = checkerboard(a, b, 5.0)
    is_a, is_b = (board == a).all(axis=-1), (board == b).all(axis=-1)
    assert (is_a | is_b).all()
    assert is_a.any()
    assert is_b.any()


def test_below_its_floor_a_palette_lets_anatomy_through():
    anatomy = paint(np.full((2, 2), 0.5), UNIT, palette("grey"))
    function = paint(np.array([[0.05, 0.1], [0.3, np.nan]]), UNIT, clear_below("hot iron", 0.1))
    laid = over(anatomy, function)
    assert_array_equal(laid[0], anatomy[0])
    assert_array_equal(laid[1, 1], anatomy[1, 1])
    assert_array_equal(laid[1, 0], function[1, 0])


def test_two_equal_greys_are_grey_in_two_colours():
    grey = paint(np.linspace(0, 1, 256)[None], UNIT, palette("grey"))
    assert_array_equal(two_colours(grey, grey), grey)
    black = opaque(np.zeros_like(grey))
    assert (two_colours(grey, black)[0, 1:, 0] > two_colours(grey, black)[0, 1:, 2]).all()
    assert (two_colours(black, grey)[0, 1:, 2] > two_colours(black, grey)[0, 1:, 0]).all()


def test_a_difference_tells_its_sign_and_where_there_is_none():
    a = np.array([[0.5, 0.2, 0.8, np.nan]], np.float32)
    b = np.array([[0.5, 0.8, 0.2, 0.1]], np.float32)
    same, above, below, unknown = difference(a, b)[0].astype(int)
    assert np.ptp(same[:3]) <= 1
    assert above[0] > above[2]
    assert below[2] > below[0]
    assert unknown[3] == 0
    assert same[3] == 255


def test_paint_keeps_the_window_the_palette_and_the_gaps():
    values = np.array([[-1000.0, 40.0, 3000.0, np.nan, np.inf]])
    picture = paint(values, Window.level(40, 80), palette("hot iron"))
    table = np.rint(palette("hot iron") * 255)
    assert_array_equal(picture[0, 0, :3], table[0])
    assert_array_equal(picture[0, 1, :3], table[128])
    assert_array_equal(picture[0, 2, :3], table[255])
    assert_array_equal(picture[0, 3:], 0)


@pytest.mark.parametrize("kind", [np.int16, np.uint8, np.float64, np.bool_])
def test_paint_takes_any_kind_of_number(kind):
    values = np.array([[0, 1]], kind)
    assert_array_equal(paint(values, UNIT, palette("grey"))[0, :, 0], [0, 255])


def test_edges_lie_on_a_step_and_only_there():
    step = np.zeros((60, 60), np.float32)
    step[:, 30:] = 1.0
    found = edges(step)
    assert found[10:50].any(axis=1).all()
    assert set(np.flatnonzero(found.any(axis=0))) <= {28, 29, 30, 31}
    assert not edges(np.full((60, 60), 0.5, np.float32)).any()


def test_the_end_of_the_data_is_no_edge():
    values = np.full((60, 60), 0.9, np.float32)
    values[:20] = np.nan
    assert not edges(values).any()


@pytest.mark.parametrize("pixel_mm", PIXELS)
@pytest.mark.parametrize("width_mm", [0.1, 3.0, 7.0])
def test_lines_are_as_wide_as_asked_in_both_directions(pixel_mm, width_mm):
    cross = np.zeros((61, 61), bool)
    cross[30], cross[:, 30] = True, True
    picture = np.zeros((61, 61, 4), np.uint8)
    drawn = draw(picture, cross, width_mm=width_mm, pixel_mm=pixel_mm)[..., 3] > 0
    for line, step in ((drawn[:, 0], pixel_mm[0]), (drawn[0], pixel_mm[1])):
        assert line.sum() == max(1, round(width_mm / step))
    assert not picture.any()


def test_outlines_are_the_rims_of_labels():
    labels = np.zeros((10, 12), np.uint8)
    labels[2:8, 2:7] = 1
    labels[2:8, 7:10] = 2
    found = outlines(labels)
    assert found[2:8, 2].all()
    assert found[4, 6:8].all()  # where two labels touch, each has its own
    assert not found[4, 3:6].any()
    assert not found[labels == 0].any()


def test_a_disc_is_round_and_clear_outside():
    square, _ = pictures((81, 81))
    cut = disc(square, rim=2)
    assert (cut[0, 0] == 0).all()
    assert_array_equal(cut[40, 40, :3], square[40, 40, :3])
    assert cut[40, 40, 3] == 255
    assert 0.75 < (cut[..., 3] > 0).mean() < 0.8  # π / 4


@pytest.mark.parametrize(
    "wrong",
    [
        lambda a, b: blend(a, b[:5], 0.5),
        lambda a, b: blend(a, b, 1.5),
        lambda a, b: swipe(a, b, -0.1),
        lambda a, b: swipe(a, b, 0.5, "diagonal"),
        lambda a, b: checkerboard(a, b, 0.0),
        lambda a, b: over(a, b, 2.0),
        lambda a, b: two_colours(a, b[:, :5]),
        lambda a, b: difference(a[..., 0], b[:5, :, 0]),
        lambda a, b: draw(a, np.zeros((3, 3), bool)),
        lambda a, b: draw(a, np.zeros(a.shape[:2], bool), width_mm=0),
        lambda a, b: disc(a[:5]),
        lambda a, b: paint(a, UNIT, palette("grey")),
        lambda a, b: paint(a[..., 0], UNIT, np.zeros((256, 2), np.float32)),
    ],
)
def test_what_cannot_be_drawn_is_refused(wrong):
    with pytest.raises(ParameterError):
        wrong(*pictures((10, 10)))
