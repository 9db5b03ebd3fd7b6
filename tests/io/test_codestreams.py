"""Catalogue A, 22 and 23, and H, 96: compressed frames, and what they say against their headers."""

import json
import struct
from base64 import b64decode
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_making import one_slice, pixels, series, stored, write
from pydicom.encaps import encapsulate
from pydicom.uid import (
    MPEG4HP41,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)
from test_frames import enhanced

from napari_fusion.errors import ReadError
from napari_fusion.io import load, scan

SYNTAXES = {
    "JPEG lossless": JPEGLosslessSV1,
    "JPEG-LS": JPEGLSLossless,
    "JPEG 2000": JPEG2000Lossless,
    "HTJ2K": HTJ2KLossless,
}
LOWEST = {"<i2": -1024, "<u2": 60_000, "u1": 0, "12 bits": 3800}


def picture(kind):
    """The picture of which `compressed.json` holds codestreams; two code blocks wide."""
    r, c = np.mgrid[:40, :70]
    values = (r * r + 3 * c) % 251 + (r * c) % 5
    return (values + LOWEST[kind]).astype("<u2" if kind == "12 bits" else kind)


def stream(codec, kind):
    """What another encoder made of the picture."""
    streams = json.loads((Path(__file__).parent / "compressed.json").read_text())["streams"]
    return b64decode(streams[f"{codec} {kind}"])


def packed(ds, frames, syntax, fragments_per_frame=1, *, has_offset_table=True):
    """Put compressed frames in as the pixels."""
    ds.PixelData = encapsulate(frames, fragments_per_frame, has_bot=has_offset_table)
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    ds.file_meta.TransferSyntaxUID = syntax


def two_slices(folder, data, syntax, like, **tags):
    """Write a series of two slices that both hold this codestream; `tags` spoil the headers."""
    for index in range(2):
        ds = one_slice(index, "MR")
        pixels(ds, like)
        packed(ds, [data], syntax)
        for keyword, value in tags.items():
            setattr(ds, keyword, value)
        write(ds, folder / f"{index}.dcm")
    return folder


def bits(allocated, stored_bits, sign=0):
    return {"BitsAllocated": allocated, "BitsStored": stored_bits, "HighBit": stored_bits - 1,
            "PixelRepresentation": sign}  # fmt: skip


@pytest.mark.parametrize("kind", ["<i2", "<u2", "u1"])
@pytest.mark.parametrize(
    ("codec", "syntax"), [*SYNTAXES.items(), ("HTJ2K", HTJ2KLosslessRPCL)], ids=lambda x: str(x)
)
def test_022_what_other_encoders_wrote_without_loss_is_read_without_loss(
    tmp_path, codec, syntax, kind
):
    volume = load(two_slices(tmp_path, stream(codec, kind), syntax, picture(kind)))
    np.testing.assert_array_equal(volume.array, np.stack([picture(kind)] * 2))
    assert volume.warnings == ()


@pytest.mark.parametrize("codec", ["JPEG lossless", "JPEG-LS", "JPEG 2000"])
@pytest.mark.parametrize("sign", [0, 1], ids=["unsigned", "signed"])
def test_022_twelve_bits_have_the_sign_that_header_and_frame_give_them(tmp_path, codec, sign):
    data, like = stream(codec, "12 bits"), picture("12 bits")
    folder = two_slices(tmp_path, data, SYNTAXES[codec], like, **bits(16, 12, sign))
    if codec == "JPEG 2000" and sign:  # it says itself that its values have no sign
        with pytest.raises(ReadError, match="frame says 12 unsigned bits a pixel, its header sign"):
            load(folder)
    else:  # the format knows no sign, so the header's counts
        wanted = picture("12 bits").astype(int) - 4096 * sign
        np.testing.assert_array_equal(load(folder).array[0], wanted)


JPEGS = ["JPEG lossless", "JPEG-LS"]
WAVELETS = ["JPEG 2000", "HTJ2K"]
AGREE = [
    *[(codec, "u1", bits(16, 16)) for codec in SYNTAXES],
    *[(codec, "u1", bits(16, 12)) for codec in SYNTAXES],
    *[(codec, "u1", bits(16, 12, 1)) for codec in WAVELETS],
    *[(codec, "<i2", bits(16, 12, 1)) for codec in SYNTAXES],
    *[(codec, "<u2", bits(32, 32)) for codec in SYNTAXES],
]
CONTRADICT = [
    *[(codec, "u1", bits(16, 16, 1)) for codec in JPEGS],  # −128 … 127, or 0 … 254?
    *[(codec, "u1", bits(8, 7)) for codec in SYNTAXES],
    *[(codec, "u1", bits(8, 8, 1)) for codec in WAVELETS],
    *[(codec, "<u2", bits(16, 12)) for codec in SYNTAXES],
    *[(codec, "<u2", bits(16, 12, 1)) for codec in SYNTAXES],
    *[(codec, "<u2", bits(8, 8)) for codec in SYNTAXES],
    *[(codec, "<i2", bits(16, 10, 1)) for codec in SYNTAXES],
    *[(codec, "<i2", bits(16, 16)) for codec in WAVELETS],
    *[(codec, "<u2", {**bits(16, 16), "HighBit": 14}) for codec in SYNTAXES],
]


