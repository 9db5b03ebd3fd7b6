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
    words.say(TOLD, 400)
    size, height = overlay.font_size, words.height() / (1 + words.text().count("\n"))
    words.say(TOLD, 180)
    assert overlay.font_size < size
    assert words.height() / (1 + words.text().count("\n")) < height
    words.say(TOLD, 400)
    assert overlay.font_size == pytest.approx(size)
