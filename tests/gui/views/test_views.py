"""The linked views in a real window, driven by mouse and keys."""

import json
from collections import Counter

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QApplication, QLineEdit

from napari_fusion.gui import fuse_layers, preview_layers, show_plane, to_layer
from napari_fusion.gui.compare.comparison import find_comparison
from napari_fusion.gui.compare.modes import Mode
from napari_fusion.gui.covered import cover, hide
from napari_fusion.gui.guide.about import AboutBox
from napari_fusion.gui.readout import readout
from napari_fusion.gui.views.marks import slice_words
from napari_fusion.gui.views.pixels import to_pixels, to_world
from napari_fusion.gui.views.quad import canvas_of
from napari_fusion.gui.views.words import Words


@pytest.fixture(scope="module")
def pristine(pair):
    return [to_layer(volume) for volume in pair[:2]]


@pytest.fixture(scope="module")
def layers(window, pristine):
    return [window[0].add_image(data, **keywords) for data, keywords, _ in pristine]


@pytest.fixture
def desk(window, layers, pristine, qtbot):
    """The desk of the workspace with CT and T1 as they come, and the four views open."""
    viewer, workspace = window
    for layer in [one for one in viewer.layers if one not in layers]:
        viewer.layers.remove(layer)
    for layer, (data, keywords, _) in zip(layers, pristine, strict=True):
        if layer not in viewer.layers:
            viewer.layers.append(layer)
        if layer.data is not data:
            layer.data = data
        layer.name, layer.visible, layer.opacity = keywords["name"], True, 1.0
        layer.contrast_limits, layer.colormap = keywords["contrast_limits"], "gray"
        viewer.layers.move(viewer.layers.index(layer), layers.index(layer))
    viewer.layers.selection.active = layers[1]
    workspace.check.planes.left.setChecked(False)
    show_plane(viewer, "axial")
    if not workspace.desk.quad.is_open:
        qtbot.mouseClick(workspace.check.views.four, Qt.MouseButton.LeftButton)
    assert workspace.desk.quad.is_open
    workspace.desk.crossing.go((0.0, 0.0, 0.0))
    workspace.desk.quad.fit()
    workspace.desk.undo.clear()
    qtbot.wait(50)
    return workspace.desk


@pytest.fixture
def main(desk):
    """The window's own canvas, and its viewer."""
    _, own = canvas_of(desk._window, desk._viewer)
    return own.canvas.native, desk._viewer


def views(desk, main):
    return [main, *((view.canvas, view.model) for view in desk.quad.planes)]


def pixel(canvas, viewer, point):
    x, y = to_pixels(viewer, point, (canvas.width(), canvas.height()))
    return QPoint(round(x), round(y))


def said_on(canvas):
    """The words over a canvas."""
    return canvas.findChild(Words).text()


def chosen(window):
    """Choose CT and T1, and give the workspace."""
    viewer, workspace = window
    workspace.open.fixed.choose(viewer.layers["head CT"])
    workspace.open.moving.choose(viewer.layers["head T1"])
    return workspace


def wheel(canvas, notches, modifiers=Qt.KeyboardModifier.NoModifier, at=None):
    at = QPointF(at or canvas.rect().center())
    event = QWheelEvent(
        at,
        QPointF(canvas.mapToGlobal(at.toPoint())),
        QPoint(),
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        modifiers,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(canvas, event)
    QApplication.processEvents()


def drag(qtbot, canvas, start, end, button=Qt.MouseButton.LeftButton, steps=4):
    from qtpy.QtGui import QMouseEvent

    qtbot.mousePress(canvas, button, pos=start)
    for i in range(1, steps + 1):
        at = QPointF(start + (end - start) * i / steps)
        move = QMouseEvent(
            QEvent.Type.MouseMove,
            at,
            QPointF(canvas.mapToGlobal(at.toPoint())),
            Qt.MouseButton.NoButton,
            button,
            Qt.KeyboardModifier.NoModifier,
        )
        QApplication.sendEvent(canvas, move)
    qtbot.mouseRelease(canvas, button, pos=end)
    QApplication.processEvents()


def test_three_planes_are_shown_once_each_and_share_the_arrays(desk, main):
    shown = [viewer.dims.order[0] for _, viewer in views(desk, main)]
    assert sorted(shown) == [0, 1, 2]
    for view in desk.quad.planes:
        for ours, other in zip(main[1].layers, view.model.layers, strict=True):
            assert np.shares_memory(ours.data, other.data)
            assert ours.name == other.name


def test_a_click_brings_every_plane_there(desk, main, qtbot):
    canvas, viewer = main
    there = np.add(viewer.dims.point, (0, 20, -12))
    at = pixel(canvas, viewer, there)
    qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=at)
    expected = to_world(viewer, (at.x(), at.y()), (canvas.width(), canvas.height()))
    steps = [axis.step for axis in viewer.dims.range]
    assert (np.abs(desk.crossing.point - expected) <= np.array(steps) / 2 + 1e-6).all()
    for _, one in views(desk, main):
        axis = one.dims.order[0]
        assert one.dims.point[axis] == pytest.approx(desk.crossing.point[axis])


def test_shift_and_move_is_followed(desk, main, qtbot):
    from qtpy.QtGui import QMouseEvent

    view = desk.quad.planes[0]
    at = QPointF(view.canvas.width() * 0.6, view.canvas.height() * 0.4)
    QApplication.sendEvent(
        view.canvas,
        QMouseEvent(
            QEvent.Type.MouseMove,
            at,
            QPointF(view.canvas.mapToGlobal(at.toPoint())),
            Qt.MouseButton.NoButton,
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.ShiftModifier,
        ),
    )
    size = (view.canvas.width(), view.canvas.height())
    expected = to_world(view.model, (at.x(), at.y()), size)
    qtbot.waitUntil(lambda: np.abs(desk.crossing.point - expected).max() <= 2)
    assert main[1].dims.point[0] == pytest.approx(desk.crossing.point[0])


