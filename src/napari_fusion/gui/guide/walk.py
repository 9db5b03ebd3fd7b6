"""A walk of a minute through the workspace in a real window, by its own widgets.

``python -m napari_fusion.gui.guide.walk FOLDER`` is what ``napari-fusion demo --window`` starts. It
opens the sample head, aligns, checks, fuses, reads values and saves a session, with pictures on the
way.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_fusion.errors import FusionError
from napari_fusion.gui.compare.modes import Mode
from napari_fusion.gui.guide.player import Pause, Player

if TYPE_CHECKING:
    from qtpy.QtWidgets import QAbstractButton

    from napari_fusion.gui.workspace import FusionWorkspace

SIZE = (1600, 1000)
"""Width and height of the window, in pixels, where the screen has room for it."""

SESSION = "walk.fusion"

GLANCE_S, LOOK_S = 0.7, 2.2
"""How long a change stays before the next one: seen, and read."""

MODES = (Mode.SWIPE, Mode.CHECKERBOARD, Mode.EDGES, Mode.COLOURS)
SCROLLED = (6, 12, 18, 12, 6, 0)
"""Slices from the middle that are looked at live."""


def main(arguments: list[str] | None = None) -> int:
    """Walk; 0 when every step was done, else 1 and one sentence on stderr."""
    parser = argparse.ArgumentParser(description="Walk through the workspace in a window.")
    parser.add_argument("folder", type=Path, help="for the session and the pictures")
    asked = parser.parse_args(arguments)
    try:
        reason = walk(asked.folder)
    except FusionError as error:
        reason = str(error)
    if reason:
        sys.stderr.write(f"napari-fusion: the walk stopped: {reason}\n")
    return 1 if reason else 0


def walk(folder: Path) -> str:
    """Open a window, walk through it, close it; gives why it stopped early, or nothing."""
    import napari
    from qtpy.QtCore import QTimer

    from napari_fusion.gui.graphics import hidden_viewer
    from napari_fusion.gui.launch import dock_workspace, fit_to_screen

    viewer = hidden_viewer()
    workspace = dock_workspace(viewer, lambda _: {})
    viewer.show()
    viewer.window.resize(*SIZE)
    fit_to_screen(viewer)
    player = Player(steps(Stage(viewer, workspace, folder)))
    player.ended.connect(viewer.close)
    QTimer.singleShot(0, player.start)
    napari.run()
    return player.reason


class Stage:
    """What the walk does to a window, one gesture each.

    Parameters
    ----------
    viewer
        The napari viewer.
    workspace
        Its workspace.
    folder
        Where pictures and session go.
    """

    def __init__(self, viewer: Any, workspace: FusionWorkspace, folder: Path) -> None:
        from qtpy.QtWidgets import QLabel

        self.viewer, self.workspace, self.folder = viewer, workspace, folder
        self.finished = 0
        workspace.jobs.busy.connect(self._hear)
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.setStyleSheet("font-size: 16pt; padding: 4px;")
        viewer.window.add_dock_widget(self.words, name="A walk of a minute", area="top")

    def _hear(self, busy: bool) -> None:  # noqa: FBT001 - Qt's signature
        self.finished += not busy

    def say(self, words: str) -> None:
        """Tell the reader what is done now."""
        self.words.setText(words)

    def press(self, button: QAbstractButton) -> None:
        """Bring a button into sight and press it."""
        from qtpy.QtWidgets import QScrollArea

        above = button.parent()
        while above is not None and not isinstance(above, QScrollArea):
            above = above.parent()
        if above is not None:
            above.ensureWidgetVisible(button)
        button.animateClick()

    def scroll_to(self, step: int) -> None:
        """Show a slice, counted from the middle one."""
        axis = self.viewer.dims.order[0]
        middle = self.viewer.dims.nsteps[axis] // 2
        self.viewer.dims.set_current_step(axis, middle + step)

    def picture(self, name: str) -> None:
        """Keep what is on the screen."""
        path = str(self.folder / f"walk-{name}.png")
        self.viewer.screenshot(path, canvas_only=False, flash=False)


def steps(stage: Stage) -> Iterator[Pause]:
    """Give the walk; each pause is seconds, or what has to be true before it goes on."""
    for part in (_open, _align, _check, _fuse, _read, _keep):
        yield from part(stage)


def _open(stage: Stage) -> Iterator[Pause]:
    stage.say("1  Open. CT and MR of a digital head; the MR lies elsewhere, and the state says so.")
    stage.viewer.open_sample("napari-fusion", "ct_t1")
    yield lambda: len(stage.viewer.layers) == 2
    stage.viewer.layers[1].opacity = 0.5
    yield LOOK_S


def _align(stage: Stage) -> Iterator[Pause]:
    align = stage.workspace.align
    stage.say("2  Align. The moving picture is seen while its place is sought.")
    yield LOOK_S
    before = stage.finished
    stage.press(align.button)
    yield lambda: stage.finished > before
    if len(stage.viewer.layers) < 3:
        raise FusionError(f"the sample head was not aligned: {align.verdict.text()}")
    stage.say(f"2  Align. The gate says how far it may be trusted: {align.verdict.text()}")
    yield LOOK_S
    stage.picture("1-align")


def _check(stage: Stage) -> Iterator[Pause]:
    check = stage.workspace.check
    stage.say("3  Check. Four views that cross in one point.")
    stage.press(check.views.four)
    yield GLANCE_S
    stage.workspace.desk.quad.fit()
    yield LOOK_S
    stage.picture("2-views")
    for mode in MODES:
        stage.say(f"3  Check. {mode.value.capitalize()}: {check.modes.buttons[mode].toolTip()}")
        stage.press(check.modes.buttons[mode])
        yield LOOK_S
        if mode is Mode.CHECKERBOARD:
            stage.picture("3-checkerboard")
    stage.press(check.modes.buttons[Mode.FUSED])
    yield GLANCE_S
    stage.press(check.views.four)
    yield GLANCE_S


def _fuse(stage: Stage) -> Iterator[Pause]:
    fuse = stage.workspace.fuse
    stage.say("4  Fuse. Live: the slice on screen is fused while you scroll.")
    stage.press(fuse.live.box)
    yield LOOK_S
    for slices in SCROLLED:
        stage.scroll_to(slices)
        yield GLANCE_S
    stage.picture("4-live")
    stage.say("4  Fuse. Now the whole volume, and what each source gave to every voxel.")
    before = stage.finished
    stage.press(fuse.button)
    yield lambda: stage.finished > before
    yield LOOK_S


def _read(stage: Stage) -> Iterator[Pause]:
    stage.say("5  Read. Under the cursor: each source's own value and unit, and its share.")
    centre = stage.viewer.dims.point
    for down, right in ((0, 0), (-60, 0), (0, 60)):
        stage.viewer.cursor.position = (centre[0], centre[1] + down, centre[2] + right)
        yield LOOK_S
    stage.picture("5-fused")


def _keep(stage: Stage) -> Iterator[Pause]:
    keep = stage.workspace.keep
    stage.say(f"5  Keep. {SESSION} brings all of this back, bit for bit.")
    if not keep.session.save_to(stage.folder / SESSION):
        raise FusionError("the session was not saved")
    yield LOOK_S


if __name__ == "__main__":
    sys.exit(main())
