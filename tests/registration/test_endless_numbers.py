"""Catalogue D, 62: NaN, infinity and absurd numbers in every format, refused before ITK dies."""

import base64
import json
import subprocess
import sys
import warnings
import zlib
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from pydicom.uid import generate_uid
from scipy.io import savemat

from napari_fusion.errors import ReadError
from napari_fusion.grid import Grid
from napari_fusion.io import isolated
from napari_fusion.registration import Alignment
from napari_fusion.registration.files.whole import NODES, NUMBERS
from napari_fusion.volume import Volume

GRID = Grid.regular((7, 6, 5))
VALUES = ["nan", "-inf", "1e999", "1e300", "0,5", "1_0"]
FINITE = [value for value in VALUES if value[0] in "-1n" and "_" not in value]
EYE = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]


def pure(name):
    """A transform of that kind, as ITK makes it."""
    if name == "BSplineTransform":
        return sitk.BSplineTransformInitializer(sitk.Image(8, 8, 8, sitk.sitkFloat32), [2, 2, 2], 3)
    if name == "DisplacementFieldTransform":
        return sitk.DisplacementFieldTransform(sitk.Image([4, 4, 4], sitk.sitkVectorFloat64, 3))
    flat = ("AffineTransform", "TranslationTransform", "ScaleTransform")
    return getattr(sitk, name)(*([3] if name in flat else []))


MADE = sorted(name for name in {*NUMBERS, *NODES} if hasattr(sitk, name))


def loaded_alone(folder):
    """Read every file of a folder in a process that may die, and say what came of each."""
    code = (
        "import sys; from pathlib import Path\n"
        "from napari_fusion.errors import ReadError\n"
        "from napari_fusion.registration import Alignment\n"
        "for path in sorted(Path(sys.argv[1]).iterdir()):\n"
        "    try: Alignment.load(path)\n"
        "    except ReadError: print('refused', path.name, flush=True)\n"
        "    else: print('read', path.name, flush=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True)
    assert done.returncode == 0, f"died after {done.stdout.splitlines()[-1:]}\n{done.stderr}"
    return done.stdout.splitlines()


@pytest.mark.parametrize("name", [name for name in MADE if name != "IdentityTransform"])
def test_d62_no_number_of_an_itk_text_file_may_be_endless(name, tmp_path):
    path = tmp_path / "whole.tfm"
    sitk.WriteTransform(pure(name), str(path))
    lines = path.read_text().splitlines()
    for field in ("Parameters", "FixedParameters"):
        (row,) = (i for i, line in enumerate(lines) if line.startswith(f"{field}:"))
        words = lines[row].split()
        for at in {1, len(words) // 2, len(words) - 1} - {0}:
            for value in VALUES:
                if at >= len(words):
                    continue
                spoilt = [*words[:at], value, *words[at + 1 :]]
                text = [*lines[:row], " ".join(spoilt), *lines[row + 1 :], ""]
                (tmp_path / f"{field}_{at}_{value}.tfm").write_text("\n".join(text))
    said = loaded_alone(tmp_path)
    assert len(said) > 6
    assert {line for line in said if line.startswith("read")} <= {"read whole.tfm"}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e300])
@pytest.mark.parametrize("ending", [".h5", ".mat"])
@pytest.mark.parametrize("name", ["Euler3DTransform", "AffineTransform"])
def test_d62_no_number_of_an_itk_binary_file_may_be_endless(name, ending, value, tmp_path):
    whole, places = pure(name), range(3, NUMBERS[name])
    for at in places if ending == ".mat" else (places[0], places[-1]):  # each ends a process
        numbers = list(whole.GetParameters())
        numbers[at] = value
        other = pure(name)
        other.SetParameters(numbers)
        sitk.WriteTransform(other, str(tmp_path / f"{at}{ending}"))
    assert {line.split()[0] for line in loaded_alone(tmp_path)} == {"refused"}


