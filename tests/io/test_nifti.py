"""Catalogue B, 29 to 39 and 43 to 48, for NIfTI: affines, lengths, bombs and odd contents."""

import gzip
import os
from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pytest

from napari_fusion.errors import GeometryError, ParameterError, ReadError
from napari_fusion.io import budget, load, rectified, scan

SHAPE = (5, 6, 7)  # x, y, z


def ramp(dtype="i2"):
    return np.arange(np.prod(SHAPE)).reshape(SHAPE).astype(dtype)


def image(array=None, affine=None, *, sform=None, qform=None, kind=nib.Nifti1Image):
    made = kind(ramp() if array is None else array, None)
    made.header.set_xyzt_units("mm")
    if affine is not None:
        sform = qform = affine
    made.set_qform(qform, code=1 if qform is not None else 0)
    made.set_sform(sform, code=1 if sform is not None else 0)
    return made


def saved(made, path):
    nib.save(made, path)
    return path


def patched(path, offset, data):
    """Overwrite bytes of a header."""
    raw = bytearray(path.read_bytes())
    raw[offset : offset + len(data)] = data
    path.write_bytes(raw)
    return path


DIAGONAL = np.diag([2.0, 3.0, 4.0, 1.0])
SHEARED = DIAGONAL.copy()
SHEARED[1, 2] = 1.5


def test_029_shear_is_refused_with_its_error_in_mm(tmp_path):
    path = saved(image(sform=SHEARED), tmp_path / "a.nii")
    with pytest.raises(GeometryError, match=r"sheared axes: .* by up to \d\.\d mm; .*rectified"):
        load(path)
    assert scan(path)[0].light == "red"


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_029_shear_is_resampled_on_request_landmarks_within_half_a_voxel(tmp_path, suffix):
    affine = np.diag([1.0, 1.0, 2.0, 1.0])
    affine[:3, 2] = [0.3, 0.7, 2.0]
    affine[:3, 3] = [5, -7, 11]
    shape = (30, 32, 16)
    points = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1) @ affine[:3, :3].T
    points += affine[:3, 3]
    bead = points[14, 15, 8]
    near = np.exp(-((points - bead) ** 2).sum(-1) / 18)
    path = saved(image(near.astype("f4"), sform=affine), tmp_path / f"a{suffix}")
    volume = rectified(path)
    weights = volume.array.astype(float)
    index = [(weights * axis).sum() / weights.sum() for axis in np.indices(weights.shape)]
    error = np.abs(volume.grid.index_to_lps(index) * [-1, -1, 1] - bead)
    assert (error < 0.5 * volume.grid.spacing.min()).all()
    assert "sheared axes were resampled to right angles" in volume.warnings[0]


def test_029_a_square_file_is_rectified_by_loading_it(tmp_path):
    path = saved(image(affine=DIAGONAL), tmp_path / "a.nii")
    assert rectified(path).history == load(path).history


@pytest.mark.parametrize(("shift", "warns"), [(0.05, False), (3.0, True)])
def test_030_two_affines_that_disagree_are_told_in_degrees_and_mm(tmp_path, shift, warns):
    other = DIAGONAL.copy()
    other[0, 3] = shift
    volume = load(saved(image(sform=DIAGONAL, qform=other), tmp_path / "a.nii"))
    assert volume.grid.index_to_lps([0, 5, 4]) == pytest.approx([0, 0, 0])  # the sform's
    told = [w for w in volume.warnings if "disagree by 0.0° and up to 3.0 mm" in w]
    assert bool(told) == bool(volume.warnings) == warns


def test_030_two_affines_of_different_handedness_are_refused(tmp_path):
    path = saved(
        image(sform=DIAGONAL, qform=DIAGONAL @ np.diag([-1, 1, 1, 1.0])), tmp_path / "a.nii"
    )
    with pytest.raises(GeometryError, match="different handedness: left and right are in doubt"):
        load(path)


def test_031_no_affine_at_all_is_loaded_as_orientation_unknown(tmp_path):
    path = saved(image(), tmp_path / "a.nii")
    volume = load(path)
    assert "orientation unknown" in volume.warnings[0]
    assert volume.history[0].parameters["orientation"] == "unknown"
    assert scan(path)[0].light == "amber"


