"""A widget that napari deleted hears nothing, and the viewer forgets it."""

import gc
import weakref

import pytest
from napari.components import ViewerModel
from qtpy.QtCore import QCoreApplication, QEvent
from qtpy.QtWidgets import QWidget

from napari_fusion.gui.widgets.hearing import hear


class Listener(QWidget):
    def __init__(self, viewer):
        super().__init__()
        self.heard = []
        hear(self.note, viewer.layers.events.inserted, viewer.dims.events.ndisplay)

    def note(self, event):
        self.heard.append(event.type)


@pytest.fixture
def viewer():
    return ViewerModel()


def callbacks(viewer):
    return len(viewer.layers.events.inserted.callbacks), len(viewer.dims.events.ndisplay.callbacks)


def test_every_event_is_heard(qtbot, viewer):
    listener = Listener(viewer)
    qtbot.addWidget(listener)
    viewer.add_points()
    viewer.dims.ndisplay = 3
    assert listener.heard == ["inserted", "ndisplay"]


def test_a_deleted_widget_is_forgotten_at_the_next_event(qtbot, viewer):
    before = callbacks(viewer)
    listener = Listener(viewer)
    listener.deleteLater()
    QCoreApplication.sendPostedEvents(listener, QEvent.Type.DeferredDelete)
    viewer.add_points()
    assert listener.heard == []
    assert callbacks(viewer) == before


def test_events_do_not_keep_a_widget_alive(qtbot, viewer):
    before = callbacks(viewer)
    known = weakref.ref(Listener(viewer))
    gc.collect()
    assert known() is None
    viewer.dims.ndisplay = 3
    assert callbacks(viewer) == before
