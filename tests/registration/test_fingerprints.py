"""Catalogue D, 62: a verdict belongs to the voxels and to the very map that were judged."""

import json
from dataclasses import replace

import dask.array as da
import numpy as np
import pytest

from napari_fusion.digest import array_digest
from napari_fusion.errors import ParameterError
from napari_fusion.grid import Grid
from napari_fusion.io import load, save
from napari_fusion.recipe import Recipe, run
from napari_fusion.registration import Alignment, AlignOptions, Quality, align, assess
from napari_fusion.registration.files import load_for
from napari_fusion.volume import Step, Volume

GRID = Grid.regular((8, 9, 10))
PASSED = Quality(verdict="PASS", sentence="They match.", uncertainty_mm=0.4)


def volume(seed, modality="MR"):
    return Volume(np.random.default_rng(seed).random((8, 9, 10), np.float32), GRID, modality)


OURS, THEIRS = (volume(0), volume(1)), (volume(2), volume(3))


def judged(pair):
    prints = pair[0].fingerprints, pair[1].fingerprints
    return replace(Alignment.identity(GRID, GRID, PASSED).moved((1.375, 2, 3)), quality=PASSED,
                   judged_on=prints)  # fmt: skip


@pytest.fixture(params=[".tfm", ".txt", ".json"])
def written(request, tmp_path):
    path = tmp_path / f"a{request.param}"
    judged(OURS).save(path)
    return path


def test_d62_a_verdict_comes_back_for_the_volumes_it_is_of(written):
    found = load_for(written, *OURS)
    assert found.unlike == []
    assert found.alignment.quality == PASSED
    assert found.alignment.judged_on == judged(OURS).judged_on


@pytest.mark.parametrize("role", [0, 1])
def test_d62_another_patient_on_the_same_grid_has_no_verdict(written, role):
    pair = [*OURS]
    pair[role] = THEIRS[role]
    found = load_for(written, *pair)
    name = ("fixed", "moving")[role]
    assert found.unlike == [name]
    assert found.alignment.judged_on is None
    assert found.alignment.quality.verdict == "CHECK"
    assert f"other voxels than the {name} volume's" in found.alignment.quality.sentence
    np.testing.assert_array_equal(found.alignment.matrix, judged(OURS).matrix)


def test_d62_a_map_that_was_changed_by_hand_has_no_verdict(written):
    text = written.read_text()
    old = repr(judged(OURS).matrix[0, 3].item())
    assert text.count(old) == 1
    written.write_text(text.replace(old, "41.0"))
    for images in ((None, None), OURS):
        read = Alignment.load(written, *images)
        assert read.matrix[0, 3] == 41
        assert read.quality.verdict == "CHECK"
        assert "changed after it was judged" in read.quality.sentence
        assert read.quality.uncertainty_mm is None


def test_d62_a_field_that_was_changed_by_hand_has_no_verdict(tmp_path):
    from napari_fusion.registration import DisplacementField

    path = tmp_path / "a.tfm"
    field = DisplacementField(GRID, np.full((8, 9, 10, 3), 0.25, np.float32))
    replace(judged(OURS), field=field).save(path)
    assert Alignment.load(path, *OURS).quality == PASSED
    path.write_text(path.read_text().replace(" 0.25", " 0.75", 1))
    assert Alignment.load(path, *OURS).quality.verdict == "CHECK"


def older(path):
    """Take out what files of earlier versions do not say."""
    if path.suffix == ".json":
        told = json.loads(path.read_text())
        path.write_text(json.dumps({k: v for k, v in told.items() if k not in NEW}))
        return
    *lines, note = path.read_text().splitlines()
    head, _, told = note.partition("{")
    told = json.loads("{" + told)
    kept = json.dumps({k: v for k, v in told.items() if k not in NEW})
    path.write_text("\n".join([*lines, head + kept, ""]))


NEW = ("judged_on", "map_sha256")


def test_d62_a_file_of_an_earlier_version_is_read_and_doubted(written):
    older(written)
    for images in ((None, None), (GRID, GRID), OURS):
        quality = Alignment.load(written, *images).quality
        assert (quality.verdict, quality.uncertainty_mm) == ("CHECK", 0.4)
        assert "not of which voxels" in quality.sentence


