"""A picture of the real napari window on the results of a run.

``python -m napari_fusion.gui.window FOLDER --out window.png [--fixed PATH …]``
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np

from napari_fusion import load
from napari_fusion.errors import FusionError, ReadError
from napari_fusion.gui.actions import Fusing
from napari_fusion.gui.frame import Frame
from napari_fusion.gui.gate import Aligned, Standing
from napari_fusion.gui.layers import PLACE, VOLUME, LayerData, to_layer, veiled
from napari_fusion.gui.snapshot import Snapshot
from napari_fusion.registration.quality import Verdict
from napari_fusion.slab import Window, default_window
from napari_fusion.volume import Step, Volume

ROLE, RECIPE = "napari_fusion_role", "napari_fusion_recipe"
"""Keys of a layer's metadata: what it was to the run, and how the run fused."""

SETTLE_S = 1.5
"""Time the window is given to lay itself out and draw."""

BRIGHT = 0.08
"""Brightness above which a pixel counts as something to see."""

SIZE = (1600, 1000)
"""Width and height of the window, in pixels."""


def main(arguments: list[str] | None = None) -> int:
    """Take the picture; 0 when it was made, else 1 and one sentence on stderr."""
    parser = argparse.ArgumentParser(description="Picture the napari window on a run's results.")
    parser.add_argument("folder", type=Path, help="what `napari-fusion run` wrote")
    parser.add_argument("--out", type=Path, required=True, help="the .png to make")
    parser.add_argument("--fixed", type=Path, action="append", default=[], help="the fixed volume")
    asked = parser.parse_args(arguments)
    try:
        picture(results(asked.folder, asked.fixed), asked.out)
    except FusionError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def results(folder: Path, fixed: list[Path]) -> list[LayerData]:
    """Read a run's volumes into layers: fixed, moving on fixed, fused, shares.

    Raises
    ------
    ReadError
        The folder does not hold what a run writes, or a file is damaged.
    """
    record = _record(folder / "record.json")
    still = [load(path) for path in fixed]
    moved = [load(path) for path in sorted(folder.glob("moving*_on_fixed.nii.gz"))]
    fused = replace(load(folder / "fused.nii.gz"), modality="FUSED")
    shares = [load(path) for path in sorted(folder.glob("attribution*.nii.gz"))]
    anchor = still[0] if still else fused
    stands = _standings(record, len(moved))
    worst = max(stands, key=lambda one: one.rank, default=Standing("CHECK", "not verified."))
    windows = _windows(record, [*still, *moved])
    layers = [_layer(v, v.modality, anchor, None) for v in still]
    layers += [
        _layer(v, s.label(f"{v.modality} on {anchor.modality}"), anchor, s)
        for v, s in zip(moved, stands, strict=True)
    ]
    for layer, window in zip(layers, windows, strict=True):
        # side by side, nothing has to shine through
        layer[1].update({"contrast_limits": (window.lower, window.upper), "opacity": 1.0})
        layer[1]["metadata"][ROLE] = "source"
    seen = _layer(fused, worst.label("fused"), anchor, worst)
    seen[1]["metadata"][RECIPE] = record.get("recipe", {})
    layers.append(seen)
    for volume, source in zip(shares, moved, strict=False):
        share = volume.with_step(Step("attribution"))
        told = _layer(share, worst.label(f"share of {source.modality}"), anchor, worst)
        layers.append(veiled(told, seen[0]))
    return layers


def picture(layers: list[LayerData], out: Path) -> None:
    """Open napari with the layers side by side and the dock, and save what is on the screen."""
    import napari
    from napari.layers import Layer
    from qtpy.QtWidgets import QApplication

    from napari_fusion.gui.dock import FusionDock

    viewer = napari.Viewer(title="napari-fusion", show=False)
    for data in layers:
        layer = viewer.add_layer(Layer.create(*data))
        layer.name_overlay.visible = True
    dock = FusionDock(viewer)
    viewer.window.add_dock_widget(dock, name="Fusion", area="right")
    viewer.layers.selection.active = next(
        layer for layer in viewer.layers if layer.metadata[VOLUME].modality == "FUSED"
    )
    _tell(dock, layers)
    viewer.canvas.grid.enabled = True
    viewer.canvas.grid.stride = 1
    viewer.show()
    viewer.window.resize(*SIZE)
    viewer.dims.set_point(0, _telling_height(layers))
    _settle(QApplication.instance())
    viewer.reset_view()
    _settle(QApplication.instance())
    viewer.screenshot(str(out), canvas_only=False, flash=False)
    viewer.close()


def _tell(dock: Any, layers: list[LayerData]) -> None:
    """Let the dock say what the gate said, and how to fuse these layers again."""
    places = [keywords["metadata"][PLACE] for _, keywords, _ in layers]
    found = [place.aligned.standing for place in places if place.aligned]
    if found:
        dock.verdict.setText(max(found, key=lambda one: one.rank).text)
    metadata = [keywords["metadata"] for _, keywords, _ in layers]
    recipe: dict[str, Any] = next((one[RECIPE] for one in metadata if RECIPE in one), {})
    sources = [k["name"] for _, k, _ in layers if k["metadata"].get(ROLE) == "source"]
    if recipe and len(sources) > 1:
        snapshot = Snapshot.of(dock.viewer)
        job = Fusing(snapshot, tuple(sources), recipe["method"], None, recipe["params"])
        dock.code.say(job.line())


def _settle(app: Any) -> None:
    end = time.monotonic() + SETTLE_S
    while time.monotonic() < end:
        app.processEvents()
        time.sleep(0.01)


def _telling_height(layers: list[LayerData]) -> float:
    """Find the axial height, in viewer mm, at which every layer has most to show."""
    present = []
    for array, keywords, _ in layers:
        low, high = keywords["contrast_limits"]
        bright = Window(lower=low, upper=high)(array[:, ::2, ::2]) > BRIGHT
        present.append(bright.mean(axis=(1, 2)))
    if len({len(one) for one in present}) > 1:  # not one grid: the middle of the first
        present = [np.hanning(len(present[0]))]
    best = int(np.argmax(np.min([one / max(one.max(), 1e-9) for one in present], axis=0)))
    keywords = layers[0][1]
    return float(keywords["translate"][0] + best * keywords["scale"][0])


def _layer(volume: Volume, name: str, anchor: Volume, stands: Standing | None) -> LayerData:
    aligned = None if stands is None else Aligned(anchor, stands)
    return to_layer(volume, Frame.of(anchor.grid), name=name, aligned=aligned)


def _record(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ReadError(f"{path.name} cannot be read: this is not a folder of results") from error
    except ValueError as error:
        raise ReadError(f"{path.name} is damaged: it is not JSON") from error
    return record if isinstance(record, dict) else {}


def _standings(record: dict[str, Any], count: int) -> list[Standing]:
    """Take the gate's words from the record; a word it does not know is CHECK."""
    told = [
        Standing(a["verdict"] if a["verdict"] in get_args(Verdict) else "CHECK", a["sentence"])
        for a in record.get("alignments", [])
    ]
    return (told + [Standing("CHECK", "not verified.")] * count)[:count]


def _windows(record: dict[str, Any], sources: list[Volume]) -> list[Window]:
    """Take the windows the sources were fused with, or the modalities' own."""
    asked = record.get("recipe", {}).get("windows") or []
    given = [Window.model_validate(window) for window in asked if window]
    if len(given) == len(sources):
        return given
    return [default_window(v.array, v.modality, v.unit) for v in sources]


if __name__ == "__main__":
    sys.exit(main())