def test_the_wheel_scrolls_the_plane_it_is_over(desk, main):
    for canvas, viewer in views(desk, main):
        before, axis = desk.crossing.point.copy(), viewer.dims.order[0]
        wheel(canvas, 2)
        moved = desk.crossing.point - before
        assert moved[axis] == pytest.approx(2 * viewer.dims.range[axis].step)
        assert np.delete(moved, axis) == pytest.approx(0)
        assert viewer.dims.point[axis] == pytest.approx(desk.crossing.point[axis])


def test_fast_scrolling_ends_on_the_slice_that_is_shown(desk, main):
    canvas, viewer = main
    start, step = viewer.dims.point[0], viewer.dims.range[0].step
    seen = []
    viewer.dims.events.point.connect(lambda event: seen.append(viewer.dims.point[0]))
    at = QPointF(canvas.rect().center())
    for _ in range(5):
        QApplication.postEvent(
            canvas,
            QWheelEvent(
                at,
                at,
                QPoint(),
                QPoint(0, 120),
                Qt.MouseButton.NoButton,
                Qt.KeyboardModifier.NoModifier,
                Qt.ScrollPhase.NoScrollPhase,
                False,
            ),
        )
    QApplication.processEvents()
    QApplication.processEvents()
    assert viewer.dims.point[0] == pytest.approx(start + 5 * step)
    assert len(seen) <= 2  # slices that were only passed by are not cut out