def name_of(value):
    return " ".join(map(str, value.values())) if isinstance(value, dict) else value


@pytest.mark.parametrize(("codec", "kind", "tags"), AGREE, ids=name_of)
def test_022_bits_counted_differently_are_read_where_the_values_are_the_same(
    tmp_path, codec, kind, tags
):
    folder = two_slices(tmp_path, stream(codec, kind), SYNTAXES[codec], picture(kind), **tags)
    np.testing.assert_array_equal(load(folder).array[0], picture(kind))


@pytest.mark.parametrize(("codec", "kind", "tags"), CONTRADICT, ids=name_of)
def test_022_bits_counted_differently_are_refused_where_the_values_are_not(
    tmp_path, codec, kind, tags
):
    folder = two_slices(tmp_path, stream(codec, kind), SYNTAXES[codec], picture(kind), **tags)
    with pytest.raises(ReadError, match=r"^0\.dcm contradicts itself: its .* bits a pixel") as said:
        load(folder)
    assert "\n" not in str(said.value)


@pytest.mark.parametrize("codec", SYNTAXES)
@pytest.mark.parametrize("tags", [{"Rows": 41}, {"Columns": 69}, {"Rows": 70, "Columns": 40}])
def test_022_another_matrix_in_the_frame_is_refused(tmp_path, codec, tags):
    folder = two_slices(tmp_path, stream(codec, "<u2"), SYNTAXES[codec], picture("<u2"), **tags)
    with pytest.raises(ReadError, match="frame has 40 × 70 pixels of 1 sample, its header says "):
        load(folder)


@pytest.mark.parametrize("codec", SYNTAXES)
def test_022_colour_in_the_frame_is_refused(tmp_path, codec):
    one = b"\x08\x00\x28\x00\x46\x01" if codec in JPEGS else b"\x00\x01\x07\x01\x01"
    three = one[:-1] + b"\x03" if codec in JPEGS else b"\x00\x03\x07\x01\x01"
    data = stream(codec, "u1")
    assert data.count(one) == 1
    folder = two_slices(tmp_path, data.replace(one, three), SYNTAXES[codec], picture("u1"))
    with pytest.raises(ReadError, match="frame has 40 × 70 pixels of 3 samples, its header says "):
        load(folder)


def test_096_the_frame_header_that_made_gdcm_write_beyond_its_memory_is_refused(tmp_path):
    """Case 1 000 874 of the fuzz: 57 bits a pixel, 14 649 rows. It is refused undecoded."""
    data = stream("JPEG lossless", "<u2").replace(b"\x10\x00\x28\x00", b"\x39\x39\x39\x39")
    folder = two_slices(tmp_path, data, JPEGLosslessSV1, picture("<u2"))
    with pytest.raises(ReadError, match="frame has 14649 × 14662 pixels"):
        load(folder)


@pytest.mark.parametrize(
    ("holds", "syntax", "match"),
    [
        ("JPEG-LS", JPEGLosslessSV1, r"holds JPEG-LS, .* 1\.2\S+70 says JPEG lossless"),
        ("JPEG lossless", JPEG2000Lossless, r"holds JPEG lossless, .* 1\.2\S+90 says JPEG 2000"),
        ("JPEG 2000", JPEGBaseline8Bit, r"holds JPEG 2000, .* 1\.2\S+50 says JPEG"),
        ("HTJ2K", JPEGLSLossless, r"holds JPEG 2000, .* 1\.2\S+80 says JPEG-LS"),
    ],
)
def test_022_another_codec_than_the_syntax_names_is_refused(tmp_path, holds, syntax, match):
    with pytest.raises(ReadError, match=match):
        load(two_slices(tmp_path, stream(holds, "u1"), syntax, picture("u1")))


@pytest.mark.parametrize(
    "data",
    [b"\0\0", b"\xff", b"\xff\xd8\xff\xd9", b"\xff\xd8\xff\xc3\0", b"\xff\xd8" * 40,
     b"\xff\x4f\xff\x51\0\x29", b"\xff\xd8\xff\xda\0\x08\xff\xc3", b"nothing at all",
     b"\xff\xd8\xff\xe0\0\0\xff\xe0" * 9],
)  # fmt: skip
@pytest.mark.parametrize("syntax", [JPEGLosslessSV1, HTJ2KLossless])
def test_022_a_frame_that_does_not_describe_itself_is_refused(tmp_path, data, syntax):
    with pytest.raises(ReadError, match=r"0\.dcm has a compressed frame without a header"):
        load(two_slices(tmp_path, data + b"\0" * (len(data) % 2), syntax, picture("u1")))


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.4.102", "1.2.840.10008.1.2.4.110", "1.2.3"])
def test_022_a_syntax_that_cannot_be_decoded_is_red_and_named(tmp_path, syntax):
    """Video, JPEG XL and one nobody knows."""
    folder = two_slices(tmp_path, b"\xff\x0a..", MPEG4HP41, picture("u1"))
    for path in folder.iterdir():
        known, other = MPEG4HP41.encode() + b"\0", syntax.encode()
        assert known in path.read_bytes()
        path.write_bytes(path.read_bytes().replace(known, other.ljust(len(known), b"\0")))
    (found,) = scan(folder)
    assert found.light == "red"
    assert f"0.dcm uses transfer syntax {syntax}, which is not supported" in found.reason
    with pytest.raises(ReadError, match="which is not supported"):
        load(folder)


