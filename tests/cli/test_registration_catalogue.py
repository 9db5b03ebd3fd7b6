"""Catalogue D at the shell's door: nothing applied, nothing changed, one sentence."""

import base64
import json
import os
import subprocess
import sys
import zlib
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from napari_fusion import Alignment, Grid, load, save
from napari_fusion.registration import DisplacementField


@pytest.fixture
def refused(shell, tmp_path):
    """Run a command that must change nothing and say one sentence; give that sentence."""

    def run(*command) -> str:
        before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
        code, _, err = shell(*command)
        assert code == 1
        assert err.count("napari-fusion:") == 1
        assert "Traceback" not in err
        files = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
        assert files == before
        return err[err.index("napari-fusion:") :]

    return run


def far(files, tmp_path):
    image = nib.load(files["moved"])
    affine = image.affine.copy()
    affine[:3, 3] += 3000
    path = tmp_path / "far.nii.gz"
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj), affine), path)
    return path


def test_d55_volumes_without_common_anatomy(refused, files, tmp_path):
    path = far(files, tmp_path)
    said = refused("align", files["ct"], path, "--search", "near", "--out", tmp_path / "t.tfm")
    assert "no anatomy in common" in said


def test_d55_a_wide_search_centres_them_by_itself(shell, files, tmp_path):
    path = far(files, tmp_path)
    code, said, _ = shell("align", files["ct"], path, "--out", tmp_path / "t.tfm", "--json")
    assert code == 0
    assert json.loads(said)["verdict"] == "PASS"
    assert json.loads(said)["shift_mm"] > 4000


def constant(array):
    array.fill(7)


def nothing(array):
    array.fill(np.nan)


def endless(array):
    array.fill(np.inf)


@pytest.mark.parametrize("role", ["fixed", "moving"])
@pytest.mark.parametrize(
    ("change", "words"),
    [(constant, "same value"), (nothing, "no finite value"), (endless, "no finite value")],
)
def test_d58_volumes_without_content(change, words, role, refused, files, spoiled, tmp_path):
    path = spoiled(change)
    pair = (path, files["ct"]) if role == "fixed" else (files["ct"], path)
    said = refused("align", *pair, "--out", tmp_path / "t.tfm")
    assert words in said
    assert role in said


def folding() -> DisplacementField:
    vectors = np.zeros((8, 8, 8, 3))
    vectors[::2, ..., 2] = 60
    return DisplacementField(Grid.regular((8, 8, 8), (20, 20, 20)), vectors)


BAD = {
    "mirror": (np.diag([-1.0, 1, 1, 1]), None, "left and right"),
    "folded": (np.eye(4), folding(), "folds space"),
}


@pytest.mark.parametrize("fault", BAD)
@pytest.mark.parametrize("command", ["apply", "run", "change"])
def test_d58_a_failed_alignment_is_not_applied(fault, command, refused, files, tmp_path):
    matrix, field, words = BAD[fault]
    good = Alignment.load(files["truth"])
    replace(good, matrix=good.matrix @ matrix, field=field).save(tmp_path / "bad.tfm")
    out = tmp_path / "out"
    commands = {
        "apply": ("apply", tmp_path / "bad.tfm", files["moved"], "--like", files["ct"]),
        "run": ("run", files["ct"], files["moved"], "--alignment", tmp_path / "bad.tfm"),
        "change": ("change", files["ct"], files["moved"], "--alignment", tmp_path / "bad.tfm"),
    }
    more = ("--out", f"{out}.nii.gz") if command == "apply" else ("--out", out)
    more += ("--no-window",) if command == "run" else ()
    said = refused(*commands[command], *more)
    assert words in said
    assert "--accept FAIL" in said


def test_d58_a_stretch_beyond_belief_is_not_written(refused, files, tmp_path):
    good = Alignment.load(files["truth"])
    wide = replace(good, matrix=good.matrix @ np.diag([1.5, 1.5, 1.5, 1]))
    wide.save(tmp_path / "wide.tfm")
    said = refused(
        *("align", files["ct"], files["moved"], "--initial", tmp_path / "wide.tfm"),
        *("--no-refine", "--out", tmp_path / "t.tfm"),
    )
    assert "Nothing was written." in said


