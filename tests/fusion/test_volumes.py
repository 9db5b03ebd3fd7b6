import threading

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from napari_fusion import (
    Alignment,
    Cancelled,
    GeometryError,
    Grid,
    ParameterError,
    Step,
    Volume,
    Window,
    resample,
)
from napari_fusion.fusion import (
    attribution,
    fuse,
    fuse_slice,
    fuse_slice_with_shares,
    fuse_with_shares,
    job,
    lookup,
    shares,
)

GRID = Grid.regular((6, 20, 24), spacing=(3.0, 1.0, 1.0))
UNIT = [Window(lower=0, upper=1)] * 2


def volume(seed, grid=GRID, **changes):
    array = np.random.default_rng(seed).random(grid.shape).astype(np.float32)
    return Volume(array, grid, **{"modality": "MR", "name": f"source {seed}", **changes})


@pytest.fixture
def pair():
    return [volume(1), volume(2)]


def test_fuse_is_the_sum_of_the_parts_of_the_method(pair):
    parts = lookup("laplacian")(np.stack([v.array for v in pair]), levels=2)
    fused = fuse(pair, windows=UNIT, levels=2)
    assert_array_equal(fused.array, parts.sum(axis=0).clip(0, 1))
    assert (fused.modality, fused.unit, fused.grid) == ("FUSED", "1", GRID)
    assert fused.array.dtype == np.float32


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_any_plane(pair, axis):
    fused = fuse(pair, windows=UNIT, axis=axis)
    turned = np.moveaxis(np.stack([v.array for v in pair]), axis + 1, 1).copy()
    expected = lookup("laplacian")(turned).sum(axis=0).clip(0, 1)
    assert_array_equal(np.moveaxis(fused.array, axis, 0), expected)


def test_the_coarsest_axis_is_across_slices_by_default():
    grid = Grid.regular((8, 9, 5), spacing=(1.0, 1.0, 4.0))
    pair = [volume(1, grid), volume(2, grid)]
    assert_array_equal(fuse(pair, windows=UNIT).array, fuse(pair, windows=UNIT, axis=2).array)


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_slabs_and_threads_do_not_change_the_result(pair, workers, monkeypatch):
    whole = fuse_with_shares(pair, windows=UNIT)
    monkeypatch.setattr(job, "SLAB_BYTES", 1)
    monkeypatch.setattr(job, "WORKERS", workers)
    cut = fuse_with_shares(pair, windows=UNIT)
    assert_array_equal(cut[0].array, whole[0].array)
    assert_array_equal(cut[1][0].array, whole[1][0].array)


def test_fusions_that_overlap_leave_opencv_its_threads(pair):
    cv2 = pytest.importorskip("cv2")
    before = cv2.getNumThreads()
    cv2.setNumThreads(2)
    begun, over = threading.Event(), threading.Event()

    def until_the_second_runs(fraction, words):
        if fraction:
            begun.set()
            over.wait(20)

    def until_the_first_is_done(fraction, words):
        if fraction:
            over.set()
            first.join(20)

    first = threading.Thread(target=fuse, args=[pair], kwargs={"progress": until_the_second_runs})
    first.start()
    assert begun.wait(20)
    fuse(pair, progress=until_the_first_is_done)
    assert cv2.getNumThreads() == 2
    cv2.setNumThreads(before)


def test_huge_slices_are_fused_one_at_a_time(pair, monkeypatch):
    whole, threads = fuse(pair, windows=UNIT), set()
    monkeypatch.setattr(job, "SLAB_BYTES", 1)
    monkeypatch.setattr(job, "HUGE_BYTES", 1)
    read = job.Job._read

    def watched(self, run):
        threads.add(threading.get_ident())
        return read(self, run)

    monkeypatch.setattr(job.Job, "_read", watched)
    assert_array_equal(fuse(pair, windows=UNIT).array, whole.array)
    assert len(threads) == 1


def test_shares_come_with_the_fusion_or_alone(pair):
    fused, given = fuse_with_shares(pair, "average", windows=UNIT)
    assert_array_equal(fused.array, fuse(pair, "average", windows=UNIT).array)
    alone = attribution(pair, "average", windows=UNIT)
    for a, b in zip(given, alone, strict=True):
        assert_array_equal(a.array, b.array)
    assert_allclose(sum(v.array for v in given), 1, atol=1e-6)
    assert [v.name for v in given] == ["share of source 1", "share of source 2"]
    assert_allclose(given[0].array, pair[0].array / (pair[0].array + pair[1].array), rtol=1e-5)


