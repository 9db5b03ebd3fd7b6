"""The key card says what the keys in hand do, and they do what it says."""

import numpy as np
import pytest
from napari.utils.key_bindings import KeymapHandler

from napari_fusion.gui.align.nudges import NUDGES, nudge_rows


@pytest.fixture
def box(dock):
    box = dock.align.hand
    box.set_open(on=True)
    box.move_button.click()
    return box


def taken(viewer):
    """Name the keys of a viewer that do something."""
    return {str(key) for key, act in viewer.keymap.items() if act is not None}


def test_the_keys_in_hand_are_those_of_the_card(dock, viewer, qtbot):
    before = taken(viewer)
    dock.align.hand.set_open(on=True)
    dock.align.hand.move_button.click()
    keys = {frozenset(key.split("+")) for key in taken(viewer) - before}
    assert keys == {frozenset(one.key.split("-")) for one in NUDGES}
    dock.desk.show_card()
    words = dock.desk._card.words.text()
    signs = set()
    for shown, said in nudge_rows():
        assert f"<b>{shown}</b>" in words
        assert f"<td>{said}</td>" in words
        held, _, arrows = shown.rpartition("+")
        signs |= {(held, arrow) for arrow in arrows.split()}
    assert signs == {(one.held, one.sign) for one in NUDGES}  # every key has its place in a row


@pytest.mark.parametrize("nudge", NUDGES, ids=lambda one: one.key)
def test_each_key_does_what_its_row_says(box, viewer, nudge):
    start = box.hand.now.matrix
    handler = KeymapHandler()
    handler.keymap_providers = [viewer]
    handler.press_key(nudge.key)
    handler.release_key(nudge.key)
    between = np.linalg.inv(start) @ box.hand.now.matrix
    turned = np.degrees(np.arccos(np.clip((np.trace(between[:3, :3]) - 1) / 2, -1, 1)))
    if "°" in nudge.words:
        assert f"turn by {turned:.2g}°" in nudge.words
    else:
        assert f": {np.linalg.norm(between[:3, 3]):.2g} mm" in nudge.words
        assert turned == pytest.approx(0, abs=1e-4)
