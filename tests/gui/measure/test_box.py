"""The table of the workspace, by mouse: a sphere at the crosshair, and painted regions."""

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from napari_fusion.gui.layers import place_of
from napari_fusion.gui.measure.box import COLUMNS, SPHERE


def shown(box):
    return [
        [box.table.item(row, column).text() for column in range(len(COLUMNS))]
        for row in range(box.table.rowCount())
    ]


def test_a_sphere_at_the_crosshair_is_measured_and_told_in_python(viewer, dock, qtbot):
    box = dock.keep.measure
    assert not box.table.isVisible()
    dock.desk.crossing.go((12.0, -6.0, 9.0))
    box.diameter.setValue(18)
    qtbot.mouseClick(box.button, Qt.MouseButton.LeftButton)
    rows = shown(box)
    assert [row[1] for row in rows] == ["head CT", "head T1"]
    assert [row[6] for row in rows] == ["HU", ""]
    assert box.table.isColumnHidden(0)  # there is one region
    assert 1 < float(rows[0][2]) < 5  # 3.05 mL, by whole voxels
    assert "NOT REGISTERED" in box.words.text()
    verb, call = dock.keep.code.lines[-1].split("; ")
    names = {"viewer": viewer}
    exec(verb, names)
    again = eval(call, names)
    assert f"{again[0].stats.mean:.4g} ± {again[0].stats.sd:.3g}" == rows[0][3]


def test_painted_regions_are_offered_and_measured(viewer, dock, qtbot):
    box = dock.keep.measure
    ct = viewer.layers["head CT"]
    painted = np.zeros(ct.data.shape, np.uint8)
    painted[20:24, 20:24, 20:24] = 2
    layer = viewer.add_labels(
        painted, name="tumour", scale=ct.scale, translate=ct.translate, units=("mm",) * 3
    )
    assert [box.region.itemText(i) for i in range(box.region.count())] == [SPHERE, "tumour"]
    box.region.setCurrentText("tumour")
    assert not box.diameter.isEnabled()
    qtbot.mouseClick(box.button, Qt.MouseButton.LeftButton)
    rows = shown(box)
    assert [row[0] for row in rows] == ["2", "2"]
    assert not box.table.isColumnHidden(0)
    known = place_of(ct).array[20:24, 20:24, 20:24].astype(float)
    assert rows[0][3] == f"{known.mean():.4g} ± {known.std():.3g}"
    qtbot.mouseClick(box.copy_button, Qt.MouseButton.LeftButton)
    first, *rest = QApplication.clipboard().text().splitlines()
    assert first.split("\t") == list(COLUMNS)
    assert rest[0].split("\t") == rows[0]
    viewer.layers.remove(layer)
    assert box.region.count() == 1


def test_what_cannot_be_measured_is_said_in_its_row(viewer, dock, qtbot):
    box = dock.keep.measure
    dock.desk.crossing.go((0.0, 0.0, 0.0))
    viewer.layers["head T1"].translate = (900.0, 0, 0)
    qtbot.mouseClick(box.button, Qt.MouseButton.LeftButton)
    assert shown(box)[1][3] == "outside"
