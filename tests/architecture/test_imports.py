"""The floors of the house, seen from a fresh interpreter."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import napari_fusion

SOURCE = Path(napari_fusion.__file__).parent
HEAVY = {"torch", "SimpleITK", "nibabel", "dask", "napari", "qtpy", "scipy", "cv2", "pydicom"}
GUI_ONLY = {"napari", "qtpy", "magicgui", "superqt", "PyQt6", "PySide6"}


def loaded_after(statement: str) -> set[str]:
    code = f"import json, sys\n{statement}\nprint(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}


def test_importing_the_package_loads_nothing_heavy():
    assert not loaded_after("import napari_fusion") & (HEAVY | {"numpy", "pydantic"})


def test_importing_the_readers_loads_nothing_heavy():
    assert not loaded_after("import napari_fusion.io") & HEAVY


def test_the_core_never_loads_a_screen():
    names = ", ".join(napari_fusion.__all__)
    assert not loaded_after(f"from napari_fusion import {names}") & (GUI_ONLY | {"torch"})


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


def test_only_gui_imports_napari_or_qt():
    offenders = [
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*.py")
        if "gui" not in path.relative_to(SOURCE).parts and imported(path) & GUI_ONLY
    ]
    assert offenders == []
