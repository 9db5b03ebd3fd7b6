"""Threads that a library counts come back, whoever leaves first."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, active_count, get_ident, local

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from napari_fusion.threads import ALGEBRA_ALONE, OneThread, side_by_side, timed


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


def algebra():
    """How many threads each library of linear algebra has; OpenCV may bring one of its own."""
    found = [one for one in threadpool_info() if one["user_api"] == "blas"]
    return {one["num_threads"] for one in found if "opencv" not in one["filepath"]}


def test_linear_algebra_has_one_thread_inside_and_its_own_after():
    with threadpool_limits(2, "blas"):
        with ALGEBRA_ALONE:
            assert algebra() == {1}
        assert algebra() == {2}


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


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_every_item_is_done_once_and_told_on_this_thread(threads):
    told = []
    side_by_side(lambda n: n * n, range(20), threads, lambda n: told.append((n, get_ident())))
    assert sorted(told) == [(n * n, get_ident()) for n in range(20)]


def test_items_are_done_at_the_same_time():
    together = Barrier(2, timeout=10)
    side_by_side(lambda _: together.wait(), range(2), 2, lambda _: None)


@pytest.mark.parametrize("here", [True, False])
def test_work_that_fails_on_any_thread_ends_all_of_it(here):
    caller, begun, before = get_ident(), [], active_count()

    def work(_):
        begun.append(None)
        time.sleep(0.01)
        if (get_ident() == caller) == here:
            raise IndexError("of the work itself")

    with pytest.raises(IndexError, match="of the work itself"):
        side_by_side(work, range(100), 2, lambda _: None)
    assert len(begun) < 10
    assert active_count() == before