def test_shares_of_nothing_belong_to_whoever_gave_something():
    parts = np.zeros((3, 2, 2, 2), np.float32)
    parts[0, 0, 0, 0], parts[1, 0, 0, 1] = -0.5, 0.5
    given = shares(parts)
    assert_array_equal(given[:, 0, 0, 0], [1, 0, 0])
    assert_array_equal(given[:, 0, 1, 1], [0.5, 0.5, 0])
    assert_allclose(given[:, 1, 0, 0], 1 / 3)


def test_windows_follow_the_modality_and_are_recorded():
    hu = np.linspace(-150, 1200, 12).reshape(1, 3, 4).astype(np.float32)
    ct = Volume(hu, Grid.regular((1, 3, 4)), modality="CT", unit="HU")
    fused = fuse([ct])
    assert_allclose(fused.array, np.linspace(0, 1, 12).reshape(1, 3, 4), atol=1e-6)
    assert fused.history[-1].parameters["windows"] == [[-150.0, 1200.0]]


def test_one_window_may_be_left_to_the_modality(pair):
    asked = [Window(lower=0, upper=1), None]
    fused = fuse(pair, "average", windows=asked)
    expected = fuse(pair, "average").history[-1].parameters["windows"][1]
    assert fused.history[-1].parameters["windows"] == [[0, 1], expected]


def test_history_tells_sources_and_request(pair):
    pair[0] = pair[0].with_step(Step("load", {"sha256": "abc"}, ("tilt corrected",)))
    fused = fuse(pair, "maximum", windows=UNIT)
    first, _, request = fused.history
    assert first.parameters["history"][0]["parameters"] == {"sha256": "abc"}
    assert request.name == "fuse"
    assert request.parameters["method"] == "maximum"
    assert request.parameters["axis"] == 0
    assert fused.warnings == ("tilt corrected", lookup("maximum").caution)
    assert fuse(pair, windows=UNIT).history[-1].parameters["params"] == {
        "levels": 4,
        "rule": "consistent",
    }


def test_what_the_sources_agree_on_is_kept():
    same = [volume(1, frame_uid="x", patient="p"), volume(2, frame_uid="x", patient="p")]
    differ = [volume(1, frame_uid="x", patient="p"), volume(2, patient="q")]
    assert (fuse(same).frame_uid, fuse(same).patient) == ("x", "p")
    assert (fuse(differ).frame_uid, fuse(differ).patient) == (None, None)


def test_different_frames_are_refused_until_somebody_says_how_they_relate():
    one, other = volume(1, frame_uid="x"), volume(2, frame_uid="y")
    with pytest.raises(GeometryError, match=r"source 2 and source 3 lie in different frames.*iden"):
        fuse([volume(3), one, other])
    with pytest.raises(GeometryError, match="different frames"):
        fuse_slice([one, other], index=0)
    told = resample(other, GRID, Alignment.identity(GRID, GRID))
    assert fuse([one, told]).frame_uid is None
    with pytest.raises(GeometryError, match="different frames"):
        fuse([one, resample(other, GRID)])  # drawn on the grid, but nobody said it belongs there


def test_what_is_not_finite_is_empty_and_counted(pair, monkeypatch):
    monkeypatch.setattr(job, "SLAB_BYTES", 1)
    array = pair[0].array.copy()
    array[0, 3:9, 3:9] = np.nan
    array[1, 0, 0] = np.inf
    holed = Volume(array, GRID, modality="MR", name="T1")
    fused, given = fuse_with_shares([pair[1], holed], "average", windows=UNIT)
    assert np.isfinite(fused.array).all()
    assert_array_equal(given[1].array[0, 3:9, 3:9], 0)
    assert fused.warnings == ("37 voxels of T1 were not finite: they count as empty",)
    assert fuse([Volume(np.ones(GRID.shape, np.int16), GRID), pair[1]]).warnings == ()


def test_time_is_not_a_fourth_axis():
    with pytest.raises(GeometryError, match=r"\(2, 6, 20, 24\)"):
        Volume(np.zeros((2, *GRID.shape), np.float32), GRID)


def test_a_window_without_width_is_refused():
    with pytest.raises(ValueError, match="upper > lower"):
        Window(lower=3, upper=3)


def test_constant_sources_and_one_source(pair):
    flat = Volume(np.full(GRID.shape, 7, np.int16), GRID)
    assert np.isfinite(fuse([flat, flat]).array).all()
    assert_array_equal(fuse(pair[:1], windows=UNIT[:1]).array, pair[0].array)
    assert_array_equal(attribution(pair[:1], windows=UNIT[:1])[0].array, 1)


