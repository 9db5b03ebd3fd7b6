"""Catalogue B, 38 to 45, for MetaImage and NRRD: spaces, detached data, lengths and lies."""

import gzip
import zlib

import numpy as np
import pytest
import SimpleITK as sitk

from napari_fusion.errors import GeometryError, ReadError
from napari_fusion.io import load, rectified, scan
from napari_fusion.itk import from_sitk

SHAPE = (4, 5, 6)
ARRAY = np.arange(np.prod(SHAPE)).reshape(SHAPE).astype("<i2")


def nrrd(path, *, data=None, **fields):
    """Write an NRRD header (and its voxels) from fields; None leaves a field out."""
    lines = {
        "type": "short",
        "dimension": "3",
        "space": "left-posterior-superior",
        "sizes": "6 5 4",
        "space directions": "(2,0,0) (0,3,0) (0,0,4)",
        "kinds": "domain domain domain",
        "endian": "little",
        "encoding": "raw",
        "space origin": "(1,2,3)",
    }
    lines.update({k.replace("_", " "): v for k, v in fields.items()})
    text = "".join(f"{k}: {v}\n" for k, v in lines.items() if v is not None)
    body = ARRAY.tobytes() if data is None else data
    path.write_bytes(b"NRRD0005\n" + text.encode() + b"\n" + body)
    return path


def meta(path, *, data=None, **fields):
    """Write a MetaImage header (and its voxels) from fields; None leaves a field out."""
    lines = {
        "ObjectType": "Image",
        "NDims": "3",
        "BinaryData": "True",
        "BinaryDataByteOrderMSB": "False",
        "CompressedData": "False",
        "TransformMatrix": "1 0 0 0 1 0 0 0 1",
        "Offset": "1 2 3",
        "ElementSpacing": "2 3 4",
        "DimSize": "6 5 4",
        "ElementType": "MET_SHORT",
    }
    last = fields.pop("ElementDataFile", "LOCAL")
    lines.update(fields)
    lines["ElementDataFile"] = last
    text = "".join(f"{k} = {v}\n" for k, v in lines.items() if v is not None)
    body = (ARRAY.tobytes() if data is None else data) if last == "LOCAL" else b""
    path.write_bytes(text.encode() + body)
    return path


def same_as_simpleitk(path):
    """Voxels and places agree with SimpleITK, which reads these right."""
    ours, theirs = load(path), from_sitk(sitk.ReadImage(str(path), sitk.sitkFloat32))
    order, flips = theirs.grid.canonical_order()
    assert ours.grid.matches(theirs.grid.reordered(order, flips))
    steps = tuple(slice(None, None, -1 if f else None) for f in flips)
    np.testing.assert_array_equal(ours.array, theirs.array.transpose(order)[steps])
    return ours


def test_plain_files_are_read_as_simpleitk_does(tmp_path):
    for path in (nrrd(tmp_path / "a.nrrd"), meta(tmp_path / "a.mha")):
        volume = same_as_simpleitk(path)
        np.testing.assert_array_equal(volume.array, ARRAY)
        np.testing.assert_allclose(volume.grid.origin, [1, 2, 3])
        assert (volume.modality, volume.unit, volume.warnings) == ("OTHER", "1", ())


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("suffix", [".mha", ".mhd", ".nrrd", ".nhdr"])
@pytest.mark.parametrize("kind", [sitk.sitkUInt8, sitk.sitkInt16, sitk.sitkUInt32, sitk.sitkInt64,
                                  sitk.sitkFloat32, sitk.sitkFloat64])  # fmt: skip
def test_whatever_simpleitk_writes_is_read_the_same(tmp_path, suffix, packed, kind):
    image = sitk.Cast(sitk.GetImageFromArray(ARRAY), kind)
    image.SetSpacing((0.7, 1.3, 2.5))
    image.SetOrigin((-10, 20, 5))
    image.SetDirection((0, 0, 1, -1, 0, 0, 0, -1, 0))
    path = tmp_path / f"a{suffix}"
    sitk.WriteImage(image, str(path), packed)
    same_as_simpleitk(path)


@pytest.mark.parametrize("encoding", ["text", "hex"])
def test_rare_encodings_are_left_to_simpleitk(tmp_path, encoding):
    data = {
        "text": " ".join(map(str, ARRAY.ravel())).encode(),
        "hex": ARRAY.tobytes().hex().encode(),
    }[encoding]
    path = nrrd(tmp_path / "a.nrrd", encoding=encoding, data=data)
    np.testing.assert_array_equal(load(path).array, ARRAY)
    apart = nrrd(tmp_path / "a.nhdr", encoding=encoding, data_file="a.nrrd", data=b"")
    with pytest.raises(ReadError, match="keeps its voxels apart as text"):
        load(apart)


