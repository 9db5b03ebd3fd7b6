"""Words over a canvas that is narrow: whole lines, whole numbers."""

import pytest
from napari.components.overlays import TextOverlay
from qtpy.QtWidgets import QWidget

from napari_fusion.gui.views.words import CORNER, LETTER, Words

TOLD = "axial · S 12.0 mm\nCT W 1350 L 525\nPET 0 to 5 g/mL"
NAMED = ["S 12.0", "W 1350", "L 525", "PET 0", "to 5"]
WITH_UNITS = ["S 12.0 mm", "to 5 g/mL"]


@pytest.fixture
def words(qtbot):
    canvas = QWidget()
    qtbot.addWidget(canvas)
    made = Words(canvas, TextOverlay())
    made.home = canvas  # lives as long
    return made


@pytest.mark.parametrize("room", [2000, 400, 300, 250, 200, 100])
def test_a_number_stays_beside_its_name_and_is_never_cut(words, room):
    words.say(TOLD, room)
    assert words.text().split() == TOLD.split()
    lines = words.text().split("\n")
    assert all(any(pair in line for line in lines) for pair in NAMED)
    assert words.width() >= words.sizeHint().width()
    if room >= 250:
        assert all(any(pair in line for line in lines) for pair in WITH_UNITS)
        assert words.width() <= room // 2 - LETTER - CORNER


def test_there_are_no_more_lines_than_needed(words):
    words.say(TOLD, 2000)
    assert words.text() == TOLD


def test_in_a_narrow_picture_words_are_smaller_and_large_again(words):
    overlay = words._overlay
    rooms, sizes, heights = (400, 295, 180), [], []
    for room in rooms:
        words.say(TOLD, room)
        sizes.append(overlay.font_size)
        heights.append(words.height() / (1 + words.text().count("\n")))
    assert sizes == sorted(set(sizes), reverse=True)
    assert heights == sorted(set(heights), reverse=True)
    words.say(TOLD, 400)
    assert overlay.font_size == pytest.approx(sizes[0])


def test_in_one_of_four_views_on_a_small_screen_a_window_is_one_line(words):
    words.say(TOLD.removeprefix("axial · "), 295)
    assert words.text().count("\n") == 2


def test_without_room_beside_the_letter_words_stand_below_it(words, qtbot):
    told = TOLD.removeprefix("axial · ")
    words.say(told, 176)
    assert words.text() == told  # as there is the whole width
    assert words.y() > LETTER
    assert words.x() + words.width() <= 176
    qtbot.waitUntil(lambda: bool(words._overlay.text))
    assert words._overlay.text == "\n\n\n" + told
    words.say(told, 400)
    assert words.y() == CORNER