def test_031_analyze_says_nothing_about_sides(tmp_path):
    analyze = nib.Spm2AnalyzeImage(ramp(), DIAGONAL)
    nib.save(analyze, tmp_path / "a.img")
    assert {p.name for p in tmp_path.iterdir()} >= {"a.hdr", "a.img"}
    for name in ("a.hdr", "a.img"):
        volume = load(tmp_path / name)
        assert "orientation unknown: Analyze" in volume.warnings[0]
        assert volume.array.sum() == ramp().sum()
    assert [s.uid for s in scan(tmp_path)] == ["a.hdr"]


@pytest.mark.parametrize("packed", ["", ".gz"])
def test_a_pair_of_header_and_image_is_one_volume(tmp_path, packed):
    pair = image(affine=DIAGONAL, kind=nib.Nifti1Pair)
    nib.save(pair, tmp_path / f"a.hdr{packed}")
    assert load(tmp_path / f"a.hdr{packed}").array.sum() == ramp().sum()
    assert len(scan(tmp_path)) == 1


@pytest.mark.parametrize(("unit", "factor"), [(1, 1000), (2, 1), (3, 0.001), (0, 1)])
def test_032_units_of_length_are_honoured(tmp_path, unit, factor):
    made = image(affine=np.diag([2 / factor, 3 / factor, 4 / factor, 1]))
    made.header["xyzt_units"] = unit
    volume = load(saved(made, tmp_path / "a.nii"))
    np.testing.assert_allclose(volume.grid.spacing, [4, 3, 2], rtol=1e-5)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("keep", [0.1, 0.5, 0.99])
def test_033_034_a_truncated_file_is_refused(tmp_path, suffix, keep):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 999, (20, 20, 20)).astype("i2")
    path = saved(image(noise, DIAGONAL), tmp_path / f"a{suffix}")
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(ReadError, match="shorter than its header says|damaged") as caught:
        load(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("place", [-8, -4, -200], ids=["crc", "length", "data"])
def test_035_a_gz_that_fails_its_own_sum_is_refused(tmp_path, place):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 999, (20, 20, 20)).astype("i2")
    path = saved(image(noise, DIAGONAL), tmp_path / "a.nii.gz")
    raw = bytearray(path.read_bytes())
    raw[place] ^= 0x10
    path.write_bytes(raw)
    with pytest.raises(ReadError, match="fail their own check"):
        load(path)


@pytest.mark.parametrize("offset", [1e9, 1e5])
def test_036_a_data_offset_beyond_the_file_is_refused(tmp_path, offset):
    path = patched(
        saved(image(affine=DIAGONAL), tmp_path / "a.nii"), 108, np.float32(offset).tobytes()
    )
    with pytest.raises(ReadError, match="shorter than its header says"):
        load(path)


@pytest.mark.parametrize("length", [0, np.nan, -2, np.inf])
def test_037_a_voxel_of_no_length_is_refused_unless_an_sform_says_better(tmp_path, length):
    value = np.float32(length).tobytes()
    path = patched(saved(image(qform=DIAGONAL), tmp_path / "q.nii"), 80, value)
    with pytest.raises(GeometryError, match="lengths must be positive"):
        load(path)
    path = patched(saved(image(sform=DIAGONAL), tmp_path / "s.nii"), 80, value)
    np.testing.assert_allclose(load(path).grid.spacing, [4, 3, 2])


