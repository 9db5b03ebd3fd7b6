"""What the linked views cost, as ratios measured in one run.

Run ``xvfb-run -a -s '-screen 0 1600x1000x24' python benchmarks/views.py [--slices 200]``. "one" is
napari's own canvas with two layers of 512 × 512 voxels, "three" the same with the linked views
open: a slice change is timed until every canvas is drawn, a jump moves the crosshair in all three
planes. "live" is one canvas with the preview of *Live*. Memory is that of the process before and
after fifty times: the views opened and closed, two volumes of 15 MB loaded and unloaded. What the
C library holds free is told apart: it is given back to the system before "in use" is read.
Times are medians in wall ms and in CPU ms of the window's thread (what a busy machine does not
distort), the least of three rounds taken in turn; ratios are of the CPU times.
"""

import argparse
import ctypes
import gc
import sys
import time
from collections import defaultdict

import napari
import numpy as np
import psutil
from qtpy.QtCore import QEventLoop, QTimer
from qtpy.QtWidgets import QApplication

from napari_fusion import Grid, Volume
from napari_fusion.fusion import fuse_slice
from napari_fusion.gui import add_volume, to_layer
from napari_fusion.gui.workspace import FusionWorkspace

ROUNDS = 3

TIMES = 50
"""How often the same is done and undone."""


def pair(slices: int) -> list[Volume]:
    """Make two volumes of one scanner: blocks of noise, so that nothing is empty."""
    rng = np.random.default_rng(0)
    grid = Grid.regular((slices, 512, 512), (2.0, 0.7, 0.7))
    coarse = rng.random((2, slices // 4 + 1, 64, 64), np.float32)
    fine = [np.kron(c, np.ones((4, 8, 8), np.float32))[:slices] * 1000 for c in coarse]
    return [Volume(f, grid, "CT", "HU", frame_uid="1", name="large") for f in fine]


def now() -> tuple[float, float]:
    return time.perf_counter(), time.thread_time()


def spent(start: tuple[float, float]) -> tuple[float, float]:
    wall, cpu = (1000 * (b - a) for a, b in zip(start, now(), strict=True))
    return wall, cpu


def settle(app: QApplication, seconds: float = 1.0) -> None:
    """Let the window run; only a loop of its own deletes what Qt was told to delete later."""
    loop = QEventLoop(app)
    QTimer.singleShot(round(1000 * seconds), loop.quit)
    loop.exec()


def median(times: list[tuple[float, float]]) -> dict[str, float]:
    wall, cpu = np.median(times, axis=0)
    return {"wall_ms": round(float(wall), 1), "cpu_ms": round(float(cpu), 1)}


def changes(app, go, done=lambda: True) -> dict[str, float]:
    """Do `go` twenty times; give the median until everything is drawn."""
    times = []
    for i in range(20):
        start = now()
        go(i)
        app.processEvents()
        while not done():
            app.processEvents()
        app.processEvents()
        times.append(spent(start))
    return median(times)


def told(name: str, cost: dict[str, float], beside: dict[str, float]) -> None:
    print(f"{name:>22}: {cost}, {cost['cpu_ms'] / beside['cpu_ms']:.2f} × one {beside}")


def opened(name: str, start: tuple[float, float]) -> None:
    wall, cpu = spent(start)
    print(f"{name:>22}: {wall:.0f} ms wall, {cpu:.0f} ms CPU")


def memory(app, name, there, gone) -> None:
    """Do and undo the same; the first times fill caches and do not count."""
    sizes = []
    for i in range(TIMES + 5):
        there()
        settle(app, 0.05)
        gone()
        settle(app, 0.05)
        gc.collect()
        if i in {4, TIMES + 4}:
            sizes.append(resident())
    for words, before, after in zip(("held", "in use"), *sizes, strict=True):
        grown = 100 * (after / before - 1)
        print(f"{name:>22}, {words}: {before:.0f} MiB, {TIMES} × later {after:.0f}, {grown:+.1f} %")


def resident() -> tuple[float, float]:
    """Give the process's memory in MiB, and what is left of it without what malloc has free."""
    process = psutil.Process()
    held = process.memory_info().rss
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc alone has it
    if trim is not None:
        trim(0)
    return held / 2**20, process.memory_info().rss / 2**20


def load(viewer) -> None:
    """Add two volumes that nobody has seen yet."""
    for seed in (1, 2):
        array = np.random.default_rng(seed).random((36, 320, 320), np.float32)
        add_volume(viewer, Volume(array, Grid.regular(array.shape), "CT", "HU"))


def timed(app, viewer, workspace, slices) -> None:
    """Scroll and jump plain, live and in linked views, in turn."""
    desk, fuse, steps = workspace.desk, workspace.fuse, viewer.dims.range

    def scroll(i: int) -> None:
        viewer.dims.set_point(0, steps[0].start + (slices // 3 + i) * steps[0].step)

    def jump(i: int) -> None:
        desk.crossing.go([axis.start + (100 + 3 * i) * axis.step for axis in steps])

    def live() -> None:
        fuse.live.box.setChecked(True)
        settle(app)

    def views() -> None:
        start = now()
        desk.show_views(on=True)
        app.processEvents()
        opened("views open", start)
        settle(app, 3)
        desk.quad.fit()
        settle(app)

    costs: dict[str, list[dict[str, float]]] = defaultdict(list)
    for _ in range(ROUNDS):
        costs["one"].append(changes(app, scroll))
        live()
        costs["live, one canvas"].append(changes(app, scroll, lambda: fuse.live._job is None))
        fuse.live.stop()
        settle(app)
        views()
        costs["three, slice change"].append(changes(app, scroll))
        costs["three, jump"].append(changes(app, jump))
        desk.show_views(on=False)
        settle(app)
    least = {name: min(found, key=lambda one: one["cpu_ms"]) for name, found in costs.items()}
    for name, cost in least.items():
        told(name, cost, least["one"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slices", type=int, default=200)
    asked = parser.parse_args()
    app = QApplication.instance() or QApplication(sys.argv)
    volumes = pair(asked.slices)
    start = now()
    viewer = napari.Viewer()
    opened("viewer alone opens", start)
    for volume in volumes:
        data, keywords, _ = to_layer(volume)
        viewer.add_image(data, **keywords | {"opacity": 0.5})
    viewer.window.resize(1366, 768)
    settle(app)
    start = now()
    workspace = FusionWorkspace(viewer)
    viewer.window.add_dock_widget(workspace, name="Fusion workspace", area="right")
    app.processEvents()
    opened("workspace opens", start)
    workspace.fuse.choose_method("laplacian")
    settle(app, 2)
    timed(app, viewer, workspace, asked.slices)
    times = []
    for i in range(20):
        start = now()
        fuse_slice(volumes, "laplacian", index=asked.slices // 3 + i)
        times.append(spent(start))
    print(f"{'fused slice itself':>22}: {median(times)}")
    desk = workspace.desk
    for layer in list(viewer.layers)[1:]:
        viewer.layers.remove(layer)
    memory(
        app,
        "views open and close",
        lambda: desk.show_views(on=True),
        lambda: desk.show_views(on=False),
    )
    viewer.layers.clear()
    memory(app, "load and unload", lambda: load(viewer), viewer.layers.clear)
    viewer.close()


if __name__ == "__main__":
    main()
