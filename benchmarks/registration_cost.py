"""What registration takes beside time: memory, the longest silence, and whether it repeats itself.

    python benchmarks/registration_cost.py                  digital heads, and real pairs if at hand
    python benchmarks/registration_cost.py --only T1-T2     some pairs

Each alignment runs in a process of its own, three times: twice on one thread, once on two. Memory
is the peak of the process's resident size beyond what it was with libraries and volumes loaded
(Linux); silence is the most CPU time between two reports of progress, any of which may cancel.
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

    import cv2
    import numpy as np
    from registration_cases import phantom_pair, real_pairs

    from napari_fusion import AlignOptions, align

    cv2.setNumThreads(int(os.environ[THREADS[0]]))
    if name.startswith("head "):
        pair = phantom_pair(tuple(name[5:].split("-")))
    else:
        pair = real_pairs(data())[name]
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


def data():
    folder = os.environ.get("NAPARI_FUSION_DATA")
    return Path(folder) / "volumes" if folder else None


def measured(name, model, threads):
    environment = dict(os.environ, **dict.fromkeys(THREADS, str(threads)))
    command = [sys.executable, __file__, "--alone", name, model]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", help="parts of names of pairs")
    parser.add_argument("--alone", nargs=2, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.alone:
        alone(*chosen.alone)
        return
    print("pair         model       voxels  memory   silence, CPU s               same bits")
    for name in PAIRS:
        if not name.startswith("head ") and data() is None:
            continue
        if chosen.only and not any(part in name for part in chosen.only):
            continue
        for model in MODELS:
            one, again, two = (measured(name, model, n) for n in (1, 1, 2))
            silent = max((one, again), key=lambda run: run["silence"])
            print(
                f"{name:12} {model:10} {one['million']:5.1f} M  {one['megabytes']:4.0f} MB  "
                f"{silent['silence']:.2f} ({silent['where']})".ljust(70)
                + f"again {one['bits'] == again['bits']}, 2 threads {one['bits'] == two['bits']}",
                flush=True,
            )


if __name__ == "__main__":
    main()
