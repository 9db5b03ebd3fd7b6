"""Each format against its own program's convention: direction, frame and unit."""

import json
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.uid import generate_uid

from napari_fusion.errors import FusionError, ParameterError, ReadError
from napari_fusion.grid import Grid
from napari_fusion.registration import Alignment, DisplacementField, Quality
from napari_fusion.registration.alignment import pose_matrix
from napari_fusion.registration.files import WRITTEN, load_for
from napari_fusion.volume import Volume

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "transform_files.json").read_text())
FLIP = np.diag([-1.0, -1.0, 1.0, 1.0])
POINTS = np.random.default_rng(0).uniform(-100, 100, (50, 3))
QUALITY = Quality(verdict="PASS", sentence="Agreed.", uncertainty_mm=0.25, numbers={"z": 8.5})
UIDS = generate_uid(None), generate_uid(None)


@pytest.fixture(scope="session")
def images(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("images")
    paths = {}
    for i, (name, image) in enumerate(GOLDEN["images"].items()):
        paths[name] = folder / f"{i}.nii.gz"
        voxels = np.zeros(image["shape"], np.uint8)
        nib.save(nib.Nifti1Image(voxels, np.array(image["ras_affine"])), paths[name])
    return paths


def volumes() -> tuple[Volume, Volume]:
    grids = Grid.regular((5, 6, 7), (3, 1, 1), centre=(5, -7, 11)), Grid.regular((8, 8, 8))
    fixed, moving = (Volume(np.zeros(g.shape, np.float32), g) for g in grids)
    return replace(fixed, frame_uid=UIDS[0]), replace(moving, frame_uid=UIDS[1])


def pose(angles=(10, -20, 33), shift=(4.1, -5.2, 6.3)) -> np.ndarray:
    return pose_matrix(np.radians(angles), shift, (5, -7, 11))


def between(matrix: np.ndarray) -> Alignment:
    fixed, moving = volumes()
    return Alignment(fixed.grid, moving.grid, matrix, QUALITY)


CASES = [pytest.param(c, id=f"{c['fixed']}, {c['moving']}") for c in GOLDEN["cases"]]


@pytest.mark.parametrize("case", CASES)
def test_flirt_matrices_are_those_of_nitransforms(case, images, tmp_path):
    fixed, moving = images[case["fixed"]], images[case["moving"]]
    matrix = FLIP @ np.array(case["ras_fixed_to_moving"]) @ FLIP
    between(matrix).save(tmp_path / "ours.mat", fixed=fixed, moving=moving)
    np.testing.assert_allclose(np.loadtxt(tmp_path / "ours.mat"), case["flirt"], atol=2e-7)
    read = Alignment.load(_flirt(tmp_path, case), fixed, moving)
    np.testing.assert_allclose(read.matrix, matrix, atol=3e-6)
    from napari_fusion.io import load

    assert read.fixed.matches(load(fixed).grid, 1e-4)
    assert read.moving.matches(load(moving).grid, 1e-4)
    assert read.quality.verdict == "CHECK"


def _flirt(folder: Path, case: dict) -> Path:
    path = folder / "theirs.mat"
    np.savetxt(path, case["flirt"], fmt="%.12g")
    return path


@pytest.mark.parametrize("case", CASES)
def test_itk_files_are_those_of_nitransforms(case, tmp_path):
    matrix = FLIP @ np.array(case["ras_fixed_to_moving"]) @ FLIP
    path = tmp_path / "theirs.tfm"
    path.write_text(
        "#Insight Transform File V1.0\n#Transform 0\nTransform: AffineTransform_float_3_3\n"
        f"Parameters: {' '.join(map(str, case['itk_parameters']))}\n"
        f"FixedParameters: {' '.join(map(str, case['itk_fixed_parameters']))}\n"
    )
    np.testing.assert_allclose(Alignment.load(path).matrix, matrix, atol=1e-4)
    between(matrix).save(tmp_path / "ours.tfm")
    ours = sitk.ReadTransform(str(tmp_path / "ours.tfm"))
    np.testing.assert_allclose(ours.GetParameters(), case["itk_parameters"], atol=1e-4)


@pytest.mark.parametrize(
    ("codes", "shape", "moved_lps"),
    [((-1, 1, 1), (10, 8, 6), (4, 0, 0)), ((1, 1, 1), (10, 8, 6), (4, 0, 0)),
     ((-1, -1, 1), (10, 8, 6), (-4, 0, 0))],
)  # fmt: skip
def test_a_flirt_shift_by_hand(codes, shape, moved_lps, tmp_path):
    """FSL's x grows to the left in LAS and RAS files, to the right where DICOM was converted."""
    path = tmp_path / "image.nii"
    affine = np.diag([*(2.0 * np.array(codes)), 1])
    nib.save(nib.Nifti1Image(np.zeros(shape, np.uint8), affine), path)
    np.savetxt(
        tmp_path / "shift.mat", [[1, 0, 0, -4], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    )  # FLIRT: what lies at x in the moving image lies at x - 4 in the fixed one
    read = Alignment.load(tmp_path / "shift.mat", path, path)
    np.testing.assert_allclose(read.map_points([0, 0, 0]), moved_lps, atol=1e-9)


def test_an_image_without_orientation_counts_as_stored_in_fsl(tmp_path):
    path = tmp_path / "unknown.nii"
    image = nib.Nifti1Image(np.zeros((10, 8, 6), np.uint8), None)
    image.header.set_zooms((2, 2, 2))
    nib.save(image, path)
    np.savetxt(tmp_path / "shift.mat", [[1, 0, 0, -4], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    read = Alignment.load(tmp_path / "shift.mat", path, path)
    np.testing.assert_allclose(np.abs(read.map_points([0, 0, 0])), [4, 0, 0], atol=1e-9)


@pytest.mark.parametrize("ending", WRITTEN)
@given(
    angles=st.tuples(*[st.floats(-180, 180)] * 3),
    shift=st.tuples(*[st.floats(-900, 900)] * 3),
    scale=st.floats(0.5, 2),
)
@settings(
    deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_every_format_gives_back_its_map(ending, angles, shift, scale, images, tmp_path):
    fixed, moving = list(images.values())[4:6] if ending == ".mat" else volumes()
    asked = between(pose(angles, shift) @ np.diag([scale, scale, scale, 1]))
    path = tmp_path / f"a{ending}"
    asked.save(path, fixed=fixed, moving=moving)
    read = Alignment.load(path, fixed, moving)
    exact = {".mat": 1e-8, ".dcm": 1e-5}.get(ending, 0)
    np.testing.assert_allclose(read.map_points(POINTS), asked.map_points(POINTS), atol=exact)


@pytest.mark.parametrize("ending", [".tfm", ".txt", ".json"])
def test_formats_with_room_bring_grids_and_quality(ending, tmp_path):
    between(pose()).save(tmp_path / f"a{ending}")
    read = Alignment.load(tmp_path / f"a{ending}")
    assert (read.fixed, read.moving) == (between(pose()).fixed, between(pose()).moving)
    assert read.quality == QUALITY


@pytest.mark.parametrize("ending", [".h5", ".mat", ".dcm"])
def test_formats_without_room_are_to_be_checked(ending, images, tmp_path):
    pair = list(images.values())[:2] if ending == ".mat" else volumes()
    path = tmp_path / f"a{ending}"
    between(pose()).save(path, fixed=pair[0], moving=pair[1])
    assert Alignment.load(path, *pair).quality.verdict == "CHECK"
    if ending == ".h5":
        assert load_for(path, *(v.grid for v in volumes())).others is None


@pytest.mark.parametrize("ending", [".tfm", ".json"])
def test_d62_another_pair_is_named(ending, tmp_path):
    path = tmp_path / f"a{ending}"
    asked = between(pose())
    asked.save(path)
    other = Grid.regular((9, 9, 9), centre=(50, 0, 0))
    assert load_for(path, asked.fixed, asked.moving).others == []
    assert load_for(path, other, asked.moving).others == ["fixed"]
    assert load_for(path, other, other).others == ["fixed", "moving"]
    quality = Alignment.load(path, asked.fixed, other).quality
    assert quality.verdict == "CHECK"
    assert "another moving volume" in quality.sentence


def test_content_decides_not_the_name(tmp_path):
    asked = between(pose())
    for ending in (".tfm", ".h5", ".json"):
        path = tmp_path / f"a{ending}"
        asked.save(path)
        strange = path.rename(tmp_path / f"{ending[1:]}.txt")
        np.testing.assert_array_equal(Alignment.load(strange).matrix, asked.matrix)


def test_ants_writes_mat_files_too(tmp_path):
    asked = between(pose())
    sitk.WriteTransform(asked.to_sitk(), str(tmp_path / "0GenericAffine.mat"))
    read = Alignment.load(tmp_path / "0GenericAffine.mat")
    np.testing.assert_array_equal(read.matrix, asked.matrix)


def test_slicer_by_hand(tmp_path):
    """Slicer shows "to parent, R +10": the moving volume is pushed 10 mm to the patient's right.

    Its file holds the way back (from parent) in LPS: a point of the fixed volume 10 mm to the
    right, L = -10, comes from L = 0 in the moving one.
    """
    path = tmp_path / "LinearTransform.tfm"
    path.write_text(
        "#Insight Transform File V1.0\n#Transform 0\n"
        "Transform: AffineTransform_double_3_3\n"
        "Parameters: 1 0 0 0 1 0 0 0 1 10 0 0\nFixedParameters: 0 0 0\n"
    )
    np.testing.assert_allclose(Alignment.load(path).map_points([-10, 0, 0]), [0, 0, 0])


@pytest.mark.parametrize("frame", ["LPS", "RAS"])
@pytest.mark.parametrize("direction", ["fixed to moving", "moving to fixed"])
def test_json_is_read_as_it_says(frame, direction, tmp_path):
    path = tmp_path / "a.json"
    matrix = np.array([[0.0, -1, 0, 10], [1, 0, 0, 20], [0, 0, 1, 30], [0, 0, 0, 1]])
    path.write_text(json.dumps({"matrix": matrix.tolist(), "frame": frame, "direction": direction}))
    x = np.array([1.0, 2, 3])
    if frame == "RAS":  # (1, 2, 3) LPS is (-1, -2, 3) RAS
        y = (FLIP[:3, :3] @ [12, 19, 33]) if direction == "fixed to moving" else None
    else:
        y = np.array([8.0, 21, 33]) if direction == "fixed to moving" else None
    read = Alignment.load(path)
    if y is not None:
        np.testing.assert_allclose(read.map_points(x), y)
    else:
        there = FLIP if frame == "RAS" else np.eye(4)
        back = (there @ np.linalg.inv(matrix) @ there) @ [*x, 1]
        np.testing.assert_allclose(read.map_points(x), back[:3])


def test_infinite_figures_do_not_spoil_json(tmp_path):
    endless = replace(between(pose()), quality=Quality(verdict="FAIL", sentence="Bad.",
                      numbers={"parts_mm": np.inf, "z": 0.1}))  # fmt: skip
    endless.save(tmp_path / "a.json")
    assert Alignment.load(tmp_path / "a.json").quality.numbers == {"z": 0.1}


def test_dicom_says_where_the_moving_frame_lies_in_the_fixed_one(tmp_path):
    fixed, moving = volumes()
    matrix = pose()
    between(matrix).save(tmp_path / "a.dcm", fixed=fixed, moving=moving)
    written = pydicom.dcmread(tmp_path / "a.dcm")
    assert written.SOPClassUID.name == "Spatial Registration Storage"
    assert written.Modality == "REG"
    assert written.FrameOfReferenceUID == UIDS[0]
    by_frame = {item.FrameOfReferenceUID: item for item in written.RegistrationSequence}
    steps = by_frame[UIDS[1]].MatrixRegistrationSequence[0].MatrixSequence
    assert steps[0].FrameOfReferenceTransformationMatrixType == "RIGID"
    to_fixed = np.array(steps[0].FrameOfReferenceTransformationMatrix, float).reshape(4, 4)
    where = matrix @ [1, 2, 3, 1]  # in the moving frame
    np.testing.assert_allclose(to_fixed @ where, [1, 2, 3, 1], atol=1e-8)
    assert written.PatientName == ""
    assert written.PatientID == ""


def test_dicom_is_read_in_both_directions(tmp_path):
    fixed, moving = volumes()
    asked = between(pose())
    asked.save(tmp_path / "a.dcm", fixed=fixed, moving=moving)
    back = Alignment.load(tmp_path / "a.dcm", moving, fixed)
    np.testing.assert_allclose(back.matrix, asked.inverse().matrix, atol=1e-8)
    alone = Alignment.load(tmp_path / "a.dcm")
    np.testing.assert_allclose(alone.matrix, asked.matrix, atol=1e-8)


def test_d62_dicom_for_other_frames_is_refused(tmp_path):
    fixed, moving = volumes()
    between(pose()).save(tmp_path / "a.dcm", fixed=fixed, moving=moving)
    other = replace(moving, frame_uid=generate_uid(None))
    with pytest.raises(ReadError, match="another pair.*moving"):
        Alignment.load(tmp_path / "a.dcm", fixed, other)
    with pytest.raises(ReadError, match="another pair.*fixed"):
        Alignment.load(tmp_path / "a.dcm", other, moving)


def registration(tmp_path, *steps, types=("RIGID",), frames=(UIDS[1],)) -> Path:
    fixed, moving = volumes()
    path = tmp_path / "a.dcm"
    between(pose()).save(path, fixed=fixed, moving=moving)
    written = pydicom.dcmread(path)
    template = written.RegistrationSequence[1]
    items = []
    for frame in frames:
        item = pydicom.Dataset.from_json(template.to_json())
        item.FrameOfReferenceUID = frame
        sequence = []
        for matrix, kind in zip(steps, types * len(steps), strict=False):
            step = pydicom.Dataset()
            step.FrameOfReferenceTransformationMatrixType = kind
            step.FrameOfReferenceTransformationMatrix = [
                pydicom.valuerep.format_number_as_ds(float(v)) for v in np.ravel(matrix)
            ]
            sequence.append(step)
        item.MatrixRegistrationSequence[0].MatrixSequence = sequence
        items.append(item)
    written.RegistrationSequence = [written.RegistrationSequence[0], *items]
    written.save_as(path)
    return path


SHIFT = pose_matrix((0, 0, 0), (1, 2, 3), (0, 0, 0))
TURN = pose_matrix((0, 0, 1), (0, 0, 0), (0, 0, 0))


def test_dicom_matrices_whose_order_does_not_matter_are_multiplied(tmp_path):
    read = Alignment.load(registration(tmp_path, SHIFT, SHIFT), *volumes())
    np.testing.assert_allclose(read.map_points([0, 0, 0]), [-2, -4, -6])


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ((SHIFT, TURN), "order matters"),
        ((np.diag([2.0, 1, 1, 1]),), "rigid that stretches"),
        ((np.zeros((4, 4)),), "last row"),
        ((np.diag([1.0, 1, 0, 1]),), "stretches|singular"),
    ],
)
def test_d62_dicom_matrices_that_are_none_are_refused(steps, words, tmp_path):
    with pytest.raises(ReadError, match=words):
        Alignment.load(registration(tmp_path, *steps), *volumes())


def test_dicom_with_several_frames_asks_which(tmp_path):
    third = generate_uid(None)
    path = registration(tmp_path, SHIFT, frames=(UIDS[1], third))
    with pytest.raises(ReadError, match="2 frames"):
        Alignment.load(path)
    assert Alignment.load(path, *volumes()).matrix[0, 3] == -1


def test_dicom_images_and_deformable_registrations_are_refused(tmp_path):
    path = registration(tmp_path, SHIFT)
    written = pydicom.dcmread(path)
    written.SOPClassUID = pydicom.uid.DeformableSpatialRegistrationStorage
    written.file_meta.MediaStorageSOPClassUID = written.SOPClassUID
    written.save_as(path)
    with pytest.raises(ReadError, match="Deformable"):
        Alignment.load(path, *volumes())
    path.write_bytes(path.read_bytes()[:400])
    with pytest.raises(ReadError, match=r"a\.dcm"):
        Alignment.load(path, *volumes())


@pytest.mark.parametrize(
    ("ending", "pair", "words"),
    [
        (".mat", (None, None), "NIfTI file of the fixed"),
        (".mat", volumes(), "NIfTI file of the fixed"),
        (".dcm", (None, None), "fixed image has none"),
        (".dcm", (volumes()[0], volumes()[1].grid), "moving image has none"),
        (".dcm", (volumes()[0], volumes()[0]), "share one frame"),
        (".nii", (None, None), "saved as .tfm"),
        ("", (None, None), "saved as .tfm"),
    ],
)
def test_what_a_format_needs_is_said_and_nothing_written(ending, pair, words, tmp_path):
    with pytest.raises(FusionError, match=words):
        between(pose()).save(tmp_path / f"a{ending}", fixed=pair[0], moving=pair[1])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", [".mat", ".json", ".dcm"])
def test_a_map_that_bends_space_goes_to_itk_files_only(ending, tmp_path):
    field = DisplacementField(Grid.regular((4, 4, 4), (30, 30, 30)), np.ones((4, 4, 4, 3)))
    bent = replace(between(pose()), field=field)
    with pytest.raises(ParameterError, match="bends space"):
        bent.save(tmp_path / f"a{ending}", fixed=volumes()[0], moving=volumes()[1])
    assert list(tmp_path.iterdir()) == []


def test_a_map_that_bends_space_comes_back_from_hdf5(tmp_path):
    vectors = np.random.default_rng(0).normal(0, 1, (4, 5, 6, 3))
    field = DisplacementField(Grid.regular((4, 5, 6), (30, 20, 20)), vectors)
    bent = replace(between(pose()), field=field)
    bent.save(tmp_path / "a.h5")
    read = Alignment.load(tmp_path / "a.h5")
    np.testing.assert_allclose(read.map_points(POINTS), bent.map_points(POINTS), atol=1e-9)


@pytest.mark.parametrize("bends", [False, True])
def test_a_map_of_a_kind_that_simpleitk_has_no_name_for_is_read(bends, tmp_path):
    """As the published maps of real pairs are; SimpleITK takes it for a composite of itself."""
    field = DisplacementField(Grid.regular((4, 5, 6), (30, 20, 20)), np.ones((4, 5, 6, 3)))
    wanted = replace(between(pose()), field=field if bends else None)
    wanted.save(tmp_path / "a.tfm")
    text = (tmp_path / "a.tfm").read_text()
    (tmp_path / "b.tfm").write_text(text.replace("AffineTransform", "MatrixOffsetTransformBase"))
    read = Alignment.load(tmp_path / "b.tfm")
    np.testing.assert_allclose(read.map_points(POINTS), wanted.map_points(POINTS), atol=1e-9)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.mat", "1 0 0 0\n0 1 0 0\n0 0 1 0\n", "3 × 4"),
        ("a.mat", "1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 x\n", "4 × 4"),
        ("a.mat", "1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 nan 1\n", "finite"),
        ("a.mat", "1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 2\n", "last row"),
        ("a.mat", "1 0 0 0\n0 1 0 0\n0 0 0 0\n0 0 0 1\n", "singular"),
        ("a.mat", "\0\0\0\0\x0c\0", "ITK"),
        ("a.txt", "1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n", "not a transform"),
        ("a.xfm", "MNI Transform File\n", "not a transform"),
        ("a.h5", "\x89HDF\r\n", "ITK|transform"),
        ("a.json", "{", "JSON"),
        ("a.json", '{"matrix": 1}', '"frame"'),
        ("a.json", '{"matrix": 1, "frame": "LPS"}', '"direction"'),
        ("a.json", '{"matrix": 1, "frame": "LPS", "direction": "fixed to moving"}', "one number"),
        ("a.json", '{"matrix": "x", "frame": "RAS", "direction": "fixed to moving"}', "numbers"),
    ],
)
def test_d62_damaged_files_are_refused(name, content, words, images, tmp_path):
    path = tmp_path / name
    path.write_bytes(content.encode("latin-1"))
    pair = list(images.values())[:2]
    with pytest.raises(ReadError, match=words):
        Alignment.load(path, *pair)


@pytest.mark.real
def test_dicom_folders_of_one_frame_are_not_mapped_to_themselves(data, tmp_path):
    study = data / "volumes" / "sts_petct_mr" / "STS_002"
    paths = study / "CT" / "image", study / "MR_T1" / "image"
    with pytest.raises(ParameterError, match="share one frame"):
        between(pose()).save(tmp_path / "a.dcm", fixed=paths[0], moving=paths[1])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.real
def test_published_dicom_folders_in_two_frames_go_out_and_in(data, tmp_path):
    study = data / "volumes" / "sts_petct_mr" / "STS_002"
    ct, mr = study / "CT" / "image", tmp_path / "mr"
    mr.mkdir()
    for path in (study / "MR_T1" / "image").iterdir():
        slice_ = pydicom.dcmread(path)
        slice_.FrameOfReferenceUID = UIDS[1]
        slice_.save_as(mr / path.name)
    asked = between(pose())
    asked.save(tmp_path / "a.dcm", fixed=ct, moving=mr)
    read = Alignment.load(tmp_path / "a.dcm", ct, mr)
    np.testing.assert_allclose(read.matrix, asked.matrix, atol=1e-8)
    turned = Alignment.load(tmp_path / "a.dcm", mr, ct)
    np.testing.assert_allclose(turned.matrix, asked.inverse().matrix, atol=1e-8)
    text = (tmp_path / "a.dcm").read_bytes()
    patient = pydicom.dcmread(next(ct.iterdir())).PatientID
    assert patient.encode() not in text


@pytest.mark.parametrize("name", ["A.TFM", "A.TXT", "A.H5", "A.Tfm"])
def test_a_name_in_capitals_is_the_same_format(name, tmp_path):
    kept = between(pose())
    kept.save(tmp_path / name)
    assert [place.name for place in tmp_path.iterdir()] == [name]
    found = Alignment.load(tmp_path / name, *volumes())
    np.testing.assert_array_equal(found.matrix, kept.matrix)
