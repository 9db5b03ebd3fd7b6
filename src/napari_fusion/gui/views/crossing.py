"""The point in which the planes cross, and the scale and the place they are seen at."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from qtpy.compat import isalive
from qtpy.QtCore import QObject, QTimer, Signal, Slot

from napari_fusion.gui.views.pixels import Point, cells, cursor_point, is_flat

SAME_MM = 1e-6
"""Two places closer than this are one."""


class Crossing(QObject):
    """Links viewers in millimetres: where their planes cross, where they look, and how near.

    The point lies on slices, as the sliders do.

    A viewer's slider moves the point, and the point moves every slider across whose plane it
    moved: a plane that is only moved within is not sliced anew.

    Parameters
    ----------
    viewer
        The first viewer to join.
    """

    moved = Signal()
    """The point lies elsewhere now."""

    framed = Signal()
    """The planes look elsewhere, or nearer."""

    hovered = Signal()
    """The mouse moved over a canvas, or left it."""

    def __init__(self, viewer: Any, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._first, self._members = viewer, list[Any]()
        self._busy = False
        self._over: Any = None
        self._aim: Point | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._arrive)
        self.point: Point = np.zeros(3)
        self._sliders: Point = np.full(3, np.nan)
        self.centre: Point = np.zeros(3)
        if viewer.dims.ndim == 3:
            self.point = self._sliders = np.array(viewer.dims.point, float)
        self.join(viewer)

    def join(self, viewer: Any) -> None:
        """Link a viewer; it is taken to where the others are."""
        self._members.append(viewer)
        for event, heard in self._events(viewer):
            event.connect(heard)
        viewer.mouse_move_callbacks.append(self._pointed)
        self._follow(viewer)

    def leave(self, viewer: Any) -> None:
        """Let go of a viewer."""
        self._over = None if self._over is viewer else self._over
        if viewer in self._members:
            self._members.remove(viewer)
            for event, heard in self._events(viewer):
                event.disconnect(heard)
            viewer.mouse_move_callbacks.remove(self._pointed)

    def go(self, point: ArrayLike) -> None:
        """Let the planes cross in a point, (3,) in viewer mm, or as near as the volumes reach."""
        self._cross_at(self._inside(np.asarray(point, float)))

    def return_to(self, point: Any) -> None:
        """Go back to a point that was written down, if that is one."""
        try:
            wanted = np.asarray(point, float)
        except (TypeError, ValueError):
            return
        if wanted.shape == (3,) and np.isfinite(wanted).all():
            self._cross_at(wanted)

    def _cross_at(self, wanted: Point) -> None:
        self._aim = None
        if np.abs(wanted - self.point).max() < SAME_MM:
            return
        self.point = wanted
        with self._alone():
            for viewer in self._members:
                self._follow(viewer)
        self.moved.emit()

    def aim(self, point: ArrayLike) -> None:
        """Go to a point when everything the hand has done so far is read: the last one counts."""
        self._aim = np.array(point, float)
        self._timer.start()

    def step(self, axis: int, slices: float) -> None:
        """Move along an axis by slices, when everything the hand has done so far is read."""
        wide = self._members[0].dims.range[axis].step if self._flat_members() else 0.0
        point = self.point.copy() if self._aim is None else self._aim
        point[axis] += slices * wide
        self.aim(self._inside(point))

    def bring(self, viewer: Any) -> None:
        """Move a viewer's slider to the point."""
        with self._alone():
            self._follow(viewer)

    @Slot()
    def _arrive(self) -> None:
        if self._aim is not None:
            self.go(self._aim)

    def _flat_members(self) -> list[Any]:
        return [viewer for viewer in self._members if viewer.dims.ndim == 3]

    def _inside(self, point: Point) -> Point:
        """Give the nearest point that lies on a slice in every plane."""
        ranges = [viewer.dims.range for viewer in self._flat_members()[:1]]
        if not ranges:
            return point
        start, stop, step = np.array([tuple(axis) for axis in ranges[0]], float).T
        snapped: Point = start + np.round((np.clip(point, start, stop) - start) / step) * step
        return snapped

    def _events(self, viewer: Any) -> list[tuple[Any, Any]]:
        return [
            (viewer.dims.events.point, self._slid),
            (viewer.dims.events.order, self._turned),
            (viewer.scene.camera.events.center, self._looked),
            (viewer.scene.camera.events.zoom, self._looked),
            (viewer.scene.camera.events.orientation, self._looked),
            (viewer.cursor.events.position, self._hovered),
            (viewer.events.mouse_over_canvas, self._left),
        ]

    def _follow(self, viewer: Any) -> None:
        """Move a viewer's slider to the point, if it is elsewhere."""
        if viewer.dims.ndim != 3:
            return
        axis = viewer.dims.order[0]
        if abs(viewer.dims.point[axis] - self.point[axis]) > SAME_MM:
            viewer.dims.set_point(axis, self.point[axis])

    def _slid(self, event: Any) -> None:
        viewer = self._turned_by(event.source)
        if viewer is None or viewer.dims.ndim != 3:
            return
        slid = self._slid_axes(viewer)
        if self._busy:
            return
        point = self.point.copy()
        there = np.array(viewer.dims.point)
        there = there if viewer is self._members[0] else self._inside(there)  # its slices count
        point[slid] = there[slid]
        if np.abs(point - self.point).max() < SAME_MM:
            return
        self.point = point
        with self._alone():
            for other in self._members:
                self._follow(other)
        self.moved.emit()

    def _slid_axes(self, viewer: Any) -> list[int]:
        """Say along which axes a viewer was moved: the one across its plane, of the first any.

        Opening volumes and sessions moves the first viewer's hidden sliders, too.
        """
        axis = int(viewer.dims.order[0])
        if viewer is not self._members[0]:
            return [axis]
        before, self._sliders = self._sliders, np.array(viewer.dims.point, float)
        same = np.abs(self._sliders - before) <= SAME_MM
        return [i for i in range(3) if i == axis or not same[i]]

    def _turned(self, event: Any) -> None:
        viewer = self._turned_by(event.source)
        if not self._busy and viewer is not None:
            with self._alone():
                self._follow(viewer)
            self.moved.emit()

    def _looked(self, event: Any) -> None:
        self._look(next((one for one in self._members if one.scene.camera is event.source), None))

    def _look(self, viewer: Any) -> None:
        if self._busy or viewer is None or not is_flat(viewer):
            return
        self._link(viewer)
        self.framed.emit()

    def look(self, centre: Point, nearer: float) -> None:
        """Let every plane look at a point, (3,) in viewer mm, and be so many times nearer."""
        camera = self._first.scene.camera
        camera.zoom *= nearer
        camera.center = tuple(centre[list(self._first.dims.displayed)])
        self.centre = np.array(centre, float)
        self._link(self._first)

    def _link(self, viewer: Any) -> None:
        """Let the other viewers look where one looks, and as near.

        Where pictures stand side by side, each has a part of the width, and is as much smaller.
        """
        self.centre[list(viewer.dims.displayed)] = viewer.scene.camera.center[-2:]
        near = viewer.scene.camera.zoom * cells(viewer)[1]
        with self._alone():
            for other in self._members:
                if other is viewer or not is_flat(other):
                    continue
                centre = tuple(self.centre[list(other.dims.displayed)])
                camera, zoom = other.scene.camera, near / cells(other)[1]
                if np.abs(np.subtract(camera.center[-2:], centre)).max() > SAME_MM:
                    camera.center = centre
                if abs(camera.zoom / zoom - 1) > SAME_MM:
                    camera.zoom = zoom

    def under(self) -> tuple[Point, int]:
        """Say what is pointed at: (3,) in viewer mm, and the axis across the slice it lies on.

        That is the place under the mouse; while it is over no canvas, the point.
        """
        viewer = self._over
        if viewer is None or not is_flat(viewer):
            return self.point.copy(), int(self._first.dims.order[0])
        return cursor_point(viewer), int(viewer.dims.order[0])

    def _pointed(self, viewer: Any, event: Any) -> None:
        """Follow the mouse; the cursor alone would not do: sliders move it as well."""
        if not isalive(self):
            viewer.mouse_move_callbacks.remove(self._pointed)
            return
        self._over = viewer
        self.hovered.emit()

    def _hovered(self, event: Any) -> None:
        if self._over is not None and self._over.cursor is event.source:
            self.hovered.emit()

    def _left(self, event: Any) -> None:
        if event.source is self._over and not event.value:
            self._over = None
            self.hovered.emit()

    def _turned_by(self, source: Any) -> Any:
        return next((one for one in self._members if one.dims is source), None)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Take what the viewers say meanwhile for our own doing."""
        before, self._busy = self._busy, True
        try:
            yield
        finally:
            self._busy = before