def test_a_fused_picture_is_fused_as_it_is():
    grid = Grid.regular((2, 8, 8))
    first, second = (Volume(np.random.default_rng(i).random(grid.shape), grid) for i in (0, 1))
    fused = fuse([first, second], "average")
    assert_array_equal(fuse([fused]).array, fused.array)


def test_different_grids_are_refused_with_both_described(pair):
    moved = Volume(pair[1].array, Grid.regular(GRID.shape, GRID.spacing, centre=(0, 0, 2)))
    with pytest.raises(GeometryError, match=r"source 1 has 6 × 20 × 24.*source 2 .*2 mm apart"):
        fuse([pair[0], moved])
    small = volume(3, Grid.regular((5, 20, 24), spacing=(3.0, 1.0, 1.0)))
    with pytest.raises(GeometryError, match="shapes differ"):
        fuse([pair[0], small])


def test_nonsense_is_refused_in_words(pair):
    with pytest.raises(ParameterError, match="at least one source"):
        fuse([])
    with pytest.raises(ParameterError, match="2 sources and 1 windows"):
        fuse(pair, windows=UNIT[:1])
    with pytest.raises(ParameterError, match="axis is 0, 1 or 2"):
        fuse(pair, axis=3)
    with pytest.raises(ParameterError, match="did you mean 'levels'"):
        fuse(pair, windows=UNIT, level=3)


def test_progress_rises_to_one_in_the_callers_thread(pair, monkeypatch):
    monkeypatch.setattr(job, "SLAB_BYTES", 1)
    told = []
    fuse(pair, windows=UNIT, progress=lambda f, words: told.append((f, threading.get_ident())))
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1], len(fractions)) == (0, 1, 7)
    assert {thread for _, thread in told} == {threading.get_ident()}


def test_a_slow_method_can_be_stopped_within_a_few_small_slices():
    grid, told = Grid.regular((40, 140, 160)), []
    sources = [Volume(np.full(grid.shape, value, np.float32), grid) for value in (0.2, 0.7)]
    fuse(sources, "average", windows=UNIT, progress=lambda *at: told.append(at))
    assert len(told) > 20


@pytest.mark.parametrize("at", range(7))
def test_cancel_at_any_moment_is_passed_on_and_leaves_no_thread(pair, monkeypatch, at):
    monkeypatch.setattr(job, "SLAB_BYTES", 1)
    before, told = threading.active_count(), []

    def cancel(fraction, words):
        told.append(fraction)
        if len(told) > at:
            raise Cancelled

    with pytest.raises(Cancelled):
        fuse(pair, windows=UNIT, progress=cancel)
    assert len(told) == at + 1
    assert threading.active_count() == before


@pytest.mark.parametrize("method", ["laplacian", "auto", "dtcwt", "guided"])
@pytest.mark.parametrize("axis", [None, 0, 1, 2])
def test_a_slice_alone_is_the_slice_of_the_whole(pair, method, axis):
    fused, given = fuse_with_shares(pair, method, windows=UNIT, axis=axis)
    across = axis or 0
    for i in (0, 3, GRID.shape[across] - 1):
        alone, alone_given = fuse_slice_with_shares(pair, method, index=i, axis=axis, windows=UNIT)
        assert_array_equal(alone, fused.array.take(i, across))
        for share, whole in zip(alone_given, given, strict=True):
            assert_array_equal(share, whole.array.take(i, across))
        assert_array_equal(fuse_slice(pair, method, index=i, axis=axis, windows=UNIT), alone)


def test_a_slice_alone_has_the_windows_of_the_whole(pair):
    assert_array_equal(fuse_slice(pair, index=2, levels=2), fuse(pair, levels=2).array[2])


@pytest.mark.parametrize("index", [-1, 6])
def test_a_slice_that_is_not_there_is_refused(pair, index):
    with pytest.raises(ParameterError, match=f"no slice {index} along axis 0.*0 to 5"):
        fuse_slice(pair, index=index)


def test_labels_are_no_source():
    labels = Volume(np.ones(GRID.shape, np.uint8), GRID, "LABEL", "label")
    picture = Volume(np.ones(GRID.shape, np.float32), GRID, "CT", "HU")
    with pytest.raises(ParameterError, match="source 2 holds labels"):
        fuse([picture, labels])