@pytest.mark.parametrize("name", [n for n in MADE if n in NUMBERS and n != "IdentityTransform"])
def test_d62_a_matlab_file_of_too_few_numbers_is_refused(name, tmp_path):
    """ITK dies of none, and reads beyond the end of some."""
    for count in (0, 1, NUMBERS[name] - 1):
        held = {f"{name}_double_3_3": np.zeros((count, 1)), "fixed": np.zeros((3, 1))}
        savemat(tmp_path / f"{count}.mat", held, format="4")
    assert {line.split()[0] for line in loaded_alone(tmp_path)} == {"refused"}


NONE_OF_SIX = (
    "eNrr9HBx4+WS4mLi4GCAgf9QUKAA4RtAxQ1eveT093AJYlL448mVjYwrmISQNcIAFxMDIwMDmygDkOLyDPEOSy0qzszP"
    "Oww1DyoBdAFU4j4jREJAgIHhGSuEbcWAEDOGiinAnWqQwCkCdpIiupMYGBlFGBiYGIEAqhZGM4swMEoCOQIMEAwR52Bg"
    "BbqWmYkD6BNmRgZoaAjALNrAMOTAI+Vj8rQIGwGJoR82jIu1NWgRNgrDIGzWJEsx0SJsDIZB2OTvTArwd/bwZhMB+ZHT"
    "PxhacomzQORNlqQ0klNE8oCMYzRQYIPa40E9J2evXKcJdrIgyA42/2C/xNzU30zQIlgSJMgXUpSYV5yWX5TrXpRfWhAM"
    "LWa/BdbdhXjmL9QTf4nyjATITF64mSGVBamboR5jUwbJScDl3DIrUlMCEouATioBhmSABKKwP88OYWsxIKW1Ne5TBGiR"
    "Nh2GQdqstDJuB0e0HMiPwvAwRgRvjiREZbFq+hSoJlBUC3AgAszd2d+HESkkGJHUgYCpnomeBZCGph8GGViCdXEzVcjJ"
    "TCpKLKpUKINkCisFQz1DIz1DcCSgmeOTmVdaAaSh+YaBH0qb6Rla6JmY6KYl65aZmZrD1UtDadfSnNQiYxe45+JT8kuT"
    "clLjjeONUQLDgZ9hFIyCUTAKRsEoGAWjYBSMglEwCkbBKBgFOIAM0ngAE9r4ADO0nw7js0D75TA+SC2hwRlYfx9GgwZn"
    "BBXsoePtDgwm3Awm/4EWgQdnuCCDMwEKELUKMEcOwcEZK3mlz4zAEAKPp0AHVRgZIKNOiCErVMAMlAfJYAsfSHhzgOWZ"
    "mJjABnBAzWNmhA3IoZvYMSjDptL1gdJozhsFo2AUjILhDQApfAb7"
)
"""An HDF5 file of ITK's Euler3DTransform without any parameter, deflated."""


def test_d62_an_hdf5_file_without_its_numbers_ends_no_script(tmp_path):
    """ITK dies of it, and nothing but ITK reads HDF5 here: a process of its own does."""
    (tmp_path / "none.h5").write_bytes(zlib.decompress(base64.b64decode(NONE_OF_SIX)))
    assert loaded_alone(tmp_path) == ["refused none.h5"]


@pytest.mark.parametrize("alone", [True, False])
def test_d62_an_hdf5_file_without_some_of_its_numbers_is_refused(alone, tmp_path):
    """ITK keeps the six that are there, and goes beyond their end for the other three.

    Whether its process lives through that is chance; it is not used again.
    """
    six = sitk.VersorRigid3DTransform()
    shift = sitk.TranslationTransform(3, (1.0, 2.0, 3.0))
    path = tmp_path / "some.h5"
    sitk.WriteTransform(six if alone else sitk.CompositeTransform([shift, six]), str(path))
    Alignment.load(path)
    whole = path.read_bytes()
    assert whole.count(b"VersorRigid3D") == 1
    path.write_bytes(whole.replace(b"VersorRigid3D", b"ScaleVersor3D"))
    for _ in range(3):
        with pytest.raises(ReadError, match=r"some\.h5 (holds 6 parameters of 9|cannot be read)"):
            Alignment.load(path)
        assert not isolated._idle


