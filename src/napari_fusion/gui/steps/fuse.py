"""Step 4: fuse the chosen layers, and say what each gave to every pixel."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from napari.utils.notifications import show_warning
from qtpy.QtCore import Qt, Signal, Slot
from qtpy.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QStackedWidget,
    QWidget,
)

from napari_fusion.fusion import lookup, methods
from napari_fusion.gui.actions import Fusing
from napari_fusion.gui.check.sides import SIDES_UNKNOWN
from napari_fusion.gui.choices import chosen, keep, keep_network
from napari_fusion.gui.chosen import Chosen
from napari_fusion.gui.colour.colouring import Colouring, grey_and_function
from napari_fusion.gui.fuse.changing import Changing
from napari_fusion.gui.fuse.live import LiveBox
from napari_fusion.gui.fuse.windows import SourceWindows
from napari_fusion.gui.jobs import BUSY, JobRow
from napari_fusion.gui.layers import VOLUME
from napari_fusion.gui.snapshot import Result, Snapshot
from napari_fusion.gui.steps.step import Step, allow, button
from napari_fusion.gui.widgets.form import method_form
from napari_fusion.palette import Palette, palettes
from napari_fusion.volume import JSON, Volume


class FuseStep(Step):
    """Choose a method and its parameters, see the slice on screen fused, fuse all of it.

    Parameters
    ----------
    viewer
        A napari viewer or viewer model.
    jobs
        Runs the fusion.
    """

    fused = Signal()
    """The fused layers were added."""

    def __init__(self, viewer: Any, jobs: JobRow, parent: QWidget | None = None) -> None:
        super().__init__("F&use", "Make one picture of them, and account for it.", parent)
        self._viewer, self._jobs, self._chosen = viewer, jobs, Chosen()
        self.windows = SourceWindows(viewer)
        self._make_methods()
        self.live = LiveBox(viewer, self._fusing)
        self.live.said.connect(self.said)
        self.method.currentIndexChanged.connect(self.live.refresh)
        for fields in self.fields.values():
            fields.changed.connect(self.live.refresh)
        self.button = button("Fuse", "Fuse, and say what each layer gave.", self._fuse)
        self.form.addRow("Windows", self.windows)
        self.form.addRow("Method", self.method)
        for row in (self.caution, self.forms, self.live, self.button):
            self.form.addRow(row)
        self._make_colour()
        self._make_change()
        jobs.busy.connect(self._follow)

    def _make_methods(self) -> None:
        """Make the list of methods, a form of parameters for each, and what one may hide."""
        self.method = QComboBox()
        self.method.setToolTip("How sources become one picture.")
        self.method.setMinimumContentsLength(12)  # long titles must not widen the dock
        self.method.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.forms = QStackedWidget()
        self.fields = {one.name: method_form(one) for one in methods()}
        for one in methods():
            self.method.addItem(one.title, one.name)
            tip = f"{one.doc.splitlines()[0]} ({one.cite})"
            self.method.setItemData(self.method.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
            self.forms.addWidget(self.fields[one.name].native)
        self.caution = QLabel()
        self.caution.setWordWrap(True)
        self.method.currentIndexChanged.connect(self.forms.setCurrentIndex)
        self.method.currentIndexChanged.connect(self._warn)
        self.method.activated.connect(self._offer)
        self._warn()
        self.choose_method(str(chosen("last", "method")))

    def _make_colour(self) -> None:
        self.palette = QComboBox()
        self.palette.setToolTip("Colours of the PET or SPECT.")
        self.palette.addItems(palettes())
        self.colour_button = button(
            "Colour", "PET or SPECT in its palette over the other layer, in one.", self._colour
        )
        self.form.addRow(_beside(self.palette, self.colour_button))

    def _make_change(self) -> None:
        self.off_mm = QDoubleSpinBox()
        self.off_mm.setRange(0, 50)
        self.off_mm.setSingleStep(0.1)
        self.off_mm.setSuffix(" mm off")
        self.off_mm.setSpecialValueText("mm off: as checked")
        self.off_mm.setToolTip("How far the alignment of two dates may be off.")
        self.change_button = button(
            "What changed",
            "Follow-up minus baseline, beyond misregistration and noise.",
            self._change,
        )
        self.form.addRow(_beside(self.off_mm, self.change_button))

    @Slot(bool)
    def _follow(self, busy: bool) -> None:  # noqa: FBT001 - Qt's signature
        """One thing at a time; the tips say why."""
        for one in (self.button, self.colour_button, self.change_button):
            allow(one, on=not busy, why=BUSY)

    @Slot(object)
    def choose(self, sources: Chosen) -> None:
        """Take what is to be fused."""
        self._chosen = sources
        self.windows.choose(sources)
        self.live.refresh()

    @Slot()
    def _warn(self) -> None:
        """Say what the chosen method is known to hide."""
        told = lookup(str(self.method.currentData())).warning
        self.caution.setText(told)
        self.caution.setVisible(bool(told))

    def choose_method(self, name: str) -> None:
        """Choose a registered method by its name."""
        self.method.setCurrentIndex(max(0, self.method.findData(name)))

    def settings(self) -> dict[str, JSON]:
        """Give the method and its parameters, as JSON values."""
        method = str(self.method.currentData())
        return {
            "method": method,
            "params": self.fields[method].asdict(),
            "palette": self.palette.currentText(),
            "off_mm": self.off_mm.value(),
            "live": self.live.box.isChecked(),
        }

    def take_up(self, settings: Mapping[str, Any]) -> None:
        """Choose a method and its parameters, where they are still known; then look at it live."""
        self.palette.setCurrentText(str(settings.get("palette", "")))
        off_mm = settings.get("off_mm")
        if isinstance(off_mm, (int, float)):
            self.off_mm.setValue(off_mm)
        if settings.get("method") in self.fields:
            self._take_up_method(settings["method"], settings.get("params", {}))
        self.live.box.setChecked(settings.get("live", self.live.box.isChecked()) is True)

    def _take_up_method(self, method: str, params: Mapping[str, Any]) -> None:
        self.choose_method(method)
        for one in lookup(method).parameters:
            value = params.get(one.name, one.default)
            if one.suffix and Path(value).is_file():
                keep_network(value)
                self._offer()
            try:
                self.fields[method][one.name].value = value
            except ValueError:  # it was allowed once
                show_warning(f"{one.name} {value!r} is not there any more: choose another")

    def enterEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Look again which networks there are."""
        self._offer()
        super().enterEvent(event)

    @Slot()
    def _offer(self) -> None:
        """Offer the networks that were opened meanwhile."""
        self.fields[str(self.method.currentData())].reset_choices()

    @Slot()
    def _fuse(self) -> None:
        self._begin(self._fusing)

    @Slot()
    def _colour(self) -> None:
        self._begin(self._colouring)

    @Slot()
    def _change(self) -> None:
        self._begin(self._changing)

    def _changing(self, *, unknown_sides: bool) -> Changing:
        chosen = self._chosen
        return Changing(
            Snapshot.of(self._viewer),
            (chosen.fixed, chosen.moving),
            self.off_mm.value() or None,
            different_patients=chosen.different_patients,
            unknown_sides=unknown_sides,
        )

    def _colouring(self, *, unknown_sides: bool) -> Colouring:
        chosen, snapshot = self._chosen, Snapshot.of(self._viewer)
        snapshot.check((chosen.fixed, chosen.moving))
        volumes = [snapshot.source(name).volume for name in (chosen.fixed, chosen.moving)]
        names = grey_and_function({chosen.fixed: volumes[0], chosen.moving: volumes[1]})
        return Colouring(
            snapshot,
            names,
            cast(Palette, self.palette.currentText()),
            None,
            chosen.different_patients,
            unknown_sides,
        )

    def _fusing(self, *, unknown_sides: bool = False) -> Fusing:
        method, asked = str(self.method.currentData()), self._chosen
        return Fusing(
            Snapshot.of(self._viewer),
            asked.names,
            method,
            None,
            self.fields[method].asdict(),
            asked.different_patients,
            unknown_sides,
        )

    def _begin(self, make: Callable[..., Fusing | Colouring | Changing]) -> None:
        """Start a job, once the user knows of volumes that do not say which side is left."""
        unknown = self._sides_unknown()
        if not unknown or self._sides_allowed():
            self._jobs.start(lambda: make(unknown_sides=unknown), self._done)

    def _done(self, job: Fusing | Colouring | Changing, result: Result) -> None:
        self.live.stop()
        if isinstance(job, Fusing):
            keep("last", "method", job.method)
        self._jobs.show_result(result, lambda added: self.fused.emit())

    def _sides_unknown(self) -> bool:
        layers = [layer for layer in self._viewer.layers if layer.name in self._chosen.names]
        volumes = [layer.metadata.get(VOLUME) for layer in layers]
        return any(isinstance(volume, Volume) and volume.sides_unknown for volume in volumes)

    def _sides_allowed(self) -> bool:
        answer = QMessageBox.question(self, "Unknown sides", f"{SIDES_UNKNOWN} Fuse all the same?")
        return bool(answer == QMessageBox.StandardButton.Yes)


def _beside(choice: QWidget, does: QWidget) -> QHBoxLayout:
    """Lay what is chosen and the button that uses it side by side, below no label."""
    row = QHBoxLayout()
    row.addWidget(choice, 3)  # words of a choice are longer
    row.addWidget(does, 2)
    return row