def test_zoom_and_pan_are_linked_in_millimetres(desk, main, qtbot):
    canvas, viewer = main
    at = QPoint(canvas.width() // 3, canvas.height() // 3)
    size = (canvas.width(), canvas.height())
    held = to_world(viewer, (at.x(), at.y()), size)
    wheel(canvas, 3, Qt.KeyboardModifier.ControlModifier, at)
    assert to_world(viewer, (at.x(), at.y()), size) == pytest.approx(held)
    drag(qtbot, canvas, at, at + QPoint(30, 12), Qt.MouseButton.MiddleButton)
    assert to_world(viewer, (at.x() + 30, at.y() + 12), size) == pytest.approx(held)
    centre = dict(zip(viewer.dims.displayed, viewer.scene.camera.center[-2:], strict=True))
    for view in desk.quad.planes:
        assert view.model.scene.camera.zoom == pytest.approx(viewer.scene.camera.zoom)
        theirs = zip(view.model.dims.displayed, view.model.scene.camera.center[-2:], strict=True)
        for axis, at_mm in theirs:
            if axis in centre:
                assert at_mm == pytest.approx(centre[axis])


def test_right_drag_zooms(desk, main, qtbot):
    canvas, viewer = main
    before, at = viewer.scene.camera.zoom, canvas.rect().center()
    drag(qtbot, canvas, at, at - QPoint(0, 75), Qt.MouseButton.RightButton)
    assert viewer.scene.camera.zoom == pytest.approx(before * 2**0.5)


def test_left_drag_windows_in_every_view_and_can_be_taken_back(desk, main, qtbot):
    canvas, viewer = main
    layer = viewer.layers["head CT"]
    viewer.layers.selection.active = layer
    before = tuple(layer.contrast_limits)
    at = canvas.rect().center()
    drag(qtbot, canvas, at, at + QPoint(50, 25))
    low, high = layer.contrast_limits
    width = before[1] - before[0]
    assert high - low == pytest.approx(width * 1.2)
    assert (high + low) / 2 == pytest.approx(sum(before) / 2 + width / 10)
    for view in desk.quad.planes:
        assert tuple(view.model.layers["head CT"].contrast_limits) == (low, high)
        assert f"W {high - low:.0f}" in said_on(view.canvas)
    qtbot.keyClick(canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert tuple(layer.contrast_limits) == before
    qtbot.keyClick(
        canvas,
        Qt.Key.Key_Z,
        Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier,
    )
    assert tuple(layer.contrast_limits) == (low, high)


@pytest.mark.parametrize("where", [0, 1, 2])
def test_digits_window_the_selected_layer_from_any_canvas(desk, main, qtbot, where):
    canvas, _ = views(desk, main)[where]
    layer = main[1].layers["head CT"]
    main[1].layers.selection.active = layer
    for key, window in ((Qt.Key.Key_1, (0, 80)), (Qt.Key.Key_5, (-1350, 150))):
        qtbot.keyClick(canvas, key)
        assert tuple(layer.contrast_limits) == window
    main[1].layers.selection.active = main[1].layers["head T1"]
    qtbot.keyClick(canvas, Qt.Key.Key_1)
    assert tuple(layer.contrast_limits) == (-1350, 150)


def test_brackets_fade_the_selected_layer(desk, main, qtbot):
    layer = main[1].layers["head T1"]
    main[1].layers.selection.active = layer
    layer.opacity = 1.0
    qtbot.keyClick(main[0], Qt.Key.Key_BracketLeft)
    assert layer.opacity == pytest.approx(0.9)
    assert desk.quad.planes[0].model.layers["head T1"].opacity == pytest.approx(0.9)
    qtbot.keyClick(main[0], Qt.Key.Key_BracketRight)
    assert layer.opacity == pytest.approx(1.0)


def test_sides_turn_in_every_view_letters_and_picture_together(desk, main, qtbot):
    def letters():
        return {
            one.dims.order[0]: one.canvas.overlays["fusion_left"].text
            for _, one in views(desk, main)
        }

    assert letters() == {0: "R", 1: "R", 2: "A"}
    qtbot.keyClick(main[0], Qt.Key.Key_X)
    assert letters() == {0: "L", 1: "L", 2: "A"}
    for _, one in views(desk, main):
        mirrored = one.scene.camera.orientation2d[1] == "left"
        assert mirrored == (one.dims.order[0] != 2)


def test_keys_act_while_a_button_of_the_workspace_has_the_keyboard(desk, window, qtbot):
    viewer, workspace = window
    layer = viewer.layers["head T1"]
    viewer.layers.selection.active = layer
    layer.opacity = 1.0
    for place, one in enumerate((workspace.align.watch, workspace.align.button)):
        qtbot.keyClick(one, Qt.Key.Key_BracketLeft)
        assert layer.opacity == pytest.approx(0.9 - 0.1 * place)


def test_turning_the_main_canvas_leaves_no_plane_twice(desk, main):
    show_plane(main[1], "coronal")
    assert sorted(one.dims.order[0] for _, one in views(desk, main)) == [0, 1, 2]
    for _, one in views(desk, main):
        axis = one.dims.order[0]
        assert one.dims.point[axis] == pytest.approx(desk.crossing.point[axis])


def test_views_opened_before_the_volumes_show_their_planes(desk, main, layers):
    viewer = main[1]
    for layer in layers:
        viewer.layers.remove(layer)
    for layer in layers:
        viewer.layers.append(layer)
    assert sorted(one.dims.order[0] for _, one in views(desk, main)) == [0, 1, 2]


def test_the_hidden_sliders_of_the_window_bring_the_other_planes(desk, main):
    viewer = main[1]
    there = np.add(viewer.dims.point, (0, 20, -12))
    viewer.dims.point = tuple(there)
    for _, one in views(desk, main):
        axis = one.dims.order[0]
        assert one.dims.point[axis] == pytest.approx(there[axis], abs=2.1)


def test_layers_are_mirrored_both_ways(desk, main, pair):
    viewer, other = main[1], desk.quad.planes[0].model
    viewer.layers["head CT"].name = "skull"
    assert [layer.name for layer in other.layers] == ["skull", "head T1"]
    viewer.layers.move(0, 2)
    assert [layer.name for layer in other.layers] == ["head T1", "skull"]
    other.layers["skull"].visible = False
    other.layers["skull"].contrast_limits = (3, 9)
    assert not viewer.layers["skull"].visible
    assert tuple(viewer.layers["skull"].contrast_limits) == (3, 9)
    viewer.layers["skull"].colormap = "magenta"
    assert other.layers["skull"].colormap.name == "magenta"
    new = viewer.layers["skull"].data + 1
    viewer.layers["skull"].data = new
    assert np.shares_memory(other.layers["skull"].data, new)
    viewer.add_points([[0, 0, 0]], name="dots")  # another plugin's, without units
    assert other.layers["dots"].data.tolist() == [[0, 0, 0]]
    viewer.layers["dots"].add([1, 2, 3])
    assert len(other.layers["dots"].data) == 2
    viewer.layers.remove("skull")
    assert [layer.name for layer in other.layers] == ["head T1", "dots"]


def test_marks_say_plane_place_and_window(desk, main, qtbot):
    low = np.array([axis.start for axis in main[1].dims.range])
    desk.crossing.go((-7.5, 12.0, 3.0))
    s, p, x = low + np.round((np.array([-7.5, 12.0, 3.0]) - low) / 4) * 4
    words = {
        one.dims.order[0]: said_on(canvas).splitlines()[0].split(" · ")[-1]
        for canvas, one in views(desk, main)
    }
    assert words == {
        0: f"I {-s:.1f} mm",
        1: f"P {p:.1f} mm",
        2: f"L {x:.1f} mm",
    }
    for canvas, one in views(desk, main):
        assert one.canvas.overlays.scale_bar.visible
        assert "CT W 1350 L 525" in " ".join(said_on(canvas).split())  # be it on two lines
        in_picture = one.canvas.overlays["fusion_words"]
        qtbot.waitUntil(lambda c=canvas, p=in_picture: p.visible and p.text == said_on(c))


def test_the_crosshair_lies_over_the_point_in_every_view(desk, main, qtbot):
    desk.crossing.go((5.0, -12.0, 9.0))
    crosses = [desk._cross, *(view.cross for view in desk.quad.planes)]
    for (canvas, viewer), cross in zip(views(desk, main), crosses, strict=True):
        assert cross.isVisible()
        assert cross.geometry() == canvas.rect()
        under = to_world(viewer, cross.middles()[0], (canvas.width(), canvas.height()))
        np.testing.assert_allclose(under, desk.crossing.point, atol=1e-6)


def test_a_double_click_enlarges_a_view_and_brings_all_back(desk, qtbot):
    view = desk.quad.planes[1]
    qtbot.mouseDClick(view.canvas, Qt.MouseButton.LeftButton)
    assert view.isVisible()
    assert not desk.quad.planes[0].isVisible()
    assert not desk.quad.turning.isVisible()
    qtbot.mouseDClick(view.canvas, Qt.MouseButton.LeftButton)
    assert desk.quad.planes[0].isVisible()
    assert desk.quad.turning.isVisible()


def test_keys_are_not_taken_from_who_writes(desk, main, qtbot):
    line = QLineEdit(desk._window)
    line.show()
    line.setFocus()
    layer = main[1].layers.selection.active
    before = tuple(layer.contrast_limits)
    qtbot.keyClicks(line, "12[x?")
    assert line.text() == "12[x?"
    assert tuple(layer.contrast_limits) == before
    line.deleteLater()


def test_a_layer_that_is_painted_on_keeps_naparis_tools(desk, main, qtbot):
    canvas, viewer = main
    labels = viewer.add_labels(np.zeros(viewer.layers[0].data.shape, int), name="roi")
    labels.mode = "paint"
    before = desk.crossing.point.copy()
    qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=QPoint(40, 40))
    np.testing.assert_array_equal(desk.crossing.point, before)
    desk.use_crosshair(on=False)
    qtbot.keyClick(canvas, Qt.Key.Key_C)
    assert not desk.hands.crosshair
    wheel(canvas, 1)
    qtbot.waitUntil(lambda: desk.crossing.point[0] != before[0])


def test_a_layer_that_may_be_painted_on_keeps_only_its_own_keys(desk, main, qtbot):
    canvas, viewer = main
    labels = viewer.add_labels(np.zeros(viewer.layers[0].data.shape, int), name="roi")
    viewer.layers.selection.active = labels
    window = viewer.layers["head T1"].contrast_limits
    assert "<2>" in viewer.help  # and its hints
    qtbot.keyClick(canvas, Qt.Key.Key_2)  # napari's: paint
    assert viewer.layers["head T1"].contrast_limits == window
    labels.mode = "pan_zoom"
    qtbot.keyClick(canvas, Qt.Key.Key_C)
    assert desk.hands.crosshair
    qtbot.keyClick(canvas, Qt.Key.Key_C)


def test_the_hand_moves_along_the_canvas_the_keys_are_pressed_on(desk, window, qtbot):
    box = chosen(window).align.hand
    box.set_open(on=True)
    qtbot.mouseClick(box.move_button, Qt.MouseButton.LeftButton)
    coronal = next(view for view in desk.quad.planes if view.model.dims.order[0] == 1)
    assert "moving, here" in coronal.model.layers
    qtbot.keyClick(coronal.canvas, Qt.Key.Key_Up)
    assert box.hand.picture[0] == (0.0, 0.0, 1.0)
    box.stop()
    assert "moving, here" not in coronal.model.layers


def test_four_axes_are_told_of_and_leave_the_planes_alone(desk, main, window, said):
    viewer = main[1]
    words = [said_on(view.canvas) for view in desk.quad.planes]
    viewer.add_image(np.zeros((2, 5, 5, 5)), name="series", units=("mm",) * 4)
    assert [said_on(view.canvas) for view in desk.quad.planes] == words
    assert "4 axes" in readout(viewer)
    desk.show_views(on=False)
    desk.show_views(on=True)
    assert said()[-1].startswith("Four views need volumes of three axes")
    viewer.layers.remove("series")
    desk.show_views(on=True)


def test_the_readout_is_of_the_crossing_once_the_mouse_has_left(desk, main, window, qtbot):
    canvas, viewer = main
    values = window[1].values
    middle = canvas.rect().center()
    desk.crossing.go((4.0, 8.0, -12.0))
    at = desk.crossing.point.copy()
    qtbot.mouseMove(canvas, middle + QPoint(60, 40))
    qtbot.waitUntil(lambda: values.text() == readout(viewer) != readout(viewer, at, 0))
    viewer.mouse_over_canvas = True
    viewer.mouse_over_canvas = False  # as napari does when the mouse leaves
    qtbot.waitUntil(lambda: values.text() == readout(viewer, at, 0))


def test_a_slice_change_draws_each_canvas_once(desk, main, qtbot):
    """Text in the picture draws it twice: while one scrolls, words are told over it."""
    qtbot.wait(400)  # the words of the picture are written
    counts = []
    for canvas, model in views(desk, main):
        counts.append(Counter())
        count = counts[-1]
        model.dims.events.point.connect(lambda event, c=count: c.update(["slice"]))
        paint = canvas.paintGL
        canvas.paintGL = lambda c=count, draw=paint: c.update(["paint"]) or draw()
    for step in (1, 2, 3):
        desk.crossing.go((4.0 * step, 8.0 * step, -4.0 * step))
        qtbot.wait(50)
    for canvas, _ in views(desk, main):
        del canvas.paintGL
    assert counts == [{"slice": 3, "paint": 3}] * 3


def test_a_fused_picture_tells_the_windows_it_was_made_with(desk, main):
    viewer = main[1]
    windows = [(0.0, 80.0), (100.0, 900.0)]
    fused = fuse_layers(viewer, ["head CT", "head T1"], "average", windows=windows)
    for canvas, _ in views(desk, main):
        words = " ".join(said_on(canvas).split())  # on a narrow canvas on more lines
        assert words.endswith("mm CT W 80 L 40 MR W 800 L 500")
    assert desk.quad.turning._layer.name == "head CT"  # hidden, and still projected
    for layer in fused:
        viewer.layers.remove(layer)


def test_on_a_narrow_canvas_the_letter_alone_tells_the_plane(desk, main):
    viewer = main[1]
    assert slice_words(viewer).startswith("axial · ")
    assert slice_words(viewer, brief=True) == slice_words(viewer).removeprefix("axial · ")


def test_covered_sources_tell_their_windows_in_every_plane(desk, main):
    words = [said_on(view.canvas) for view in desk.quad.planes]
    assert all("CT W" in one for one in words)
    live = preview_layers(main[1], ["head CT", "head T1"], "average")
    cover(main[1], {"head CT", "head T1"}, "live")
    for view, before in zip(desk.quad.planes, words, strict=True):
        assert sorted(said_on(view.canvas).splitlines()) == sorted(before.splitlines())
    main[1].layers.remove(live)
    hide(main[1].layers["head CT"])
    assert not any("CT W" in said_on(view.canvas) for view in desk.quad.planes)


def test_space_goes_round_the_ways_to_compare_in_every_plane(desk, main, window, qtbot):
    canvas, viewer = main
    comparer = chosen(window).check.comparer
    seen = []
    for _ in range(6):
        qtbot.keyClick(canvas, Qt.Key.Key_Space)
        seen.append(comparer.mode.value)
        assert {len(view.model.layers) for view in desk.quad.planes} == {len(viewer.layers)}
    assert seen == ["A", "B", "swipe", "checkerboard", "edges", "fused"]
    assert len(viewer.layers) == 2


def test_words_tell_the_windows_of_what_is_compared_in_every_plane(desk, main, window):
    comparer = chosen(window).check.comparer
    for mode, told in ((Mode.A, "CT"), (Mode.B, "MR"), (Mode.SWIPE, "CT MR"), (Mode.A, "CT")):
        comparer.set_mode(mode)
        for canvas, _ in views(desk, main):
            lines = said_on(canvas).split("\n")
            names = [line.split()[0] for line in lines if " W " in line]
            assert " ".join(names) == told, mode
    comparer.set_mode(Mode.FUSED)


def test_side_by_side_is_so_in_every_plane_and_leaves_the_scale(desk, main, window):
    comparer = chosen(window).check.comparer
    before = [model.scene.camera.zoom for _, model in views(desk, main)]
    comparer.set_mode(Mode.SIDES)
    for (_, model), zoom in zip(views(desk, main), before, strict=True):
        assert model.scene.camera.zoom == pytest.approx(zoom / 2)
        cells = [at for at, _ in model.canvas.grid.iter_viewboxes(model.layers)]
        assert cells == [(0, 0), (0, 1)]
        assert len(model.layers) == 4
    comparer.set_mode(Mode.B)
    comparer.set_mode(Mode.SIDES)
    comparer.set_mode(Mode.FUSED)
    zooms = [model.scene.camera.zoom for _, model in views(desk, main)]
    np.testing.assert_allclose(zooms, before)
    assert not any(model.canvas.grid.enabled for _, model in views(desk, main))


def test_a_slider_is_not_the_mouse(desk, main, window, qtbot):
    canvas, viewer = main
    values = window[1].values
    qtbot.mouseMove(canvas, canvas.rect().center() + QPoint(60, 40))
    qtbot.wait(50)
    viewer.mouse_over_canvas = True
    viewer.mouse_over_canvas = False  # as napari does when the mouse leaves
    for step in (3, 5):
        viewer.dims.set_point(0, viewer.dims.point[0] + step)
        at = desk.crossing.point.copy()
        np.testing.assert_array_equal(desk.crossing.under()[0], at)
        qtbot.waitUntil(lambda p=at: values.text() == readout(viewer, p, 0))


def test_the_key_card_lists_every_key(desk, main, qtbot):
    qtbot.keyClick(main[0], Qt.Key.Key_Question, Qt.KeyboardModifier.ShiftModifier)
    words = desk._card.words.text()
    for binding in desk.keys.bindings:
        assert binding.words.split(";")[0].replace("'", "&#x27;") in words
    qtbot.keyClick(main[0], Qt.Key.Key_Question, Qt.KeyboardModifier.ShiftModifier)
    qtbot.wait(10)


def test_escape_on_a_canvas_closes_the_tour(desk, main, window, qtbot):
    viewer, workspace = window
    with qtbot.waitActive(viewer.window._qt_window):
        viewer.window._qt_window.activateWindow()
    qtbot.mouseClick(workspace.help.tour_button, Qt.MouseButton.LeftButton)
    assert workspace.tour.isVisible()
    qtbot.mouseClick(main[0], Qt.MouseButton.LeftButton)
    qtbot.keyClick(main[0], Qt.Key.Key_Escape)
    assert not workspace.tour.isVisible()


def test_the_projection_turns_and_a_click_goes_to_what_it_shows(desk, main, qtbot):
    turning = desk.quad.turning
    qtbot.waitUntil(lambda: turning._seen is not None, timeout=30_000)
    qtbot.keyClick(main[0], Qt.Key.Key_M)
    qtbot.waitUntil(lambda: turning.angle > 0, timeout=5000)
    qtbot.keyClick(main[0], Qt.Key.Key_M)
    assert not turning.is_turning
    box = turning._box(turning._seen)
    qtbot.mouseClick(turning, Qt.MouseButton.LeftButton, pos=box.center().toPoint())
    marked = turning._marked(turning._seen)
    assert np.abs(np.subtract(marked, (box.center().x(), box.center().y()))).max() < 8


def test_a_click_on_the_projection_goes_to_the_voxel_it_shows(desk, main, layers, qtbot):
    turning, data = desk.quad.turning, layers[0].data.copy()
    data[5:8, 20:23, 30:33] = data.max()
    data[6, 21, 31] += 1000
    desk._viewer.layers.remove(layers[1])
    layers[0].data = data
    qtbot.waitUntil(lambda: turning._seen is not None and turning._seen.array is data)
    turning.look_from(0)
    seen, box = turning._seen, turning._box(turning._seen)
    row, column = np.unravel_index(seen.at(0).argmax(), seen.at(0).shape)
    x = box.left() + (column + 0.5) / seen.at(0).shape[1] * box.width()
    y = box.bottom() - (row + 0.5) / seen.at(0).shape[0] * box.height()
    qtbot.mouseClick(turning, Qt.MouseButton.LeftButton, pos=QPointF(x, y).toPoint())
    assert tuple(np.round(layers[0].world_to_data(desk.crossing.point)).astype(int)) == (6, 21, 31)
    assert np.abs(np.subtract(turning._marked(seen), (x, y))).max() < box.width() / len(
        seen.at(0).T
    )


def test_closing_gives_everything_back(desk, main, qtbot):
    canvas, viewer = main
    home = desk._window.centralWidget()
    qtbot.keyClick(canvas, Qt.Key.Key_F)
    assert not desk.quad.is_open
    assert home.layout().itemAt(0).widget().isAncestorOf(canvas)
    assert canvas.isVisible()
    assert desk.hands.canvases == [canvas]
    kept = [(view, view.model.layers) for view in desk.quad._planes]
    assert not any(layers for _, layers in kept)  # the canvases are kept, no array is
    qtbot.keyClick(canvas, Qt.Key.Key_F)
    assert [view for view, _ in kept] == desk.quad.planes
    assert sorted(one.dims.order[0] for _, one in views(desk, main)) == [0, 1, 2]
    assert all(len(layers) == len(viewer.layers) for _, layers in kept)
    qtbot.keyClick(canvas, Qt.Key.Key_F)
    desk.hands.release()
    desk.keys.release()
    layer = viewer.layers.selection.active
    before, slider = tuple(layer.contrast_limits), viewer.dims.point[0]
    at = canvas.rect().center()
    drag(qtbot, canvas, at, at + QPoint(40, 40))
    qtbot.keyClick(canvas, Qt.Key.Key_1)
    assert tuple(layer.contrast_limits) == before
    assert viewer.dims.point[0] == slider
    desk._hold(canvas, viewer)
    desk.keys.hold(desk._window)


def test_what_was_shown_whole_in_four_views_is_shown_whole_in_one(desk, main, qtbot):
    canvas, viewer = main
    qtbot.keyClick(canvas, Qt.Key.Key_R)
    fitted = viewer.scene.camera.zoom
    qtbot.keyClick(canvas, Qt.Key.Key_F)
    qtbot.waitUntil(lambda: viewer.scene.camera.zoom > 1.2 * fitted)
    qtbot.keyClick(canvas, Qt.Key.Key_F)
    assert viewer.scene.camera.zoom == pytest.approx(fitted)


def test_what_was_seen_near_by_is_seen_near_by_in_four_views_and_in_one(desk, main, qtbot):
    canvas, viewer = main
    camera, slid = viewer.scene.camera, viewer.dims.point[0]
    qtbot.keyClick(canvas, Qt.Key.Key_R)
    fitted = camera.zoom
    qtbot.keyClick(canvas, Qt.Key.Key_F)
    camera.zoom, camera.center = (whole := camera.zoom) * 3, (-20.0, 9.0)
    qtbot.keyClick(canvas, Qt.Key.Key_F)
    assert camera.zoom == pytest.approx(3 * fitted)
    for view in desk.quad.planes:
        assert view.model.scene.camera.zoom == pytest.approx(3 * fitted)
        seen = np.array([slid, -20.0, 9.0])[list(view.model.dims.displayed)]
        assert view.model.scene.camera.center[-2:] == pytest.approx(tuple(seen))
    qtbot.keyClick(canvas, Qt.Key.Key_F)
    assert (camera.zoom, camera.center[-2:]) == (pytest.approx(3 * whole), (-20.0, 9.0))


def test_the_picture_has_no_words_until_they_are_true(desk, main, qtbot):
    viewer = main[1]
    words = viewer.canvas.overlays["fusion_words"]
    qtbot.waitUntil(lambda: words.visible and words.text == said_on(main[0]))
    viewer.dims.set_point(0, viewer.dims.point[0] + 8)
    assert not words.text  # a screenshot taken now tells nothing wrong
    qtbot.waitUntil(lambda: words.visible and words.text == said_on(main[0]))


def test_every_plane_has_the_side_that_was_kept(desk, main, window, qtbot):
    desk.show_views(on=False)
    desk.quad.set_sides("left")  # as the settings say when the workspace opens
    desk.show_views(on=True)
    sides = {v.name: str(v.model.scene.camera.orientation2d[1]) for v in desk.quad.planes}
    assert sides["coronal"] == "left"
    angle = desk.quad.turning.angle
    desk.quad.set_sides("right")
    assert (desk.quad.turning.angle - angle) % 360 == 180


def test_a_session_brings_the_side_to_every_plane(desk, main, window):
    _, viewer = main
    check = window[1].check
    check.planes.left.setChecked(True)
    kept = check.settings()
    orientation = viewer.scene.camera.orientation2d
    check.planes.left.setChecked(False)
    viewer.scene.camera.orientation2d = orientation  # the view comes back before the settings
    check.take_up(kept)
    assert check.planes.left.isChecked()
    assert {str(v.model.scene.camera.orientation2d[1]) for v in desk.quad.planes} >= {"left"}
    check.planes.left.setChecked(False)


@pytest.mark.parametrize("place", range(4))
def test_a_session_brings_back_the_view_that_was_enlarged_and_the_angle(desk, main, window, place):
    check, quad = window[1].check, desk.quad
    frame = quad._frame
    canvases = [one for one, _ in views(desk, main)] + [quad.turning]
    quad.enlarge(canvases[place])
    quad.turning.look_from(75)
    quad.turning.turn(on=place == 3)
    kept = json.loads(json.dumps(check.settings()))
    desk.show_views(on=False)
    desk.show_views(on=True)
    quad.turning.look_from(0)
    assert not quad.turning.is_turning
    assert all(one.isVisibleTo(frame) for one in canvases)
    check.take_up(kept)
    assert [one.isVisibleTo(frame) for one in canvases] == [n == place for n in range(4)]
    assert (quad.turning.angle, quad.turning.is_turning) == (75, place == 3)
    quad.turning.turn(on=False)
    check.take_up({"left_on": kept["left_on"]})  # an older session says nothing of either
    assert (quad.turning.angle, check.settings()["enlarged"]) == (75, place)
    check.take_up({"enlarged": None})
    assert all(one.isVisibleTo(frame) for one in canvases)


def test_an_enlarged_view_shows_the_same_anatomy_larger(desk, main, qtbot):
    canvas, viewer = main
    camera, small = viewer.scene.camera, canvas.height()
    zoom = camera.zoom
    middle = canvas.rect().center()
    qtbot.mouseDClick(canvas, Qt.MouseButton.LeftButton, pos=middle)
    qtbot.waitUntil(lambda: camera.zoom > 1.2 * zoom)
    assert canvas.height() / camera.zoom >= 0.99 * small / zoom  # nothing is cut away
    kept = camera.zoom
    qtbot.wait(50)
    assert camera.zoom == kept
    qtbot.mouseDClick(canvas, Qt.MouseButton.LeftButton, pos=canvas.rect().center())
    qtbot.waitUntil(lambda: camera.zoom < kept)
    assert camera.zoom == pytest.approx(zoom, rel=0.02)


@pytest.fixture
def pair_view(desk, window, qtbot):
    """The fourth view with A beside B."""
    bar = chosen(window).check.views
    bar.fourth.setCurrentIndex(1)
    bar.fourth.activated.emit(1)
    qtbot.wait(50)
    yield desk.quad.pair
    desk.quad.show_pair(on=False)


def test_the_fourth_view_shows_the_pair_in_the_plane_of_the_first(desk, main, pair_view):
    _, viewer = main
    model = pair_view.model
    zooms = [one.scene.camera.zoom for _, one in views(desk, main)]
    for on in (False, True):
        desk.quad.show_pair(on=on)
    assert [one.scene.camera.zoom for _, one in views(desk, main)] == zooms
    assert pair_view.isVisible()
    assert not desk.quad.turning.isVisible()
    compared = find_comparison(model)
    assert (compared.mode, compared.a.name, compared.b.name) == (Mode.SIDES, "head CT", "head T1")
    assert find_comparison(viewer) is None
    assert np.shares_memory(compared.a.data, viewer.layers["head CT"].data)
    viewer.layers["head CT"].visible = False  # as when it was fused
    viewer.layers["head CT"].contrast_limits = (0, 80)
    assert tuple(compared.a.contrast_limits) == (0, 80)
    assert len([layer for layer in model.layers if layer.visible]) == 2
    assert model.dims.order == viewer.dims.order
    show_plane(viewer, "coronal")
    assert model.dims.order == viewer.dims.order == (1, 0, 2)
    show_plane(viewer, "axial")


def test_the_pair_looks_where_the_planes_look_and_shows_as_wide_a_part(desk, main, pair_view):
    camera, there = main[1].scene.camera, pair_view.model.scene.camera
    camera.zoom, camera.center = 3 * camera.zoom, (12.0, -7.0)
    assert (there.zoom, there.center[-2:]) == (pytest.approx(camera.zoom / 2), (12.0, -7.0))
    there.zoom, there.center = 2 * there.zoom, (5.0, 4.0)
    assert (camera.zoom / 2, camera.center[-2:]) == (pytest.approx(there.zoom), (5.0, 4.0))


def test_hands_act_on_the_pair_and_it_follows_the_crossing(desk, pair_view, qtbot):
    canvas, model = pair_view.canvas, pair_view.model
    desk.crossing.go((14.0, 0.0, 0.0))
    step = model.dims.range[0].step
    assert abs(model.dims.point[0] - desk.crossing.point[0]) <= step / 2
    left, right = pair_view.cross.middles()
    for x, y in (left, right):
        pixel = QPoint(round(x) + 20, round(y) - 15)
        expected = to_world(model, (pixel.x(), pixel.y()), (canvas.width(), canvas.height()))
        desk.crossing.go((14.0, 0.0, 0.0))
        qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=pixel)
        assert np.abs(desk.crossing.point - expected)[1:].max() <= 2
    before = desk.crossing.point[0]
    wheel(canvas, 1)
    qtbot.waitUntil(lambda: desk.crossing.point[0] != before)
    model.dims.set_current_step(0, 3)  # its slider; the point stays on slices of the first
    first = desk.viewers()[0]
    assert first.dims.point[0] == pytest.approx(desk.crossing.point[0])


