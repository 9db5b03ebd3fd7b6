"""Threads of ours side by side, and libraries kept to one thread each meanwhile."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ContextDecorator
from functools import cache
from threading import Lock, local
from typing import Any, TypeVar

S = TypeVar("S")
T = TypeVar("T")


class OneThread(ContextDecorator):
    """Keep a library to one thread as long as anybody is inside; the last one out restores it.

    Parameters
    ----------
    count, limit
        The library's functions that give and set its number of threads.

    Notes
    -----
    torch also keeps a number for every thread that used it, which only that thread can set: one
    that leaves before others stays at one, and what it had is remembered for its next visit.
    """

    def __init__(self, count: Callable[[], int], limit: Callable[[int], object]) -> None:
        self._count, self._limit = count, limit
        self._lock, self._inside, self._before, self._own = Lock(), 0, 1, local()

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                found = self._count()
                self._before = getattr(self._own, "owed", found) if found == 1 else found
            self._limit(1)
            self._inside += 1

    def __exit__(self, *fault: object) -> None:
        with self._lock:
            self._inside -= 1
            self._own.owed = self._before if self._inside else 1
            if not self._inside:
                self._limit(self._before)


def _opencv_threads() -> int:
    import cv2

    return cv2.getNumThreads()


def _limit_opencv(count: int) -> None:
    import cv2

    cv2.setNumThreads(count)


OPENCV_ALONE = OneThread(_opencv_threads, _limit_opencv)
"""OpenCV starts no threads of its own inside ours."""


@cache
def _algebra() -> list[Any]:
    """Find the libraries of linear algebra: NumPy and SciPy each bring one."""
    import scipy.linalg  # noqa: F401 - loads its own
    from threadpoolctl import ThreadpoolController

    found: list[Any] = ThreadpoolController().select(user_api="blas").lib_controllers
    return found


def _algebra_threads() -> int:
    return max((library.num_threads for library in _algebra()), default=1)


def _limit_algebra(count: int) -> None:
    for library in _algebra():
        library.set_num_threads(count)


ALGEBRA_ALONE = OneThread(_algebra_threads, _limit_algebra)
"""Products of matrices start no threads: of small ones those wait for each other, at full load."""


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """Do some work on this thread alone; give its result and the CPU milliseconds it took.

    What other threads of the process do meanwhile, such as drawing a bar, is not counted.
    """
    with OPENCV_ALONE:
        start = time.thread_time()
        done = work()
        return done, 1000 * (time.thread_time() - start)


def side_by_side(
    work: Callable[[S], T], items: Iterable[S], threads: int, done: Callable[[T], None]
) -> None:
    """Do some work on every item, on this thread and, beyond one, on others beside it.

    Threads take the next item by themselves, so that nobody waits to be handed one.

    Parameters
    ----------
    work
        What is done, on any of the threads.
    items
        What it is done to.
    threads
        How many work at a time, this one included.
    done
        Told each result, in any order, on this thread. What it or `work` raises ends the work:
        items that nobody took yet are dropped, and those under way are waited for.
    """
    waiting, finished = deque(items), deque[T]()

    def left() -> Iterator[S]:
        while True:
            try:
                item = waiting.popleft()
            except IndexError:
                return
            yield item

    def help_out() -> None:
        try:
            for item in left():
                finished.append(work(item))
        finally:
            waiting.clear()

    with ThreadPoolExecutor(max(threads - 1, 1)) as pool:
        helpers = [pool.submit(help_out) for _ in range(threads - 1)]
        try:
            for item in left():
                finished.append(work(item))
                while finished:
                    done(finished.popleft())
        finally:
            waiting.clear()
            wait(helpers)
    for helper in helpers:
        helper.result()
    for result in finished:
        done(result)
