"""What comparing two volumes costs: one 512 × 512 picture of each mode, windows and colours in.

``python benchmarks/review.py`` prints CPU milliseconds on one thread and the ratio to painting the
two sources alone, in one run. B lies on a grid of its own, so that it is interpolated.
"""

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


def main():
    cv2.setNumThreads(1)
    plain = None
    for name, work in modes().items():
        took = cpu_ms(work)
        plain = plain or took
        print(f"{name:28} {took:6.2f} ms CPU  {took / plain:5.2f} × the two sources")


if __name__ == "__main__":
    main()
