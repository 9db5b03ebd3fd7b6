"""Threads that a library counts come back, whoever leaves first."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import local

from napari_fusion.threads import OneThread, timed


class Library:
    """Count threads as torch does: a number for each thread, and one for those yet to come."""

    def __init__(self):
        self.later, self.here = 4, local()

    def count(self):
        self.here.count = getattr(self.here, "count", self.later)
        return self.here.count

    def limit(self, count):
        self.later = self.here.count = count


def test_whoever_leaves_first_the_number_comes_back():
    library = Library()
    guard = OneThread(library.count, library.limit)
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
        for _ in range(2):
            for first, last in ((one, other), (other, one)):
                for who in (first, last):
                    who.submit(guard.__enter__).result()
                for who in (first, last):
                    assert who.submit(library.count).result() == 1
                    assert library.later == 1
                    who.submit(guard.__exit__).result()
                assert library.later == 4
                assert last.submit(library.count).result() == 4


def test_a_number_set_in_between_is_kept():
    library = Library()
    guard = OneThread(library.count, library.limit)
    for count in (4, 8, 1):
        library.limit(count)
        with guard:
            assert library.count() == 1
        assert library.count() == count


def burn(seconds):
    start = time.thread_time()
    while time.thread_time() - start < seconds:
        pass


def test_what_other_threads_do_is_not_timed():
    with ThreadPoolExecutor(1) as other:
        _, idle_ms = timed(lambda: other.submit(burn, 0.3).result())
    word, busy_ms = timed(lambda: burn(0.1) or "done")
    assert word == "done"
    assert idle_ms < 100 <= busy_ms < 200