def test_022_compressed_pixels_under_a_plain_syntax_are_red(tmp_path):
    folder = two_slices(tmp_path, stream("JPEG-LS", "u1"), JPEGLSLossless, picture("u1"))
    for path in folder.iterdir():
        plain, packed = f"{ExplicitVRLittleEndian}\0".encode(), JPEGLSLossless.encode()
        path.write_bytes(path.read_bytes().replace(packed, plain.ljust(len(packed), b"\0")))
    assert scan(folder)[0].light == "red"
    with pytest.raises(ReadError, match=r"has compressed pixels, its .*1\.2\.1 says plain ones"):
        load(folder)


def test_022_plain_pixels_under_a_compressed_syntax_are_red(tmp_path):
    folder = series(tmp_path, 2)
    for path in folder.iterdir():
        data, plain = path.read_bytes(), ExplicitVRLittleEndian.encode() + b"\0"
        path.write_bytes(data.replace(plain, RLELossless.encode().ljust(len(plain), b"\0")))
    with pytest.raises(ReadError, match=r"has plain pixels, its .*1\.2\.5 says compressed ones"):
        load(folder)


FRAMES = ["12 bits", "12 bits, upside down"]


@pytest.mark.parametrize("pieces", [1, 2, 3])
@pytest.mark.parametrize("table", ["right", "none", "lies"])
def test_022_frames_in_pieces_find_together_whatever_the_offset_table_says(tmp_path, pieces, table):
    ds = pydicom.dcmread(enhanced(tmp_path / "a.dcm", places=range(2)))
    pixels(ds, np.stack([picture("12 bits")] * 2))
    streams = [stream("JPEG lossless", kind) for kind in FRAMES]
    packed(ds, streams, JPEGLosslessSV1, pieces, has_offset_table=table != "none")
    if table == "lies":  # the second frame is said to begin within the first
        table_of_two = struct.pack("<HHI", 0xFFFE, 0xE000, 8)
        assert ds.PixelData.startswith(table_of_two)
        ds.PixelData = table_of_two + struct.pack("<2I", 0, 4) + ds.PixelData[16:]
    for tag, value in bits(16, 12).items():
        setattr(ds, tag, value)
    volume = load(write(ds, tmp_path / "a.dcm"))
    np.testing.assert_array_equal(volume.array, [picture("12 bits"), picture("12 bits")[::-1]])


def test_022_fewer_compressed_frames_than_announced_are_refused(tmp_path):
    ds = pydicom.dcmread(enhanced(tmp_path / "a.dcm", places=range(3)))
    pixels(ds, np.stack([picture("12 bits")] * 3))
    packed(ds, [stream("JPEG lossless", kind) for kind in FRAMES], JPEGLosslessSV1, 2)
    with pytest.raises(ReadError, match="says it has 3 frames, 2 compressed ones are there"):
        load(write(ds, tmp_path / "a.dcm"))


def test_022_frames_of_other_kinds_in_one_file_are_refused(tmp_path):
    ds = pydicom.dcmread(enhanced(tmp_path / "a.dcm", places=range(2)))
    pixels(ds, np.stack([picture("<u2")] * 2))
    packed(ds, [stream("JPEG 2000", "<u2"), stream("JPEG 2000", "12 bits")], JPEG2000Lossless)
    with pytest.raises(ReadError, match="compressed frames of different kinds"):
        load(write(ds, tmp_path / "a.dcm"))


@pytest.mark.parametrize("cut", [1, 4, 8, 9, 300])
@pytest.mark.parametrize("codec", [*SYNTAXES, "RLE"])
def test_023_compressed_pixels_that_break_off_are_refused(tmp_path, codec, cut):
    if codec == "RLE":
        folder = series(tmp_path, 2, edit=lambda ds, i: ds.compress(RLELossless, stored(i)))
    else:
        folder = two_slices(tmp_path, stream(codec, "u1"), SYNTAXES[codec], picture("u1"))
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes()[: -min(cut, 40 if codec == "RLE" else cut)])
    with pytest.raises(ReadError, match="shorter than its header says"):
        load(folder)


def test_023_items_of_compressed_pixels_that_are_none_are_refused(tmp_path):
    folder = two_slices(tmp_path, stream("JPEG-LS", "u1"), JPEGLSLossless, picture("u1"))
    for path in folder.iterdir():
        data, end = path.read_bytes(), struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
        assert data.endswith(end)
        path.write_bytes(data[: -len(end)] + struct.pack("<HHI", 0x7FE0, 0x10, 0))
    with pytest.raises(ReadError, match="compressed pixels that are damaged: no item where one"):
        load(folder)