def test_the_pair_comes_back_when_its_volumes_do(desk, window, pair_view):
    moving = window[0].layers["head T1"]
    there = moving.translate.copy()
    moving.translate = there + 1000  # no point in common
    assert find_comparison(pair_view.model) is None
    moving.translate = there
    assert find_comparison(pair_view.model) is not None
    assert len(pair_view.model.layers) == 4  # A, B and their pictures


def test_the_pair_is_the_chosen_one_and_goes_and_comes_with_the_views(desk, window, pair_view):
    viewer, workspace = window
    workspace.open.fixed.choose(viewer.layers["head T1"])
    workspace.open.moving.choose(viewer.layers["head CT"])
    compared = find_comparison(pair_view.model)
    assert (compared.a.name, compared.b.name) == ("head T1", "head CT")
    kept = json.loads(json.dumps(workspace.check.settings()))
    assert kept["fourth"] == "pair"
    desk.show_views(on=False)
    assert not pair_view.model.layers
    desk.show_views(on=True)
    assert find_comparison(pair_view.model) is not None
    desk._project()  # M
    assert desk.quad.turning.isVisible()
    assert not pair_view.model.layers
    assert workspace.check.views.fourth.currentIndex() == 0
    workspace.check.take_up(kept)
    assert desk.quad.pair is pair_view
    assert workspace.check.views.fourth.currentIndex() == 1
    chosen(window)


