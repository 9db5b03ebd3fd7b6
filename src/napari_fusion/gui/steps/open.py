"""Step 1: open volumes and choose which of them belong together."""

# mypy: allow-subclassing-any, allow-untyped-decorators
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from qtpy.QtCore import Signal, Slot
from qtpy.QtWidgets import QLabel, QLineEdit, QWidget

from napari_fusion.gui.check.gate import TYPED
from napari_fusion.gui.chosen import Chosen
from napari_fusion.gui.layers import VOLUME
from napari_fusion.gui.open.kindcombo import KindCombo
from napari_fusion.gui.steps.step import Step
from napari_fusion.gui.widgets.combos import LayerCombo
from napari_fusion.gui.widgets.hearing import hear
from napari_fusion.volume import JSON, patients_of

REMEMBERED = 20
"""Choices that are remembered, for when layers come back."""


class OpenStep(Step):
    """Choose the fixed and the moving layer, and a third one for *Fuse*.

    Parameters
    ----------
    viewer
        A napari viewer or viewer model.
    """

    chosen = Signal(object)
    """Another `Chosen`, or layers of it were renamed."""

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__("&Open", "Which volumes belong together.", parent)
        self.fixed = LayerCombo(viewer)
        self.moving = LayerCombo(viewer)
        self.third = LayerCombo(viewer, optional="—")
        self.fixed.setToolTip("Stays where it is; results lie on its grid.")
        self.moving.setToolTip("Is brought onto the fixed layer; the original is kept.")
        self.third.setToolTip("A third source for Fuse, aligned before; or none.")
        self.moving.setCurrentIndex(min(1, self.moving.count() - 1))
        self._belong_to: frozenset[str] = frozenset()
        self.allow = QLineEdit()
        self.allow.setPlaceholderText(f"type {TYPED} to allow it")
        self.allow.setToolTip("Until these words stand here, layers of two patients are refused.")
        self.warning = QLabel("‼ Two patients")
        self.kinds = tuple(KindCombo(viewer) for _ in self._combos)
        rows = zip(("Fixed", "Moving", "And"), self._combos, self.kinds, strict=True)
        for words, widget, kind in rows:
            self.form.addRow(words, widget)
            self.form.addRow("scanned as", kind)
            kind.told.connect(self.said)
            kind.told.connect(self._tell)
            widget.chosen.connect(self._tell)
            widget.currentIndexChanged.connect(self._remember)
        self.form.addRow(self.warning, self.allow)
        self.allow.textChanged.connect(self._tell)
        self._viewer = viewer
        self._before: list[tuple[str, ...]] = []
        self._remember()
        hear(self._return, viewer.layers.events.inserted, viewer.layers.events.removed)
        self._ask()

    @property
    def current(self) -> Chosen:
        """What is chosen now."""
        fixed, moving, third = (
            "" if combo.layer is None else str(combo.layer.name) for combo in self._combos
        )
        return Chosen(fixed, moving, third, self.allow.text().strip() == TYPED)

    @property
    def layers(self) -> list[Any]:
        """The chosen layers; those not chosen are left away."""
        found = [combo.layer for combo in self._combos]
        return [layer for layer in found if layer is not None]

    def settings(self) -> dict[str, JSON]:
        """Give what is chosen, as JSON values."""
        return asdict(self.current)

    def take_up(self, settings: Mapping[str, Any]) -> None:
        """Choose the layers that are named, where they are open; two patients are typed anew."""
        for combo, key in ((self.fixed, "fixed"), (self.moving, "moving"), (self.third, "third")):
            row = combo.findText(settings.get(key, ""))
            if row >= 0:
                combo.setCurrentIndex(row)

    @Slot(object)
    def move_on(self, layer: Any) -> None:
        """Take a layer that was just aligned as the moving one."""
        self.moving.choose(layer)

    @property
    def _combos(self) -> tuple[LayerCombo, ...]:
        return self.fixed, self.moving, self.third

    @Slot()
    def _remember(self) -> None:
        """Keep what is chosen, by napari's ids: layers that are closed are not held in memory."""
        roles = tuple("" if one.layer is None else str(one.layer.unique_id) for one in self._combos)
        if roles[0] != roles[1]:  # else another one is about to be chosen
            self._before = [*self._before[1 - REMEMBERED :], roles]

    def _return(self, event: Any) -> None:
        """Choose what was chosen last of the layers that are open, as they come and go.

        What was chosen before an alignment is chosen again when it is taken back. A layer that
        comes is the moving one as long as there was no second to choose.
        """
        for combo in self._combos:
            combo.refresh()
        before, here = self._before, {str(one.unique_id): one for one in self._viewer.layers}
        last = before[-1] if before else ()
        kept = {place: name for place, name in enumerate(last) if name in here}
        whole = (
            one
            for one in reversed(before)
            if set(one) <= {*here, ""} and all(one[place] == name for place, name in kept.items())
        )
        found = next(whole, ())
        for combo, name in zip(self._combos, found, strict=False):
            if name and combo.layer is not here[name]:
                combo.choose(here[name])
        self._before = before  # it was not chosen anew
        if not found or self.moving.layer is self.fixed.layer:
            self._take_second()
            if event.type == "inserted":
                self._remember()

    def _take_second(self) -> None:
        """Take another layer than the fixed one for the moving one, where there is one."""
        if self.moving.layer is self.fixed.layer:
            others = [i for i in range(self.moving.count()) if i != self.fixed.currentIndex()]
            self.moving.setCurrentIndex(others[0] if others else 0)

    def _ask(self) -> None:
        """Ask for the words when the layers belong to two patients, and anew for two others."""
        found = patients_of(layer.metadata.get(VOLUME) for layer in self.layers)
        if found != self._belong_to:
            self._belong_to = found
            self.allow.clear()
        for widget in (self.warning, self.allow):
            widget.setVisible(len(found) > 1)
        for combo, kind in zip(self._combos, self.kinds, strict=True):
            self.form.setRowVisible(kind, kind.ask_about(combo.layer))

    @Slot()
    def _tell(self) -> None:
        self._ask()
        self.chosen.emit(self.current)