def test_d62_an_hdf5_file_that_holds_no_transform_is_no_identity(tmp_path):
    sitk.WriteTransform(sitk.CompositeTransform(3), str(tmp_path / "empty.h5"))
    with pytest.raises(ReadError, match=r"empty\.h5 holds no transform"):
        Alignment.load(tmp_path / "empty.h5")


@pytest.mark.parametrize("at", [(0, 0), (1, 3), (3, 3)])
@pytest.mark.parametrize("value", FINITE)
@pytest.mark.parametrize("ending", [".json", ".mat", ".dcm"])
def test_d62_no_number_of_a_matrix_may_be_endless(ending, value, at, tmp_path):
    image = tmp_path / "image.nii"
    nib.save(nib.Nifti1Image(np.zeros((5, 6, 7), np.uint8), np.diag([-1.0, 1, 1, 1])), image)
    one = Volume(np.zeros(GRID.shape, np.float32), GRID, frame_uid=generate_uid(None))
    volumes = (one, replace(one, frame_uid=generate_uid(None)))
    pair = {".mat": (image, image), ".dcm": volumes}.get(ending, (GRID, GRID))
    path = tmp_path / f"a{ending}"
    if ending == ".dcm":
        spoil_dicom(path, volumes, float(value), at)
    elif ending == ".json":
        words = [[value if (i, j) == at else str(n) for j, n in enumerate(row)]
                 for i, row in enumerate(EYE)]  # fmt: skip
        rows = ", ".join(f"[{', '.join(row)}]" for row in words)
        rows = rows.replace("nan", "NaN").replace("-inf", "-Infinity")
        head = json.dumps({"frame": "LPS", "direction": "fixed to moving"})[:-1]
        path.write_text(f'{head}, "matrix": [{rows}]}}')
    else:
        matrix = np.array(EYE, dtype=object)
        matrix[at] = value
        path.write_text("\n".join(" ".join(map(str, row)) for row in matrix))
    with pytest.raises(ReadError) as refusal:
        Alignment.load(path, *pair)
    assert "\n" not in str(refusal.value)


def spoil_dicom(path, volumes, value, at):
    """Put a number into the matrix of a whole Spatial Registration."""
    from pydicom import dcmread
    from pydicom.config import disable_value_validation

    Alignment.identity(GRID, GRID).moved((1, 2, 3)).save(path, fixed=volumes[0], moving=volumes[1])
    with disable_value_validation(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = dcmread(path)
        step = whole.RegistrationSequence[1].MatrixRegistrationSequence[0].MatrixSequence[0]
        numbers = [str(n) for n in step.FrameOfReferenceTransformationMatrix]
        numbers[4 * at[0] + at[1]] = f"{value:g}"
        step.FrameOfReferenceTransformationMatrix = numbers
        whole.save_as(path)


def test_d62_an_integer_without_end_is_no_matrix(tmp_path):
    matrix = [[10**400, 0, 0, 0], *EYE[1:]]
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"frame": "LPS", "direction": "fixed to moving", "matrix": matrix}))
    with pytest.raises(ReadError, match="should hold a 4 × 4 matrix of numbers"):
        Alignment.load(path)


@pytest.mark.parametrize("nothing", ["", "  "])
def test_d62_parameters_of_blanks_are_none(nothing, tmp_path):
    path = tmp_path / "blank.tfm"
    path.write_text(
        "#Insight Transform File V1.0\n#Transform 0\nTransform: TranslationTransform_double_3_3\n"
        f"Parameters:{nothing}\nFixedParameters: 0 0 0\n"
    )
    with pytest.raises(ReadError, match="holds 0 parameters of 3"):
        Alignment.load(path)
