import gc
import threading
import time
import weakref

import pytest
from qtpy.compat import isalive
from qtpy.QtCore import QThread, QTimer

from napari_fusion.errors import Cancelled, GeometryError, ParameterError
from napari_fusion.gui import worker
from napari_fusion.gui.worker import Job, responsive


def ended(qtbot, work):
    """Run a job to its end; give the signals it sent."""
    job, sent = Job(work), []
    job.returned.connect(lambda value: sent.append(("returned", value)))
    job.failed.connect(lambda error: sent.append(("failed", error)))
    job.cancelled.connect(lambda: sent.append(("cancelled", None)))
    with qtbot.waitSignal(job.ended, timeout=5000):
        job.start()
    return sent


def test_work_is_done_in_another_thread(qtbot):
    here = threading.get_ident()
    ((word, there),) = ended(qtbot, lambda progress: threading.get_ident())
    assert word == "returned"
    assert there != here


def test_our_own_errors_arrive_as_they_are(qtbot):
    def work(progress):
        raise GeometryError("the grids differ")

    ((word, error),) = ended(qtbot, work)
    assert word == "failed"
    assert str(error) == "the grids differ"


def test_anything_else_becomes_one_plain_sentence(qtbot, caplog):
    def work(progress):
        raise KeyError("Jane Doe")

    ((word, error),) = ended(qtbot, work)
    assert word == "failed"
    assert "KeyError" in str(error)
    assert "Jane" not in str(error)
    assert "unexpected failure" in caplog.text


def test_progress_arrives_in_the_window_thread_in_order(qtbot):
    heard = []

    def work(progress):
        for i in range(5):
            progress(i / 4, f"step {i}")
            time.sleep(0.06)

    job = Job(work)
    job.progressed.connect(lambda f, m: heard.append((f, m, QThread.currentThread())))
    with qtbot.waitSignal(job.ended, timeout=5000):
        job.start()
    assert [f for f, _, _ in heard] == [0, 0.25, 0.5, 0.75, 1]
    assert {thread for _, _, thread in heard} == {job.thread()}


def test_cancel_is_answered_at_once_and_the_thread_stops(qtbot):
    stopped = threading.Event()

    def work(progress):
        try:
            while True:
                time.sleep(0.01)
                progress(0.5, "for ever")
        except Cancelled:
            stopped.set()
            raise

    job, sent = Job(work), []
    job.cancelled.connect(lambda: sent.append("cancelled"))
    job.returned.connect(lambda value: sent.append("returned"))
    job.start()
    qtbot.wait(50)
    job.cancel()
    assert sent == ["cancelled"]
    assert not job.running
    assert stopped.wait(1)
    qtbot.wait(50)
    assert sent == ["cancelled"]


def test_a_cancelled_job_stays_until_its_thread_has_told_its_end(qtbot):
    release = threading.Event()
    job = Job(lambda progress: release.wait(10))
    job.start()
    job.cancel()
    qtbot.wait(50)
    assert isalive(job)
    release.set()
    qtbot.waitUntil(lambda: not isalive(job))


def test_what_was_worked_on_is_let_go(qtbot):
    class Voxels:
        pass

    held = Voxels()
    known = weakref.ref(held)
    job = Job(lambda progress, held=held: str(held))
    del held
    with qtbot.waitSignal(job.ended, timeout=5000):
        job.start()
    gc.collect()
    assert known() is None  # though there is still the job, as napari keeps its worker
    qtbot.waitUntil(lambda: not isalive(job), timeout=5000)


def test_what_arrives_after_cancel_is_dropped(qtbot):
    release, sent = threading.Event(), []
    job = Job(lambda progress: release.wait(5))
    job.returned.connect(sent.append)
    job.start()
    job.cancel()
    release.set()
    qtbot.wait(100)
    assert sent == []


def test_waiting_keeps_the_window_alive(qtbot):
    beats, results = [], []
    timer = QTimer()
    timer.timeout.connect(lambda: beats.append(time.monotonic()))
    timer.start(10)

    def slow(progress):
        time.sleep(0.3)
        return 42

    QTimer.singleShot(0, lambda: results.append(responsive(slow, "Reading …")))
    qtbot.waitUntil(lambda: results == [42], timeout=5000)
    assert len(beats) > 10


def test_waiting_without_an_event_loop_just_works(qapp):
    assert responsive(lambda progress: 42, "Reading …") == 42


def test_an_error_while_waiting_reaches_the_caller(qtbot):
    def broken(progress):
        raise ParameterError("no such thing")

    caught = []

    def call():
        with pytest.raises(ParameterError, match="no such thing"):
            responsive(broken, "Reading …")
        caught.append(True)

    QTimer.singleShot(0, call)
    qtbot.waitUntil(lambda: caught == [True], timeout=5000)


def test_a_window_that_closes_elsewhere_does_not_lose_the_result(qtbot, monkeypatch):
    """napari asks the workers of all windows to quit when one closes."""
    workers, go = [], threading.Event()
    real = worker.create_worker

    def create(*given, **keywords):
        workers.append(real(*given, **keywords))
        return workers[-1]

    monkeypatch.setattr(worker, "create_worker", create)
    job = Job(lambda progress: go.wait(5))
    with qtbot.waitSignal(job.returned, timeout=5000):
        job.start()
        workers[0].quit()
        go.set()