@pytest.mark.parametrize("place", ["diagonal", "offset"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_037_an_affine_that_is_not_finite_is_refused(tmp_path, place, value):
    path = saved(image(sform=DIAGONAL), tmp_path / "a.nii")
    patched(path, 280 if place == "diagonal" else 292, np.float32(value).tobytes())
    with pytest.raises(GeometryError, match="not finite"):
        load(path)


def test_037_an_affine_without_a_third_axis_is_refused(tmp_path):
    flat = DIAGONAL.copy()
    flat[2, 2] = 0
    with pytest.raises(GeometryError, match="an axis of no length"):
        load(saved(image(sform=flat), tmp_path / "a.nii"))


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_038_a_header_that_claims_sixteen_gigabytes_is_refused_at_once(tmp_path, suffix):
    path = saved(image(affine=DIAGONAL), tmp_path / "a.nii")
    patched(path, 40, np.array([3, 2000, 2000, 2000, 1, 1, 1, 1], "<i2").tobytes())
    path.write_bytes(path.read_bytes()[:452])
    if suffix == ".nii.gz":
        path = tmp_path / "a.nii.gz"
        path.write_bytes(gzip.compress((tmp_path / "a.nii").read_bytes()))
    with pytest.raises(ReadError, match="at most 8 GiB are loaded"):
        load(path)


@pytest.mark.parametrize("axis", range(1, 5))
def test_038_negative_and_absurd_sizes_are_refused(tmp_path, axis):
    for value in (-5, 0, 32767):
        path = saved(image(affine=DIAGONAL), tmp_path / "a.nii")
        patched(path, 40 + 2 * axis, np.int16(value).tobytes())
        if axis == 4:
            patched(path, 40, np.int16(4).tobytes())
        with pytest.raises(ReadError):
            load(path)


def test_039_a_gz_bomb_is_refused_at_the_stated_budget(tmp_path):
    header = image(np.zeros((1, 1, 1), "i2"), DIAGONAL)
    path = saved(header, tmp_path / "a.nii")
    patched(path, 40, np.array([3, 600, 600, 600, 1, 1, 1, 1], "<i2").tobytes())
    data = gzip.compress(path.read_bytes() + bytes(2**20))
    (tmp_path / "a.nii.gz").write_bytes(data)
    with pytest.raises(ReadError, match="more than 200 times its size"):
        load(tmp_path / "a.nii.gz")


def test_039_a_bomb_behind_the_voxels_is_refused(tmp_path, monkeypatch):
    from napari_fusion.io import stream

    monkeypatch.setattr(stream, "FREE_BYTES", 2**20)
    monkeypatch.setattr(budget, "FREE_BYTES", 2**20)
    path = saved(image(affine=DIAGONAL), tmp_path / "a.nii")
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(path.read_bytes() + bytes(2**24)))
    with pytest.raises(ReadError, match="more than 200 times its size"):
        load(tmp_path / "a.nii.gz")


def test_039_a_gz_within_a_gz_is_no_image(tmp_path):
    path = saved(image(affine=DIAGONAL), tmp_path / "a.nii.gz")
    path.write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(ReadError, match="cannot be read as NIfTI"):
        load(path)


def test_a_plain_file_beside_a_packed_one_is_not_read_in_its_place(tmp_path):
    """SimpleITK, asked for a.nii.gz, reads a.nii when it lies beside."""
    saved(image(np.zeros(SHAPE, "i2"), DIAGONAL), tmp_path / "a.nii")
    packed = saved(image(np.ones(SHAPE, "i2"), DIAGONAL), tmp_path / "a.nii.gz")
    assert load(packed).array.min() == 1
    assert load(tmp_path / "a.nii").array.max() == 0


@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("ending", ["Nii", "Nii.gz", "nii.Gz", "NII.gz", "NII.GZ"])
def test_a_file_named_in_mixed_case_is_read_and_not_its_namesake(tmp_path, kind, ending):
    small = saved(image(affine=DIAGONAL, kind=kind), tmp_path / f"made.{ending.lower()}")
    path = small.rename(tmp_path / f"a.{ending}")
    for other in (f"a.{ending.lower()}", "a.nii"):  # nibabel would look for these
        if not (tmp_path / other).exists():
            saved(image(-ramp(), affine=DIAGONAL), tmp_path / other)
    assert load(path).array.max() == ramp().max()
    assert scan(path)[0].light == "green"


def test_a_pair_named_in_mixed_case_is_refused_in_words(tmp_path):
    saved(image(affine=DIAGONAL, kind=nib.Nifti1Pair), tmp_path / "a.hdr")
    path = (tmp_path / "a.hdr").rename(tmp_path / "a.Hdr")
    (tmp_path / "a.img").rename(tmp_path / "a.Img")
    with pytest.raises(ReadError, match="both endings in small letters"):
        load(path)


@pytest.mark.parametrize("keep", [0.5, 0.999])
def test_a_packed_file_that_breaks_off_is_red(tmp_path, keep):
    noise = np.random.default_rng(0).integers(0, 9999, (20, 20, 20), np.int16)
    path = saved(image(noise, affine=DIAGONAL), tmp_path / "a.nii.gz")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep * len(whole))])
    (found,) = scan(path)
    assert found.light == "red"
    assert "break off" in found.reason


