"""Catalogue H, 96: no spoilt header hangs its reader, harms the caller or eats the memory.

A native library may still crash in the worker; then the caller must live, hear one sentence and
read the next file. ``-o log_cli=1 --log-level=info`` names such cases.

Twenty seconds in the ordinary suite, ten minutes with ``-m slow``; NAPARI_FUSION_FUZZ_S sets the
seconds of the long run and NAPARI_FUSION_FUZZ_FROM the first case, so that runs on other days try
other files. A case is made from its format and its number alone, which a failure names.
"""

import logging
import os
import random
import sys
import time

import mutating
import pytest

from napari_fusion.errors import FusionError
from napari_fusion.io import isolated, load, scan

FEWEST, MOST = 20, 200  # cases, however busy the machine is
SHORT_S = 20
LONG_S = float(os.environ.get("NAPARI_FUSION_FUZZ_S", "600"))
FIRST = int(os.environ.get("NAPARI_FUSION_FUZZ_FROM", "0"))
SILENCE_S = 10.0
MOST_BYTES = 2**31
COUNT = len(mutating.MAKERS)


@pytest.fixture(autouse=True)
def own_worker(tmp_path):
    isolated.close()
    isolated.scan(tmp_path)  # started before the clock runs
    yield
    isolated.close()


@pytest.mark.parametrize("name", mutating.MAKERS)
def test_096_twenty_seconds_of_spoilt_headers(tmp_path, name):
    fuzz(tmp_path, name, SHORT_S / COUNT, FIRST)


@pytest.mark.slow
@pytest.mark.timeout(LONG_S + 120)
@pytest.mark.parametrize("name", mutating.MAKERS)
def test_096_ten_minutes_of_spoilt_headers(tmp_path, name):
    fuzz(tmp_path, name, LONG_S / COUNT, FIRST + 1_000_000)


def fuzz(tmp_path, name, seconds, number):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    mutating.MAKERS[name](path)
    data = path.read_bytes()
    target = path.parent if path.suffix == ".dcm" and "/" in name else path
    ends, first = set(), number
    read_unspoilt(target)
    until = time.monotonic() + seconds
    while time.monotonic() < until or number < first + (FEWEST if len(ends) > 2 else MOST):
        number += 1
        path.write_bytes(mutating.case(data, random.Random(f"{name} {number}")))
        for read in (scan, load):
            sentence = outcome(read, target, number)
            ends.add(sentence)
            if "its reader stopped" in sentence:  # a library crashed, and this process did not
                logging.warning("case %d crashed a library; contained: %s", number, sentence)
                path.write_bytes(data)
                read_unspoilt(target)
                break
    assert len(ends) > 2
    logging.info("%d cases", number - first)


def read_unspoilt(target):
    """What is not spoilt is a volume, whatever went before."""
    assert isolated.load(target).array.size > 0


def outcome(read, target, number):
    """Read a spoilt file; give what was said of it, "" for a volume without a doubt."""
    began = time.monotonic()
    try:
        found = isolated.call(read, target, silence_s=SILENCE_S)
        sentence = "; ".join(found.warnings if read is load else [s.reason for s in found])
    except FusionError as fault:
        sentence = str(fault)
    assert "\n" not in sentence
    assert mutating.dicom_making.SENTINEL not in sentence
    assert "of a known kind (" not in sentence, f"case {number} ends in a fault nobody foresaw"
    assert "no progress" not in sentence, f"case {number} hangs its reader"
    assert time.monotonic() - began < SILENCE_S, f"case {number} is slow"
    assert peak() < MOST_BYTES, f"case {number} eats the memory"
    return sentence


def peak():
    """Give the most memory the idle worker ever held, where the system tells."""
    if sys.platform != "linux" or not isolated._idle:
        return 0
    with open(f"/proc/{isolated._idle[0].process.pid}/status") as status:  # noqa: PTH123
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
