"""Volumes in dask arrays give what the same volumes in memory give, to the bit."""

import pickle
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from napari_fusion import Grid, Volume, Window, measure
from napari_fusion.fusion import (
    attribution,
    colour,
    fuse,
    fuse_slice,
    fuse_with_shares,
    job,
    methods,
)

da = pytest.importorskip("dask.array")

GRID = Grid.regular((7, 20, 24), spacing=(3.0, 1.0, 1.0))
UNCOUNTED = "voxels of the sources that are not finite, if there are any, count as empty"
UNIT = [Window(lower=0, upper=1)] * 2


def volume(seed, **changes):
    array = np.random.default_rng(seed).random(GRID.shape).astype(np.float32)
    return Volume(array, GRID, modality="MR", **changes)


def lazily(volume, chunks):
    return Volume(da.from_array(volume.array, chunks=chunks), GRID, modality=volume.modality)


@pytest.fixture
def pair():
    return [volume(1), volume(2)]


def same(lazy, eager):
    assert isinstance(lazy.array, da.Array)
    assert lazy.array.dtype == np.float32
    assert_array_equal(np.asarray(lazy.array), eager.array)
    assert lazy.history[:-1] == eager.history[:-1]
    last = eager.history[-1]
    assert lazy.history[-1] == replace(last, warnings=(*last.warnings, UNCOUNTED))


@pytest.mark.parametrize("chunks", [(2, 20, 24), (7, 20, 24), (3, 7, 5)], ids=str)
@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("size", [1, 2 << 20])
def test_equal_to_the_bit_for_any_chunks(pair, chunks, axis, size, monkeypatch):
    monkeypatch.setattr(job, "SLAB_BYTES", size)
    eager, eager_shares = fuse_with_shares(pair, axis=axis)
    lazy = [lazily(v, chunks) for v in pair]
    same(fuse(lazy, axis=axis), eager)
    fused, given = fuse_with_shares(lazy, axis=axis)
    same(fused, eager)
    for one, other in zip(given, eager_shares, strict=True):
        same(one, other)


@pytest.mark.parametrize("method", [m.name for m in methods() if m.name != "cnn"])
def test_equal_to_the_bit_for_every_method(pair, method):
    lazy = [lazily(v, (3, 20, 24)) for v in pair]
    same(fuse(lazy, method, windows=UNIT), fuse(pair, method, windows=UNIT))


def test_chunks_of_the_first_source_are_the_slabs(pair):
    lazy = [lazily(pair[0], (2, 20, 24)), lazily(pair[1], (5, 10, 12))]
    assert fuse(lazy).array.chunks == ((2, 2, 2, 1), (20,), (24,))


def test_one_source_in_memory_brings_the_result_there(pair):
    mixed = [pair[0], lazily(pair[1], (3, 20, 24))]
    told = []
    fused = fuse(mixed, progress=lambda f, words: told.append(f))
    assert isinstance(fused.array, np.ndarray)
    assert_array_equal(fused.array, fuse(pair).array)
    assert len(told) == 4  # the start and three chunks


def test_nothing_is_read_before_the_result_is():
    read = []

    def slab(block_info=None):
        read.append(block_info[None]["chunk-location"][0])
        return np.full((1, 20, 24), 0.5, np.float32)

    array = da.map_blocks(
        slab, chunks=((1,) * 7, (20,), (24,)), dtype=np.float32, meta=np.empty((0,) * 3, np.float32)
    )
    source = Volume(array, GRID)
    fused = fuse([source, source], windows=UNIT)
    assert read == []
    assert_array_equal(np.asarray(fused.array[4]), 0.5)
    assert set(read) == {4}
    assert_array_equal(fuse_slice([source, source], windows=UNIT, index=2), 0.5)
    assert set(read) == {2, 4}


def test_a_slab_can_be_sent_to_another_process(pair):
    lazy = attribution([lazily(v, (3, 20, 24)) for v in pair])[0]
    assert_array_equal(
        np.asarray(pickle.loads(pickle.dumps(lazy.array))), attribution(pair)[0].array
    )


def test_values_that_are_not_finite_are_empty_there_too(pair):
    array = pair[0].array.copy()
    array[2, 3:9, 3:9] = np.nan
    holed = Volume(array, GRID, modality="MR")
    lazy = fuse([lazily(holed, (2, 20, 24)), lazily(pair[1], (2, 20, 24))])
    assert_array_equal(np.asarray(lazy.array), fuse([holed, pair[1]]).array)
    assert lazy.warnings == (UNCOUNTED,)
    whole = Volume(da.ones(GRID.shape, chunks=(2, 20, 24), dtype=np.int16), GRID)
    assert fuse([whole, whole]).warnings == ()


def test_dask_is_imported_only_for_its_arrays():
    code = (
        "import sys, numpy as np, napari_fusion as nf\n"
        "v = nf.Volume(np.ones((2, 4, 4)), nf.Grid.regular((2, 4, 4)))\n"
        "nf.fuse([v, v])\n"
        "sys.exit('dask' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    "verb",
    [
        lambda lazy: measure(lazy, Volume(np.indices(GRID.shape)[0] + 1, GRID)),
        lambda lazy: colour(lazy, volume(2), window="0:1"),
        lambda lazy: colour(volume(2), lazy, window="0:1"),
    ],
    ids=["measure", "colour", "colour by it"],
)
def test_what_needs_a_whole_volume_reads_it_once(verb):
    reads = []

    def read(block):
        reads.append(block)
        return block

    array = da.from_array(volume(1).array, chunks=(2, 20, 24))
    verb(Volume(array.map_blocks(read, dtype=np.float32, meta=np.empty(0, np.float32)), GRID))
    assert len(reads) == 4
