"""The plugin in a real napari window."""

import threading
import time
from dataclasses import dataclass, field

import cv2
import numpy as np
import pytest
from qtpy.QtCore import Qt, QThreadPool, QTimer
from qtpy.QtWidgets import QApplication, QProgressDialog, QPushButton

from napari_fusion.gui import add_volume, to_layer
from napari_fusion.gui.layers import VOLUME


@pytest.fixture
def window(make_napari_viewer_proxy, pair, plugins):
    """A real viewer, as a plugin gets it, with the pair and the dock opened by its menu name."""
    viewer = make_napari_viewer_proxy()
    for volume in pair[:2]:
        add_volume(viewer, volume)
    _, dock = viewer.window.add_plugin_dock_widget("napari-fusion", "Fusion workspace")
    return viewer, dock


def test_the_dock_works_in_a_real_window(window, qtbot, pair, gate):
    viewer, dock = window
    qtbot.mouseClick(dock.align.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(dock.align.button.isEnabled, timeout=30_000)
    qtbot.mouseClick(dock.fuse.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(dock.fuse.button.isEnabled, timeout=30_000)
    assert [layer.name for layer in viewer.layers] == [
        "head CT",
        "head T1",
        "head T1 on head CT",
        "auto: head CT + head T1 on head CT",
        "share of head T1 on head CT",
    ]
    assert viewer.layers["head T1"].metadata[VOLUME] is pair[1]
    assert viewer.canvas.overlays["fusion_right"].text == "L"


@pytest.mark.parametrize("views", [False, True], ids=["one view", "four views"])
def test_d61_closing_the_window_while_aligning_stops_the_work(window, qtbot, monkeypatch, views):
    viewer, dock = window
    stopped = threading.Event()
    if views:
        qtbot.mouseClick(dock.check.views.four, Qt.MouseButton.LeftButton)
        assert dock.desk.quad.is_open

    def endless(fixed, moving, options, *, initial=None, progress):
        try:
            while True:
                progress(0.3, "searching")
                time.sleep(0.02)
        finally:
            stopped.set()

    monkeypatch.setattr("napari_fusion.registration.align", endless)
    qtbot.mouseClick(dock.align.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: dock.jobs.bar.value() > 0, timeout=5000)
    viewer.close()
    assert stopped.wait(2)
    qtbot.waitUntil(lambda: QThreadPool.globalInstance().activeThreadCount() == 0, timeout=2000)


@pytest.mark.display
def test_left_is_drawn_on_the_right(make_napari_viewer_proxy, qtbot):
    """A bright block on the patient's left is in the right half of the picture, anterior is up."""
    from napari_fusion import Grid, Volume

    grid = Grid.regular((4, 40, 40))
    points = grid.index_to_lps(np.stack(np.indices(grid.shape), axis=-1))
    inside = (points[..., 0] > 8) & (points[..., 1] < -8)
    block = np.where(inside, 100 + points[..., 0], np.linspace(0, 1, grid.shape[2]))
    viewer = make_napari_viewer_proxy(show=True)
    add_volume(viewer, Volume(block, grid, "MR"))
    picture = viewer.screenshot(canvas_only=True, flash=False)[..., 0] > 128
    rows, columns = np.nonzero(picture)
    assert columns.mean() > picture.shape[1] / 2
    assert rows.mean() < picture.shape[0] / 2


def _glyph(picture, side):
    """Cut the letter at the left or right edge out of a screenshot, to its bright box."""
    rows, columns = picture.shape
    part = slice(0, columns // 8) if side == "left" else slice(columns - columns // 8, columns)
    bright = picture[rows // 4 : 3 * rows // 4, part] > 128
    rows, columns = (np.flatnonzero(bright.any(axis=axis)) for axis in (1, 0))
    box = bright[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return cv2.resize(box.astype(np.float32), (16, 20), interpolation=cv2.INTER_AREA)


@pytest.mark.display
def test_051_053_a_screenshot_carries_letters_that_turn_with_the_picture(make_napari_viewer_proxy):
    """Catalogue C 51 and 53, on the pixels themselves."""
    from napari_fusion import Grid, Volume
    from napari_fusion.gui import show_plane
    from napari_fusion.gui.views.letters import show_letters

    array = np.zeros((4, 40, 40), np.float32)
    array[:, 14:26, 22:26] = 1  # on the patient's left, away from the letters
    viewer = make_napari_viewer_proxy(show=True)
    data, keywords, _ = to_layer(Volume(array, Grid.regular(array.shape), "MR"))
    viewer.add_image(data, **(keywords | {"contrast_limits": (0, 1)}))
    show_letters(viewer)
    seen = {}
    for side in ("right", "left"):
        show_plane(viewer, "axial", left_on=side)
        picture = viewer.screenshot(canvas_only=True, flash=False)[..., :3].min(axis=2)
        middle = picture[:, picture.shape[1] // 8 : -picture.shape[1] // 8] > 128
        block = np.nonzero(middle[middle.shape[0] // 3 : 2 * middle.shape[0] // 3])[1].mean()
        seen[side] = (
            _glyph(picture, "left"),
            _glyph(picture, "right"),
            block > middle.shape[1] / 2,
        )
    at_left, at_right, right_half = seen["right"]
    other_left, other_right, still_right_half = seen["left"]
    assert right_half
    assert not still_right_half  # the picture turned …

    def apart(one, other):
        return np.abs(one - other).mean()

    different = apart(at_left, at_right)  # R and L
    assert apart(at_left, other_right) < different / 2  # … and the letters with it
    assert apart(at_right, other_left) < different / 2


@dataclass
class SlowFile:
    """A volume on disk whose reading lasts until it is released."""

    path: str
    started: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def slow(tmp_path, pair, monkeypatch):
    from napari_fusion import save
    from napari_fusion.io import isolated

    file, load = SlowFile(str(save(pair[0], tmp_path / "ct.nii.gz"))), isolated.load

    def slowly(*args, **kwargs):
        file.started.set()
        file.release.wait(10)
        return load(*args, **kwargs)

    monkeypatch.setattr(isolated, "load", slowly)
    yield file
    file.release.set()


def opened(viewer, slow, qtbot, each_beat):
    """Open a file while the event loop runs, as a drop on the window does."""
    layers, timer = [], QTimer()
    timer.timeout.connect(lambda: slow.started.is_set() and each_beat())
    timer.start(10)
    QTimer.singleShot(0, lambda: layers.append(viewer.open(slow.path, plugin="napari-fusion")))
    qtbot.waitUntil(lambda: bool(layers), timeout=30_000)
    return layers[0]


def test_a_drop_on_the_window_reads_while_the_window_lives(
    make_napari_viewer_proxy, plugins, slow, qtbot
):
    viewer, beats = make_napari_viewer_proxy(), []

    def beat():
        beats.append(slow.release.is_set())
        if len(beats) == 5:
            slow.release.set()

    (layer,) = opened(viewer, slow, qtbot, beat)
    assert beats[:5] == [False] * 5  # the window lived while the file was read
    assert layer.name == viewer.layers[0].name
    assert viewer.canvas.overlays["fusion_right"].text == "L"


def test_reading_can_be_cancelled(make_napari_viewer_proxy, plugins, slow, qtbot):
    viewer = make_napari_viewer_proxy()

    def press_cancel():
        dialog = QApplication.activeModalWidget()
        if isinstance(dialog, QProgressDialog):
            qtbot.mouseClick(dialog.findChild(QPushButton), Qt.MouseButton.LeftButton)

    assert opened(viewer, slow, qtbot, press_cancel) == []
    assert len(viewer.layers) == 0
    slow.release.set()
    qtbot.waitUntil(lambda: QThreadPool.globalInstance().activeThreadCount() == 0, timeout=5000)


def test_a_dropped_folder_opens_the_series_picker(
    make_napari_viewer_proxy, plugins, pair, tmp_path, qtbot
):
    from dataclasses import replace

    from napari_fusion import save
    from napari_fusion.gui.open.chooser import SeriesDialog

    save(pair[0], tmp_path / "ct.nii.gz")
    save(replace(pair[0], modality="PT", unit="g/mL"), tmp_path / "pet.nii.gz")
    viewer, asked = make_napari_viewer_proxy(), []

    def press_open():
        dialog = QApplication.activeModalWidget()
        if not isinstance(dialog, SeriesDialog):
            return
        if all(not row.icon(0).isNull() for row, _ in dialog._rows):  # its pictures came
            asked.append([one.modality for one, _ in dialog.chosen])
            dialog.accept()

    timer = QTimer()
    timer.timeout.connect(press_open)
    timer.start(20)
    opened = []
    QTimer.singleShot(0, lambda: opened.append(viewer.open(str(tmp_path), plugin="napari-fusion")))
    qtbot.waitUntil(lambda: bool(opened), timeout=60_000)
    timer.stop()
    assert asked == [["CT", "PT"]]
    assert [layer.metadata[VOLUME].modality for layer in viewer.layers] == ["CT", "PT"]
