"""Spoilt transform and landmark files: read, or refused in a sentence; nothing else."""

from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
from pydicom.uid import generate_uid

from napari_fusion.errors import FusionError
from napari_fusion.grid import Grid
from napari_fusion.registration import Alignment, Landmarks
from napari_fusion.registration.alignment import pose_matrix
from napari_fusion.volume import Volume

CASES = 150
JUNK = [b"nan", b"-inf", b"1e999", b"\xff", b"\0", b"", b"{", b"[]", b"null", b"99999999999", b"\n"]


def spoilt(content: bytes, seed: int) -> bytes:
    """Cut the file, or put junk in a few places of it."""
    rng = np.random.default_rng(seed)
    if seed % 6 == 0:
        return content[: rng.integers(0, len(content))]
    for _ in range(rng.integers(1, 4)):
        at = int(rng.integers(0, len(content)))
        junk = JUNK[rng.integers(0, len(JUNK))]
        content = content[:at] + junk + content[at + int(rng.integers(0, 6)) :]
    return content


@pytest.fixture
def images(tmp_path):
    path = tmp_path / "image.nii"
    nib.save(nib.Nifti1Image(np.zeros((5, 6, 7), np.uint8), np.diag([-1.0, 1, 1, 1])), path)
    grid = Grid.regular((7, 6, 5))
    one = Volume(np.zeros(grid.shape, np.float32), grid, frame_uid=generate_uid(None))
    return {
        ".mat": (path, path),
        ".dcm": (one, replace(one, frame_uid=generate_uid(None))),
    }


@pytest.mark.parametrize("ending", [".tfm", ".json", ".mat", ".dcm"])
def test_d62_spoilt_transforms_are_read_or_refused(ending, images, tmp_path):
    grid = Grid.regular((7, 6, 5))
    pair = images.get(ending, (grid, grid))
    whole = Alignment(grid, grid, pose_matrix((0.1, 0.2, 0.3), (4, 5, 6), (0, 0, 0)))
    path = tmp_path / f"a{ending}"
    whole.save(path, fixed=pair[0], moving=pair[1])
    content = path.read_bytes()
    said = []
    for seed in range(CASES):
        path.write_bytes(spoilt(content, seed))
        try:
            read = Alignment.load(path, *pair)
        except FusionError as error:
            said.append(str(error))
        else:
            assert np.isfinite(read.matrix).all()
            assert read.invertible
    assert len(said) > CASES // 10
    assert [sentence for sentence in said if "\n" in sentence] == []


@pytest.mark.parametrize("ending", [".mrk.json", ".fcsv", ".csv", ".standard"])
def test_spoilt_landmarks_are_read_or_refused(ending, tmp_path):
    fixed = np.random.default_rng(0).uniform(-50, 50, (8, 3))
    whole = Landmarks(fixed, fixed + 1)
    path = tmp_path / f"a{ending}"
    if ending == ".standard":
        rows = [[i + 1, *a, *b] for i, (a, b) in enumerate(zip(fixed, fixed + 1, strict=True))]
        lines = ["Point x y z new_x new_y new_z", *(" ".join(map(str, row)) for row in rows)]
        path.write_text("\n".join(lines))
    else:
        whole.save(path, tmp_path / f"b{ending}")
    content = path.read_bytes()
    said = []
    for seed in range(CASES):
        path.write_bytes(spoilt(content, seed))
        try:
            read = Landmarks.load(path, None if ending == ".standard" else path)
        except FusionError as error:
            said.append(str(error))
        else:
            assert np.isfinite(read.fixed).all()
    assert len(said) > CASES // 10
    assert [sentence for sentence in said if "\n" in sentence] == []


@pytest.mark.parametrize(
    "name",
    [
        "AffineTransform",
        "Euler3DTransform",
        "VersorRigid3DTransform",
        "Similarity3DTransform",
        "ScaleVersor3DTransform",
        "ScaleSkewVersor3DTransform",
    ],
)
def test_d62_a_transform_cut_before_its_end_is_never_the_identity(name, tmp_path):
    """ITK's own reader takes the numbers that are missing for zeros, without a word."""
    import SimpleITK as sitk

    transform = getattr(sitk, name)(*([3] if name == "AffineTransform" else []))
    transform.SetParameters([*transform.GetParameters()[:-1], 4.25])
    path = tmp_path / "a.tfm"
    sitk.WriteTransform(transform, str(path))
    whole = path.read_text()
    expected = Alignment.load(path).matrix
    for end in range(whole.index("Transform:") + 10, len(whole)):
        path.write_text(whole[:end])
        try:
            read = Alignment.load(path)
        except FusionError:
            continue
        np.testing.assert_array_equal(read.matrix, expected)


@pytest.mark.parametrize("end", ["#Transform 1", "#Transform 2", None])
def test_d62_a_composite_that_lost_a_part_is_refused(end, tmp_path):
    import SimpleITK as sitk

    turn, shift = sitk.Euler3DTransform(), sitk.TranslationTransform(3, (1.0, 2.0, 30.75))
    path = tmp_path / "a.tfm"
    sitk.WriteTransform(sitk.CompositeTransform([turn, shift]), str(path))
    text = path.read_text()
    Alignment.load(path)
    path.write_text(text[: text.index(end) + len(end)] + "\n" if end else text.rstrip()[:-1])
    with pytest.raises(FusionError, match="breaks off"):
        Alignment.load(path)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("Parameters: 0.1 0.2 0.3 10 5 3\n", "breaks off"),
        ("Parameters: 0.1 0.2 0.3 10\nFixedParameters: 0 0 0\n", "holds 4 parameters of 6"),
        ("Parameters: 0.1 0.2 0.3 1 2 3 4\nFixedParameters: 0 0 0\n", "holds 7 parameters of 6"),
    ],
)
def test_d62_parameters_are_counted(lines, said, tmp_path):
    path = tmp_path / "few.tfm"
    head = "#Insight Transform File V1.0\n#Transform 0\nTransform: Euler3DTransform_double_3_3\n"
    path.write_text(head + lines)
    with pytest.raises(FusionError, match=said):
        Alignment.load(path)
