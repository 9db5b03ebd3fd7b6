import numpy as np
import pytest
import SimpleITK as sitk

from napari_fusion.errors import ParameterError, ReadError
from napari_fusion.grid import Grid
from napari_fusion.registration import Alignment, Quality
from napari_fusion.registration.alignment import pose_matrix

FIXED = Grid.regular((20, 30, 40), (3.0, 1.0, 1.0), centre=(5, -7, 11))
MOVING = Grid.regular((25, 25, 25), (2.0, 2.0, 2.0), centre=(-20, 3, 60))
POINTS = np.random.default_rng(0).uniform(-100, 100, (50, 3))
QUALITY = Quality(verdict="PASS", sentence="Agreed.", uncertainty_mm=0.25, numbers={"z": 8.5})


@pytest.fixture
def alignment() -> Alignment:
    matrix = pose_matrix(np.radians([10, -20, 33.3]), (4.1, -5.2, 6.3), FIXED.centre)
    return Alignment(FIXED, MOVING, matrix, QUALITY)


def damaged(tmp_path, parameters, kind="AffineTransform_double_3_3", fixed="0 0 0"):
    path = tmp_path / "damaged.tfm"
    path.write_text(
        f"#Insight Transform File V1.0\n#Transform 0\nTransform: {kind}\n"
        f"Parameters: {parameters}\nFixedParameters: {fixed}\n"
    )
    return path


def test_a_saved_alignment_comes_back_whole(alignment, tmp_path):
    path = tmp_path / "a.tfm"
    alignment.save(path)
    again = Alignment.load(path)
    np.testing.assert_array_equal(again.matrix, alignment.matrix)
    assert (again.fixed, again.moving) == (FIXED, MOVING)
    assert again.quality == QUALITY
    assert [p.name for p in tmp_path.iterdir()] == ["a.tfm"]


def test_itk_reads_the_same_point_map(alignment, tmp_path):
    path = tmp_path / "a.tfm"
    alignment.save(path)
    theirs = sitk.ReadTransform(str(path))
    mapped = [theirs.TransformPoint(p) for p in POINTS.tolist()]
    np.testing.assert_allclose(alignment.map_points(POINTS), mapped, atol=1e-10)


def test_d62_an_alignment_of_another_pair_is_to_be_checked(alignment, tmp_path):
    path = tmp_path / "a.tfm"
    alignment.save(path)
    other = Grid.regular((9, 9, 9))
    same = Alignment.load(path, FIXED, MOVING)
    assert same.quality.verdict == "PASS"
    strange = Alignment.load(path, FIXED, other)
    assert strange.quality.verdict == "CHECK"
    assert "another moving volume" in strange.quality.sentence
    assert strange.moving == other


def test_d62_composite_files_of_other_programs_are_read_and_unmeasured(tmp_path):
    euler = sitk.Euler3DTransform((5, 6, 7), 0.1, 0.2, 0.3, (1, 2, 3))
    path = tmp_path / "theirs.tfm"
    sitk.WriteTransform(sitk.CompositeTransform([euler, euler]), str(path))
    ours = Alignment.load(path, FIXED, MOVING)
    twice = [euler.TransformPoint(euler.TransformPoint(p)) for p in POINTS.tolist()]
    np.testing.assert_allclose(ours.map_points(POINTS), twice, atol=1e-9)
    assert ours.quality.verdict == "CHECK"


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ("0 0 0 0 0 0 0 0 0 0 0 0", "singular"),
        ("1 0 0 0 1 0 0 0 nan 0 0 0", "read|finite"),
        ("1 0 0 0 1 0 0 0 inf 0 0 0", "read|finite"),
        ("1 0 0 0 1", "holds 5 parameters of 12"),
    ],
)
def test_d62_damaged_transforms_are_refused(parameters, words, tmp_path):
    with pytest.raises(ReadError, match=words):
        Alignment.load(damaged(tmp_path, parameters))


def test_d62_a_2d_transform_file_is_refused(tmp_path):
    path = tmp_path / "flat.tfm"
    sitk.WriteTransform(sitk.Euler2DTransform((0, 0), 0.1, (1, 2)), str(path))
    with pytest.raises(ReadError, match="2-D"):
        Alignment.load(path)


def test_d62_a_mirroring_transform_fails(tmp_path):
    path = damaged(tmp_path, "-1 0 0 0 1 0 0 0 1 0 0 0")
    quality = Alignment.load(path, FIXED, MOVING).quality
    assert quality.verdict == "FAIL"
    assert "left and right" in quality.sentence


@pytest.mark.parametrize("text", ["", "hello", "<html>"])
def test_a_file_that_holds_no_transform_is_refused(text, tmp_path):
    path = tmp_path / "no.tfm"
    path.write_text(text)
    with pytest.raises(ReadError, match=r"no\.tfm"):
        Alignment.load(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ReadError, match=r"gone\.tfm"):
        Alignment.load(tmp_path / "gone.tfm")


def test_a_damaged_note_is_refused(alignment, tmp_path):
    path = tmp_path / "a.tfm"
    alignment.save(path)
    path.write_text(path.read_text().replace('"PASS"', '"GREAT"'))
    with pytest.raises(ReadError, match="quality"):
        Alignment.load(path)


def test_another_ending_is_refused_and_nothing_written(alignment, tmp_path):
    with pytest.raises(ParameterError, match="tfm"):
        alignment.save(tmp_path / "a.nii")
    assert list(tmp_path.iterdir()) == []


def test_disk_full_keeps_the_old_file(alignment, tmp_path, monkeypatch):
    path = tmp_path / "a.tfm"
    path.write_text("old")
    monkeypatch.setattr(
        "napari_fusion.registration.files.itk_text._text", lambda alignment: "#Insight Transform"
    )
    with pytest.raises(OSError, match=r"a\.tfm|read"):
        alignment.save(path)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.tfm"]
