"""The *Fusion* dock: choose two layers, align, look at the verdict, fuse."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_error, show_info
from qtpy.compat import isalive
from qtpy.QtCore import Qt, QTimer, Slot
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QProgressBar,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from napari_fusion.errors import FusionError
from napari_fusion.fusion import methods
from napari_fusion.gui.actions import Aligning, Fusing
from napari_fusion.gui.code import CodeBox
from napari_fusion.gui.combos import LayerCombo
from napari_fusion.gui.form import method_form
from napari_fusion.gui.gate import Standing
from napari_fusion.gui.geometry import GeometryPanel
from napari_fusion.gui.layers import VOLUME
from napari_fusion.gui.letters import show_letters
from napari_fusion.gui.live import LiveBox
from napari_fusion.gui.planes import PlaneBar
from napari_fusion.gui.readout import readout
from napari_fusion.gui.scroll import UprightScroll
from napari_fusion.gui.sides import SIDES_UNKNOWN, sides_unknown
from napari_fusion.gui.snapshot import Result, Snapshot, shown_stepwise
from napari_fusion.gui.status import standing_of
from napari_fusion.gui.worker import Job
from napari_fusion.registration.quality import RANK
from napari_fusion.volume import Volume

if TYPE_CHECKING:
    import napari.viewer  # napari knows by this very annotation what to hand over

DRAW_MS = 20
"""Pause between two layers, for the window to draw."""


class FusionDock(QWidget):
    """Align and fuse the viewer's layers; every click is one line of Python.

    Parameters
    ----------
    viewer
        The napari viewer.
    """

    def __init__(self, viewer: napari.viewer.Viewer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        # napari hands plugins a proxy that also wraps whatever lives in a module called napari*,
        # our own volumes included; only public names are used below.
        self.viewer: Any = getattr(viewer, "__wrapped__", viewer)
        self._job: Job[Result] | None = None
        self._refused: tuple[Aligning, Result] | None = None
        self._build()
        show_letters(self.viewer)
        for event in (self.viewer.cursor.events.position, self.viewer.dims.events.point):
            event.connect(self._read_out)
        self._tell_standing()

    # building

    def _build(self) -> None:
        inside = QWidget()
        layout = QVBoxLayout(inside)
        layout.addWidget(self._make_state())
        layout.addWidget(self._make_layers())
        layout.addWidget(self._make_align())
        layout.addWidget(self._make_fuse())
        layout.addWidget(self._make_progress())
        self.planes = PlaneBar(self.viewer)
        layout.addWidget(self.planes)
        layout.addWidget(self._make_readout())
        self.geometry_panel = GeometryPanel(self.viewer)
        self.geometry_panel.moved.connect(self._tell_standing)
        layout.addWidget(self.geometry_panel)
        self.code = CodeBox()
        self.planes.turned.connect(self.code.say)
        self.live.said.connect(self.code.say)
        layout.addWidget(self.code)
        layout.addStretch(1)
        scroll = UprightScroll(inside)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scroll)

    def _make_state(self) -> QWidget:
        self.state = QLabel()
        self.state.setWordWrap(True)
        self.state.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.state.setToolTip("How far the chosen layers may be trusted to lie on each other.")
        return self.state

    def _make_layers(self) -> QWidget:
        box, form = _group("1  Layers")
        self.fixed = LayerCombo(self.viewer)
        self.moving = LayerCombo(self.viewer)
        self.third = LayerCombo(self.viewer, optional="—")
        self.fixed.setToolTip("Stays where it is; results lie on its grid.")
        self.moving.setToolTip("Is brought onto the fixed layer; the original is kept.")
        self.third.setToolTip("A third source for Fuse, aligned before; or none.")
        self.moving.setCurrentIndex(min(1, self.moving.count() - 1))
        self.patients = QCheckBox("Allow different patients")
        self.patients.setToolTip("Off, layers of different patients are refused.")
        for words, widget in (("Fixed", self.fixed), ("Moving", self.moving), ("And", self.third)):
            form.addRow(words, widget)
        form.addRow(self.patients)
        for combo in (self.fixed, self.moving, self.third):
            combo.chosen.connect(self._tell_standing)
        return box

    def _make_align(self) -> QWidget:
        box, form = _group("2  Align")
        self.model = QComboBox()
        self.model.addItems(["rigid", "similarity", "affine"])
        self.model.setToolTip("What may change: position; also size; also shear.")
        self.align_button = _button("Align", "Find where the moving layer lies.", self._align)
        self.verdict = QLabel("Nothing aligned yet.")
        self.verdict.setWordWrap(True)
        self.verdict.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.anyway_button = _button(
            "Add it anyway",
            "Show an alignment that did not pass; its name will say so.",
            self._anyway,
        )
        self.anyway_button.hide()
        form.addRow("Model", self.model)
        form.addRow(self.align_button)
        form.addRow(self.verdict)
        form.addRow(self.anyway_button)
        return box

    def _make_fuse(self) -> QWidget:
        box, form = _group("3  Fuse")
        self.method = QComboBox()
        self.forms = QStackedWidget()
        self._forms = {}
        for one in methods():
            self.method.addItem(one.title, one.name)
            self.method.setItemData(
                self.method.count() - 1, f"{one.doc.splitlines()[0]} ({one.cite})", _TIP
            )
            self._forms[one.name] = method_form(one)
            self.forms.addWidget(self._forms[one.name].native)
        self.method.currentIndexChanged.connect(self.forms.setCurrentIndex)
        self.method.setCurrentIndex(max(0, self.method.findData("laplacian")))
        self.fuse_button = _button("Fuse", "Fuse, and say what each layer gave.", self._fuse)
        self.live = LiveBox(self.viewer, self._fusing)
        for changed in (self.method.currentIndexChanged, self.patients.toggled):
            changed.connect(self.live.refresh)
        for combo in (self.fixed, self.moving, self.third):
            combo.chosen.connect(self.live.refresh)
        for one in self._forms.values():
            one.changed.connect(self.live.refresh)
        form.addRow("Method", self.method)
        form.addRow(self.forms)
        form.addRow(self.live)
        form.addRow(self.fuse_button)
        return box

    def _make_progress(self) -> QWidget:
        self.busy = QWidget()
        row = QHBoxLayout(self.busy)
        row.setContentsMargins(0, 0, 0, 0)
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.cancel_button = _button("Cancel", "Stop; nothing is changed.", self.cancel)
        row.addWidget(self.bar, 1)
        row.addWidget(self.cancel_button)
        self.busy.hide()
        return self.busy

    def _make_readout(self) -> QWidget:
        box, form = _group("Under the cursor")
        self.values = QLabel("—")
        self.values.setWordWrap(True)
        self.values.setToolTip("Each source's own value and unit, and what it gave to the picture.")
        form.addRow(self.values)
        return box

    # what the buttons do

    @Slot()
    def _align(self) -> None:
        def make() -> Aligning:
            return Aligning(
                Snapshot.of(self.viewer),
                self._name(self.fixed),
                self._name(self.moving),
                self.model.currentText(),
                self.patients.isChecked(),
            )

        self._start(make, self._aligned)

    @Slot()
    def _fuse(self) -> None:
        unknown = self._sides_unknown()
        if not unknown or self._sides_allowed():
            self._start(lambda: self._fusing(unknown_sides=unknown), self._fused)

    def _fusing(self, *, unknown_sides: bool = False) -> Fusing:
        chosen = [self._name(self.fixed), self._name(self.moving)]
        chosen += [self._name(self.third)] if self.third.layer is not None else []
        method = str(self.method.currentData())
        return Fusing(
            Snapshot.of(self.viewer),
            tuple(chosen),
            method,
            None,
            self._forms[method].asdict(),
            self.patients.isChecked(),
            unknown_sides,
        )

    def _sides_unknown(self) -> bool:
        layers = [combo.layer for combo in (self.fixed, self.moving, self.third)]
        volumes = [layer.metadata.get(VOLUME) for layer in layers if layer is not None]
        return any(isinstance(volume, Volume) and sides_unknown(volume) for volume in volumes)

    def _sides_allowed(self) -> bool:
        answer = QMessageBox.question(self, "Unknown sides", f"{SIDES_UNKNOWN} Fuse all the same?")
        return bool(answer == QMessageBox.StandardButton.Yes)

    @Slot()
    def _anyway(self) -> None:
        if self._refused is not None:
            job, result = self._refused
            self.code.say(job.line(accept=result.standing.word))
            self._show_aligned(result)

    @Slot()
    def cancel(self) -> None:
        """Stop what is running; nothing is changed."""
        if self._job is not None:
            self._job.cancel()

    # one job at a time

    def _start(
        self, make: Callable[[], Aligning | Fusing], done: Callable[[Any, Result], None]
    ) -> None:
        try:
            asked = make()
        except FusionError as error:
            self._fail(error)
            return
        self.code.say(asked.line())
        self._forget_refused()
        self._asked, self._done = asked, done
        job: Job[Result] = Job(asked.compute, self)
        job.progressed.connect(self._progress)
        job.returned.connect(self._finish)
        job.failed.connect(self._fail)
        job.cancelled.connect(self._say_cancelled)
        self._job = job
        self._set_busy(busy=True)
        job.start()

    @Slot(float, str)
    def _progress(self, fraction: float, message: str) -> None:
        self.bar.setValue(round(fraction * 1000))
        self.bar.setFormat(f"{message} — %p %")

    @Slot(object)
    def _finish(self, result: Result) -> None:
        self._done(self._asked, result)

    @Slot(object)
    def _fail(self, error: FusionError) -> None:
        show_error(str(error))
        self._idle()

    @Slot()
    def _say_cancelled(self) -> None:
        show_info("Stopped; nothing was changed.")
        self._idle()

    def _show(self, result: Result, then: Callable[[list[Any]], None]) -> None:
        """Add layers one a turn of the event loop: the window draws in between."""
        self._steps, self._then = shown_stepwise(self.viewer, result), then
        self._added: list[Any] = []
        self._step()

    @Slot()
    def _step(self) -> None:
        try:
            layer = next(self._steps)
        except StopIteration:
            self._then(self._added)
            self._idle()
            return
        self._added += [layer] if layer is not None else []
        QTimer.singleShot(DRAW_MS, self._step)

    def _idle(self) -> None:
        if self._job is not None:
            self._job.deleteLater()
        self._job = None
        self._set_busy(busy=False)

    def _set_busy(self, *, busy: bool) -> None:
        self.busy.setVisible(busy)
        self.bar.setValue(0)
        self.bar.setFormat("starting")
        self.align_button.setDisabled(busy)
        self.fuse_button.setDisabled(busy)

    # results

    def _aligned(self, job: Aligning, result: Result) -> None:
        self.verdict.setText(result.standing.text)
        if result.standing.rank > RANK["CHECK"]:
            self._refused = (job, result)
            self.anyway_button.show()
            show_error(f"{result.standing.sentence} Nothing was added.")
            self._idle()
            return
        self._show_aligned(result)

    def _show_aligned(self, result: Result) -> None:
        self._forget_refused()
        self._set_busy(busy=True)
        self._show(result, self._choose_moved)

    def _choose_moved(self, added: list[Any]) -> None:
        self.moving.choose(added[0])
        self._tell_standing()

    def _fused(self, job: Fusing, result: Result) -> None:
        self.live.stop()
        self._show(result, lambda added: self._tell(result.standing))

    # words

    def _name(self, combo: LayerCombo) -> str:
        return "" if combo.layer is None else str(combo.layer.name)

    def _forget_refused(self) -> None:
        self._refused = None
        self.anyway_button.hide()

    @Slot()
    def _tell_standing(self) -> None:
        layers = [c.layer for c in (self.fixed, self.moving, self.third) if c.layer is not None]
        if len(layers) < 2 or len(set(map(id, layers))) < len(layers):
            self.state.setText("Open two volumes, or choose two different layers.")
            return
        self._tell(standing_of(layers))

    def _tell(self, standing: Standing) -> None:
        self.state.setText(f"<b>{standing.sign} {standing.word}</b><br>{standing.sentence}")

    def _read_out(self, event: object = None) -> None:
        if not isalive(self):  # napari deleted the dock; the viewer lives on
            self.viewer.cursor.events.position.disconnect(self._read_out)
            self.viewer.dims.events.point.disconnect(self._read_out)
            return
        self.values.setText(readout(self.viewer) or "—")


_TIP = Qt.ItemDataRole.ToolTipRole


def _group(title: str) -> tuple[QGroupBox, QFormLayout]:
    box = QGroupBox(title)
    form = QFormLayout(box)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    return box, form


def _button(words: str, tip: str, action: Callable[..., object]) -> QPushButton:
    button = QPushButton(words)
    button.setToolTip(tip)
    button.clicked.connect(action)
    return button