def test_side_by_side_each_picture_has_its_crosshair(desk, main, window, qtbot):
    _, viewer = main
    chosen(window).check.comparer.set_mode(Mode.SIDES)
    desk.crossing.go((5.0, -12.0, 9.0))
    crosses = [desk._cross, *(view.cross for view in desk.quad.planes)]
    for (one, model), cross in zip(views(desk, main), crosses, strict=True):
        left, right = cross.middles()
        assert right[0] - left[0] == pytest.approx(one.width() / 2)
        assert (left[0] < one.width() / 2 < right[0], left[1]) == (True, right[1])
        size = one.width(), one.height()
        for middle in (left, right):
            np.testing.assert_allclose(
                to_world(model, middle, size), desk.crossing.point, atol=1e-6
            )
    framed = []
    desk.crossing.framed.connect(lambda: framed.append(True))
    viewer.scene.camera.zoom *= 1.5
    assert framed  # and it is drawn anew
    chosen(window).check.comparer.set_mode(Mode.FUSED)
    assert len(desk._cross.middles()) == 1


def test_side_by_side_keeps_the_hands_and_the_values(desk, main, window, qtbot):
    canvas, viewer = main
    comparer = chosen(window).check.comparer
    comparer.set_mode(Mode.SIDES)
    before = desk.crossing.point[0]
    wheel(canvas, 1)
    qtbot.waitUntil(lambda: desk.crossing.point[0] != before)
    quarter = QPoint(canvas.width() // 4 + 9, canvas.height() // 2 + 5)
    other = quarter + QPoint(canvas.width() // 2, 0)
    size = (canvas.width(), canvas.height())
    places = [to_world(viewer, (p.x(), p.y()), size) for p in (quarter, other)]
    np.testing.assert_allclose(*places, atol=2)
    qtbot.mouseMove(canvas, quarter)
    qtbot.waitUntil(lambda: np.abs(desk.crossing.under()[0] - places[0]).max() < 2)
    assert canvas.findChild(Words).geometry().right() < canvas.width() / 2  # of its own picture
    comparer.set_mode(Mode.FUSED)


def test_places_are_marked_in_any_plane(desk, main, window, qtbot):
    _, viewer = main
    box = chosen(window).align.landmarks
    box.set_open(on=True)
    qtbot.mouseClick(box.mark_button, Qt.MouseButton.LeftButton)
    view = next(v for v in desk.quad.planes if v.name == "coronal")
    for name in ("marks on head CT", "marks on head T1"):
        place = desk.crossing.point + np.array([12, 0, 8])
        at = pixel(view.canvas, view.model, place)
        qtbot.mouseMove(view.canvas, at)
        qtbot.mouseClick(view.canvas, Qt.MouseButton.LeftButton, pos=at)
        marks = viewer.layers[name]
        assert len(marks.data) == 1
        assert np.abs(marks.data_to_world(marks.data[0]) - place).max() < 4
    qtbot.keyClick(view.canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert [len(viewer.layers[f"marks on {name}"].data) for name in ("head CT", "head T1")] == [
        1,
        0,
    ]
    qtbot.keyClick(view.canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert len(viewer.layers["marks on head CT"].data) == 0
    assert box.words.text() == "Click place 1 on head CT."
    box.stop()
    for name in ("marks on head CT", "marks on head T1"):
        viewer.layers.remove(name)


def test_the_wide_words_of_a_canvas_end_before_its_letter(desk, main):
    canvas, viewer = main
    layer = viewer.layers["head CT"]
    layer.name = "a name that nobody could read on a small canvas, be it ever so small"
    assert canvas.findChild(Words).geometry().right() < canvas.width() / 2
    layer.name = "head CT"


def ours_in_help(viewer):
    return {
        action.text(): action
        for action in viewer.window.help_menu.actions()
        if "napari-fusion" in action.text()
    }


def test_napari_s_help_menu_tells_about_us(main, window):
    _, viewer = main
    ours = ours_in_help(viewer)
    assert list(ours) == ["About napari-fusion", "Tour of napari-fusion"]
    ours["About napari-fusion"].trigger()
    (box,) = [one for one in QApplication.topLevelWidgets() if isinstance(one, AboutBox)]
    box.close()
    ours["Tour of napari-fusion"].trigger()
    assert window[1].tour.isVisible()
    window[1].tour.stop()


def test_closing_the_dock_closes_the_views(desk, main, window, qtbot):
    canvas, viewer = main
    home = desk._window.centralWidget()
    viewer.window.remove_dock_widget(window[1])
    qtbot.wait(50)
    assert not desk.quad.is_open
    assert not ours_in_help(viewer)
    assert home.layout().count() == 1
    assert canvas.isVisible()
    assert not viewer.canvas.overlays["fusion_words"].visible
    assert viewer.canvas.background_color_override is None
    qtbot.keyClick(canvas, Qt.Key.Key_1)
    assert tuple(viewer.layers["head CT"].contrast_limits) != (0, 80)
