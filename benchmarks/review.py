"""What comparing two volumes costs: one 512 × 512 picture of each mode, windows and colours in.

``python benchmarks/review.py`` prints CPU milliseconds on one thread and the ratio to painting the
two sources alone, in one run. B lies on a grid of its own, so that it is interpolated.

``xvfb-run -a -s '-screen 0 1600x1000x24' python benchmarks/review.py --window`` scrolls through two
512 × 512 × 60 volumes in a napari window, plain and compared, until each slice is drawn.
"""

import sys
import time

import cv2
import numpy as np

from napari_fusion import Window, review
from napari_fusion.palette import palette

SIDE, REPEATS = 512, 20
PIXEL = (0.5, 0.5)
WINDOW = Window(lower=-150, upper=1200)


def volumes():
    rng = np.random.default_rng(1)
    a = rng.normal(300, 200, (8, SIDE, SIDE)).astype(np.int16)
    a = cv2.GaussianBlur(a.transpose(1, 2, 0).astype(np.float32), (0, 0), 4).transpose(2, 0, 1)
    b = rng.random((8, 128, 128), np.float32) * 1000
    return (a.astype(np.int16), np.diag([3.0, 0.5, 0.5, 1])), (b, np.diag([3.0, 2.0, 2.0, 1]))


def modes():
    (a, a_place), (b, b_place) = volumes()
    sheet = review.Sheet(0, (9.0, 0.0, 0.0), PIXEL, (SIDE, SIDE))

    def both():
        values = sheet.values(a, a_place), sheet.values(b, b_place)
        return [
            review.paint(value, WINDOW, palette(name))
            for value, name in zip(values, ("grey", "hot iron"), strict=True)
        ]

    def lines():
        values = sheet.values(a, a_place)
        found = review.edges(WINDOW(values))
        below = review.paint(sheet.values(b, b_place), WINDOW, palette("hot iron"))
        return review.draw(below, found, width_mm=1.0, pixel_mm=PIXEL)

    return {
        "the two sources": both,
        "blend": lambda: review.blend(*both(), 0.4),
        "swipe": lambda: review.swipe(*both(), 0.4),
        "checkerboard": lambda: review.checkerboard(*both(), 20.0, PIXEL),
        "over": lambda: review.over(*both(), 0.6),
        "two colours": lambda: review.two_colours(*both()),
        "difference": lambda: review.difference(
            WINDOW(sheet.values(a, a_place)), WINDOW(sheet.values(b, b_place))
        ),
        "edges of A on B": lines,
        "lens (disc of 200 pixels)": lambda: review.disc(both()[1][:200, :200]),
    }


def cpu_ms(work):
    work()
    took = []
    for _ in range(REPEATS):
        start = time.thread_time()
        work()
        took.append(time.thread_time() - start)
    return 1000 * float(np.median(took))


def scrolled_ms(viewer, axis=0):
    """Give the CPU milliseconds of the window's thread from one slice to the next one drawn."""
    from qtpy.QtWidgets import QApplication

    app = QApplication.instance()
    took = []
    for index in range(5, 45):
        start = time.thread_time()
        viewer.dims.set_point(axis, viewer.dims.range[axis].start + index * 3.0)
        app.processEvents()
        viewer.screenshot(canvas_only=True, flash=False)  # waits for the drawing
        took.append(time.thread_time() - start)
    return 1000 * float(np.median(took))


def window():
    import napari
    from qtpy.QtWidgets import QApplication

    from napari_fusion import Grid, Volume
    from napari_fusion.gui import compare_layers, to_layer

    rng = np.random.default_rng(1)
    grid = Grid.regular((60, SIDE, SIDE), (3.0, 0.5, 0.5))
    viewer = napari.Viewer(show=True)
    for name in ("A", "B"):
        array = rng.normal(300, 200, grid.shape).astype(np.float32)
        viewer.add_layer(
            napari.layers.Layer.create(*to_layer(Volume(array, grid, "CT", "HU", name=name)))
        )
    QApplication.instance().processEvents()
    plain = scrolled_ms(viewer)
    print(f"{'two plain layers':28} {plain:6.1f} ms CPU")
    for mode in ("blend", "checkerboard", "edges"):
        compare_layers(viewer, "A", "B", mode)
        took = scrolled_ms(viewer)
        print(f"{mode + ' on top of them':28} {took:6.1f} ms CPU  {took / plain:5.2f} × plain")
    viewer.close()


def main():
    if "--window" in sys.argv:
        window()
        return
    cv2.setNumThreads(1)
    plain = None
    for name, work in modes().items():
        took = cpu_ms(work)
        plain = plain or took
        print(f"{name:28} {took:6.2f} ms CPU  {took / plain:5.2f} × the two sources")


if __name__ == "__main__":
    main()
