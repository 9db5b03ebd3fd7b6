"""How long the window stands still while the dock works, beside napari adding the same arrays.

Run ``xvfb-run -a -s '-screen 0 1600x1000x24' python benchmarks/gui.py [--slices 100]``. A timer
beats every 5 ms in the window's thread; a gap is the time between two beats. "model" has no canvas,
so its gaps are the dock's and napari's own bookkeeping; "window" also draws. "scroll" is the
median time from one slice to the next until it is drawn, without and with *Live*. Gaps are given in
wall ms and in CPU ms of the window's thread (what a busy machine does not distort), largest first.
"""

import argparse
import sys
import time

import numpy as np
from napari.components import ViewerModel
from qtpy.QtCore import QEventLoop, QTimer
from qtpy.QtWidgets import QApplication

from napari_fusion import Grid, Volume
from napari_fusion.gui import to_layer
from napari_fusion.gui.workspace import FusionWorkspace
from napari_fusion.phantom import misaligned_pair


class Heart:
    """Beats in the window's thread and keeps the gaps."""

    def __init__(self) -> None:
        self.gaps = []
        self._last = None
        self._timer = QTimer()
        self._timer.timeout.connect(self._beat)
        self._timer.start(5)

    def _beat(self) -> None:
        now = (time.perf_counter(), time.thread_time())
        if self._last is not None:
            self.gaps.append(tuple(1000 * (a - b) for a, b in zip(now, self._last, strict=True)))
        self._last = now

    def worst(self) -> dict[str, float]:
        """Give the worst gap since this was last asked."""
        gaps, self.gaps = np.array(self.gaps), []
        wall, cpu = gaps.max(axis=0)
        return {"wall_ms": round(float(wall), 1), "cpu_ms": round(float(cpu), 1)}


def wait(done, beats=40) -> None:
    """Run the event loop until `done`, and a little longer."""
    loop, timer = QEventLoop(), QTimer()
    left = [beats]

    def look() -> None:
        left[0] -= bool(done())
        if left[0] <= 0:
            loop.quit()

    timer.timeout.connect(look)
    timer.start(10)
    loop.exec()


def work(viewer, dock, heart) -> dict[str, dict[str, float]]:
    """Press Align, then Fuse; give the worst gap of each."""
    worst = {}
    for name, button in (("align", dock.align.button), ("fuse", dock.fuse.button)):
        wait(lambda: True)
        heart.worst()
        button.click()
        wait(dock.align.button.isEnabled)
        worst[name] = heart.worst()
    return worst


def plain(viewer, arrays, heart) -> dict[str, float]:
    """Let napari add the same arrays by itself."""
    wait(lambda: True)
    heart.worst()
    for data in arrays:
        QTimer.singleShot(0, lambda data=data: viewer.add_layer(data))
        wait(lambda: True)
    return heart.worst()


def scrolled(viewer, dock, app, *, live: bool) -> dict[str, float]:
    """Move the slider through 20 slices; give medians until the slice, and its fusion, is drawn."""
    layer, spent = viewer.layers[0], []
    dock.fuse.live.box.setChecked(live)
    wait(lambda: dock.fuse.live._job is None)
    for index in range(layer.data.shape[0] // 3, layer.data.shape[0] // 3 + 20):
        start = (time.perf_counter(), time.thread_time())
        viewer.dims.set_point(0, layer.translate[0] + index * layer.scale[0])
        app.processEvents()
        while dock.fuse.live._job is not None:
            app.processEvents()
        app.processEvents()
        now = (time.perf_counter(), time.thread_time())
        spent.append([1000 * (b - a) for a, b in zip(start, now, strict=True)])
    dock.fuse.live.stop()
    wall, cpu = np.median(spent, axis=0)
    return {"wall_ms": round(float(wall), 1), "cpu_ms": round(float(cpu), 1)}


def opened(make, volumes):
    viewer = make()
    for volume in volumes:
        data, keywords, _ = to_layer(volume)
        viewer.add_image(data, **keywords)
    dock = FusionWorkspace(viewer)
    return viewer, dock


def large_pair(slices: int) -> list[Volume]:
    """Make two 512 × 512 volumes of one scanner: smooth noise, so that nothing is empty."""
    rng = np.random.default_rng(0)
    grid = Grid.regular((slices, 512, 512), (2.0, 0.7, 0.7))
    coarse = rng.random((2, slices // 4 + 1, 64, 64), np.float32)
    fine = [np.kron(c, np.ones((4, 8, 8), np.float32))[:slices] * 1000 for c in coarse]
    return [Volume(f, grid, "CT", "HU", frame_uid="1", name="large") for f in fine]


def report(name: str, worst: dict, beside: dict) -> None:
    for step, gap in worst.items():
        ratio = gap["cpu_ms"] / max(beside["cpu_ms"], 1e-3)
        print(f"{name:>18} {step:>6}: worst gap {gap}, {ratio:.2f} × napari alone {beside}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slices", type=int, default=100)
    asked = parser.parse_args()
    app = QApplication.instance() or QApplication(sys.argv)
    heart = Heart()
    import napari

    head, large = misaligned_pair()[:2], large_pair(asked.slices)
    for kind, make in (("model", ViewerModel), ("window", napari.Viewer)):
        for name, volumes in (("head", head), ("large", large)):
            viewer, dock = opened(make, volumes)
            if name == "large":  # nothing to register in noise: fuse only
                dock.align.button.click = lambda: None
            still = scrolled(viewer, dock, app, live=False)
            live = scrolled(viewer, dock, app, live=True)
            print(f"{kind + ' ' + name:>18} scroll: a slice {still}, with Live {live}")
            worst = work(viewer, dock, heart)
            new = [layer.as_layer_data_tuple() for layer in list(viewer.layers)[2:]]
            for layer in list(viewer.layers)[2:]:
                viewer.layers.remove(layer)
            from napari.layers import Layer

            beside = plain(viewer, [Layer.create(*data) for data in new], heart)
            report(f"{kind} {name}", worst, beside)
            dock.close()
            if kind == "window":
                viewer.close()
    app.processEvents()


if __name__ == "__main__":
    main()
