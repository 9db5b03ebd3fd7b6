"""Points as 3D Slicer marks them: ``.mrk.json`` and ``.fcsv``."""

from __future__ import annotations

import csv
import json
import re
from io import StringIO
from typing import Any

from napari_fusion.errors import ReadError
from napari_fusion.registration.landmarks.marks import Marks, marks

SCHEMA = (
    "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/"
    "Resources/Schema/markups-schema-v1.0.3.json#"
)
_FRAMES = {"0": "RAS", "1": "LPS", "RAS": "RAS", "LPS": "LPS"}
_COLUMNS = "id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID"


def read_json(text: str, name: str) -> Marks:
    """Read a markups file: one list of points, LPS unless it says RAS.

    Raises
    ------
    ReadError
        Not such a file, several lists, or a unit other than mm.
    """
    try:
        lists = json.loads(text)["markups"]
        if len(lists) != 1:
            raise ReadError(f"{name} holds {len(lists)} lists of points: save each one by itself")
        found = lists[0]
        unit = found.get("coordinateUnits", "mm")
        points = [p for p in found["controlPoints"] if _placed(p)]
        rows = [(str(p.get("label", "")), p["position"]) for p in points]
    except ReadError:
        raise
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise ReadError(f"{name} is not a list of points that 3D Slicer wrote") from error
    if "mm" not in (unit if isinstance(unit, list) else [unit]):
        raise ReadError(f"{name} counts in {unit!r}; points must be in mm")
    frame = str(found.get("coordinateSystem", "LPS"))
    return marks(rows, _FRAMES.get(frame, frame), name)


def _placed(point: dict[str, Any]) -> bool:
    return bool(point.get("positionStatus", "defined") == "defined")


def write_json(points: Marks) -> str:
    """Spell points as a markups file, in LPS."""
    controls = [
        {"id": str(i + 1), "label": label, "position": position, "positionStatus": "defined"}
        for i, (label, position) in enumerate(
            zip(points.names, points.points.tolist(), strict=True)
        )
    ]
    markup = {
        "type": "Fiducial",
        "coordinateSystem": "LPS",
        "coordinateUnits": "mm",
        "controlPoints": controls,
    }
    return json.dumps({"@schema": SCHEMA, "markups": [markup]}, indent=2) + "\n"


def read_fcsv(text: str, name: str) -> Marks:
    """Read a fiducial table: RAS unless its header says LPS (or 1), as 3D Slicer does.

    Raises
    ------
    ReadError
        No usable header, or a damaged row.
    """
    header = re.search(r"^# *CoordinateSystem *= *(\w+)", text, re.MULTILINE)
    columns = re.search(r"^# *columns *= *(.+)$", text, re.MULTILINE)
    if columns is None:
        raise ReadError(f"{name} does not name its columns as a .fcsv of 3D Slicer 4 or 5 does")
    place = {title.strip(): i for i, title in enumerate(columns[1].split(","))}
    rows = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            (cells,) = csv.reader([line])
            numbers = [float(cells[place[axis]]) for axis in "xyz"]
        except (KeyError, IndexError, ValueError, csv.Error) as error:
            raise ReadError(f"{name}, line {number}: a row without x, y and z") from error
        at = place.get("label", len(cells))
        rows.append((cells[at].strip() if at < len(cells) else "", numbers))
    frame = header[1] if header else "RAS"
    return marks(rows, _FRAMES.get(frame, frame), name)


def write_fcsv(points: Marks) -> str:
    """Spell points as a fiducial table, in LPS."""
    text = StringIO()
    text.write("# Markups fiducial file version = 4.11\n# CoordinateSystem = LPS\n")
    text.write(f"# columns = {_COLUMNS}\n")
    table = csv.writer(text, lineterminator="\n")  # quotes commas, as 3D Slicer does
    for i, (label, position) in enumerate(zip(points.names, points.points.tolist(), strict=True)):
        x, y, z = (repr(v) for v in position)
        table.writerow([i + 1, x, y, z, 1, 0, 0, 0, 1, 1, 0, label, "", ""])
    return text.getvalue()