TFM = (
    "#Insight Transform File V1.0\n#Transform 0\n"
    "Transform: {}\nParameters: {}\nFixedParameters: {}\n"
)
AFFINE = "AffineTransform_double_3_3"
FILES = {
    "singular": (TFM.format(AFFINE, "0 0 0 0 0 0 0 0 0 0 0 0", "0 0 0"), "singular"),
    "NaN": (TFM.format(AFFINE, "1 0 0 0 1 0 0 0 1 nan 0 0", "0 0 0"), "finite|read"),
    "short": (TFM.format(AFFINE, "1 0 0 0 1", "0 0 0"), "holds 5 parameters of 12"),
    "2-D": (TFM.format("Euler2DTransform_double_2_2", "0.1 1 2", "0 0"), "2-D"),
    "unknown": (TFM.format("MagicTransform_double_3_3", "1", "0"), "read"),
    "empty": ("", "not a transform"),
    "a bare matrix": ("1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n", "not a transform"),
    "JSON without a frame": ('{"matrix": [[1,0,0,0],[0,1,0,0],[0,0,1,0],[0,0,0,1]]}', "frame"),
    "missing": (None, "not a file"),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("command", ["align", "apply", "run"])
def test_d62_transform_files_that_are_none(name, command, refused, files, tmp_path):
    content, words = FILES[name]
    path = tmp_path / "given.txt"
    if content is not None:
        path.write_text(content)
    commands = {
        "align": ("align", files["ct"], files["moved"], "--initial", path),
        "apply": ("apply", path, files["moved"], "--like", files["ct"]),
        "run": ("run", files["ct"], files["moved"], "--no-window", "--alignment", path),
    }
    out = {"align": "t.tfm", "apply": "a.nii.gz", "run": "out"}[command]
    said = refused(*commands[command], "--out", tmp_path / out)
    assert any(word in said for word in words.split("|"))


CRASHING = (
    "eNrr9HBx4+WS4mLi4GCAgf9QcEIBwjeAis/Lk9zn7+ESxKQwtY49GxlXMAkha4QBLiYGRgYGNlEGIMXlGeId"
    "llpUnJmfdxhqHlQC6AKoxH1GiISAAAPDM1YI24oBIWYMFVOAO/XAHc0dYCcpojuJgZFRhIGBiREIoGphNLMI"
    "A6MkkCPAAMEQcQ4GVqBrmZk4gD5hZmSAhoYAzKINDEMOMBaum0yLsBGQGPphE+nB7E6LsFEYBmFz569+CS3C"
    "xmAYhM36+cbc/s4e3mwiID9y+gdDSy5xFoi8yZKURnKKSB6QcYwGCmxQezyo5+SWczfYwU4WBNnB5h/sl5ib"
    "+psJWgRLggT5QooS84rT8oty3YvySwuCocXst8C6u+R4RgJkJi/czJDKgtTNUI+xKYPkJOBybpkVqSkBiUVA"
    "J5UAQzJAAlHYn2eHsLUYkNKaXFnNblqkTYdhkDbL7/2pB0e0HMiPwvAwRgRvjiREZbFq+hSoJlBUC3AgAszd"
    "2d+HESkkGJHUgYCpnomeBZCGph8GGViCdXEzVcjJTCpKLKpUKINkCisFQz1DIz1DcCSgmeOTmVdaAaSh+YaB"
    "H0qb6Rla6JmY6KYl65aZm1nC1UsBMcggx7S0zLxUuN/iU/JLk3JS443jjVEDw4GfYRSMglEwCkbBKBgFQx3c"
    "GCketR+N61FAPzBrNAhGASo4MRoEIxbIII0HMKGNDzBD++kwPgu0Xw7jg9QSGpyBjQPAaREGRkEFe+h4uwOD"
    "CTeDyX+gJHhwhgsyOBOgAFErAXPkEByc+f7VxY5Q2PBA1fKQEDYZ0LBJGMJh07xRu2g0542CUTAKRsHwBEf3"
    "sHP/+v/e/v3qOoc7/GH7rT00JifIJNifszGx6DMOs9/0oC3lFVD+8AuOyif7Cvdzs0xYKSmQsF/RT6tzzcFC"
    "e+9gfecXQPnLwcnbFs3fvf/vlyjd08GX9qttajzxQeL8fgCmhTm+"
)
"""An ITK HDF5 transform with a few bytes changed, deflated: it ends the process that reads it."""


@pytest.mark.parametrize("command", ["align", "apply", "run"])
def test_d62_a_transform_that_crashes_its_reader(command, refused, files, tmp_path):
    path = tmp_path / "crash.h5"
    path.write_bytes(zlib.decompress(base64.b64decode(CRASHING)))
    commands = {
        "align": ("align", files["ct"], files["moved"], "--initial", path),
        "apply": ("apply", path, files["moved"], "--like", files["ct"]),
        "run": ("run", files["ct"], files["moved"], "--no-window", "--alignment", path),
    }
    out = {"align": "t.tfm", "apply": "a.nii.gz", "run": "out"}[command]
    assert "crash.h5" in refused(*commands[command], "--out", tmp_path / out)


@pytest.mark.parametrize("command", ["align", "apply", "run", "change"])
def test_d62_a_transform_of_another_pair_is_asked_about(command, refused, files, tmp_path):
    good = Alignment.load(files["truth"])
    replace(good, moving=good.moving.with_spacing(3)).save(tmp_path / "other.tfm")
    commands = {
        "align": ("align", files["ct"], files["moved"], "--initial"),
        "apply": ("apply", files["moved"], "--like", files["ct"]),
        "run": ("run", files["ct"], files["moved"], "--no-window", "--alignment"),
        "change": ("change", files["ct"], files["moved"], "--alignment"),
    }
    words = list(commands[command])
    words.insert(1 if command == "apply" else len(words), tmp_path / "other.tfm")
    out = {"align": "t.tfm", "apply": "a.nii.gz"}.get(command, "out")
    said = refused(*words, "--out", tmp_path / out)
    assert "another moving volume" in said
    assert "--other-pair" in said


def test_d62_a_flirt_matrix_of_images_it_cannot_count_in(refused, files, tmp_path):
    np.savetxt(tmp_path / "flirt.mat", np.eye(4))
    there = save(load(files["moved"]), tmp_path / "there.mha")
    said = refused(
        *("apply", tmp_path / "flirt.mat", there, "--like", files["ct"]),
        *("--out", tmp_path / "a.nii.gz"),
    )
    assert "NIfTI file of the moving image" in said


@pytest.mark.slow
@pytest.mark.parametrize("threads", ["2", "16"])
def test_d63_threads_do_not_change_a_written_transform(threads, files, tmp_path):
    for n in ("1", threads):
        limits = {"OMP_NUM_THREADS": n, "OPENBLAS_NUM_THREADS": n}
        limits["ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"] = n
        command = [sys.executable, "-m", "napari_fusion", "align", files["ct"], files["moved"]]
        command += ["--out", tmp_path / f"{n}.tfm"]
        subprocess.run([str(c) for c in command], env=os.environ | limits, check=True)
    assert (tmp_path / "1.tfm").read_bytes() == (tmp_path / f"{threads}.tfm").read_bytes()


def test_d64_reversed_slices_never_pass(shell, files, tmp_path):
    """Slices stored in the wrong order make a mirror image that a head nearly hides."""
    volume = load(files["moved"])
    turned = save(replace(volume, array=volume.array[::-1].copy()), tmp_path / "turned.nii.gz")
    _, said, _ = shell("align", files["ct"], turned, "--out", tmp_path / "t.tfm", "--json")
    assert json.loads(said)["verdict"] != "PASS"


def test_d62_itk_itself_reads_what_was_refused_as_another_pair(files, tmp_path):
    """The refusal is about the pair, not about the file: other programs read it."""
    good = Alignment.load(files["truth"])
    replace(good, moving=good.moving.with_spacing(3)).save(tmp_path / "other.tfm")
    read = sitk.ReadTransform(str(tmp_path / "other.tfm"))
    np.testing.assert_allclose(read.TransformPoint((1.0, 2.0, 3.0)), good.map_points([1, 2, 3]))
