"""A napari window of our own, on a screen that it can draw on."""

from __future__ import annotations

from typing import Any

from napari_fusion.errors import FusionError


def hidden_viewer() -> Any:
    """Make a napari viewer that is not shown yet.

    Raises
    ------
    FusionError
        There is no OpenGL, with which napari draws: every canvas would stay empty.
    """
    import napari

    viewer = napari.Viewer(title="napari-fusion", show=False)
    if not has_opengl():
        viewer.close()
        raise FusionError(
            "this display has no OpenGL, with which napari draws: install the driver of the "
            "graphics card or, on Linux, libgl1-mesa-dri, or start it on a display that has it"
        )
    return viewer


def has_opengl() -> bool:
    """Whether what is drawn with OpenGL gets to the screen; needs a running Qt application.

    The library that Qt draws with and the one that napari does are asked: they can differ.
    """
    from OpenGL import contextdata, error  # napari draws with it
    from qtpy.QtGui import QOffscreenSurface, QOpenGLContext

    before = QOpenGLContext.currentContext()  # napari asks this one what it can do
    context, surface = QOpenGLContext(), QOffscreenSurface()
    surface.create()
    if not (context.create() and context.makeCurrent(surface)):
        return False
    try:
        return bool(contextdata.getContext())
    except error.Error:
        return False
    finally:
        context.doneCurrent()
        if before is not None:
            before.makeCurrent(before.surface())
