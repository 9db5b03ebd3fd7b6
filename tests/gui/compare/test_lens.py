"""The lens over a canvas: what lies under the mouse, in every plane, and nothing is touched."""

from dataclasses import replace

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import QEvent, QObject, QPoint, QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QMouseEvent, QWheelEvent
from qtpy.QtWidgets import QApplication, QWidget

from napari_fusion.gui import add_volume, fuse_layers, show_plane
from napari_fusion.gui.chosen import Chosen
from napari_fusion.gui.compare.lens import RADIUS
from napari_fusion.gui.compare.pictures import Seen
from napari_fusion.gui.compare.trust import TrustLens
from napari_fusion.gui.hands.keys import Binding, Keys
from napari_fusion.gui.readout import shares_at, value_at
from napari_fusion.gui.views.letters import PLANES
from napari_fusion.gui.views.pixels import to_pixels, to_world

SIZE = 500


@pytest.fixture
def model(pair):
    viewer = ViewerModel()
    ct = replace(pair[0], frame_uid="1", name="CT")
    t1 = replace(ct, modality="MR", unit="1", array=ct.array[:, ::-1] + 1024, name="T1")
    for volume in (ct, t1):
        add_volume(viewer, volume)
    return viewer


@pytest.fixture
def canvas(qtbot):
    widget = QWidget()
    qtbot.addWidget(widget)
    widget.resize(SIZE, SIZE)
    widget.show()
    return widget


class Below(QObject):
    """Hears the wheel where the lens does not take it."""

    heard = 0

    def eventFilter(self, watched, event):  # noqa: N802
        self.heard += event.type() == QEvent.Type.Wheel
        return False


@pytest.fixture
def below(canvas):
    found = Below()
    canvas.installEventFilter(found)
    return found


@pytest.fixture
def keys():
    return Keys(lambda keys: True)


@pytest.fixture
def lens(model, canvas, below, keys):
    found = TrustLens(model)
    found.choose(Chosen("CT", "T1"))
    found.hold(canvas, model)
    keys.bind(Binding("L", "lens", found.begin, found.end))
    keys.hold(canvas)
    yield found
    found.release()


def look(viewer, plane, *, left_on="right", index=(24, 30, 24)):
    """Show a plane with a voxel of the CT in its middle, at a known scale."""
    show_plane(viewer, plane, left_on=left_on)
    layer = viewer.layers["CT"]
    point = np.array(layer.translate) + np.array(index) * layer.scale
    viewer.dims.set_point(range(3), point)
    viewer.scene.camera.center = (0, *point[list(viewer.dims.displayed)])
    viewer.scene.camera.zoom = 3.0
    return point


