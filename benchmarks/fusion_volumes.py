"""What whole volumes and huge slices cost in memory, and what two threads lose by waiting.

    python benchmarks/fusion_volumes.py [--slices 60]
        peak memory of a volume, each method in a process of its own: memory that another one freed
        and the process kept would hide it
    python benchmarks/fusion_volumes.py --threads           CPU and waiting of one and two threads
    python benchmarks/fusion_volumes.py --cores [--rounds 40]
        how much quicker two threads are than one, and what two processes reach, taken in turn
    python benchmarks/fusion_volumes.py --huge [--side 8192] [--methods laplacian,auto]
        peak memory and CPU of one huge slice, each method in a process of its own

A machine that does other things falsifies `--cores`; the least of many short turns is told, so
raise the rounds until the two processes come near 2. Waiting is what the system's books (Linux:
schedstat) do not call running or wanting to run, so other programs do not count: locks of Python
and of the allocator do.
"""

import argparse
import multiprocessing
import os
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np
from fusion import textured

from napari_fusion import Grid, Volume, Window
from napari_fusion.fusion import fuse, job, lookup, methods

UNIT = [Window(lower=0, upper=1)] * 2


def volume_pair(slices, side=512):
    grid = Grid.regular((slices, side, side), (2.0, 0.5, 0.5))
    return [Volume(np.repeat(plane, slices, axis=0), grid) for plane in textured(side=side)]


def volumes(name, slices):
    sources = volume_pair(slices)
    output = 4 * np.prod(sources[0].grid.shape) / 2**20
    lookup(name)(textured(side=64))  # imports and tables
    for workers in (1, 2):
        job.WORKERS = workers
        before = status("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")
        fused = fuse(sources, name, windows=UNIT)
        peak = status("VmHWM")
        print(
            f"{name:14s} {workers} threads: {peak - before - output:6.1f} MB over inputs and output"
        )
        del fused


def threads(names, slices=16):
    sources = volume_pair(slices)
    for name in names:
        for count in (1, 2):
            shared(name, sources, count)
            cpu, waited = min((shared(name, sources, count) for _ in range(4)), key=sum)
            print(
                f"{name:14s} {count} threads: {cpu / slices:6.2f} ms of CPU a slice, "
                f"waiting {waited / slices:5.2f} ms ({100 * waited / (cpu + waited):.0f} %)"
            )


def shared(name, sources, count):
    """Fuse with `count` threads; the milliseconds they ran and waited, added up."""
    asked = job.Job(tuple(sources), lookup(name), UNIT, None, {})
    made = np.empty(asked.shape, np.float32)
    runs, spent = queue.SimpleQueue(), []
    for run in asked._runs():
        runs.put(run)

    def work():
        start, books = time.perf_counter() * 1e3, schedule()
        while not runs.empty():
            try:
                run = runs.get_nowait()
            except queue.Empty:
                break
            for piece, parts in asked.kernel.pieces(asked._read(run)):
                made[run][piece] = parts.sum(axis=0).clip(0, 1)
        ran, delayed = (b - a for a, b in zip(books, schedule(), strict=True))
        spent.append((ran, time.perf_counter() * 1e3 - start - ran - delayed))

    crew = [threading.Thread(target=work) for _ in range(count)]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join()
    return tuple(map(sum, zip(*spent, strict=True)))


def schedule():
    """Milliseconds this thread ran, and waited for a processor."""
    task = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")
    return tuple(int(word) / 1e6 for word in task.read_text().split()[:2])


def cores(names, rounds, budget=0.15):
    """Print how much quicker two threads, and two processes of one thread, are than one thread."""
    context = multiprocessing.get_context("spawn")
    crew = [Process(context) for _ in range(2)]
    for name in names:
        once = seconds(volume_pair(2), name, 1, again=3) / 2
        half = max(2, round(budget / once / 2))
        sources = volume_pair(2 * half)
        for one in crew:
            one.ask(name, half)
        least = dict.fromkeys(("one", "two", "processes"), np.inf)
        for _ in range(rounds):
            for key, workers in (("one", 1), ("two", 2)):
                least[key] = min(least[key], seconds(sources, name, workers))
            least["processes"] = min(least["processes"], together(crew))
        two, processes = (least["one"] / least[key] for key in ("two", "processes"))
        print(
            f"{name:14s} {least['one'] / half / 2e-3:7.1f} ms a slice, two threads {two:.2f} x, "
            f"two processes {processes:.2f} x, of that {100 * two / processes:.0f} %",
            flush=True,
        )
    for one in crew:
        one.end()


def seconds(sources, name, workers, again=1):
    """Seconds of a volume, the least of several."""
    job.WORKERS = workers
    spent = []
    for _ in range(again):
        start = time.perf_counter()
        fuse(sources, name, windows=UNIT)
        spent.append(time.perf_counter() - start)
    return min(spent)


class Process:
    """A process that fuses a volume of its own, with one thread, when it is told to."""

    def __init__(self, context):
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs,), daemon=True)
        self.process.start()

    def ask(self, name, slices):
        """Have the volume made."""
        self.pipe.send((name, slices))
        self.pipe.recv()

    def end(self):
        """Let it go."""
        self.pipe.send(None)
        self.process.join()


def serve(pipe):
    while (asked := pipe.recv()) is not None:
        if asked != "again":
            name, sources = asked[0], volume_pair(asked[1])
        start = time.perf_counter()
        seconds(sources, name, 1)
        pipe.send((start, time.perf_counter()))


def together(crew):
    """Seconds from the first start to the last end."""
    for one in crew:
        one.pipe.send("again")
    starts, ends = zip(*(one.pipe.recv() for one in crew), strict=True)
    return max(ends) - min(starts)


def huge(name, side):
    rng = np.random.default_rng(0)
    grid = Grid.regular((1, side, side), (2.0, 0.5, 0.5))
    small = rng.random((2, side // 8, side // 8)).astype(np.float32)
    sources = [Volume(cv2.resize(plane, (side, side))[None], grid) for plane in small]
    lookup(name)(small[:, None, :64, :64].copy())  # imports and tables
    Path("/proc/self/clear_refs").write_text("5")
    before, start = status("VmRSS"), time.process_time()
    fuse(sources, name, windows=UNIT)
    plane = 4 * side * side / 2**20
    over = status("VmHWM") - before - plane
    print(
        f"{name:14s} {side} × {side}: {over:7.0f} MB over inputs and output "
        f"({over / plane:4.1f} planes), {time.process_time() - start:6.1f} s of CPU"
    )


def status(key):
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key):
            return int(line.split()[1]) / 1024
    return float("nan")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--threads", action="store_true")
    parser.add_argument("--cores", action="store_true")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--huge", action="store_true")
    parser.add_argument("--slices", type=int, default=60)
    parser.add_argument("--side", type=int, default=8192)
    parser.add_argument("--methods", default=",".join(m.name for m in methods()))
    options = parser.parse_args()
    chosen = options.methods.split(",")
    if len(chosen) > 1 and not (options.threads or options.cores):
        what = ["--huge"] if options.huge else []
        sizes = ["--side", str(options.side), "--slices", str(options.slices)]
        for one in chosen:
            command = [sys.executable, __file__, *what, *sizes, "--methods", one]
            subprocess.run(command, check=True)
    elif options.huge:
        huge(chosen[0], options.side)
    elif options.threads:
        threads(chosen)
    elif options.cores:
        cores(chosen, options.rounds)
    else:
        volumes(chosen[0], options.slices)
