"""Draw the pictures of docs/review.md from real volumes, in a napari window.

``xvfb-run -a -s '-screen 0 1600x1000x24' python benchmarks/review_pictures.py DATA OUT`` where DATA
holds ``volumes/sts_petct_mr/STS_002`` (TCIA Soft-tissue-Sarcoma, Vallières et al., CC BY 3.0).
"""

import sys
import time
from pathlib import Path

import napari
import numpy as np
from napari.layers import Layer
from PIL import Image, ImageDraw, ImageFont
from qtpy.QtWidgets import QApplication

from napari_fusion import align, load, phantom, resample
from napari_fusion.gui import colour_layers, compare_layers, show_plane, to_layer
from napari_fusion.gui.check.gate import Aligned, Standing
from napari_fusion.gui.frame import Frame
from napari_fusion.gui.views.letters import show_letters

TILE, LABEL = 380, 22
SOFT_TISSUE, SUV = (-160.0, 240.0), (0.0, 10.0)


def settle(seconds=0.4):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.instance().processEvents()
        time.sleep(0.01)


def window(layers, point):
    """Open napari on layers and go to a point (3,) in viewer mm."""
    viewer = napari.Viewer(show=False)
    for data in layers:
        viewer.add_layer(Layer.create(*data))
    show_letters(viewer)
    viewer.show()
    viewer.window.resize(1000, 900)
    settle(1.0)
    viewer.dims.set_point(range(3), point)
    return viewer


def tile(viewer, plane, words, half_mm):
    """Picture the middle of the canvas with the name of what it shows."""
    centre = viewer.dims.point
    show_plane(viewer, plane)
    down, right = viewer.dims.displayed
    viewer.scene.camera.center = (centre[down], centre[right])
    viewer.scene.camera.zoom = TILE / (2 * half_mm)
    settle()
    shot = Image.fromarray(viewer.screenshot(canvas_only=True, size=(TILE, TILE), flash=False))
    made = Image.new("RGB", (TILE, TILE + LABEL))
    made.paste(shot.convert("RGB").resize((TILE, TILE)), (0, LABEL))
    ImageDraw.Draw(made).text((6, 3), words, "white", ImageFont.load_default(15))
    return made


def sheet(tiles, columns, path):
    rows = -(-len(tiles) // columns)
    size = (columns * (TILE + 4), rows * (TILE + LABEL + 4))
    whole = Image.new("RGB", size, "black")
    for i, one in enumerate(tiles):
        whole.paste(one, (i % columns * (TILE + 4), i // columns * (TILE + LABEL + 4)))
    whole.save(path, quality=85)
    sys.stdout.write(f"{path} {path.stat().st_size // 1024} kB\n")


def compared(viewer, a, b, wanted, half_mm):
    tiles = []
    for mode, plane, words, options in wanted:
        compare_layers(viewer, a, b, mode, **options)
        tiles.append(tile(viewer, plane, words, half_mm))
    compare_layers(viewer, a, b, "fused")
    return tiles


def pet_ct(data, out):
    ct, pet = (load(data / name / "image") for name in ("CT", "PET"))
    frame = Frame.of(ct.grid)
    layers = [to_layer(ct, frame, name="CT"), to_layer(pet, frame, name="PET")]
    for layer, limits in zip(layers, (SOFT_TISSUE, SUV), strict=True):
        layer[1]["contrast_limits"] = limits
    hottest = pet.grid.index_to_lps(np.unravel_index(np.argmax(pet.array), pet.grid.shape))
    viewer = window(layers, frame.to_world(hottest))
    tiles = [tile(viewer, "axial", "CT below, PET in hot iron above SUV 0.5", 62)]
    tiles += compared(
        viewer,
        "CT",
        "PET",
        [
            ("swipe", "axial", "swipe: CT | PET", {"position": 0.5}),
            ("checkerboard", "axial", "checkerboard, 20 mm", {"size_mm": 20.0}),
            ("edges", "axial", "edges of CT on PET", {"width_mm": 1.0}),
            ("edges", "coronal", "edges of CT on PET, coronal", {"width_mm": 1.0}),
            ("B", "axial", "B alone: PET dark on white", {}),
            ("two colours", "axial", "two colours: CT orange, PET blue", {}),
        ],
        62,
    )
    colour_layers(viewer, ["CT", "PET"])
    tiles.append(tile(viewer, "sagittal", "colour layer, sagittal", 62))
    viewer.close()
    sheet(tiles, 4, out / "pet_ct.jpg")


def ct_mr(data, out):
    ct, mr = (load(data / name / "image") for name in ("CT", "MR_T1"))
    frame = Frame.of(ct.grid)
    layers = [to_layer(ct, frame, name="CT"), to_layer(mr, frame, name="MR")]
    layers[0][1]["contrast_limits"] = SOFT_TISSUE
    layers[1][1]["contrast_limits"] = (0.0, float(np.percentile(mr.array, 99.9)))
    viewer = window(layers, frame.to_world(mr.grid.centre))
    options = {"width_mm": 1.0}
    tiles = compared(
        viewer,
        "CT",
        "MR",
        [
            ("swipe", "axial", "swipe: CT | T1", {"position": 0.45}),
            ("checkerboard", "axial", "checkerboard, 15 mm", {"size_mm": 15.0}),
            ("edges", "axial", "edges of CT on T1", options),
            ("two colours", "axial", "two colours: CT orange, T1 blue", {}),
        ],
        55,
    )
    viewer.close()
    sheet(tiles, 4, out / "ct_mr.jpg")


def head(out):
    """Show what a good and a bad alignment look like, on the digital head."""
    ct, t1, _ = phantom.misaligned_pair("CT", "T1")
    found = align(ct, t1)
    frame, drawn = Frame.of(ct.grid), resample(t1, ct.grid, found)
    stands = Aligned(ct, Standing.of(found.quality))
    layers = [
        to_layer(ct, frame, name="CT"),
        to_layer(t1, frame, name="T1"),
        to_layer(drawn, frame, name="T1 on CT", aligned=stands),
    ]
    layers[0][1]["contrast_limits"] = (-100.0, 300.0)
    viewer = window(layers, frame.to_world(ct.grid.centre))
    tiles = []
    for name, words in (("T1", "before"), ("T1 on CT", "after Align")):
        tiles += compared(
            viewer,
            "CT",
            name,
            [
                ("edges", "axial", f"edges of CT on T1, {words}", {"width_mm": 1.0}),
                ("checkerboard", "coronal", f"checkerboard, {words}", {"size_mm": 30.0}),
                ("two colours", "sagittal", f"two colours, {words}", {}),
            ],
            125,
        )
    viewer.close()
    sheet(tiles, 3, out / "head.jpg")


def main():
    data, out = Path(sys.argv[1]) / "volumes" / "sts_petct_mr" / "STS_002", Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    pet_ct(data, out)
    ct_mr(data, out)
    head(out)


if __name__ == "__main__":
    main()
