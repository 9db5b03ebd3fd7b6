"""What registration takes beside time: memory, the longest silence, and whether it repeats itself.

    python benchmarks/registration_cost.py                  digital heads, and real pairs if at hand
    python benchmarks/registration_cost.py --only T1-T2     some pairs
    python benchmarks/registration_cost.py --wall           seconds by the clock on two threads

Each alignment runs in a process of its own, three times: twice on one thread, once on two. Memory
is the peak of the process's resident size beyond what it was with libraries and volumes loaded
(Linux); silence is the most CPU time between two reports of progress, any of which may cancel.
The clock says something on idle cores only: rigid, the first time in a process, and the best of two
more.
"""

import argparse
import ctypes
import gc
import json
import os
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

MODELS = ("rigid", "deformable")
PAIRS = ("head T1-T2", "head CT-T1", "FLAIR1-T1W", "FLAIR2-T2W", "T1W1-T1W2")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS")


def megabytes(entry):
    """Read VmRSS or VmHWM of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(entry))


class Silence:
    """A progress that remembers the longest CPU time between two reports, and in which phase."""

    def __init__(self):
        self.longest, self.where = 0.0, ""
        self._last = time.process_time()

    def __call__(self, fraction, words):
        """Hear of progress."""
        now = time.process_time()
        if now - self._last > self.longest:
            self.longest, self.where = now - self._last, words
        self._last = now


def alone(name, model):
    """Align one pair in this process and print what it took, as JSON."""
    import hashlib

    import numpy as np

    from napari_fusion import AlignOptions, align

    pair = made(name)
    for library in ("scipy.ndimage", "scipy.optimize", "SimpleITK"):
        import_module(library)  # what comes with first use is no work
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # volumes that were loaded and dropped are no room to work in
    before = megabytes("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    silence = Silence()
    found = align(pair.fixed, pair.moving, AlignOptions(model=model), progress=silence)
    bits = found.matrix.tobytes() + (b"" if found.field is None else found.field.vectors.tobytes())
    voxels = np.prod(pair.fixed.grid.shape), np.prod(pair.moving.grid.shape)
    print(json.dumps({
        "megabytes": megabytes("VmHWM") - before, "silence": silence.longest,
        "where": silence.where, "million": float(sum(voxels)) / 1e6,
        "bits": hashlib.sha256(bits + found.quality.model_dump_json().encode()).hexdigest(),
    }))  # fmt: skip


def clock(name):
    """Align one pair three times in this process and print how long that took."""
    from napari_fusion import align

    pair, seconds = made(name), []
    for _ in range(3):
        begun = time.perf_counter()
        verdict = align(pair.fixed, pair.moving).quality.verdict
        seconds.append(time.perf_counter() - begun)
    print(f"{name:12} {seconds[0]:5.2f} s at first, then {min(seconds[1:]):5.2f} s  {verdict}")


def made(name):
    """Make a pair, with as many threads as the environment says."""
    import cv2
    from registration_cases import phantom_pair, real_pairs

    cv2.setNumThreads(int(os.environ[THREADS[0]]))
    if name.startswith("head "):
        return phantom_pair(tuple(name[5:].split("-")))
    return real_pairs(data())[name]


def data():
    folder = os.environ.get("NAPARI_FUSION_DATA")
    return Path(folder) / "volumes" if folder else None


def said(threads, *words):
    """Run this script in a process of its own, and give its last line."""
    environment = dict(os.environ, **dict.fromkeys(THREADS, str(threads)))
    command = [sys.executable, __file__, *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1]


def costs(name):
    for model in MODELS:
        one, again, two = (json.loads(said(n, "--alone", name, model)) for n in (1, 1, 2))
        silent = max((one, again), key=lambda run: run["silence"])
        print(
            f"{name:12} {model:10} {one['million']:5.1f} M  {one['megabytes']:4.0f} MB  "
            f"{silent['silence']:.2f} ({silent['where']})".ljust(70)
            + f"again {one['bits'] == again['bits']}, 2 threads {one['bits'] == two['bits']}",
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", help="parts of names of pairs")
    parser.add_argument("--wall", action="store_true", help="the clock only, on two threads")
    parser.add_argument("--alone", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--clock", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.alone or chosen.clock:
        alone(*chosen.alone) if chosen.alone else clock(chosen.clock)
        return
    if not chosen.wall:
        print("pair         model       voxels  memory   silence, CPU s               same bits")
    for name in PAIRS:
        if not name.startswith("head ") and data() is None:
            continue
        if chosen.only and not any(part in name for part in chosen.only):
            continue
        if chosen.wall:
            print(said(2, "--clock", name), flush=True)
        else:
            costs(name)


if __name__ == "__main__":
    main()