def test_a_whole_packed_file_is_told_by_its_end_alone(tmp_path, monkeypatch):
    path = saved(image(affine=DIAGONAL), tmp_path / "a.nii.gz")
    monkeypatch.setattr("napari_fusion.io.stream.check", lambda layout: pytest.fail("read it all"))
    assert scan(path)[0].light == "green"


def test_several_gzip_members_are_one_stream(tmp_path):
    data = saved(image(affine=DIAGONAL), tmp_path / "a.nii").read_bytes()
    path = tmp_path / "a.nii.gz"
    path.write_bytes(gzip.compress(data[:500]) + gzip.compress(data[500:]) + bytes(16))
    assert load(path).array.sum() == ramp().sum()


def test_043_values_that_are_not_finite_become_nan_and_are_counted(tmp_path):
    array = ramp("f4")
    array[0, 0, :3] = [np.nan, np.inf, -np.inf]
    path = saved(image(array, DIAGONAL), tmp_path / "a.nii")
    volume = load(path)
    assert np.isnan(volume.array).sum() == 3
    assert not np.isinf(volume.array).any()
    assert volume.warnings == ("voxels that are not a finite number, kept as NaN (no value): 3",)


def test_044_a_constant_volume_is_a_volume(tmp_path):
    path = saved(image(np.full(SHAPE, 3, "i2"), DIAGONAL), tmp_path / "a.nii")
    assert set(np.unique(load(path).array)) == {3}


@pytest.mark.parametrize(
    ("array", "match"),
    [
        (np.zeros((5, 6), "i2"), "single slice"),
        (np.zeros((5, 6, 1), "i2"), "single slice"),
        (np.zeros((5, 6, 7, 1, 3), "f4"), "5 axes"),
        (np.zeros((5, 6, 7), "c8"), "only real numbers"),
        (np.zeros((5, 6, 7), [("R", "u1"), ("G", "u1"), ("B", "u1")]), "colour image"),
    ],
    ids=["2d", "one_slice", "vectors", "complex", "rgb"],
)
def test_045_what_is_no_scalar_volume_is_named(tmp_path, array, match):
    with pytest.raises(ReadError, match=match):
        load(saved(image(array, DIAGONAL), tmp_path / "a.nii"))


@pytest.mark.parametrize("frame", ["1", 1.0, [1]])
def test_045_a_time_point_that_is_no_whole_number_is_no_fault_of_the_file(tmp_path, frame):
    path = saved(image(np.zeros((*SHAPE, 2), "i2"), affine=DIAGONAL), tmp_path / "a.nii")
    with pytest.raises(ParameterError, match="frame is"):
        load(path, frame=frame)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_045_time_points_are_chosen(tmp_path, suffix):
    array = np.stack([ramp(), ramp() + 1000, ramp() + 2000], -1)
    path = saved(image(array, DIAGONAL), tmp_path / f"a{suffix}")
    with pytest.raises(ReadError, match="holds 3 frames, choose one with frame=0 to frame=2"):
        load(path)
    assert load(path, frame=2).array.min() == 2000
    assert load(path, frame=1).array.max() == 1000 + ramp().max()
    with pytest.raises(ReadError, match="has no frame 3"):
        load(path, frame=3)
    (series,) = scan(path)
    assert (series.frames, series.light) == (3, "amber")
    assert "3 time points: choose one" in series.reason


