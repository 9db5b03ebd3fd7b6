"""Comparing and the lens in a real window with linked views, by keys and mouse alone."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent, QWheelEvent
from qtpy.QtWidgets import QApplication

from napari_fusion.gui import add_volume, fuse_layers
from napari_fusion.gui.compare.comparison import find_comparison
from napari_fusion.gui.compare.modes import CYCLE, Mode
from napari_fusion.gui.views.pixels import to_pixels


@pytest.fixture(scope="module")
def room(qapp, pair, window):
    """CT, an MR on its grid, their fusion and four views."""
    viewer, workspace = window
    ct = replace(pair[0], frame_uid="1", name="CT")
    t1 = replace(ct, modality="MR", unit="1", array=ct.array[:, ::-1] + 1024, name="T1")
    for volume in (ct, t1):
        add_volume(viewer, volume)
    fuse_layers(viewer, ["CT", "T1"], "average")
    qapp.processEvents()
    workspace.desk.attach(workspace.window())
    workspace.desk.show_views(on=True)
    qapp.processEvents()
    return viewer, workspace


@pytest.fixture
def viewer(room):
    yield room[0]
    room[1].check.comparer.stop()


@pytest.fixture
def workspace(room):
    return room[1]


@pytest.fixture
def canvases(workspace):
    """The three flat canvases with their viewers."""
    hands = workspace.desk.hands
    return [(canvas, hands.viewer_at(canvas)) for canvas in hands.canvases]


def move(canvas, pixel):
    button = Qt.MouseButton.NoButton
    place = QPointF(pixel), QPointF(canvas.mapToGlobal(pixel))
    keys = Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(canvas, QMouseEvent(QEvent.Type.MouseMove, *place, button, button, keys))


def wheel(canvas, notches):
    middle = QPointF(canvas.width() / 2, canvas.height() / 2)
    QApplication.sendEvent(
        canvas,
        QWheelEvent(
            middle,
            QPointF(canvas.mapToGlobal(middle.toPoint())),
            QPoint(),
            QPoint(0, 120 * notches),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        ),
    )


def picture(viewer):
    """The layer of pictures in a viewer, and the slice it draws."""
    layer = next(
        one for one in reversed(viewer.layers) if isinstance(one.name, str) and " | " in one.name
    )
    return layer, np.asarray(layer._slice.image.raw)


def test_space_goes_round_on_every_canvas(qtbot, viewer, workspace, canvases):
    before = [(layer.name, layer.visible) for layer in viewer.layers]
    for canvas, _ in canvases:
        for mode in [*CYCLE[1:], CYCLE[0]]:
            qtbot.keyClick(canvas, Qt.Key.Key_Space)
            assert workspace.check.comparer.mode is mode
            assert workspace.check.modes.buttons[mode].isChecked()
    assert [(layer.name, layer.visible) for layer in viewer.layers] == before


def test_every_linked_view_compares_in_its_own_plane(qtbot, viewer, workspace, canvases):
    assert {model.dims.order[0] for _, model in canvases} == {0, 1, 2}
    qtbot.mouseClick(workspace.check.modes.buttons[Mode.CHECKERBOARD], Qt.MouseButton.LeftButton)
    for canvas, model in canvases:
        axis = model.dims.order[0]
        for notches in (1, 1, -1, 1, 1, -1):
            wheel(canvas, notches)
        qtbot.wait(20)
        layer, drawn = picture(model)
        index = round((model.dims.point[axis] - layer.translate[axis]) / layer.scale[axis])
        assert_array_equal(drawn, find_comparison(viewer)._layers[-1].data.draw(axis, index))


def test_a_slider_moves_the_pictures_of_all_views(qtbot, viewer, workspace, canvases):
    qtbot.mouseClick(workspace.check.modes.buttons[Mode.BLEND], Qt.MouseButton.LeftButton)
    before = [picture(model)[1].copy() for _, model in canvases]
    slider = workspace.check.modes.fields["share"].slider
    for _ in range(5):
        qtbot.keyClick(slider, Qt.Key.Key_Right)
    for (_, model), old in zip(canvases, before, strict=True):
        assert (picture(model)[1] != old).any()


def test_leaving_takes_the_pictures_out_of_every_view(qtbot, viewer, workspace, canvases):
    qtbot.mouseClick(workspace.check.modes.buttons[Mode.SWIPE], Qt.MouseButton.LeftButton)
    qtbot.mouseClick(workspace.check.modes.buttons[Mode.FUSED], Qt.MouseButton.LeftButton)
    for _, model in canvases:
        assert not any(" | " in layer.name for layer in model.layers)


def test_the_lens_is_over_the_canvas_the_mouse_is_on(qtbot, viewer, workspace, canvases):
    lens = workspace.desk.lens
    for canvas, model in canvases:
        move(canvas, QPoint(canvas.width() // 2, canvas.height() // 2))
        point = model.dims.point
        qtbot.keyPress(canvas, Qt.Key.Key_L)
        assert lens._lens.parentWidget() is canvas
        assert lens._lens.isVisible()
        assert any(word in lens._lens.words for word in ("CT", "T1"))
        wheel(canvas, -1)
        qtbot.wait(10)
        assert model.dims.point == point  # the wheel was the lens's
        qtbot.keyRelease(canvas, Qt.Key.Key_L)
        assert not lens.is_on


def test_the_readout_tells_of_the_view_the_mouse_is_on(qtbot, viewer, workspace, canvases):
    for canvas, _ in canvases:
        move(canvas, QPoint(canvas.width() // 2 + 5, canvas.height() // 2 - 5))
        qtbot.wait(10)
        told = workspace.values.text()
        assert told.startswith("CT: ")
        assert "\nT1: " in told


def test_it_says_whose_picture_is_shown_in_that_very_plane(qtbot, viewer, workspace, canvases):
    workspace.check.comparer.set_options(position=0.5)
    qtbot.mouseClick(workspace.check.modes.buttons[Mode.SWIPE], Qt.MouseButton.LeftButton)
    (pictures,) = [layer.data for layer in find_comparison(viewer)._layers]
    for canvas, model in canvases:
        axis, columns = model.dims.order[0], model.dims.displayed[1]
        middle = pictures.raster.origin[columns] + (
            pictures.raster.shape[columns] * pictures.raster.step[columns] / 2
        )
        for side in (-12.0, 12.0):
            point = np.array(model.dims.point)
            point[columns] = middle + side
            pixel = to_pixels(model, point, (canvas.width(), canvas.height()))
            move(canvas, QPoint(*map(round, pixel)))
            qtbot.wait(10)
            said = workspace.values.text().splitlines()[-1]
            assert said == f"shown here: {'CT' if side < 0 else 'T1'}", axis


@pytest.mark.display
def test_what_is_drawn_is_the_picture(qtbot, viewer, workspace):
    viewer.layers["CT"].contrast_limits = (-2000, -1500)  # A white all over, B as it is
    workspace.check.comparer.set_options(share=0.0)
    qtbot.mouseClick(workspace.check.modes.buttons[Mode.BLEND], Qt.MouseButton.LeftButton)
    qtbot.wait(100)
    shot = viewer.screenshot(canvas_only=True, flash=False)
    h, w = shot.shape[:2]
    inner = shot[h // 2 - 20 : h // 2 - 10, w // 2 + 15 : w // 2 + 25, :3]
    assert (inner == 255).mean() > 0.95
