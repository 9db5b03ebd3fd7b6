"""Training slices: paired by name, parted by patient, faults named and left out."""

import logging

import numpy as np
import pytest
from PIL import Image

from napari_fusion.errors import ReadError
from napari_fusion.nets.data import (
    batch,
    contrast_of_tissues,
    digest,
    greys,
    held_out,
    load_samples,
    luminance,
)


def test_slices_are_paired_by_name(folder):
    samples = load_samples(folder)
    assert len(samples) == 9
    assert samples[0].contrasts == ("CT", "MR")
    assert samples[0].planes.shape == (2, 96, 96)
    assert {s.case for s in samples} == {"CT-MR/1", "CT-MR/2", "PET-MR/3"}


def test_patients_are_parted_not_slices(folder):
    kept, apart = held_out(load_samples(folder), {"CT-MR/2"})
    assert len(apart) == 3
    assert not {s.case for s in kept} & {s.case for s in apart}


def test_one_corrupt_picture_is_named_and_left_out(folder, caplog):
    (folder / "CT-MR" / "CT" / "1001.png").write_bytes(b"not a picture")
    with caplog.at_level(logging.WARNING):
        assert len(load_samples(folder)) == 8
    assert "1001.png" in caplog.text
    assert "1 of the pictures in slices were left out" in caplog.text


def test_a_partner_of_another_size_is_named_and_left_out(folder, caplog):
    Image.new("L", (50, 50)).save(folder / "CT-MR" / "MR" / "1001.png")
    with caplog.at_level(logging.WARNING):
        assert len(load_samples(folder)) == 8
    assert "another size" in caplog.text


def test_a_slice_without_partner_is_left_out(folder):
    (folder / "CT-MR" / "MR" / "1001.png").unlink()
    assert len(load_samples(folder)) == 8


def test_an_empty_folder_and_no_folder_are_refused(tmp_path):
    with pytest.raises(ReadError, match="no paired slices"):
        load_samples(tmp_path)
    with pytest.raises(ReadError, match="is not a folder"):
        load_samples(tmp_path / "none")


def test_slices_of_one_contrast_alone_are_refused(folder):
    for path in (*folder.rglob("MR/*.png"), *folder.rglob("PET/*.png")):
        path.unlink()
    with pytest.raises(ReadError, match="no paired slices"):
        load_samples(folder)


def test_sixteen_bits_become_eight(folder):
    deep = np.full((96, 96), 0x8080, np.uint16)
    deep[0] = 0xFFFF
    Image.fromarray(deep).save(folder / "CT-MR" / "MR" / "1001.png")
    (plane,) = (s.planes[1] for s in load_samples(folder) if s.name == "1001")
    assert (plane[0, 0], plane[1, 0]) == (255, 0x80)


def test_colour_becomes_full_range_luminance():
    picture = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]], np.uint8)
    assert luminance(picture).tolist() == [[76, 150, 29, 255]]


def test_slices_rounded_by_another_processor_are_told_to_be_the_same(folder):
    known, sha = greys(load_samples(folder)), digest(folder)
    path = next((folder / "CT-MR" / "CT").iterdir())
    pixels = np.array(Image.open(path))
    pixels[48, 40:43] += 1
    Image.fromarray(pixels).save(path)
    found = greys(load_samples(folder))
    assert digest(folder) != sha
    assert {name: n for name, (n, _) in found.items()} == {
        "CT-MR/CT": 6, "CT-MR/MR": 6, "PET-MR/PET": 3, "PET-MR/MR": 3
    }  # fmt: skip
    for name, (_, mean) in found.items():
        assert mean == pytest.approx(known[name][1], abs=1e-3)
    assert found["CT-MR/CT"] != found["CT-MR/MR"]


def test_a_batch_is_decided_by_its_generator(folder):
    samples = load_samples(folder)
    drawn = [batch(samples, np.random.default_rng(s), count=3, side=64) for s in (1, 1, 2)]
    for pictures in drawn[0]:
        assert pictures.shape == (2, 3, 64, 64)
        assert pictures.dtype == np.float32
        assert pictures.min() >= 0
        assert pictures.max() <= 1
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])


def test_doubled_pixels_are_seen_but_not_meant(folder):
    rng = np.random.default_rng(0)
    seen, meant = batch(load_samples(folder), rng, count=40, side=64, synthetic=1)
    differ = (seen != meant).any(axis=(2, 3))
    assert 0.1 < differ.any(axis=0).mean() < 0.7
    assert not differ.all(axis=0).any()
    coarse = seen[differ][0]
    steps = np.abs(np.diff(coarse, axis=0)).mean(axis=1)
    assert min(steps[::2].mean(), steps[1::2].mean()) < 0.2 * steps.mean()


def test_a_made_contrast_keeps_the_anatomy_and_the_emptiness(folder):
    planes = load_samples(folder)[0].planes.astype(np.float32) / 255
    made = contrast_of_tissues(planes, np.random.default_rng(0))
    assert (made[planes.max(axis=0) == 0] == 0).all()
    inside = made[planes.max(axis=0) > 0.03]
    assert inside.std() > 0.01
    assert inside.min() >= 0
    assert inside.max() <= 1
