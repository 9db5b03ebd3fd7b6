from dataclasses import replace

import numpy as np
import pytest

from napari_fusion import Grid, Volume, save
from napari_fusion.gui.open.chooser import STATE, SeriesDialog
from napari_fusion.gui.open.thumbnail import SIDE, thumbnail
from napari_fusion.io import isolated, scan
from napari_fusion.io.series import Found


@pytest.fixture
def found(tmp_path):
    """A folder of a tall CT and a PET of one scanner, and a damaged file."""
    grid = Grid.regular((6, 40, 20), (3, 1, 1))
    ramp = np.broadcast_to(np.linspace(-200, 1200, 20, dtype=np.float32), grid.shape)
    save(Volume(ramp, grid, "CT", "HU"), tmp_path / "ct.nii.gz")
    save(Volume(np.abs(ramp) / 300, grid, "PT", "g/mL"), tmp_path / "pet.nii.gz")
    (tmp_path / "torn.nii.gz").write_bytes(b"\x1f\x8b torn")
    return scan(tmp_path)


@pytest.fixture
def dialog(qtbot, found):
    widget = SeriesDialog(found)
    qtbot.addWidget(widget)
    widget.show()
    yield widget
    widget.thumbnails.stop()
    isolated.close()


def icons(dialog):
    return [row.icon(0) for row, _ in dialog._rows]


def test_a_thumbnail_has_true_proportions_and_brightness(found):
    picture = thumbnail(next(one for one in found if one.modality == "CT"))
    assert picture.shape == (SIDE, SIDE)
    assert picture.dtype == np.uint8
    assert not picture[:, : SIDE // 4 - 1].any()  # 40 rows of 20 columns: black at both sides
    middle = picture[SIDE // 2].astype(int)
    assert middle[SIDE * 3 // 4 - 2] > middle[SIDE // 2] > middle[SIDE // 4 + 4]


def test_a_thumbnail_is_the_same_from_the_process_that_reads(found):
    for series in found[:2]:
        there = isolated.call(thumbnail, series)
        np.testing.assert_array_equal(there, thumbnail(series))
        assert there.max() > 100


@pytest.mark.real
def test_the_middle_slice_of_dicom_is_read_alone(data):
    folder = data / "volumes" / "sts_petct_mr" / "STS_002" / "CT" / "image"
    (series,) = scan(folder)
    assert thumbnail(series).max() > 100


def test_pictures_come_while_the_table_is_used(dialog, qtbot):
    assert dialog._rows  # the table is there at once, with or without pictures
    qtbot.waitUntil(lambda: sum(not icon.isNull() for icon in icons(dialog)) == 2, timeout=30_000)
    pictures = [icon.pixmap(SIDE).toImage() for icon in icons(dialog) if not icon.isNull()]
    brightest = [
        max(p.pixelColor(x, y).red() for x in range(SIDE) for y in range(SIDE)) for p in pictures
    ]
    assert min(brightest) > 100
    torn = next(row for row, one in dialog._rows if one.light == "red")
    assert torn.icon(0).isNull()


def test_closing_the_table_stops_the_pictures(dialog, qtbot):
    dialog.reject()
    assert dialog.thumbnails._job is None or not dialog.thumbnails._job.running


def test_the_pair_is_ticked_and_anatomy_comes_first(dialog):
    assert [one.modality for one, _ in dialog.chosen] == ["CT", "PT"]
    assert "Proposed: CT and PT" in dialog.advice.text()


def test_the_light_is_told_by_shape_word_and_colour(dialog):
    told = {row.text(STATE): row.foreground(STATE).color().name() for row, _ in dialog._rows}
    assert set(told) == {"● ready", "✖ refused"}
    assert len(set(told.values())) == 2


@pytest.mark.parametrize(("second", "ticked"), [("one", 2), ("another", 0)])
def test_without_a_pair_series_of_one_patient_alone_are_ticked(qtbot, tmp_path, second, ticked):
    grid = Grid.regular((6, 8, 8))
    save(Volume(np.ones(grid.shape, np.float32), grid, "CT", "HU"), tmp_path / "a.nii.gz")
    (series,) = scan(tmp_path)
    found = Found([replace(series, patient="one"), replace(series, patient=second)])
    dialog = SeriesDialog(found)
    qtbot.addWidget(dialog)
    dialog.thumbnails.stop()
    assert len(dialog.chosen) == ticked