@pytest.mark.parametrize("encoding", ["bzip2", "zrl", ""])
def test_other_encodings_are_named(tmp_path, encoding):
    with pytest.raises(ReadError, match="use raw or gzip"):
        load(nrrd(tmp_path / "a.nrrd", encoding=encoding))


def test_041_nrrd_spaces(tmp_path):
    lps = load(nrrd(tmp_path / "lps.nrrd"))
    ras = load(
        nrrd(
            tmp_path / "ras.nrrd",
            space="right-anterior-superior",
            space_directions="(-2,0,0) (0,-3,0) (0,0,4)",
            space_origin="(-1,-2,3)",
        )
    )
    las = load(
        nrrd(
            tmp_path / "las.nrrd",
            space="LAS",
            space_directions="(2,0,0) (0,-3,0) (0,0,4)",
            space_origin="(1,-2,3)",
        )
    )
    for other in (ras, las):
        np.testing.assert_array_equal(other.array, lps.array)
        assert other.grid.matches(lps.grid)


SIDES = {
    "LPST": (1, 1, 1),
    "RAST": (-1, -1, 1),
    "LAST": (1, -1, 1),
    "left-posterior-superior-time": (1, 1, 1),
    "right-anterior-superior-time": (-1, -1, 1),
    "Left-Anterior-Superior-Time": (1, -1, 1),
}


def timed(path, space, *, encoding="raw"):
    """Two frames whose first three axes run along the space's own, from (1, 2, 3)."""
    frames = np.stack([ARRAY, ARRAY + 1000])
    text = " ".join(map(str, frames.ravel())).encode()
    return nrrd(
        path,
        data=text if encoding == "text" else frames.tobytes(),
        dimension="4",
        space=space,
        sizes="6 5 4 2",
        space_directions="(2,0,0,0) (0,3,0,0) (0,0,4,0) (0,0,0,7)",
        kinds="domain domain domain time",
        encoding=encoding,
        space_origin="(1,2,3,0)",
    )


@pytest.mark.parametrize("encoding", ["raw", "text"])
@pytest.mark.parametrize("space", SIDES)
def test_041_a_space_with_time_keeps_its_sides(tmp_path, space, encoding):
    path = timed(tmp_path / "a.nrrd", space, encoding=encoding)
    volume = load(path, frame=1)
    for index in ((0, 0, 0), (3, 4, 5), (1, 0, 4)):
        lps = np.multiply(SIDES[space], [1 + 2 * index[2], 2 + 3 * index[1], 3 + 4 * index[0]])
        found = tuple(np.round(volume.grid.lps_to_index(lps)).astype(int))
        np.testing.assert_allclose(volume.grid.index_to_lps(found), lps)
        assert volume.array[found] == 1000 + ARRAY[index]
    assert not volume.sides_unknown
    assert "left and right" not in scan(path)[0].reason


@pytest.mark.parametrize(
    "space", ["scanner-xyz-time", "3D-right-handed-time", "3D-left-handed-time", None]
)
def test_041_a_space_with_time_that_names_no_side_is_doubted(tmp_path, space):
    path = timed(tmp_path / "a.nrrd", space)
    if space is None:
        path.write_bytes(path.read_bytes().replace(b"sizes", b"space dimension: 4\nsizes", 1))
    volume = load(path, frame=0)
    assert volume.sides_unknown
    assert "left and right are a guess" in volume.warnings[0]
    assert "left and right are a guess" in scan(path)[0].reason


def test_041_a_left_handed_grid_keeps_its_sides(tmp_path):
    volume = load(
        nrrd(
            tmp_path / "a.nrrd",
            space_directions="(-2,0,0) (0,3,0) (0,0,4)",
            space_origin="(11,2,3)",
        )
    )
    np.testing.assert_array_equal(volume.array, ARRAY[:, :, ::-1])
    np.testing.assert_allclose(volume.grid.origin, [1, 2, 3])


@pytest.mark.parametrize(
    ("space", "known"),
    [
        ("LPS", True),
        ("Left-Posterior-Superior", True),
        ("scanner-xyz", False),
        ("3D-right-handed", False),
        ("3D-left-handed", False),
    ],
)
def test_031_only_an_anatomical_space_says_which_side_is_left(tmp_path, space, known):
    volume = load(nrrd(tmp_path / "a.nrrd", space=space))
    assert volume.sides_unknown is not known
    assert any(f"names no side ({space.lower()})" in w for w in volume.warnings) is not known