def test_d62_a_verdict_of_nobody_knows_which_voxels_is_doubted(tmp_path):
    path = tmp_path / "a.tfm"
    replace(judged(OURS), judged_on=None).save(path)
    assert Alignment.load(path).quality == PASSED
    assert Alignment.load(path, *OURS).quality.verdict == "CHECK"
    replace(judged(OURS), judged_on=None).save(path, fixed=OURS[0], moving=OURS[1])
    assert Alignment.load(path, *OURS).quality == PASSED
    assert load_for(path, *THEIRS).unlike == ["fixed", "moving"]


def test_d62_paths_of_images_are_told_apart_too(tmp_path):
    paths = [save(one, tmp_path / f"{i}.nii.gz") for i, one in enumerate((*OURS, *THEIRS))]
    path = tmp_path / "a.tfm"
    loaded = [load(one) for one in paths]
    judged(loaded[:2]).save(path)
    assert Alignment.load(path, *paths[:2]).quality == PASSED
    assert load_for(path, *paths[2:]).unlike == ["fixed", "moving"]


def test_a_volume_is_known_by_its_voxels_and_by_its_file(tmp_path):
    one = volume(0)
    again = load(save(one, tmp_path / "a.nii.gz"))
    other = load(save(one, tmp_path / "a.nrrd"))
    assert {*one.fingerprints} & {*again.fingerprints} & {*other.fingerprints}
    scaled = again.with_array(again.array * 7, Step("suv"))
    assert {*scaled.fingerprints} & {*again.fingerprints}
    assert not {*scaled.fingerprints} & {*one.fingerprints}
    whole = Volume(np.arange(720).reshape(8, 9, 10), GRID)
    assert whole.fingerprints == replace(whole, array=whole.array.astype(np.float32)).fingerprints
    lazy = replace(one, array=da.from_array(one.array, chunks=4))
    assert lazy.fingerprints == one.fingerprints


def test_a_digest_is_that_of_the_bytes_however_they_lie(monkeypatch):
    import hashlib

    array = np.random.default_rng(0).random((7, 5, 3))
    whole = hashlib.sha256(array.tobytes()).hexdigest()
    for block in (1, 130, 1 << 25):
        monkeypatch.setattr("napari_fusion.digest.BLOCK_BYTES", block)
        assert array_digest(array) == whole
        assert array_digest(np.asfortranarray(array)) == whole


def test_what_is_found_and_what_is_assessed_names_its_voxels(head, tmp_path):
    ct, mr = head("CT"), head("T1")
    found = align(ct, mr)
    assert found.judged_on == (ct.fingerprints, mr.fingerprints)
    assert found.inverse().judged_on == (mr.fingerprints, ct.fingerprints)
    assert found.then(found.inverse()).judged_on == (ct.fingerprints, ct.fingerprints)
    assert found.moved((1, 0, 0)).judged_on is None
    given = Alignment.identity(ct.grid, mr.grid)
    assert assess(ct, mr, given).judged_on == (ct.fingerprints, mr.fingerprints)


def test_d62_a_start_of_another_pair_is_refused_or_told(head):
    ct, mr = head("CT"), head("T1")
    other = Grid.regular((9, 9, 9))
    for pair, role in (((other, mr.grid), "fixed"), ((ct.grid, other), "moving")):
        with pytest.raises(ParameterError, match=f"made for another {role} volume"):
            align(ct, mr, initial=Alignment.identity(*pair))
    near = AlignOptions(search="near")
    start = Alignment.identity(ct.grid, mr.grid)
    own = replace(start, judged_on=(ct.fingerprints, mr.fingerprints))
    theirs = replace(start, judged_on=(ct.fingerprints, OURS[1].fingerprints))
    found = [align(ct, mr, near, initial=one) for one in (start, own, theirs)]
    words = "The search began at an alignment of another moving volume."
    assert [one.quality.sentence.endswith(words) for one in found] == [False, False, True]
    assert {one.quality.verdict for one in found} == {"PASS"}
    nowhere = Alignment.identity(Grid((1, 1, 1), np.eye(4)), Grid((1, 1, 1), np.eye(4)))
    np.testing.assert_array_equal(align(ct, mr, near, initial=nowhere).matrix, found[0].matrix)


def test_d62_run_refuses_an_alignment_judged_on_other_voxels():
    with pytest.raises(ParameterError, match="judged on other voxels than the moving volume's"):
        run(Recipe(method="average"), OURS[0], THEIRS[1], alignments=[judged(OURS)])
    outcome = run(Recipe(method="average"), *OURS, alignments=[judged(OURS)])
    assert outcome.alignments[0].quality == PASSED