@pytest.mark.parametrize("dtype", ["i8", "u8", "f8", "i4", "u4", "u1", "i1"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_046_every_stored_type_is_read_exactly(tmp_path, dtype, order):
    array = (ramp() % 100).astype(order + dtype)
    made = nib.Nifti1Image(array, DIAGONAL, dtype=array.dtype)
    path = saved(made, tmp_path / "a.nii")
    np.testing.assert_array_equal(load(path).array, (ramp() % 100).T[:, ::-1, ::-1])


def test_046_integers_beyond_float32_are_rounded_and_counted(tmp_path):
    array = np.zeros(SHAPE, "i4")
    array[0, 0, 0] = 2**24 + 1
    volume = load(saved(nib.Nifti1Image(array, DIAGONAL, dtype="i4"), tmp_path / "a.nii"))
    assert volume.warnings == ("voxels beyond 16777216, rounded to 32-bit numbers: 1",)


def test_046_numbers_beyond_float32_are_refused(tmp_path):
    array = np.full(SHAPE, 1e300)
    with pytest.raises(ReadError, match="too large for 32-bit numbers"):
        load(saved(nib.Nifti1Image(array, DIAGONAL), tmp_path / "a.nii"))


@pytest.mark.parametrize("slope", [0.001, 3.5])
def test_scaled_integers_are_rounded_once(tmp_path, slope):
    made = image(ramp(), DIAGONAL)
    path = saved(made, tmp_path / "a.nii")
    patched(path, 112, np.array([slope, -7.25], "<f4").tobytes())
    exact = ramp().astype(float) * np.float32(slope) - 7.25
    wanted = exact.T[:, ::-1, ::-1].astype("f4")
    np.testing.assert_array_equal(load(path).array, wanted)


def test_047_thin_and_thick_voxels(tmp_path):
    made = image(np.zeros((8, 8, 8), "u1"), np.diag([0.5, 0.5, 10, 1]))
    np.testing.assert_allclose(load(saved(made, tmp_path / "a.nii")).grid.spacing, [10, 0.5, 0.5])


def test_047_memory_is_said_before_it_is_taken(tmp_path, monkeypatch):
    path = saved(image(np.zeros((1, 1, 1), "u1"), DIAGONAL), tmp_path / "a.nii")
    patched(path, 40, np.array([3, 1024, 1024, 1024, 1, 1, 1, 1], "<i2").tobytes())
    os.truncate(path, 352 + 2**30)
    memory = SimpleNamespace(available=8 * 2**30)
    monkeypatch.setattr("psutil.virtual_memory", lambda: memory)
    (found,) = scan(path)
    assert (found.light, found.nbytes) == ("green", 2**32)
    assert found.describe().endswith("4.0 GiB in memory")
    memory.available = 3 * 2**30
    assert scan(path)[0].reason == "needs 4.0 GiB of memory, 3.0 GiB are free"


def test_nifti_2_is_read(tmp_path):
    made = image(affine=DIAGONAL, kind=nib.Nifti2Image)
    assert load(saved(made, tmp_path / "a.nii")).array.sum() == ramp().sum()


@pytest.mark.parametrize("content", [b"", b"x", b"not an image" * 50, bytes(400)])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".hdr", ".mha", ".nrrd", ".nhdr", ".mhd"])
def test_048_empty_and_junk_files_are_refused(tmp_path, suffix, content):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    with pytest.raises(ReadError, match=r"^a\.") as caught:
        load(path)
    assert "\n" not in str(caught.value)
    assert scan(path)[0].light == "red"


def test_048_a_folder_named_like_an_image_is_a_folder(tmp_path):
    folder = tmp_path / "x.nii.gz"
    folder.mkdir()
    with pytest.raises(ReadError, match="holds no image"):
        load(folder)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_048_no_permission_is_said(tmp_path):
    path = saved(image(affine=DIAGONAL), tmp_path / "a.nii")
    path.chmod(0)
    with pytest.raises(ReadError, match="permission denied"):
        load(path)


def test_048_a_read_that_fails_midway_is_said(tmp_path, monkeypatch):
    from napari_fusion.io import stream

    path = saved(image(affine=DIAGONAL), tmp_path / "a.nii")

    def gone(*_args):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(stream._Stream, "into", gone)
    with pytest.raises(ReadError, match=r"a\.nii cannot be read: input/output error$"):
        load(path)
