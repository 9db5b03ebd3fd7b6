"""Viewers for tests; without a screen, OpenGL is not asked what it can do."""

import gc
import os
import sys
from dataclasses import replace
from unittest.mock import patch

import pytest

from napari_fusion.errors import Progress
from napari_fusion.gui import add_volume
from napari_fusion.phantom import misaligned_pair
from napari_fusion.registration import Alignment, Quality


def no_screen():
    """Whether there is nothing to draw on; asked late: Xvfb starts after this file is read."""
    return sys.platform == "linux" and not os.environ.get("DISPLAY")


def pytest_collection_modifyitems(items):
    for item in items:
        if "gui" in item.path.parts:
            item.add_marker(pytest.mark.gui)
        if no_screen() and item.get_closest_marker("display"):
            item.add_marker(pytest.mark.skip(reason="no display: install Xvfb"))


@pytest.fixture(autouse=True)
def _no_opengl(monkeypatch):
    """Let napari build its canvas on Qt's offscreen platform, which has no OpenGL."""
    if not no_screen():
        return
    for room in ("utils.gl", "layers.image", "layers.base", "canvas"):
        name = f"napari._vispy.{room}"
        monkeypatch.setattr(f"{name}.get_gl_extensions", lambda: "", raising=False)
        monkeypatch.setattr(f"{name}.get_max_texture_sizes", lambda: (8192, 2048), raising=False)


@pytest.fixture(scope="session", autouse=True)
def _manifests_read_once():
    """Installed plugins stay what they are; napari would read their manifests for every test."""
    from npe2 import PluginManifest

    found = list(PluginManifest.discover())
    with patch.object(PluginManifest, "discover", lambda paths=(): iter(found)):
        yield


@pytest.fixture(scope="session", autouse=True)
def _a_new_napari(tmp_path_factory):
    """Begin as one that was never used: a window comes up as large as it was left."""
    from napari import settings

    file = tmp_path_factory.mktemp("napari") / "settings.yaml"
    settings._SETTINGS = None
    settings.get_settings(file)
    with patch.dict(os.environ, {"NAPARI_CONFIG": str(file)}):  # for processes, too
        yield


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch, tmp_path):
    """Keep a test's choices from the user's settings and from the next test."""
    from napari import settings

    settings._clear_plugin_settings_cache()
    monkeypatch.setattr(settings, "_CFG_PATH", str(tmp_path / "settings.yaml"))
    yield
    settings._clear_plugin_settings_cache()


@pytest.fixture(scope="session")
def pair():
    """CT and T1 of one small head, misaligned, and the truth."""
    return misaligned_pair(size="small")


@pytest.fixture
def viewer(pair):
    """A viewer model that shows the pair."""
    from napari.components import ViewerModel

    model = ViewerModel()
    for volume in pair[:2]:
        add_volume(model, volume)
    return model


@pytest.fixture
def docked(qtbot):
    """Make workspaces on viewers; they go at once, or Python might collect them in a thread."""
    from qtpy.QtCore import QCoreApplication, QEvent

    from napari_fusion.gui.workspace import FusionWorkspace

    made = []

    def make(viewer):
        made.append(FusionWorkspace(viewer))
        made[-1].show()
        return made[-1]

    yield make
    for widget in reversed(made):
        widget.jobs.cancel()
        widget.close()
        widget.deleteLater()
        QCoreApplication.sendPostedEvents(widget, QEvent.Type.DeferredDelete.value)


@pytest.fixture
def dock(docked, viewer):
    """The workspace on that viewer."""
    return docked(viewer)


@pytest.fixture(scope="module")
def window(qapp):
    """A real window with the workspace, for all tests of a module: building one takes long.

    It has an application of napari's of its own, as `make_napari_viewer` makes for a test; in a
    shared one a second window would tell of the same commands again.
    """
    import napari
    from app_model import Application
    from napari._app_model._app import NapariApplication, _napari_names
    from napari._qt._qapp_model.qactions import init_qactions
    from napari.plugins import _initialize_plugins
    from npe2 import PluginManager

    PluginManager.instance().discover()
    app = NapariApplication("fusion_window")
    app.injection_store.namespace = _napari_names
    init_qactions.cache_clear()
    _initialize_plugins.cache_clear()
    with patch.object(NapariApplication, "get_app_model", return_value=app):
        viewer = napari.Viewer(show=True)
        _, workspace = viewer.window.add_plugin_dock_widget("napari-fusion", "Fusion workspace")
        gc.collect()
        gc.freeze()  # napari looks through all there is for every layer that goes
        yield viewer, workspace
        gc.unfreeze()
        viewer.close()
        qapp.processEvents()
        gc.collect()
        gc.freeze()
    Application.destroy("fusion_window")
    init_qactions.cache_clear()
    _initialize_plugins.cache_clear()


@pytest.fixture
def plugins():
    """Let napari find the installed plugins, as its window does when it starts."""
    from npe2 import PluginManager

    PluginManager.instance().discover()


@pytest.fixture
def said():
    """Everything napari tells the user during a test."""
    from napari.utils.notifications import notification_manager

    before = len(notification_manager.records)
    return lambda: [str(note.message) for note in notification_manager.records[before:]]


@pytest.fixture
def gate(monkeypatch, pair):
    """Replace registration by the known truth and a verdict of the test's choice.

    What was asked of it last is its attribute `asked`.
    """

    def set_verdict(verdict="PASS", sentence="They match."):
        def align(fixed, moving, options, *, initial=None, progress: Progress):
            progress(0.5, "searching")
            set_verdict.asked = options
            quality = Quality(verdict=verdict, sentence=sentence)
            return replace(Alignment(fixed.grid, moving.grid, pair[2]), quality=quality)

        monkeypatch.setattr("napari_fusion.registration.align", align)

    set_verdict()
    return set_verdict