def test_031_nrrd_without_a_space_is_orientation_unknown(tmp_path):
    path = nrrd(
        tmp_path / "a.nrrd", space=None, space_directions=None, space_origin=None, spacings="2 3 4"
    )
    volume = load(path)
    np.testing.assert_allclose(volume.grid.spacing, [4, 3, 2])
    assert "orientation unknown" in volume.warnings[0]
    assert volume.history[0].parameters["orientation"] == "unknown"
    assert scan(path)[0].light == "amber"


def test_029_041_shear_is_refused_with_its_error_and_resampled_on_request(tmp_path):
    for path in (
        nrrd(tmp_path / "a.nrrd", space_directions="(2,0,0) (0,3,0) (0,1.5,4)"),
        meta(tmp_path / "a.mha", TransformMatrix="1 0 0 0 1 0 0 0.35 1"),
    ):
        with pytest.raises(GeometryError, match=r"by up to \d\.\d mm; load it with rectified"):
            load(path)
        volume = rectified(path)
        np.testing.assert_allclose(volume.grid.spacing, [4, 3, 2])
        place = volume.grid.lps_to_index([1 + 4, 2 + 6, 3])
        assert volume.array[tuple(np.round(place).astype(int))] == ARRAY[0, 2, 2]


OUTSIDE = ["../secret.raw", "/etc/hostname", "file:///etc/hostname", "http://here/a.raw",
           "sub/../../secret.raw", "link.raw"]  # fmt: skip


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("suffix", [".mhd", ".nhdr"])
def test_040_detached_data_must_lie_inside_the_folder(tmp_path, suffix, name):
    (tmp_path / "secret.raw").write_bytes(ARRAY.tobytes())
    folder = tmp_path / "study"
    (folder / "sub").mkdir(parents=True)
    (folder / "link.raw").symlink_to(tmp_path / "secret.raw")
    if suffix == ".mhd":
        path = meta(folder / "a.mhd", ElementDataFile=name)
    else:
        path = nrrd(folder / "a.nhdr", data_file=name, data=b"")
    with pytest.raises(ReadError, match="outside its own folder"):
        load(path)
    assert scan(path)[0].light == "red"


@pytest.mark.parametrize("name", ["LIST", "LIST 2", "slice%03d.raw 1 1000000 1"])
@pytest.mark.parametrize("suffix", [".mhd", ".nhdr"])
def test_040_lists_of_files_are_refused(tmp_path, suffix, name):
    if suffix == ".mhd":
        path = meta(tmp_path / "a.mhd", ElementDataFile=name)
    else:
        path = nrrd(tmp_path / "a.nhdr", data_file=name, data=b"x.raw\n" * 1000)
    with pytest.raises(ReadError, match="over several files"):
        load(path)


@pytest.mark.parametrize("suffix", [".mhd", ".nhdr"])
@pytest.mark.parametrize("place", ["a.raw", "sub/a.raw"])
def test_040_data_beside_or_below_the_header_are_read(tmp_path, suffix, place):
    (tmp_path / "sub").mkdir()
    (tmp_path / place).write_bytes(ARRAY.tobytes())
    if suffix == ".mhd":
        path = meta(tmp_path / "a.mhd", ElementDataFile=place)
    else:
        path = nrrd(tmp_path / "a.nhdr", data_file=place, data=b"")
    np.testing.assert_array_equal(load(path).array, ARRAY)


@pytest.mark.parametrize("suffix", [".mhd", ".nhdr"])
def test_040_missing_data_are_named(tmp_path, suffix):
    if suffix == ".mhd":
        path = meta(tmp_path / "a.mhd", ElementDataFile="a.raw")
    else:
        path = nrrd(tmp_path / "a.nhdr", data_file="a.raw", data=b"")
    with pytest.raises(ReadError, match=r"needs its data file a\.raw, which is not there"):
        load(path)


@pytest.mark.parametrize("lost", [1, 100, 240])
def test_042_data_shorter_than_their_header_are_refused(tmp_path, lost):
    short = ARRAY.tobytes()[:-lost]
    for path in (nrrd(tmp_path / "a.nrrd", data=short), meta(tmp_path / "a.mha", data=short)):
        with pytest.raises(ReadError, match="shorter than its header says"):
            load(path)
        assert scan(path)[0].light == "red"


@pytest.mark.parametrize("sized", [True, False])
def test_042_packed_data_with_and_without_their_size(tmp_path, sized):
    data = zlib.compress(ARRAY.tobytes())
    size = {"CompressedDataSize": len(data)} if sized else {}
    path = meta(tmp_path / "a.mha", data=data, CompressedData="True", **size)
    np.testing.assert_array_equal(load(path).array, ARRAY)


