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
from napari_fusion.export import digest
from napari_fusion.gui.actions import Fusing
from napari_fusion.gui.check.gate import Aligned, Standing
from napari_fusion.gui.frame import Frame
from napari_fusion.gui.graphics import hidden_viewer
from napari_fusion.gui.layers import PLACE, VOLUME, LayerData, to_layer, veiled
from napari_fusion.gui.snapshot import Snapshot
from napari_fusion.registration.quality import Verdict
from napari_fusion.slab import Window
from napari_fusion.volume import Step, Volume, told_apart

ROLE, RECIPE = "napari_fusion_role", "napari_fusion_recipe"
"""Keys of a layer's metadata: what it was to the run, and how the run fused."""

KNOWN = "napari_fusion_known"
"""Key of the fused layer's metadata: whether the record proves the fixed volume's voxels."""

UNKNOWN = "That the fixed volume is the one of the record was not verified, but for its grid."

SETTLE_S = 1.5
"""Time the window is given to lay itself out and draw."""

BRIGHT = 0.08
"""Brightness above which a pixel counts as something to see."""

PRESENT = 0.1
"""Part of the most it shows anywhere from which on a source counts as present at a height."""

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
        The folder does not hold what a run writes, a file is damaged, or a volume is not the one
        the record speaks of.
    """
    record = _record(folder / "record.json")
    fused = replace(load(folder / "fused.nii.gz"), modality="FUSED")
    still = [load(path) for path in fixed]
    moved, shares = _moved(folder, record)
    known = [_fixed_is_known(volume, record, fused) for volume in still]
    anchor = still[0] if still else fused
    stands = _standings(record, len(moved))
    worst = max(stands, key=lambda one: one.rank, default=Standing("CHECK", "not verified."))
    first, *names = told_apart([anchor, *moved])
    layers = [_layer(v, first, anchor, None) for v in still]
    layers += [
        _layer(v, s.label(f"{name} on {first}"), anchor, s)
        for v, s, name in zip(moved, stands, names, strict=True)
    ]
    for layer, window in zip(layers, _windows(record, [*still, *moved]), strict=True):
        # side by side, nothing has to shine through
        layer[1].update({"contrast_limits": (window.lower, window.upper), "opacity": 1.0})
        layer[1]["metadata"][ROLE] = "source"
    seen = _layer(fused, worst.label("fused"), anchor, worst)
    seen[1]["metadata"] |= {RECIPE: record.get("recipe", {}), KNOWN: all(known)}
    layers.append(seen)
    for volume, name in zip(shares, names, strict=True):
        share = volume.with_step(Step("attribution"))
        told = _layer(share, worst.label(f"share of {name}"), anchor, worst)
        layers.append(veiled(told, seen[0]))
    return layers


def _moved(folder: Path, record: dict[str, Any]) -> tuple[list[Volume], list[Volume]]:
    """Read the moved volumes and their shares in the order of the record.

    An earlier run may have left further files in the folder: the record says how many count.

    Raises
    ------
    ReadError
        A file is missing or damaged, or holds another modality than the record says.
    """
    moved, shares = [], []
    inputs = record.get("inputs", [])
    for i in range(len(record.get("alignments", []))):
        number = "" if i == 0 else f"_{i + 1}"
        volume = load(folder / f"moving{number}_on_fixed.nii.gz")
        said = inputs[i + 1]["modality"] if len(inputs) > i + 1 else volume.modality
        if volume.modality != said:
            raise ReadError(
                f"moving{number}_on_fixed.nii.gz holds {volume.modality}, the record says {said}: "
                "the folder mixes two runs; run again into an empty folder"
            )
        moved.append(volume)
        shares.append(load(folder / f"attribution{number}.nii.gz"))
    return moved, shares


def _fixed_is_known(volume: Volume, record: dict[str, Any], fused: Volume) -> bool:
    """Whether the record proves that these are the voxels the run had as its fixed volume.

    Raises
    ------
    ReadError
        They are not: other voxels, or another place.
    """
    told = (record.get("inputs") or [{}])[0]
    if not volume.grid.matches(fused.grid):
        raise ReadError(
            f"the fixed volume has {volume.grid.describe()}, the fused one "
            f"{fused.grid.describe()}: give the fixed volume of this run"
        )
    said = record.get("fixed", {}).get("array_sha256")
    if said and said != digest(volume):
        raise ReadError("the fixed volume is not that of this run: its voxels differ")
    files = {step.parameters.get("sha256") for step in volume.history} - {None}
    read = {step["parameters"].get("sha256") for step in told.get("history", [])} - {None}
    return bool(said or files & read)


def picture(layers: list[LayerData], out: Path) -> None:
    """Open napari with the layers side by side and the dock, and save what is on the screen."""
    from napari.layers import Layer
    from qtpy.QtWidgets import QApplication

    from napari_fusion.gui.workspace import FusionWorkspace

    viewer = hidden_viewer()
    for data in layers:
        layer = viewer.add_layer(Layer.create(*data))
        layer.name_overlay.position = "top_center"  # below the letter, which stands there too
        layer.name_overlay.visible = True
    dock = FusionWorkspace(viewer)
    viewer.window.add_dock_widget(dock, name="Fusion", area="right")
    viewer.layers.selection.active = next(
        layer for layer in viewer.layers if layer.metadata[VOLUME].modality == "FUSED"
    )
    _tell(dock, layers)
    viewer.canvas.grid.enabled = True
    viewer.canvas.grid.stride = 1
    scale_bar = viewer.canvas.overlays.scale_bar  # in every cell, above the letter
    scale_bar.position, scale_bar.gridded = "bottom_center", True
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
    metadata = [keywords["metadata"] for _, keywords, _ in layers]
    doubts = [one.text for one in found if one.word != "PASS"]
    told = list(dict.fromkeys(doubts or [one.text for one in found[:1]]))
    told += [UNKNOWN] if any(one.get(KNOWN) is False for one in metadata) else []
    recipe: dict[str, Any] = next((one[RECIPE] for one in metadata if RECIPE in one), {})
    sources = [k["name"] for _, k, _ in layers if k["metadata"].get(ROLE) == "source"]
    if recipe and len(sources) > 1:
        snapshot = Snapshot.of(dock.viewer)
        combos = (dock.open.fixed, dock.open.moving, dock.open.third)
        for combo, name in zip(combos, sources, strict=False):
            combo.choose(dock.viewer.layers[name])
        dock.fuse.choose_method(recipe["method"])
        job = Fusing(snapshot, tuple(sources), recipe["method"], None, recipe["params"])
        dock.keep.code.say(job.line())
    dock.align.verdict.setText("\n".join(told) or dock.align.verdict.text())


def _settle(app: Any) -> None:
    end = time.monotonic() + SETTLE_S
    while time.monotonic() < end:
        app.processEvents()
        time.sleep(0.01)


def _telling_height(layers: list[LayerData]) -> float:
    """Find the axial height, in viewer mm, at which the sources and the fused one show most.

    Heights at which more of them show anything come first; shares are wherever the fused one is.
    """
    present = []
    for array, keywords, _ in layers:
        if keywords["metadata"][VOLUME].is_share:
            continue
        low, high = keywords["contrast_limits"]
        bright = Window(lower=low, upper=high)(array[:, ::2, ::2]) > BRIGHT
        present.append(bright.mean(axis=(1, 2)))
    full = np.array([one / max(one.max(), 1e-9) for one in present])
    shown = full > PRESENT
    count = shown.sum(axis=0)
    scores = np.where(shown, full, 1).min(axis=0) * (count == count.max())
    best = round(float(np.mean(np.flatnonzero(scores == scores.max()))))
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
    return [v.window() for v in sources]


if __name__ == "__main__":
    sys.exit(main())