def move(canvas, pixel):
    """Move the mouse; sent straight away, wherever the screen's own pointer is."""
    place = QPointF(pixel)
    button = Qt.MouseButton.NoButton
    event = QMouseEvent(
        QEvent.Type.MouseMove,
        place,
        QPointF(canvas.mapToGlobal(pixel)),
        button,
        button,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(canvas, event)


def wheel(canvas, notches):
    pixel = QPointF(SIZE / 2, SIZE / 2)
    QApplication.sendEvent(
        canvas,
        QWheelEvent(
            pixel,
            canvas.mapToGlobal(pixel),
            QPoint(),
            QPoint(0, 120 * notches),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        ),
    )


def shown(lens):
    return lens._lens.words.split()[0]


@pytest.mark.parametrize("left_on", ["right", "left"])
@pytest.mark.parametrize("plane", PLANES)
def test_every_pixel_of_the_disc_is_what_lies_there(qtbot, lens, model, canvas, plane, left_on):
    look(model, plane, left_on=left_on)
    middle = QPoint(SIZE // 2 + 7, SIZE // 2 - 11)
    move(canvas, middle)
    qtbot.keyPress(canvas, Qt.Key.Key_L)
    seen, image = Seen.of(model.layers["CT"]), lens._lens.picture
    axis = model.dims.order[0]
    index = round((model.dims.point[axis] - model.layers["CT"].translate[axis]) / 4)
    for dx, dy in [(-40, -30), (25, 10), (3, -50), (-60, 0), (17, 55)]:
        pixel = middle.x() + dx + 0.5, middle.y() + dy + 0.5
        point = to_world(model, pixel, (SIZE, SIZE))
        point[axis] = seen.to_world[axis, axis] * index + seen.to_world[axis, 3]
        value = interpolated(seen, point)
        got = QColor(image.pixel(RADIUS + dx, RADIUS + dy)).red()
        assert got == pytest.approx(255 * seen.window(np.array([value]))[0], abs=6)


def interpolated(seen, point):
    from scipy.ndimage import map_coordinates

    inverse = np.linalg.inv(seen.to_world)
    index = inverse[:3, :3] @ point + inverse[:3, 3]
    return map_coordinates(seen.array.astype(float), index[:, None], order=1, mode="nearest")[0]


def test_held_it_shows_the_value_and_let_go_it_is_gone(qtbot, lens, model, canvas):
    point = look(model, "axial")
    pixel = to_pixels(model, point, (SIZE, SIZE))
    move(canvas, QPoint(*map(round, pixel)))
    assert not lens.is_on
    qtbot.keyPress(canvas, Qt.Key.Key_L)
    assert lens._lens.isVisible()
    assert lens._lens.words == f"A  CT: {value_at(model.layers['CT'], point)}"
    assert "HU" in lens._lens.words
    over = lens._lens
    qtbot.keyRelease(canvas, Qt.Key.Key_L)
    assert not lens.is_on
    assert not over.isVisible()


@pytest.mark.parametrize("at", [(3, 3), (SIZE - 3, 3), (3, SIZE - 3), (SIZE // 2, SIZE - 3)])
def test_its_words_stay_on_the_canvas_at_every_edge(qtbot, lens, model, canvas, at):
    look(model, "axial")
    move(canvas, QPoint(*at))
    qtbot.keyPress(canvas, Qt.Key.Key_L)
    over = lens._lens
    words = over._box.translated(QPointF(over.pos()))
    assert QRectF(canvas.rect()).contains(words)
    assert over._ring.translated(QPointF(over.pos())).center() == QPointF(*at)
    qtbot.keyRelease(canvas, Qt.Key.Key_L)


def test_each_tap_shows_the_next_and_says_who_made_it(qtbot, lens, model, canvas):
    fused = fuse_layers(model, ["CT", "T1"], "average")[0]
    point = look(model, "axial")
    move(canvas, QPoint(SIZE // 2, SIZE // 2))
    heard = []
    for _ in range(4):
        qtbot.keyPress(canvas, Qt.Key.Key_L)
        heard.append(shown(lens))
        words = lens._lens.words
        qtbot.keyRelease(canvas, Qt.Key.Key_L)
        if heard[-1] == "who":
            assert shares_at(fused, point, 0) in words
            assert "blue CT, orange T1" in words
    assert heard == ["A", "B", "who", "A"]


@pytest.mark.parametrize("kind", [QEvent.Type.FocusOut, QEvent.Type.WindowDeactivate])
def test_it_is_gone_when_the_key_is_let_go_elsewhere(qtbot, lens, canvas, below, kind):
    move(canvas, QPoint(SIZE // 2, SIZE // 2))
    qtbot.keyPress(canvas, Qt.Key.Key_L)
    assert lens.is_on
    QApplication.sendEvent(canvas, QEvent(kind))
    assert not lens.is_on
    wheel(canvas, 1)
    assert below.heard == 1
    qtbot.keyPress(canvas, Qt.Key.Key_L)
    assert lens.is_on


def test_it_stays_when_the_keyboard_follows_the_mouse_to_another_plane(
    qtbot, lens, keys, canvas, monkeypatch
):
    other = QWidget()
    qtbot.addWidget(other)
    keys.hold(other)
    qtbot.keyPress(canvas, Qt.Key.Key_L)
    monkeypatch.setattr(QApplication, "focusWidget", lambda: other)
    QApplication.sendEvent(canvas, QEvent(QEvent.Type.FocusOut))
    assert lens.is_on


def test_held_the_wheel_is_the_lenss_and_else_it_is_not(qtbot, lens, model, canvas, below):
    look(model, "axial")
    move(canvas, QPoint(SIZE // 2, SIZE // 2))
    wheel(canvas, 1)
    assert below.heard == 1
    qtbot.keyPress(canvas, Qt.Key.Key_L)
    seen = [shown(lens)]
    for notches in (-1, -1, 1):
        wheel(canvas, notches)
        seen.append(shown(lens))
    assert seen == ["A", "B", "A", "B"]
    assert below.heard == 1


def test_it_follows_the_mouse_and_waits_outside(qtbot, lens, model, canvas):
    look(model, "axial")
    move(canvas, QPoint(100, 100))
    qtbot.keyPress(canvas, Qt.Key.Key_L)
    first = lens._lens.geometry().center()
    move(canvas, QPoint(150, 170))
    assert lens._lens.geometry().center() - first == QPoint(50, 70)
    QApplication.sendEvent(canvas, QEvent(QEvent.Type.Leave))
    assert not lens._lens.isVisible()
    move(canvas, QPoint(160, 170))
    assert lens._lens.isVisible()


def test_beyond_the_volume_the_disc_is_black_and_says_outside(qtbot, lens, model, canvas):
    look(model, "axial")
    model.scene.camera.center = (0, 5000, 5000)
    move(canvas, QPoint(SIZE // 2, SIZE // 2))
    qtbot.keyPress(canvas, Qt.Key.Key_L)
    assert lens._lens.words == "A  CT: outside"
    assert QColor(lens._lens.picture.pixel(RADIUS, RADIUS + 20)).red() == 0


def test_attribution_is_blue_where_the_first_gave_all(qtbot, lens, model, canvas):
    ct, t1 = model.layers["CT"], model.layers["T1"]
    ct.contrast_limits = (-3000, -2000)  # white everywhere
    t1.contrast_limits = (5000, 6000)  # black everywhere
    fuse_layers(model, ["CT", "T1"], "maximum")
    look(model, "axial")
    move(canvas, QPoint(SIZE // 2, SIZE // 2))
    qtbot.keyPress(canvas, Qt.Key.Key_L)
    lens.next(2)
    colour = QColor(lens._lens.picture.pixel(RADIUS + 20, RADIUS))
    assert (colour.red(), colour.blue()) == (0, 255)
    assert "100 % CT, 0 % T1" in lens._lens.words


def test_looking_touches_no_layer(qtbot, lens, model, canvas):
    def state():
        return [
            (x.name, id(x.data), x.data.tobytes(), x.visible, tuple(x.contrast_limits), x.opacity)
            for x in model.layers
        ]

    before = state(), model.dims.range, model.dims.point
    move(canvas, QPoint(200, 200))
    qtbot.keyPress(canvas, Qt.Key.Key_L)
    wheel(canvas, -1)
    qtbot.keyRelease(canvas, Qt.Key.Key_L)
    assert (state(), model.dims.range, model.dims.point) == before


def test_layers_and_canvases_that_go_are_survived(qtbot, lens, model, canvas):
    look(model, "axial")
    move(canvas, QPoint(200, 200))
    model.layers["T1"].name = "other"  # and nothing chose it anew
    qtbot.keyPress(canvas, Qt.Key.Key_L)
    wheel(canvas, -1)
    assert shown(lens) == "A"
    model.layers.clear()
    move(canvas, QPoint(210, 200))
    qtbot.keyRelease(canvas, Qt.Key.Key_L)
    qtbot.keyPress(canvas, Qt.Key.Key_L)
    assert not lens.is_on
    lens.drop(canvas)
    move(canvas, QPoint(220, 200))


@pytest.mark.parametrize("shape", [(20, 30), (2, 10, 20, 30)])
def test_over_what_is_no_volume_it_says_so_and_nothing_is_thrown(
    qtbot, lens, model, canvas, shape, said
):
    model.add_image(np.zeros(shape), name="other")
    lens.choose(Chosen("CT", "other"))
    move(canvas, QPoint(200, 200))
    qtbot.keyPress(canvas, Qt.Key.Key_L)
    assert said() == [
        "'other' is no volume of single values: choose an image or labels layer of three axes"
    ]
    assert not lens.is_on
    qtbot.keyRelease(canvas, Qt.Key.Key_L)


def test_in_three_dimensions_there_is_no_lens(qtbot, lens, model, canvas):
    move(canvas, QPoint(200, 200))
    model.dims.ndisplay = 3
    qtbot.keyPress(canvas, Qt.Key.Key_L)
    assert lens._lens is None