@pytest.mark.parametrize("harm", ["cut", "flip"])
def test_042_packed_data_that_fail_their_own_check_are_refused(tmp_path, harm):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 999, SHAPE).astype("<i2").tobytes()

    def spoil(data):
        raw = bytearray(data)
        raw[-3] ^= 1
        return bytes(raw) if harm == "flip" else data[:-5]

    for path in (
        meta(tmp_path / "a.mha", data=spoil(zlib.compress(noise)), CompressedData="True"),
        nrrd(tmp_path / "a.nrrd", data=spoil(gzip.compress(noise)), encoding="gzip"),
    ):
        with pytest.raises(ReadError, match="fail their own check|shorter than its header"):
            load(path)


def test_038_039_a_header_that_claims_far_too_much_is_refused_at_once(tmp_path):
    for path in (
        nrrd(tmp_path / "a.nrrd", sizes="20000 20000 20000"),
        meta(tmp_path / "a.mha", DimSize="20000 20000 20000"),
    ):
        with pytest.raises(ReadError, match="at most 8 GiB"):
            load(path)
    for path in (
        nrrd(tmp_path / "b.nrrd", sizes="600 600 600", encoding="gzip"),
        meta(tmp_path / "b.mha", DimSize="600 600 600", CompressedData="True"),
    ):
        with pytest.raises(ReadError, match="more than 200 times its size"):
            load(path)


@pytest.mark.parametrize("sizes", ["-6 5 4", "0 5 4", "a b c", ""])
def test_sizes_that_are_no_sizes_are_refused(tmp_path, sizes):
    for path in (nrrd(tmp_path / "a.nrrd", sizes=sizes), meta(tmp_path / "a.mha", DimSize=sizes)):
        with pytest.raises(ReadError):
            load(path)


def test_a_header_that_lies_before_its_voxels_at_the_end_of_the_file(tmp_path):
    for path in (
        nrrd(tmp_path / "a.nrrd", byte_skip="-1", data=b"noise" + ARRAY.tobytes()),
        nrrd(tmp_path / "b.nrrd", byte_skip="5", data=b"noise" + ARRAY.tobytes()),
    ):
        np.testing.assert_array_equal(load(path).array, ARRAY)
    (tmp_path / "c.raw").write_bytes(b"noise" + ARRAY.tobytes())
    for size in ("-1", "5"):
        path = meta(tmp_path / "c.mhd", HeaderSize=size, ElementDataFile="c.raw")
        np.testing.assert_array_equal(load(path).array, ARRAY)


def test_the_byte_order_is_honoured(tmp_path):
    big = ARRAY.astype(">i2").tobytes()
    for path in (
        nrrd(tmp_path / "a.nrrd", endian="big", data=big),
        meta(tmp_path / "a.mha", BinaryDataByteOrderMSB="True", data=big),
    ):
        np.testing.assert_array_equal(load(path).array, ARRAY)


@pytest.mark.parametrize("spacing", ["0 1 1", "nan 1 1"])
def test_037_a_spacing_that_is_no_length_is_refused(tmp_path, spacing):
    with pytest.raises((ReadError, GeometryError)):
        load(meta(tmp_path / "a.mha", ElementSpacing=spacing))


def test_045_colour_slices_and_time(tmp_path):
    colour = sitk.GetImageFromArray(np.zeros((4, 5, 6, 3), "u1"), isVector=True)
    flat = sitk.GetImageFromArray(np.zeros((5, 6), "u1"))
    moving = sitk.JoinSeries([sitk.GetImageFromArray(ARRAY + 1000 * t) for t in range(3)])
    for suffix in (".mha", ".nrrd"):
        for name, image, match in (
            ("rgb", colour, "colour or vectors|axes"),
            ("flat", flat, "single slice"),
            ("moving", moving, "holds 3 frames, choose one with frame=0 to frame=2"),
        ):
            path = tmp_path / f"{name}{suffix}"
            sitk.WriteImage(image, str(path), suffix == ".nrrd")
            with pytest.raises(ReadError, match=match):
                load(path)
        np.testing.assert_array_equal(load(path, frame=2).array, ARRAY + 2000)


def test_what_others_note_in_a_header_is_not_believed(tmp_path):
    path = nrrd(tmp_path / "a.nrrd")
    data = path.read_bytes().replace(b"\n\n", b"\nnapari_fusion_modality:=<b>\n"
                                     b"napari_fusion_unit:=HU\nPatientName:=ZZ\n\n", 1)  # fmt: skip
    path.write_bytes(data)
    volume = load(path)
    assert (volume.modality, volume.unit) == ("OTHER", "1")
    assert "ZZ" not in repr(vars(volume))
